import { STATS_RULES } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { RuleCounterReader, type CounterSource } from "./rule-counters.js";

/** Rules 1 to `count` in slots 0 to count - 1, with these packets. */
function source(count: number): { plane: CounterSource; packets: Float64Array } {
  const packets = new Float64Array(count);
  return {
    packets,
    plane: {
      standing: { rules: count, records: count, overlayRecords: 0, image: true },
      ruleOfSlot: (slot) => slot + 1,
      *ruleCounterBlocks() {
        for (let first = 0; first < count; first += 1_000) {
          const block = packets.subarray(first, first + 1_000);
          yield { first, count: block.length, packets: block, bytes: block.map((value) => value * 10), lastNs: block };
        }
      },
    },
  };
}

const toIso = (ns: number): string => `at ${ns}`;

describe("RuleCounterReader", () => {
  it("tells all rules in one message where they fit one", async () => {
    const { plane, packets } = source(3);
    packets[1] = 7;
    expect(await new RuleCounterReader(plane, toIso).read()).toEqual([{
      partial: false, rules: [{ id: 1, packets: 0, bytes: 0 }, { id: 2, packets: 7, bytes: 70, lastHit: "at 7" }, { id: 3, packets: 0, bytes: 0 }],
    }]);
  });

  it("tells what changed at once, and everything after some rounds, in messages that are not too long", async () => {
    const count = 100_000;
    const { plane, packets } = source(count);
    const reader = new RuleCounterReader(plane, toIso);
    packets[77_777] = 3;
    const known = new Map<number, number>();
    const round = async (): Promise<number[]> => {
      const messages = await reader.read();
      expect(messages.every(({ partial, rules }) => partial && rules.length <= STATS_RULES)).toBe(true);
      const rules = messages.flatMap((one) => one.rules);
      for (const { id, packets: value } of rules) known.set(id, value);
      return rules.map(({ id }) => id);
    };
    expect(await round()).toContain(77_778);
    packets[77_777] = 4;
    expect(await round()).toContain(77_778);
    expect(known.get(77_778)).toBe(4);
    for (let i = 0; i < Math.ceil(count / (STATS_RULES / 4)); i++) await round();
    expect(known.size).toBe(count);
  });

  it("spreads a change of everything over several reports, without passing any over", async () => {
    const { plane, packets } = source(100_000);
    const reader = new RuleCounterReader(plane, toIso);
    packets.fill(9);
    const told = new Set<number>();
    for (let i = 0; i < 8; i++) for (const { rules } of await reader.read()) for (const { id } of rules) told.add(id);
    expect(told.size).toBe(100_000);
  });
});
