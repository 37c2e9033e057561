/**
 * What goes into the image builder and comes out of it.
 *
 * Rules come in encoded: `struct entry` of bpf/include/layout.h, 128 bytes each, one after the other, in any order. That is
 * what an overlay element is, so a rule is encoded once for both; and it moves into a worker thread without a copy.
 *
 * What the encoder owes:
 * - addresses: masked-out bits are zero; IPv4 as ::ffff:a.b.c.d with 96 added to the prefix length; "any" is length 0.
 * - a rule that names an IPv4 prefix has detail.family 4, one that names an IPv6 prefix has 6 (also where the prefix is
 *   shorter than 96 bits); source and destination prefix are of one family.
 * - a port condition that is missing is 0 to 65535. A rule with several port ranges comes once for each combination, with
 *   the same order and the same detail.
 * - detail.needs and detail.fragments are set; `order` is priority << 32 | id.
 */
export interface RuleTable {
  /** At least `count` * ENTRY_BYTES. */
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** sizeof(struct entry); its parts, and the fields that the classifier looks at, little-endian. */
export const ENTRY_BYTES = 128;

/** Offsets in struct entry (bpf/include/layout.h); compared with the program's BTF by a test. */
export const ENTRY = {
  srcHi: 0, srcLo: 8, dstHi: 16, dstLo: 24, order: 32,
  sportMin: 40, sportMax: 42, dportMin: 44, dportMax: 46,
  srcLen: 48, dstLen: 49, proto: 50, protoMask: 51, deadFrom: 52,
  detail: 56, family: 56 + 18, srcSet: 56 + 20, dstSet: 56 + 21, flags: 56 + 23, id: 56 + 24, slot: 56 + 28,
} as const;

/** Offsets in struct detail that say whether a rule is a plain one, and two of enum verdict. */
export const DETAIL = { needs: 22, flags: 23, expires: 32, verdict: 40 } as const;
export const PASS = 0;
export const DROP = 1;

/** What was built. */
export interface ImageInfo {
  /** Bytes of the target that are used, from 0 on. */
  readonly bytes: number;
  readonly records: number;
  /** Where the records (128 bytes each) begin. */
  readonly recordBase: number;
  readonly tuples: number;
  /** Most records that one hash key leads to. */
  readonly longestGroup: number;
  readonly milliseconds: number;
}

/** A named set: bit number (0 to 63, what detail.src_set - 1 says) and its prefixes. */
export interface SetEntries {
  readonly bit: number;
  /** Prefixes, PREFIX_BYTES each: 16 bytes address in network order (IPv4 as ::ffff:a.b.c.d), 1 byte length of 128, 3 unused. */
  readonly prefixes: Uint8Array;
  readonly count: number;
}

export const PREFIX_BYTES = 20;

/** The policy does not fit into the image's memory; nothing in force was changed. */
export class ImageTooLarge extends Error {
  readonly needed: number;
  readonly available: number;

  constructor(what: string, needed: number, available: number) {
    super(`the ${what} needs ${needed} bytes, the map has ${available}: the policy in force stays; ` +
      "use fewer rules or set entries, or raise the image size of the agent");
    this.name = "ImageTooLarge";
    this.needed = needed;
    this.available = available;
  }
}

/** An encoded rule that breaks what {@link RuleTable} asks for; says which. */
export class InvalidRule extends Error {
  constructor(index: number, problem: string) {
    super(`rule ${index} of the table cannot be classified: ${problem}`);
    this.name = "InvalidRule";
  }
}
