/**
 * Offsets of the structures in bpf/include/layout.h, in bytes, little-endian. A test compares them with the BTF of the
 * compiled program: a field that moves on one side only is found there, not in production.
 */
export const LAYOUT_VERSION = 1;

/** The limits the program was compiled with. */
export const KERNEL_LIMITS = { rules: 4_096, forwards: 64, allowed: 64, generations: 16 } as const;

export const MATCH = {
  size: 80,
  src: 0, src_mask: 16, dst: 32, dst_mask: 48,
  sport: 64, dport: 66, sport_mask: 68, dport_mask: 70,
  proto: 72, proto_mask: 73, family: 74, family_mask: 75, needs: 76,
} as const;

export const ENTRY = { size: 112, match: 0, id: 80, slot: 84, expires_ns: 88, verdict: 96, modules: 100, snaplen: 104 } as const;

export const HEAD = { size: 16, revision: 0, rules: 8, forwards: 12 } as const;

export const CONTROL = { size: 8, active: 0, layout_version: 4 } as const;

export const COUNTER = { size: 24, packets: 0, bytes: 8, last_ns: 16 } as const;

/** An element of a policy map (`union policy_value`). */
export const POLICY_VALUE_BYTES = ENTRY.size;

export const VERDICT = { pass: 0, drop: 1 } as const;
export const KNOWN_PORTS = 1;

/** Elements of the `totals` map. */
export const TOTAL = { pass: 0, drop: 1, unparsed: 2, sampled: 3, ringLost: 4 } as const;
