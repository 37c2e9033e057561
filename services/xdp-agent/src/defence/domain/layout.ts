/**
 * Offsets of the structures in bpf/include/defence.h, top.h and state.h, in bytes, little-endian. A test compares them
 * with the BTF of the compiled program.
 */
export const PROTECTION = {
  size: 48,
  syn_mode: 0, syn_window_on: 4, syn_window_off: 8, top_on: 12,
  source_unit_ns: 16, source_burst_ns: 24, answer_unit_ns: 32, answer_burst_ns: 40,
} as const;

export const DEFENCE = { size: 104, active: 0, halves: 8 } as const;

export const DEFENCE_STATE = { size: 32, answers_due: 0, syn_window: 8, syn_active_until: 16, syn_turned_on: 24 } as const;

/** Elements of the map `defence_counters`, a `struct tally` for each CPU. */
export const DEFENCE_COUNT = {
  syns: 0, cookies: 1, noListener: 2, noCookie: 3, ackValid: 4, ackInvalid: 5, sourceLimited: 6, evicted: 7, contended: 8,
  resets: 9, unreachables: 10, silent: 11, overRate: 12, established: 13,
} as const;
export const TALLY = { size: 16, packets: 0, bytes: 8 } as const;

export const SYN_MODE = { off: 0, on: 1, auto: 2 } as const;
/** SYNs are counted in windows of so many nanoseconds (SYN_WINDOW_SHIFT). */
export const SYN_WINDOW_NS = 2 ** 27;

export const TALKER = { size: 32, hi: 0, lo: 8, weight: 16, inherited: 24, window: 28 } as const;
/** Sets of one table, in which an address has its place; lines of a set; packets of which one is counted. */
export const TALKERS = { sets: 256, ways: 4, tables: 4, sample: 64, windowShift: 33 } as const;
export const TALKER_TABLE = { sourcePackets: 0, sourceBytes: 1, targetPackets: 2, targetBytes: 3 } as const;

/** The map `spaces`: which network namespace's sockets an address belongs to. */
export const SPACE = { keySize: 16, own: 0xffff_ffff, entries: 1_024 } as const;
