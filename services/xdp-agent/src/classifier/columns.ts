import { ENTRY, ENTRY_BYTES, InvalidRule, type RuleTable } from "./types.js";
import { sortedOrder } from "./sort.js";

/** Which packets can match a rule, as far as its prefixes tell. */
export const BOTH = 0;
export const IPV4 = 1;
export const IPV6 = 2;

/** The fields of a rule table that the classifier is built from, in the order of the rules (lowest `order` first). */
export interface Columns {
  readonly count: number;
  /** Index of each rule in the table. */
  readonly index: Uint32Array;
  readonly family: Uint8Array;
  /** Address words, most significant first; IPv4 in the last. */
  readonly src: readonly Uint32Array[];
  readonly dst: readonly Uint32Array[];
  /** Prefix lengths: of 32 for IPv4, of 128 for IPv6, 0 for any. */
  readonly srcLength: Uint8Array;
  readonly dstLength: Uint8Array;
  readonly sportMin: Uint16Array;
  readonly sportMax: Uint16Array;
  readonly dportMin: Uint16Array;
  readonly dportMax: Uint16Array;
  readonly proto: Uint8Array;
  readonly anyProto: Uint8Array;
  readonly namesSet: boolean;
}

/** @throws {InvalidRule} a rule breaks what {@link RuleTable} asks for */
export function readColumns(rules: RuleTable): Columns {
  const { count, bytes } = rules;
  if (bytes.length < count * ENTRY_BYTES) throw new RangeError(`${count} rules take ${count * ENTRY_BYTES} bytes, there are ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const index = orderOf(view, count);
  const words = (): Uint32Array[] => Array.from({ length: 4 }, () => new Uint32Array(count));
  const [src, dst] = [words(), words()];
  const [srcLength, dstLength, family, proto, anyProto] = [0, 0, 0, 0, 0].map(() => new Uint8Array(count)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const [sportMin, sportMax, dportMin, dportMax] = [0, 0, 0, 0].map(() => new Uint16Array(count)) as [Uint16Array, Uint16Array, Uint16Array, Uint16Array];
  let namesSet = false;
  for (let i = 0; i < count; i++) {
    const at = index[i]! * ENTRY_BYTES;
    const srcFamily = prefixFamily(view, at + ENTRY.srcHi, bytes[at + ENTRY.srcLen]!, src, i);
    const dstFamily = prefixFamily(view, at + ENTRY.dstHi, bytes[at + ENTRY.dstLen]!, dst, i);
    const named = srcFamily | dstFamily;
    if (named === (IPV4 | IPV6)) throw new InvalidRule(index[i]!, "its source and destination are of different families");
    if (named !== BOTH && bytes[at + ENTRY.family] !== (named === IPV4 ? 4 : 6)) throw new InvalidRule(index[i]!, "its family is not that of its prefixes");
    family[i] = named;
    srcLength[i] = Math.max(0, bytes[at + ENTRY.srcLen]! - (named === IPV4 ? 96 : 0));
    dstLength[i] = Math.max(0, bytes[at + ENTRY.dstLen]! - (named === IPV4 ? 96 : 0));
    sportMin[i] = view.getUint16(at + ENTRY.sportMin, true);
    sportMax[i] = view.getUint16(at + ENTRY.sportMax, true);
    dportMin[i] = view.getUint16(at + ENTRY.dportMin, true);
    dportMax[i] = view.getUint16(at + ENTRY.dportMax, true);
    if (sportMin[i]! > sportMax[i]! || dportMin[i]! > dportMax[i]!) throw new InvalidRule(index[i]!, "a port range ends before it begins");
    proto[i] = bytes[at + ENTRY.proto]!;
    anyProto[i] = bytes[at + ENTRY.protoMask] === 0 ? 1 : 0;
    namesSet ||= bytes[at + ENTRY.srcSet] !== 0 || bytes[at + ENTRY.dstSet] !== 0;
  }
  return { count, index, family, src, dst, srcLength, dstLength, sportMin, sportMax, dportMin, dportMax, proto, anyProto, namesSet };
}

function orderOf(view: DataView, count: number): Uint32Array {
  const [high, low] = [new Uint32Array(count), new Uint32Array(count)];
  for (let i = 0; i < count; i++) {
    low[i] = view.getUint32(i * ENTRY_BYTES + ENTRY.order, true);
    high[i] = view.getUint32(i * ENTRY_BYTES + ENTRY.order + 4, true);
  }
  return sortedOrder(count, [high, low]);
}

/** Reads an address into `words[...][row]` and says which family its prefix names. */
function prefixFamily(view: DataView, at: number, length: number, words: Uint32Array[], row: number): number {
  const read = (offset: number): number => view.getUint32(at + offset, true);
  // Each u64 is little-endian: its low word first.
  const [a, b, c, d] = [read(4), read(0), read(12), read(8)];
  words[0]![row] = a;
  words[1]![row] = b;
  words[2]![row] = c;
  words[3]![row] = d;
  if (length === 0) return BOTH;
  return length >= 96 && a === 0 && b === 0 && c === 0xffff ? IPV4 : IPV6;
}
