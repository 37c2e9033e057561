import { BitSets } from "./bit-sets.js";
import { BOTH, IPV4, IPV6, readColumns, type Columns } from "./columns.js";
import { foldIpv6, keyHash, tupleSeed } from "./hash.js";
import { BUCKET_BYTES, BUCKET_SLOTS, HEAD, IMAGE_MAGIC, MAX_PROBES, MARK, RECORD, RECORD_BYTES, TUPLE, TUPLE_BYTES, TUPLE_WORDS } from "./layout.js";
import { writePorts } from "./ports.js";
import { writeTrie } from "./trie.js";
import { chooseTuples, type TupleChoice } from "./tuples.js";
import { DETAIL, DROP, ENTRY, ENTRY_BYTES, PASS, type ImageInfo, type RuleTable } from "./types.js";
import { ImageWriter } from "./writer.js";

/**
 * Compiles rules into an image (bpf/include/image.h), written to `target` from its start on; what stands there before does
 * not matter, what is behind the image stays. `target` is aligned to 8 bytes and read by no packet meanwhile.
 * @throws {ImageTooLarge} `target` is too small; it holds garbage then
 * @throws {InvalidRule} a rule that cannot be classified; `target` is as it was
 */
export function buildImage(rules: RuleTable, target: Uint8Array): ImageInfo {
  const begin = performance.now();
  const columns = readColumns(rules);
  const choice = chooseTuples(columns, TUPLE_WORDS * 64);
  const writer = new ImageWriter(target, "rule image");
  const head = writer.take(HEAD.size, 64) / 4;
  const sets = new BitSets(TUPLE_WORDS * 2);
  const all = sets.intern(new Uint32Array(sets.width).fill(0xffffffff));
  const fields: Partial<Record<keyof typeof HEAD, number>> = { magic: IMAGE_MAGIC, records: columns.count, needsSets: columns.namesSet ? 1 : 0 };

  fields.tuples = writeTuples(columns, choice, rules, writer);
  fields.protos = writeProtos(columns, choice.of, sets, writer);
  fields.sportPages = writePorts(columns.sportMin, columns.sportMax, choice.of, sets, all, writer);
  fields.dportPages = writePorts(columns.dportMin, columns.dportMax, choice.of, sets, all, writer);
  for (const [name, words, lengths] of [["srcTrie", columns.src, columns.srcLength], ["dstTrie", columns.dst, columns.dstLength]] as const) {
    for (const family of [IPV4, IPV6]) {
      writer.u32[head + HEAD[name] / 4 + family - 1] = writeAddresses(columns, choice.of, words, lengths, family, sets, writer);
    }
  }
  fields.tupleSets = writer.take(sets.words.byteLength, 64);
  writer.u32.set(sets.words, fields.tupleSets / 4);

  const groups = groupByKey(columns, choice);
  const buckets = writeBuckets(groups, writer);
  fields.buckets = buckets.offset;
  fields.bucketMask = buckets.mask;
  fields.recordBase = writeRecords(rules, columns, groups, writer);
  fields.bytes = writer.end;
  for (const [name, value] of Object.entries(fields)) writer.u32[head + HEAD[name as keyof typeof HEAD] / 4] = value;
  return {
    bytes: writer.end, records: columns.count, recordBase: fields.recordBase, tuples: choice.tuples.length,
    longestGroup: groups.sizes.reduce((longest, size) => Math.max(longest, size), 0), milliseconds: performance.now() - begin,
  };
}

/** Mask of a prefix length for one 32-bit word that begins at bit `from` of the address. */
const wordMask = (length: number, from: number): number => {
  const bits = Math.min(32, Math.max(0, length - from));
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
};

function writeTuples({ index }: Columns, { tuples, of }: TupleChoice, rules: RuleTable, writer: ImageWriter): number {
  const offset = writer.take(TUPLE_WORDS * 64 * TUPLE_BYTES, TUPLE_BYTES);
  const order = new DataView(rules.bytes.buffer, rules.bytes.byteOffset);
  let best = 0; // the first rule of each tuple; tuples are numbered in the order of those
  for (const [i, tuple] of tuples.entries()) {
    const at = (offset + i * TUPLE_BYTES) / 4;
    const { u32 } = writer;
    while (of[best] !== i) best++;
    u32[at + TUPLE.best / 4] = order.getUint32(index[best]! * ENTRY_BYTES + ENTRY.order, true);
    u32[at + TUPLE.best / 4 + 1] = order.getUint32(index[best]! * ENTRY_BYTES + ENTRY.order + 4, true);
    u32[at + TUPLE.srcMask / 4] = tuple.family === IPV4 ? wordMask(tuple.srcLength, 0) : 0;
    u32[at + TUPLE.dstMask / 4] = tuple.family === IPV4 ? wordMask(tuple.dstLength, 0) : 0;
    u32[at + TUPLE.portMask / 4] = ((tuple.sport ? 0xffff0000 : 0) | (tuple.dport ? 0xffff : 0)) >>> 0;
    u32[at + TUPLE.protoMask / 4] = tuple.proto ? 0xff : 0;
    u32[at + TUPLE.seed / 4] = tupleSeed(i);
    if (tuple.family !== IPV6) continue;
    // Each u64 is little-endian: its low word first.
    for (const [word, place] of [1, 0, 3, 2].entries()) {
      u32[at + TUPLE.srcWords / 4 + word] = wordMask(tuple.srcLength, place * 32);
      u32[at + TUPLE.dstWords / 4 + word] = wordMask(tuple.dstLength, place * 32);
    }
  }
  return offset;
}

function writeProtos({ count, proto, anyProto }: Columns, of: Uint16Array, sets: BitSets, writer: ImageWriter): number {
  const words = new Uint32Array(256 * sets.width);
  const any = new Uint32Array(sets.width);
  for (let i = 0; i < count; i++) {
    const [tuple, bit] = [of[i]! >>> 5, 1 << (of[i]! & 31)];
    if (anyProto[i] === 1) any[tuple]! |= bit;
    else words[proto[i]! * sets.width + tuple]! |= bit;
  }
  const offset = writer.take(512, 64);
  for (let i = 0; i < 256; i++) {
    for (let w = 0; w < sets.width; w++) words[i * sets.width + w]! |= any[w]!;
    writer.u16[offset / 2 + i] = sets.intern(words, i * sets.width);
  }
  return offset;
}

function writeAddresses(
  columns: Columns, of: Uint16Array, words: readonly Uint32Array[], lengths: Uint8Array, family: number, sets: BitSets, writer: ImageWriter,
): number {
  const rows: number[] = [];
  const any = new Uint32Array(sets.width);
  for (let i = 0; i < columns.count; i++) {
    if (columns.family[i] !== family && columns.family[i] !== BOTH) continue;
    if (lengths[i] === 0) any[of[i]! >>> 5]! |= 1 << (of[i]! & 31);
    else rows.push(i);
  }
  const single = new Uint32Array(TUPLE_WORDS * 64);
  for (let tuple = 0; tuple < single.length; tuple++) {
    const one = new Uint32Array(sets.width);
    one[tuple >>> 5] = 1 << (tuple & 31);
    single[tuple] = sets.intern(one);
  }
  const used = family === IPV4 ? words.slice(3) : words;
  const root = sets.intern(any);
  const pick = (from: Uint32Array): Uint32Array => {
    const picked = new Uint32Array(rows.length + 1);
    for (const [i, row] of rows.entries()) picked[i] = from[row]!;
    return picked;
  };
  const values = pick(Uint32Array.from(of, (tuple) => single[tuple]!));
  values[rows.length] = root;
  const picked = new Uint8Array(rows.length + 1);
  for (const [i, row] of rows.entries()) picked[i] = lengths[row]!;
  return writeTrie({ count: rows.length + 1, words: used.map(pick), lengths: picked, sets: values }, "skips", sets, writer);
}

/** Rules whose keys have the same hash, best first. */
interface Groups {
  readonly hashes: Uint32Array;
  readonly sizes: Uint32Array;
  /** The group of each rule. */
  readonly of: Uint32Array;
}

function groupByKey(columns: Columns, { tuples, of }: TupleChoice): Groups {
  const { count, src, dst, sportMin, dportMin, proto } = columns;
  const mask = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2))) - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  const [hashes, sizes, group] = [new Uint32Array(count), new Uint32Array(count), new Uint32Array(count)];
  const keys = tuples.map((tuple, i) => ({
    ...tuple, seed: tupleSeed(i), ports: (tuple.sport ? 0xffff0000 : 0) | (tuple.dport ? 0xffff : 0), protoMask: tuple.proto ? 0xff : 0,
    src: [0, 32, 64, 96].map((from) => wordMask(tuple.srcLength, from)), dst: [0, 32, 64, 96].map((from) => wordMask(tuple.dstLength, from)),
  }));
  const address = (family: number, words: readonly Uint32Array[], masks: readonly number[], i: number): number => {
    if (family === BOTH) return 0;
    if (family === IPV4) return words[3]![i]! & masks[0]!;
    return foldIpv6(words[0]![i]! & masks[0]!, words[1]![i]! & masks[1]!, words[2]![i]! & masks[2]!, words[3]![i]! & masks[3]!);
  };
  let groups = 0;
  for (let i = 0; i < count; i++) {
    const key = keys[of[i]!]!;
    const hash = keyHash(address(key.family, src, key.src, i), address(key.family, dst, key.dst, i),
      ((sportMin[i]! << 16) | dportMin[i]!) & key.ports, proto[i]! & key.protoMask, key.seed);
    let slot = hash & mask;
    while (slots[slot] !== -1 && hashes[slots[slot]!] !== hash) slot = (slot + 1) & mask;
    let found = slots[slot]!;
    if (found === -1) {
      slots[slot] = found = groups++;
      hashes[found] = hash;
    }
    group[i] = found;
    sizes[found]!++;
  }
  return { hashes: hashes.subarray(0, groups), sizes: sizes.subarray(0, groups), of: group };
}

/** Slots that are meant to be in use: more make the table small, fewer make full buckets rare. */
const LOAD = 0.6;

function writeBuckets({ hashes, sizes }: Groups, writer: ImageWriter): { offset: number; mask: number } {
  for (let buckets = 2 ** Math.ceil(Math.log2(Math.max(1, hashes.length / BUCKET_SLOTS / LOAD))); ; buckets *= 2) {
    const used = new Uint8Array(buckets);
    const places = placeAll(hashes, buckets, used);
    if (places === undefined) continue;
    const offset = writer.take(buckets * BUCKET_BYTES, BUCKET_BYTES);
    let record = 0;
    for (let i = 0; i < hashes.length; i++) {
      const at = offset / 4 + (places[i]! >>> 3) * (BUCKET_BYTES / 4) + (places[i]! & 7);
      writer.u32[at] = hashes[i]!;
      writer.u32[at + BUCKET_SLOTS] = record;
      record += sizes[i]!;
    }
    return { offset, mask: (buckets - 1) * BUCKET_BYTES };
  }
}

/** Bucket * 8 + slot of each hash; undefined where one finds no room within MAX_PROBES. */
function placeAll(hashes: Uint32Array, buckets: number, used: Uint8Array): Uint32Array | undefined {
  const places = new Uint32Array(hashes.length);
  // The kernel shifts a hash by 6 and masks it: its top bits are lost, which matters from 2^26 buckets on only.
  for (let i = 0; i < hashes.length; i++) {
    let bucket = hashes[i]! & (buckets - 1);
    let probe = 0;
    while (used[bucket] === BUCKET_SLOTS && ++probe < MAX_PROBES) bucket = (bucket + 1) & (buckets - 1);
    if (probe === MAX_PROBES) return undefined;
    places[i] = bucket * BUCKET_SLOTS + used[bucket]!++;
  }
  return places;
}

/** What the first cache line of a record says of the detail at `at`: of a plain rule, all there is. */
function marksOf(bytes: Uint8Array, at: number): number {
  const verdict = bytes[at + DETAIL.verdict]!;
  let plain = bytes[at + DETAIL.flags] === 0 && (verdict === PASS || verdict === DROP);
  for (let i = 0; i < 8; i++) plain &&= bytes[at + DETAIL.expires + i] === 0;
  return plain ? MARK.plain | (verdict === DROP ? MARK.drops : 0) | (bytes[at + DETAIL.needs]! * MARK.needs) : 0;
}

function writeRecords({ bytes }: RuleTable, { count, index }: Columns, groups: Groups, writer: ImageWriter): number {
  const base = writer.take(count * RECORD_BYTES, RECORD_BYTES);
  const next = new Uint32Array(groups.sizes.length);
  const last = new Uint32Array(groups.sizes.length);
  let start = 0;
  for (let i = 0; i < next.length; i++) {
    next[i] = start;
    start += groups.sizes[i]!;
    last[i] = start - 1;
  }
  const source = new Uint32Array(bytes.buffer, bytes.byteOffset, (count * ENTRY_BYTES) / 4);
  for (let i = 0; i < count; i++) {
    const group = groups.of[i]!;
    const record = next[group]!++;
    const from = (index[i]! * ENTRY_BYTES) / 4;
    const to = (base + record * RECORD_BYTES) / 4;
    for (let w = 0; w < ENTRY.detail / 4; w++) writer.u32[to + w] = source[from + w]!;
    for (let w = 0; w < 16; w++) writer.u32[to + RECORD.detail / 4 + w] = source[from + ENTRY.detail / 4 + w]!;
    writer.u32[to + RECORD.marks / 4] = marksOf(bytes, from * 4 + ENTRY.detail) | (record < last[group]! ? MARK.more : 0);
    writer.u32[to + RECORD.slot / 4] = source[from + ENTRY.slot / 4]!;
  }
  return base;
}
