/** What the model says of a frame against what the program did with it. */
import type { Outcome } from "./model/filter.js";
import { mixSlots, type Seen } from "./kernel/program.js";

/** linux/bpf.h: enum xdp_action. */
const XDP = { 0: "aborted", 1: "drop", 2: "pass", 3: "answer", 4: "redirect" } as const;
const xdp = (verdict: number): string => XDP[verdict as keyof typeof XDP] ?? String(verdict);

/** Bits of `Seen.totals`: enum total in bpf/include/layout.h. */
const TOTAL = { pass: 1 << 0, drop: 1 << 1, unparsed: 1 << 2, limited: 1 << 5, rejected: 1 << 6, cached: 1 << 8 } as const;

/** Which XDP actions an outcome may be. A rejected packet is answered where that is allowed, and dropped in any case. */
const ACTIONS: Readonly<Record<Outcome["verdict"], readonly number[]>> = { pass: [2], drop: [1], reject: [1, 3], redirect: [2, 4] };

/** Whether the verdict came out of the flow cache. */
export const wasCached = ({ totals }: Seen): boolean => (totals & TOTAL.cached) !== 0;

/** Indexes of counters, by id. */
export interface Slots {
  readonly rules: ReadonlyMap<number, number>;
  readonly forwards: ReadonlyMap<number, number>;
}

const slotsOf = (ids: readonly number[], slots: ReadonlyMap<number, number>): number[] => ids.map((id) => slots.get(id) ?? -2);

/** Undefined where both agree, else what differs, in words. */
export function difference(expected: Outcome, seen: Seen, slots: Slots): string | undefined {
  if (!ACTIONS[expected.verdict].includes(seen.verdict)) return `${expected.verdict} expected, the program said ${xdp(seen.verdict)}, ${counting(seen, slots)}`;
  const kept = seen.verdict === 2 || seen.verdict === 4;
  const totals = (kept ? TOTAL.pass : TOTAL.drop) | (expected.unparsed ? TOTAL.unparsed : 0) | (expected.limited ? TOTAL.limited : 0) | (seen.verdict === 3 ? TOTAL.rejected : 0);
  const watched = TOTAL.pass | TOTAL.drop | TOTAL.unparsed | TOTAL.limited | TOTAL.rejected;
  if ((seen.totals & watched) !== totals) return `totals ${totals.toString(2)} expected, counted were ${(seen.totals & watched).toString(2)}`;
  const { rule, monitors } = expected;
  const decided = rule === undefined ? [] : [rule];
  if (monitors !== undefined) {
    const wanted = slotsOf([...monitors, ...decided], slots.rules);
    if (seen.rules !== wanted.length || seen.ruleMix !== mixSlots(wanted)) {
      return `rules ${JSON.stringify([...monitors, ...decided])} expected to count, ${seen.rules} counted: ${counting(seen, slots)}`;
    }
  }
  const copies = slotsOf(expected.forwards, slots.forwards);
  if (seen.forwards !== copies.length || seen.forwardMix !== mixSlots(copies)) {
    return `forwarding rules ${JSON.stringify(expected.forwards)} expected to count, ${seen.forwards} counted`;
  }
  return undefined;
}

const counting = (seen: Seen, slots: Slots): string =>
  `counting rules ${JSON.stringify(seen.slots.map((slot) => idOf(slot, slots.rules)))}${wasCached(seen) ? " by the flow cache" : ""}`;

const idOf = (slot: number, slots: ReadonlyMap<number, number>): number | string => [...slots].find(([, other]) => other === slot)?.[0] ?? `slot ${slot}`;
