import type { Owner } from "../process/owner.js";

/** The parts of a namespace's name: `<prefix>.<pid>-<start time>-<number>.<name>`. */
export type NamespaceId = { prefix: string; owner: Owner; lab: number; name: string };

const PART = /^[a-zA-Z0-9_-]{1,40}$/;

/** @throws Error when prefix or name is empty, longer than 40, or not made of letters, digits, `_` and `-`. */
export function formatNamespace({ prefix, owner, lab, name }: NamespaceId): string {
  for (const part of [prefix, name]) {
    if (!PART.test(part)) throw new Error(`"${part}" cannot name a namespace: 1 to 40 letters, digits, "_" or "-"`);
  }
  return `${prefix}.${owner.pid}-${owner.startTime}-${lab}.${name}`;
}

/** The parts of a name that `formatNamespace` made, or undefined for any other name. */
export function parseNamespace(text: string): NamespaceId | undefined {
  const match = /^([a-zA-Z0-9_-]+)\.(\d+)-(\d+)-(\d+)\.([a-zA-Z0-9_-]+)$/.exec(text);
  if (match === null) return undefined;
  const [, prefix = "", pid, startTime = "", lab, name = ""] = match;
  return { prefix, owner: { pid: Number(pid), startTime }, lab: Number(lab), name };
}
