import { ByteWriter } from "./byte-writer.js";
import { RuleImageError } from "./errors.js";

/**
 * How a name is compared (letters' case never matters): `exact` the whole name; `suffix` the name itself or anything that ends
 * in a dot and it; `endswith` anything that ends in it, also in the middle of a label.
 */
export type DomainMode = "exact" | "suffix" | "endswith";

export interface DomainEntry {
  /** Bytes as characters (Latin-1). */
  readonly name: string;
  /** What a look-up gives: a number of the caller's, u32. */
  readonly value: number;
  readonly mode: DomainMode;
}

interface Node {
  readonly name: Uint8Array;
  /** Bytes of the name's end that its hash is of. */
  readonly keyLength: number;
  readonly values: { readonly exact: number[]; readonly suffix: number[]; readonly endswith: number[] };
}

const MAGIC = 0x534d4f44; // "DOMS"
const MAX_NAME = 1024;
/** Key lengths of `endswith` names: the longest one that fits. Index is also the bit in the header's mask. */
const KEY_LENGTHS = [1, 2, 3, 4, 6, 8, 12, 16] as const;

/**
 * A table of names for `domainsAttach` and `domainLookup` of the engine (wasm/engine/match/domains.ts, which has the layout).
 * @throws RuleImageError on names that are empty or longer than 1,024 bytes
 */
export function encodeDomains(entries: readonly DomainEntry[]): Uint8Array {
  const nodes = collect(entries);
  const slots = 1 << Math.max(2, Math.ceil(Math.log2(nodes.length * 2 + 1)));
  const out = new ByteWriter(1 << 16);
  out.u32(MAGIC);
  const [slotsAt, nodesAt, valuesAt, namesAt, total] = [out.label(), out.label(), out.label(), out.label(), out.label()];
  let mask = 0;
  for (const node of nodes) {
    if (node.values.endswith.length > 0) mask |= 1 << KEY_LENGTHS.indexOf(node.keyLength as (typeof KEY_LENGTHS)[number]);
  }
  out.u32Label(total).u32(slots).u32Label(slotsAt).u32(nodes.length).u32Label(nodesAt);
  out.u32(entries.length).u32Label(valuesAt).u32Label(namesAt).u32(mask).u32(0).u32(0);
  out.place(slotsAt);
  for (const { hash, node } of place(nodes, slots)) out.u32(hash).u32(node);
  out.place(nodesAt);
  let nameAt = 0;
  let valueAt = 0;
  for (const { name, values } of nodes) {
    out.u32(nameAt).u32(name.length).u32(valueAt);
    out.u16(values.exact.length).u16(values.suffix.length).u32(values.endswith.length);
    nameAt += name.length;
    valueAt += values.exact.length + values.suffix.length + values.endswith.length;
  }
  out.place(valuesAt);
  for (const { values } of nodes) {
    for (const value of [...values.exact, ...values.suffix, ...values.endswith]) out.u32(value);
  }
  out.place(namesAt);
  for (const { name } of nodes) out.bytes(name);
  out.align(16).place(total);
  return out.finish();
}

function collect(entries: readonly DomainEntry[]): Node[] {
  const nodes = new Map<string, Node>();
  for (const { name, value, mode } of entries) {
    if (name.length === 0 || name.length > MAX_NAME) {
      throw new RuleImageError("limit", `a domain name has 1 to ${MAX_NAME} bytes, "${name.slice(0, 40)}" has ${name.length}`);
    }
    const bytes = Uint8Array.from(name, (char) => fold(char.charCodeAt(0)));
    const keyLength = mode === "endswith" ? (KEY_LENGTHS.findLast((length) => length <= bytes.length) ?? 1) : bytes.length;
    const key = `${mode === "endswith"}:${bytes.join()}`;
    const node = nodes.get(key) ?? { name: bytes, keyLength, values: { exact: [], suffix: [], endswith: [] } };
    nodes.set(key, node);
    const list = node.values[mode];
    if (list.length === 0xffff) throw new RuleImageError("limit", `more than 65,535 rules have the domain "${name}"`);
    list.push(value);
  }
  return [...nodes.values()];
}

/** Open addressing, linear: a slot has the hash and the node's number plus one; 0 is empty. */
function place(nodes: readonly Node[], slots: number): { hash: number; node: number }[] {
  const table = Array.from({ length: slots }, () => ({ hash: 0, node: 0 }));
  nodes.forEach(({ name, keyLength, values }, i) => {
    const hash = hashOf(name.subarray(name.length - keyLength), values.endswith.length > 0);
    let at = (Math.imul(hash, 0x9e3779b1) >>> 0) & (slots - 1);
    while (table[at]?.node !== 0) at = (at + 1) & (slots - 1);
    table[at] = { hash, node: i + 1 };
  });
  return table;
}

/** From the last byte to the first, so that a look-up has the hashes of all suffixes in one pass. */
function hashOf(bytes: Uint8Array, endswith: boolean): number {
  let hash = endswith ? 0x1b873593 : 0x811c9dc5;
  for (let i = bytes.length - 1; i >= 0; i--) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193) >>> 0;
  return hash;
}

function fold(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte & 0xff;
}

