import { describe, expect, it } from "vitest";
import { ratioMetric, seenMetrics, type Rounds } from "./contender.js";

const rounds: Rounds = new Map([
  ["drop.a", [{ pps: 2e6, cpuNs: 200 }, { pps: 1e6, cpuNs: 400 }]],
  ["drop.b", [{ pps: 4e6, cpuNs: 100 }, { pps: 4e6, cpuNs: 100 }]],
  ["forward.x", [{ pps: 1e6, cpuNs: 300, totalNs: 900 }]],
  ["forward.y", [{ pps: 1e6, cpuNs: 600, totalNs: 1_200 }]],
]);

describe("what was seen of contenders", () => {
  it("becomes metrics", () => {
    expect(seenMetrics(rounds)).toContainEqual({ name: "cpu_ns.drop.a", unit: "ns CPU", median: 300, min: 200, max: 400, n: 2 });
    expect(seenMetrics(rounds)).toContainEqual({ name: "mpps.drop.b", unit: "million packets/s", median: 4, min: 4, max: 4, n: 2 });
    expect(seenMetrics(rounds).find(({ name }) => name === "cpu_ns.forward.x.total")?.median).toBe(900);
    expect(seenMetrics(rounds).some(({ name }) => name === "cpu_ns.drop.a.total")).toBe(false);
  });

  it("is compared round by round", () => {
    expect(ratioMetric("r", rounds, "drop.a", "drop.b")).toEqual([{ name: "r", unit: "1", median: 3, min: 2, max: 4, n: 2 }]);
    expect(ratioMetric("r", rounds, "forward.x", "forward.y")[0]?.median).toBe(0.5);
    expect(ratioMetric("r", rounds, "forward.x", "forward.y", "totalNs")[0]?.median).toBe(0.75);
  });

  it("gives no ratio where one of them was not measured", () => {
    expect(ratioMetric("r", rounds, "drop.a", "drop.none")).toEqual([]);
    expect(ratioMetric("r", rounds, "drop.a", "drop.b", "totalNs")).toEqual([]);
  });
});
