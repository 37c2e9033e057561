import { API_VERSION, type RuleView, type StatsSnapshot, type SystemStatus } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { changes, totals, trafficLine, type Look } from "./changes.js";

const rule = (id: number): RuleView => ({
  id, src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp", action: "drop", priority: 1, tags: [], createdAt: "2026-01-01T00:00:00.000Z", packets: 7, bytes: 1, activeOn: 1, agents: 1,
});
const look = (rules: RuleView[], nats: "ok" | "down" = "ok"): Look => ({
  rules, total: rules.length, forwards: [],
  status: { components: [{ name: "nats", state: nats, detail: "nats://127.0.0.1" }] } as unknown as SystemStatus,
});

describe("changes", () => {
  it("tells what came, what went, and whose state changed", () => {
    expect(changes(look([rule(1)]), look([rule(2)], "down"))).toEqual([
      "rule 2: drop 192.168.1.0/24 → 10.0.0.5:80 tcp, active on 1 of 1 agents", "rule 1 is gone; it hit 7 packets", "nats is down: nats://127.0.0.1",
    ]);
    expect(changes(look([rule(1)]), look([rule(1)]))).toEqual([]);
  });

  it("tells of the first of many only", () => {
    const many = look(Array.from({ length: 5_000 }, (_, i) => rule(i + 1)));
    expect(changes(look([]), many).slice(9)).toEqual(["rule 10: drop 192.168.1.0/24 → 10.0.0.5:80 tcp, active on 1 of 1 agents", "… and more", "there are 5000 rules now"]);
    expect(changes(many, look([])).slice(9)).toEqual(["rule 10 is gone; it hit 7 packets", "… and more", "there are 0 rules now"]);
  });
});

describe("trafficLine", () => {
  const snapshot = (passed: number, lost: number): StatsSnapshot => ({
    apiVersion: API_VERSION, kind: "Stats", at: "2026-01-01T00:00:00.000Z", inspectors: [],
    agents: [{
      agentId: "a", at: "2026-01-01T00:00:00.000Z", verdicts: { pass: { packets: passed, bytes: 0 }, drop: { packets: 0, bytes: 0 } }, unparsed: 0, rules: [], forwards: [],
      forwarded: { packets: 0, bytes: 0, lostInRing: lost, lostInAgent: 0, framesPublished: 0, packetsPublished: 0 },
    }],
  });
  it("names only what moved", () => {
    expect(trafficLine(snapshot(1, 0), snapshot(5, 2))).toBe("packets: passed 4, lost 2");
    expect(trafficLine(snapshot(5, 2), snapshot(5, 2))).toBeUndefined();
  });

  it("takes redirected packets for passed ones, limited and rejected ones for dropped ones", () => {
    const { agents, ...rest } = snapshot(1, 0);
    const of = (packets: number): { packets: number; bytes: number } => ({ packets, bytes: 0 });
    const verdicts = { pass: of(1), drop: of(2), limited: of(4), rejected: of(8), redirected: of(16), cached: of(32) };
    expect(totals({ ...rest, agents: agents.map((one) => ({ ...one, verdicts })) })).toMatchObject({ passed: 17, dropped: 14 });
  });
});
