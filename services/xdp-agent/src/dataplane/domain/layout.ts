/**
 * Offsets of the structures in bpf/include/layout.h, in bytes, little-endian. A test compares them with the BTF of the
 * compiled program: a field that moves on one side only is found there, not in production.
 */
export const LAYOUT_VERSION = 2;

/** The limits the program was compiled with. `rules` counts policy rules; `overlay` counts records (one for each port range). */
export const KERNEL_LIMITS = { rules: 131_072, overlay: 256, forwards: 64, allowed: 64, generations: 16, images: 3 } as const;

/** The part of a rule that is compared first. Addresses and order are u64, IPv4 as ::ffff:a.b.c.d. */
export const RULE = {
  size: 56,
  src_hi: 0, src_lo: 8, dst_hi: 16, dst_lo: 24, order: 32,
  sport_min: 40, sport_max: 42, dport_min: 44, dport_max: 46,
  src_len: 48, dst_len: 49, proto: 50, proto_mask: 51, dead_from: 52,
} as const;

/** Rarer conditions, and what to do. */
export const DETAIL = {
  size: 64,
  vlan: 0, inner_vlan: 2, ifindex: 4, length_min: 8, length_max: 10, tcp_mask: 12, tcp_value: 13,
  icmp_type: 14, icmp_type_mask: 15, icmp_code: 16, icmp_code_mask: 17, family: 18, fragments: 19,
  src_set: 20, dst_set: 21, needs: 22, flags: 23, id: 24, slot: 28, expires_ns: 32,
  verdict: 40, option: 41, snaplen: 42, target: 44, unit_ns: 48, burst_ns: 56,
} as const;

/** A record of a generation: `struct rule`, `struct detail`, and for forwarding rules the sampling. */
export const ENTRY = { size: 128, rule: 0, detail: 56, sample: 120, pad: 124 } as const;

/** A record of an image: the same parts, with room between them. */
export const RECORD = { size: 128, rule: 0, marks: 56, detail: 64 } as const;

/** Of `struct image_head`, what the data plane reads. */
export const IMAGE_HEAD = { magic: 0, bytes: 4, records: 8, record_base: 12 } as const;

export const HEAD = { size: 32, revision: 0, rules: 8, forwards: 12, image: 16, sets: 20, sequence: 24, flags: 28 } as const;

export const CONTROL = { size: 8, active: 0, layout_version: 4 } as const;

export const COUNTER = { size: 24, packets: 0, bytes: 8, last_ns: 16 } as const;

/** An element of a policy map (`union policy_value`). */
export const POLICY_VALUE_BYTES = ENTRY.size;

/** `head.image` and `head.sets` where there is none. */
export const NO_IMAGE = 0xffff_ffff;

export const VERDICT = { pass: 0, drop: 1, limit: 2, reject: 3, redirect: 4 } as const;
/** `detail.needs`. */
export const KNOWN = { ports: 1, tcpFlags: 2, icmp: 4 } as const;
/** `detail.fragments`. */
export const FRAGMENT = { no: 1, first: 2, later: 4, any: 7 } as const;
export const VLAN = { any: 0xffff, none: 0x1000 } as const;
/** `detail.option`. */
export const OPTION = { limitBytes: 1, limitPerSource: 2, rejectUnreachable: 4 } as const;
/** `detail.flags`. */
export const FLAG = { monitor: 1, volatile: 2, new: 4, established: 8, toService: 16, fromService: 32, rare: 64 } as const;
/** `head.flags`. */
export const HEAD_FLAG = { cache: 1, establishedPass: 2, state: 4 } as const;

/** Elements of the `totals` map. */
export const TOTAL = { pass: 0, drop: 1, unparsed: 2, sampled: 3, ringLost: 4, limited: 5, rejected: 6, redirected: 7, cached: 8 } as const;
