import type { StreamConfig } from "@nats-io/jetstream";
import type { StreamDefinition } from "./definitions.js";

export interface Difference {
  readonly field: string;
  readonly wanted: string;
  readonly actual: string;
}

/** Things that no stream of ours has: each would change what the stream keeps. */
const FOREIGN = ["mirror", "sources", "republish", "subject_transform"] as const;

/** Where a stream's configuration on the server differs from the definition. The server leaves out fields that are false or 0. */
export function differences({ config, tunable }: StreamDefinition, actual: StreamConfig): Difference[] {
  const found: Difference[] = [];
  for (const [field, wanted] of Object.entries(config)) {
    const value = actual[field as keyof StreamConfig];
    if (tunable.includes(field as keyof StreamConfig) || same(field, wanted, value)) continue;
    found.push({ field, wanted: show(wanted), actual: show(value) });
  }
  for (const field of FOREIGN) {
    if (actual[field] !== undefined) found.push({ field, wanted: "none", actual: show(actual[field]) });
  }
  return found;
}

function same(field: string, wanted: unknown, actual: unknown): boolean {
  if (field === "num_replicas") return Number(actual ?? 1) >= Number(wanted);
  if (Array.isArray(wanted)) return JSON.stringify(wanted) === JSON.stringify(actual ?? []);
  const fallback = typeof wanted === "boolean" ? false : typeof wanted === "number" ? 0 : undefined;
  return wanted === (actual ?? fallback);
}

const show = (value: unknown): string => (value === undefined ? "not set" : JSON.stringify(value));
