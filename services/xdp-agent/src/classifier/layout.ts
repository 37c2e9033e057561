/** bpf/include/image.h and trie.h in numbers; compared with the program's BTF by a test. */
export const IMAGE_MAGIC = 0x31495853;
/** 64-bit words in a set of tuples (TUPLE_WORDS). */
export const TUPLE_WORDS = 2;
export const BUCKET_SLOTS = 8;
export const MAX_PROBES = 4;

export const RECORD_BYTES = 128;
export const TUPLE_BYTES = 64;
export const BUCKET_BYTES = 64;
/** Left free at the end of an image: structures that are read at a masked offset do not straddle it. */
export const IMAGE_PAD = 64;

/** struct image_head. */
export const HEAD = {
  magic: 0, bytes: 4, records: 8, recordBase: 12, srcTrie: 16, dstTrie: 24, tupleSets: 32, sportPages: 36, dportPages: 40,
  protos: 44, tuples: 48, buckets: 52, bucketMask: 56, needsSets: 60, size: 64,
} as const;

/** struct sets_head. */
export const SETS_HEAD = { magic: 0, bytes: 4, trie: 8, masks: 16, size: 32 } as const;

/** struct tuple. */
export const TUPLE = {
  best: 0, srcMask: 8, dstMask: 12, portMask: 16, protoMask: 20, seed: 24, srcWords: 32, dstWords: 48,
} as const;

/** struct record: struct rule, then these, then struct detail. */
export const RECORD = { order: 32, deadFrom: 52, marks: 56, slot: 60, detail: 64, id: 64 + 24 } as const;

/** enum record_mark. */
export const MARK = { more: 1, plain: 2, drops: 4, needs: 256 } as const;

/** Entries of a trie: a leaf's value, or a node: bits to skip, bits to look at (0: struct trie_compare), offset / 16. */
export const TRIE_NODE = 0x80000000;
export const MAX_SKIP = 31;
export const MAX_NODE_BITS = 15;
/** Nodes on any path of a trie, at most. */
export const TRIE_STEPS = 20;
export const COMPARE_BYTES = 16;
/** Bytes that the offsets of nodes reach. */
export const TRIE_REACH = 1 << 26;

/** Entry of a node. */
export const nodeEntry = (skip: number, bits: number, offset: number): number => (TRIE_NODE | (skip << 26) | (bits << 22) | (offset >>> 4)) >>> 0;
