import { AgentStats } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { TOTAL } from "../dataplane/domain/layout.js";
import { agentStats } from "./stats.js";

const counter = (packets: number, lastNs = 0n) => ({ packets, bytes: packets * 100, lastNs });

describe("agentStats", () => {
  it("puts every counter where the contract wants it, with times by the wall clock", () => {
    const totals = Object.values(TOTAL).map((_, index) => counter(index + 1));
    const stats = agentStats({
      agentId: "a", nowMs: Date.UTC(2026, 0, 1), wallMinusMonotonic: BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n, totals,
      rules: new Map([[3, counter(5, 2_000_000_000n)], [4, counter(0)]]), forwards: new Map([[1, counter(9, 1n)]]),
      sampling: { packetsSent: 11, packetsDropped: 12, framesSent: 13 },
    });
    expect(AgentStats.parse(stats)).toEqual({
      agentId: "a", at: "2026-01-01T00:00:00.000Z", unparsed: TOTAL.unparsed + 1,
      verdicts: { pass: { packets: TOTAL.pass + 1, bytes: 100 }, drop: { packets: TOTAL.drop + 1, bytes: 200 } },
      rules: [{ id: 3, packets: 5, bytes: 500, lastHit: "2026-01-01T00:00:02.000Z" }, { id: 4, packets: 0, bytes: 0 }],
      forwards: [{ id: 1, packets: 9, bytes: 900, lastHit: "2026-01-01T00:00:00.000Z" }],
      forwarded: { packets: TOTAL.sampled + 1, bytes: 400, lostInRing: TOTAL.ringLost + 1, lostInAgent: 12, framesPublished: 13, packetsPublished: 11 },
    });
  });
});
