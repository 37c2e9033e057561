// How a check of suricata-verify says which events it means: paths into the event, with indexes and a few suffixes.

import { isDeepStrictEqual } from "node:util";

type Test = (found: unknown, wanted: unknown) => boolean;

const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value) ?? "");

/** Suffixes of a path, and what they ask of the value found. */
const suffixes: Readonly<Record<string, Test | undefined>> = {
  __len: (found, wanted) => (typeof found === "string" || Array.isArray(found)) && found.length === wanted,
  __contains: (found, wanted) =>
    Array.isArray(found) ? found.some((item) => same(item, wanted)) : typeof found === "string" && found.includes(text(wanted)),
  __find: (found, wanted) => typeof found === "string" && found.includes(text(wanted)),
  __startswith: (found, wanted) => typeof found === "string" && found.startsWith(text(wanted)),
  __endswith: (found, wanted) => typeof found === "string" && found.endsWith(text(wanted)),
};

/** The value at `a.b[2].c`; undefined when it is not there. */
export function valueAt(event: unknown, path: string): unknown {
  let value: unknown = event;
  for (const step of path.split(".")) {
    const [, name = "", indexes = ""] = /^([^[]*)((?:\[\d+\])*)$/.exec(step) ?? [];
    if (name !== "") value = child(value, name);
    for (const [, index] of indexes.matchAll(/\[(\d+)\]/g)) value = Array.isArray(value) ? (value as unknown[])[Number(index)] : undefined;
  }
  return value;
}

function child(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function same(found: unknown, wanted: unknown): boolean {
  if (found === wanted) return true;
  if (typeof found === "object" && typeof wanted === "object") return isDeepStrictEqual(found, wanted);
  // YAML reads some texts as numbers and the other way round.
  return found !== undefined && found !== null && text(found) === text(wanted);
}

/** Whether the event is one that the check means. */
export function matches(event: unknown, match: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(match).every(([key, wanted]) => {
    if (key === "has-key") return valueAt(event, text(wanted)) !== undefined;
    if (key === "not-has-key") return valueAt(event, text(wanted)) === undefined;
    const suffix = Object.keys(suffixes).find((ending) => key.endsWith(ending));
    const path = suffix === undefined ? key : key.slice(0, -suffix.length);
    const found = valueAt(event, path);
    return found !== undefined && (suffixes[suffix ?? ""] ?? same)(found, wanted);
  });
}
