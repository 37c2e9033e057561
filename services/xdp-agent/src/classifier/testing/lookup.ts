/** bpf/include/classify.h once more, in TypeScript: what the kernel finds in an image, and how much it looks at. */
import { foldIpv6, keyHash } from "../hash.js";
import { BUCKET_BYTES, BUCKET_SLOTS, HEAD, MARK, MAX_PROBES, RECORD, RECORD_BYTES, SETS_HEAD, TRIE_NODE, TUPLE, TUPLE_BYTES, TUPLE_WORDS } from "../layout.js";

/** A packet's key: addresses as four words, IPv4 as ::ffff:a.b.c.d. */
export interface Key {
  readonly family: 4 | 6;
  readonly src: readonly [number, number, number, number];
  readonly dst: readonly [number, number, number, number];
  readonly sport: number;
  readonly dport: number;
  readonly proto: number;
}

/** How a record that stands under the packet's key is judged, by its offset in the image. */
export type Judge = (offset: number) => "decides" | "passed over";

export interface Effort {
  candidates: number;
  probes: number;
  records: number;
  nodes: number;
}

/** The value that a trie gives for an address, and the number of nodes looked at. */
export function trieFind(image: DataView, root: number, words: readonly number[]): { value: number; nodes: number } {
  let entry = root >>> 0;
  let at = 0;
  let nodes = 0;
  const next = (bits: number): number => {
    const [word, inner] = [at >>> 5, at & 31];
    const both = (BigInt(words[word] ?? 0) << 32n) | BigInt(words[word + 1] ?? 0);
    return Number((both << BigInt(inner)) >> BigInt(64 - bits) & ((1n << BigInt(bits)) - 1n));
  };
  while (entry >= TRIE_NODE) {
    nodes++;
    let bits = (entry >>> 22) & 15;
    const offset = (entry & 0x3fffff) * 16;
    at += (entry >>> 26) & 31;
    if (bits > 0) entry = image.getUint32(offset + next(bits) * 4, true);
    else {
      bits = image.getUint32(offset + 4, true);
      if (next(bits) !== image.getUint32(offset, true) >>> (32 - bits)) return { value: image.getUint32(offset + 12, true), nodes };
      entry = image.getUint32(offset + 8, true);
    }
    at += bits;
  }
  return { value: entry, nodes };
}

/** Offset of the record that decides, or undefined. `before`: only rules of a lower order count. */
export function lookup(image: Uint8Array, key: Key, judge: Judge, effort?: Effort, before = 2n ** 64n - 1n): number | undefined {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const head = (field: keyof typeof HEAD): number => view.getUint32(HEAD[field], true);
  const family = key.family === 4 ? 0 : 4;
  const words = (address: readonly number[]): readonly number[] => (key.family === 4 ? address.slice(3) : address);
  const src = trieFind(view, view.getUint32(HEAD.srcTrie + family, true), words(key.src));
  const dst = trieFind(view, view.getUint32(HEAD.dstTrie + family, true), words(key.dst));
  const page = (pages: number, port: number): number => view.getUint16(pages + 512 + view.getUint16(pages + (port >>> 8) * 2, true) * 512 + (port & 255) * 2, true);
  const sets = [src.value, dst.value, page(head("sportPages"), key.sport), page(head("dportPages"), key.dport), view.getUint16(head("protos") + key.proto * 2, true)];
  if (effort !== undefined) effort.nodes += src.nodes + dst.nodes;
  let best = before;
  let found: number | undefined;
  for (let tuple = 0; tuple < TUPLE_WORDS * 64; tuple++) {
    const byte = (set: number): number => image[head("tupleSets") + set * TUPLE_WORDS * 8 + (tuple >>> 3)]!;
    if ((sets.reduce((all, set) => all & byte(set), 255) >>> (tuple & 7) & 1) === 0) continue;
    if (effort !== undefined) effort.candidates++;
    const at = head("tuples") + tuple * TUPLE_BYTES;
    if (view.getBigUint64(at + TUPLE.best, true) >= best) break;
    if (effort !== undefined) effort.probes++;
    const record = findKey(view, key, at);
    if (record === undefined) continue;
    for (let offset = head("recordBase") + record * RECORD_BYTES; ; offset += RECORD_BYTES) {
      if (effort !== undefined) effort.records++;
      const order = view.getBigUint64(offset + RECORD.order, true);
      if (order >= best) break;
      if (judge(offset) === "decides") {
        best = order;
        found = offset;
        break;
      }
      if ((view.getUint32(offset + RECORD.marks, true) & MARK.more) === 0) break;
    }
  }
  return found;
}

function findKey(view: DataView, key: Key, tuple: number): number | undefined {
  const word = (field: number): number => view.getUint32(tuple + field, true);
  const fold = (address: Key["src"], masks: number): number => // the masks' u64 are little-endian
    foldIpv6(address[0] & word(masks + 4), address[1] & word(masks), address[2] & word(masks + 12), address[3] & word(masks + 8));
  const src = key.family === 4 ? key.src[3] & word(TUPLE.srcMask) : fold(key.src, TUPLE.srcWords);
  const dst = key.family === 4 ? key.dst[3] & word(TUPLE.dstMask) : fold(key.dst, TUPLE.dstWords);
  const hash = keyHash(src, dst, ((key.sport << 16) | key.dport) & word(TUPLE.portMask), key.proto & word(TUPLE.protoMask), word(TUPLE.seed));
  let at = hash << 6;
  for (let probe = 0; probe < MAX_PROBES; probe++, at += BUCKET_BYTES) {
    const bucket = view.getUint32(HEAD.buckets, true) + ((at & view.getUint32(HEAD.bucketMask, true)) >>> 0);
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      if (view.getUint32(bucket + slot * 4, true) === hash) return view.getUint32(bucket + (BUCKET_SLOTS + slot) * 4, true);
    }
    if (view.getUint32(bucket + (BUCKET_SLOTS - 1) * 4, true) === 0) return undefined;
  }
  return undefined;
}

/** The bit mask of the sets in a set image that hold an address. */
export function lookupSets(image: Uint8Array, family: 4 | 6, address: readonly number[]): bigint {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const root = view.getUint32(SETS_HEAD.trie + (family === 4 ? 0 : 4), true);
  const { value } = trieFind(view, root, family === 4 ? address.slice(3) : address);
  return view.getBigUint64(view.getUint32(SETS_HEAD.masks, true) + value * 8, true);
}
