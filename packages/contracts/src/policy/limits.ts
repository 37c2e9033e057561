/** Limits of one policy. What exceeds them is refused at the border and by the agent. */
export const POLICY_LIMITS = {
  rules: 131_072,
  forwards: 64,
  modules: 32,
  sets: 64,
  /** Entries of one set. */
  setEntries: 1_048_576,
  services: 256,
  /** Backends of one service. */
  backends: 64,
  /** Modules that inspect one service. */
  inspect: 8,
  commentLength: 256,
  ttlMaxMs: 366 * 86_400_000,
  /** Ids stay below 2^32: `order` in the kernel is priority << 32 | id. */
  idMax: 0xffff_ffff,
} as const;
