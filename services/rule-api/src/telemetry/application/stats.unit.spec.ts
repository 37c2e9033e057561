import { STATS_RULES, type AgentStats } from "@secuxflow/contracts";
import { expect, it } from "vitest";
import { TestClock } from "../../testing/world.js";
import { Stats } from "./stats.js";

const agent = (agentId: string, rules: AgentStats["rules"], forwards: AgentStats["forwards"] = []): AgentStats => ({
  agentId,
  at: "2026-01-01T00:00:00Z",
  verdicts: { pass: { packets: 0, bytes: 0 }, drop: { packets: 0, bytes: 0 } },
  unparsed: 0,
  rules,
  forwards,
  forwarded: { packets: 0, bytes: 0, lostInRing: 0, lostInAgent: 0, framesPublished: 0, packetsPublished: 0 },
});

it("adds up the hits of all agents, with the newest of the last hits", () => {
  const stats = new Stats(new TestClock());
  stats.take(
    agent("a", [{ id: 1, packets: 2, bytes: 200, lastHit: "2026-01-01T00:00:09.500Z" }], [{ id: 1, packets: 7, bytes: 70 }]),
  );
  stats.take(
    agent("b", [
      { id: 1, packets: 3, bytes: 300, lastHit: "2026-01-01T00:00:10Z" },
      { id: 2, packets: 1, bytes: 60 },
    ]),
  );
  expect(stats.ruleHits([1, 2, 3])).toEqual(
    new Map([
      [1, { packets: 5, bytes: 500, lastHit: "2026-01-01T00:00:10Z" }],
      [2, { packets: 1, bytes: 60 }],
    ]),
  );
  expect(stats.forwardHits()).toEqual(new Map([[1, { packets: 7, bytes: 70 }]]));
});

it("shows the newest counters of what is live; hits of the silent stay", () => {
  const clock = new TestClock();
  const stats = new Stats(clock);
  stats.take(agent("old", [{ id: 1, packets: 1, bytes: 1 }]));
  clock.forward(5_000);
  stats.take(agent("a", []));
  stats.take(agent("a", [{ id: 1, packets: 4, bytes: 4 }]));
  expect(stats.snapshot().agents.map(({ agentId, rules }) => [agentId, rules.length])).toEqual([["a", 1]]);
  expect(stats.ruleHits([1]).get(1)?.packets).toBe(5);
});

it("keeps what a partial message does not tell, and shows what changed last", () => {
  const stats = new Stats(new TestClock());
  const partial = (rules: AgentStats["rules"]) => stats.take({ ...agent("a", rules), partial: true });
  partial([
    { id: 1, packets: 1, bytes: 10 },
    { id: 2, packets: 2, bytes: 20 },
  ]);
  partial([{ id: 3, packets: 3, bytes: 30 }]);
  partial([{ id: 1, packets: 5, bytes: 50 }]);
  expect([...stats.ruleHits([1, 2, 3, 4])].map(([id, { packets }]) => [id, packets])).toEqual([
    [1, 5],
    [2, 2],
    [3, 3],
  ]);
  expect(stats.snapshot().agents[0]).toMatchObject({ rules: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  // One that tells all tells that the others are gone.
  stats.take(agent("a", [{ id: 3, packets: 3, bytes: 30 }]));
  expect([...stats.ruleHits([1, 2, 3]).keys()]).toEqual([3]);
});

it("bounds what it shows of many rules to those that changed last", () => {
  const stats = new Stats(new TestClock());
  const hits = (from: number, packets: number) =>
    Array.from({ length: STATS_RULES }, (_, n) => ({ id: from + n, packets, bytes: packets }));
  stats.take({ ...agent("a", hits(1, 1)), partial: true });
  stats.take({ ...agent("a", hits(1 + STATS_RULES, 1)), partial: true });
  stats.take({ ...agent("a", [{ id: 1, packets: 2, bytes: 2 }, { id: 2, packets: 1, bytes: 1 }]), partial: true });
  const [shown] = stats.snapshot().agents;
  expect([shown?.partial, shown?.rules.length, shown?.rules[0]?.id, shown?.rules[1]?.id]).toEqual([
    true,
    STATS_RULES,
    1,
    STATS_RULES + 2,
  ]);
});
