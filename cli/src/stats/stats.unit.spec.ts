import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plain } from "../output/printer.js";
import { NOW, stats } from "../testing/documents.js";
import type { Reading } from "./counters.js";
import { Meter } from "./meter.js";
import { SystemMeter } from "./rates.js";
import { statsLines } from "./render.js";

const reading = (owner: string, at: number, counters: Record<string, number>): Reading => ({
  owner,
  at,
  counters: new Map(Object.entries(counters)),
});

describe("Meter", () => {
  it("gives nothing for the first look, and differences by the owner's own clock afterwards", () => {
    const meter = new Meter();
    expect(meter.round([reading("a", 1_000, { x: 500 })], 90_000)).toMatchObject({ joined: ["a"], live: 1, growth: new Map() });
    // The owner counted for 4 s; that the looks were 5 s apart says nothing.
    expect(meter.round([reading("a", 5_000, { x: 900 })], 95_000).growth).toEqual(
      new Map([["x", { count: 400, perSecond: 100 }]]),
    );
  });

  it("takes counters that began anew for what they are", () => {
    const meter = new Meter();
    meter.round([reading("a", 0, { x: 500, y: 5 })], 0);
    const { growth, reset } = meter.round([reading("a", 2_000, { x: 20, y: 6 })], 2_000);
    expect(reset).toEqual(["a"]);
    expect(growth).toEqual(
      new Map([
        ["x", { count: 20, perSecond: 10 }],
        ["y", { count: 6, perSecond: 3 }],
      ]),
    );
  });

  it("does not count what an owner did before it came, nor lose what it did while it was not seen", () => {
    const meter = new Meter();
    meter.round([reading("a", 0, { x: 0 })], 0);
    const joined = meter.round([reading("a", 1_000, { x: 10 }), reading("b", 1_000, { x: 1_000_000 })], 1_000);
    expect([joined.joined, joined.growth.get("x")]).toEqual([["b"], { count: 10, perSecond: 10 }]);
    const gone = meter.round([reading("b", 2_000, { x: 1_000_010 })], 2_000);
    expect([gone.left, gone.growth.get("x")?.count]).toEqual([["a"], 10]);
    const back = meter.round([reading("a", 3_000, { x: 30 }), reading("b", 3_000, { x: 1_000_010 })], 3_000);
    expect([back.joined, back.growth.get("x")]).toEqual([[], { count: 20, perSecond: 10 }]);
  });

  it("goes on as fast while an owner has nothing new to say, and counts nothing twice", () => {
    const meter = new Meter();
    meter.round([reading("a", 0, { x: 0 })], 0);
    meter.round([reading("a", 1_000, { x: 10 })], 1_000);
    expect(meter.round([reading("a", 1_000, { x: 10 })], 1_900).growth.get("x")).toEqual({ count: 0, perSecond: 10 });
    expect(meter.round([reading("a", 2_000, { x: 30 })], 2_000).growth.get("x")).toEqual({ count: 20, perSecond: 20 });
  });

  it("survives clocks that are set back, and times that are none", () => {
    const meter = new Meter();
    meter.round([reading("a", 100_000, { x: 0 }), reading("b", Number.NaN, { x: 0 })], 0);
    const { growth } = meter.round([reading("a", 50_000, { x: 10 }), reading("b", Number.NaN, { x: 10 })], 2_000);
    expect(growth.get("x")).toEqual({ count: 20, perSecond: 10 });
  });

  it("counts everything once, whatever order owners come, go, pause and begin anew in", () => {
    const step = fc.record({
      here: fc.boolean(),
      more: fc.nat(1_000),
      restart: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      quiet: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const meter = new Meter();
        let counter = 0;
        let at = 0;
        let told = 0; // the counter when it was last seen
        let known = false;
        let expected = 0;
        let measured = 0;
        for (const [index, { here, more, restart, quiet }] of steps.entries()) {
          if (!quiet) {
            if (restart) counter = 0;
            counter += more;
            at += 1_000;
          }
          const round = meter.round(here ? [reading("a", at, { x: counter })] : [], index * 1_000);
          measured += round.growth.get("x")?.count ?? 0;
          if (here) {
            // The model: what a reader can know from the two values that it saw.
            if (known) expected += counter < told ? counter : counter - told;
            told = counter;
            known = true;
          }
          for (const { count, perSecond } of round.growth.values()) {
            expect(count).toBeGreaterThanOrEqual(0);
            expect(Number.isFinite(perSecond) && perSecond >= 0).toBe(true);
          }
        }
        expect(measured).toBe(expected);
      }),
    );
  });
});

describe("SystemMeter", () => {
  it("tells rates by verdict, rule, loss, inspection and findings", () => {
    const meter = new SystemMeter();
    expect(meter.next(stats(0), NOW)).toBeUndefined();
    const rates = meter.next(stats(5), NOW + 5_000);
    expect(rates).toMatchObject({
      kind: "StatsRates",
      apiVersion: "secuxflow/v1",
      intervalMs: 5_000,
      verdicts: {
        pass: { packets: 5_000, packetsPerSecond: 1_000, bitsPerSecond: 1_000_000 },
        drop: { packetsPerSecond: 100, bitsPerSecond: 80_000 },
      },
      forwarded: { packets: 250, packetsPerSecond: 50 },
      inspected: { packets: 245, packetsPerSecond: 49 },
      lost: { ring: 5, agent: 0, transit: 0, queue: 0, total: 5 },
      findings: { count: 10, perSecond: 2 },
      rules: [{ id: 7, packets: 500, packetsPerSecond: 100 }],
      forwards: [{ id: 3 }],
      agents: { live: 1, joined: [], left: [], reset: [] },
    });
    expect(rates?.lost.share).toBeCloseTo(5 / 255);
  });

  it("is shown in lines for people", () => {
    const meter = new SystemMeter();
    meter.next(stats(0), NOW);
    const rates = meter.next(stats(5), NOW + 5_000);
    expect(
      rates &&
        statsLines(rates, (id) => (id === 7 ? "drop tcp any -> 10.0.0.5:80" : undefined), Number.POSITIVE_INFINITY).map(plain),
    ).toEqual([
      "2026-11-22T12:00:05.000Z  over 5.0 s, 1 agent, 1 inspector",
      "           PACKETS/S       BITS/S  PACKETS",
      "pass        1.00 k/s  1.00 Mbit/s    5,000",
      "drop           100/s  80.0 kbit/s      500",
      "forwarded       50/s  40.0 kbit/s      250",
      "inspected       49/s  39.2 kbit/s      245",
      "lost       5 = 1.96 % (ring 5, agent 0, transit 0, queue 0)",
      "findings   10 (2/s)",
      "RULE  MATCH                        PACKETS/S       BITS/S  PACKETS",
      "   7  drop tcp any -> 10.0.0.5:80      100/s  80.0 kbit/s      500",
    ]);
  });
});
