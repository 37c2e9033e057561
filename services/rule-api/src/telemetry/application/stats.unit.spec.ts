import type { AgentStats } from "@secuxflow/contracts";
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
  stats.agents.put(
    "a",
    agent("a", [{ id: 1, packets: 2, bytes: 200, lastHit: "2026-01-01T00:00:09.500Z" }], [{ id: 1, packets: 7, bytes: 70 }]),
  );
  stats.agents.put(
    "b",
    agent("b", [
      { id: 1, packets: 3, bytes: 300, lastHit: "2026-01-01T00:00:10Z" },
      { id: 2, packets: 1, bytes: 60 },
    ]),
  );
  expect(stats.ruleHits()).toEqual(
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
  stats.agents.put("old", agent("old", [{ id: 1, packets: 1, bytes: 1 }]));
  clock.forward(5_000);
  stats.agents.put("a", agent("a", []));
  stats.agents.put("a", agent("a", [{ id: 1, packets: 4, bytes: 4 }]));
  expect(stats.snapshot().agents.map(({ agentId, rules }) => [agentId, rules.length])).toEqual([["a", 1]]);
  expect(stats.ruleHits().get(1)?.packets).toBe(5);
});
