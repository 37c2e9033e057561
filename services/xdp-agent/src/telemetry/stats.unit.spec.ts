import { AgentStats } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { TOTAL } from "../dataplane/domain/layout.js";
import { agentStats } from "./stats.js";

const counter = (packets: number, lastNs = 0) => ({ packets, bytes: packets * 100, lastNs });

const both = (packets: number) => ({ packets: Math.max(0, packets), bytes: Math.max(0, packets) * 100 });

describe("agentStats", () => {
  it("puts every counter where the contract wants it, with times by the wall clock", () => {
    const totals = Object.values(TOTAL).map((_, index) => counter(100 + index));
    const stats = agentStats({
      agentId: "a", nowMs: Date.UTC(2026, 0, 1), toIso: (ns) => new Date(Date.UTC(2026, 0, 1) + ns / 1e6).toISOString(), totals,
      rules: { rules: [{ id: 3, packets: 5, bytes: 500 }], partial: true }, forwards: new Map([[1, counter(9, 1)], [2, counter(0)]]),
      sampling: { packetsSent: 11, packetsDropped: 12, framesSent: 13 },
    });
    expect(AgentStats.parse(stats)).toEqual({
      agentId: "a", at: "2026-01-01T00:00:00.000Z", unparsed: 100 + TOTAL.unparsed,
      verdicts: {
        pass: both(100 + TOTAL.pass - (100 + TOTAL.redirected)), drop: both(0),
        limited: both(100 + TOTAL.limited), rejected: both(100 + TOTAL.rejected), redirected: both(100 + TOTAL.redirected), cached: both(100 + TOTAL.cached),
      },
      partial: true,
      rules: [{ id: 3, packets: 5, bytes: 500 }],
      forwards: [{ id: 1, packets: 9, bytes: 900, lastHit: "2026-01-01T00:00:00.000Z" }, { id: 2, packets: 0, bytes: 0 }],
      forwarded: { ...both(100 + TOTAL.sampled), lostInRing: 100 + TOTAL.ringLost, lostInAgent: 12, framesPublished: 13, packetsPublished: 11 },
    });
  });
});
