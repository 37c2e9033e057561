import { RuleSpec, Suggestion, type Alert } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalFlow } from "../../ingest/domain/grouping.js";
import { flowKey, hostileText } from "../../testing/arbitraries.js";
import type { History } from "./history.js";
import { ruleMeets, totalsOf } from "./history.js";
import { addressKind, draftRule, matchOf, SCAN_PORTS, SHARED_FLOWS, suggest, type Subject } from "./suggestion.js";

const alert: Alert = {
  id: 12,
  state: "new",
  firstSeen: "2026-11-22T10:00:00.000000Z",
  lastSeen: "2026-11-22T10:01:00.000000Z",
  count: 3,
  severity: 2,
  module: "waf",
  rule: { id: 942100, name: "SQL injection", category: "sqli" },
  flow: { src: "203.0.113.9", dst: "198.51.100.7", sport: 40_000, dport: 80, proto: "tcp" },
  summary: "1' OR '1'='1",
};
const subject = (flow: Partial<Alert["flow"]> = {}, more: Partial<Subject> = {}): Subject => ({
  alert: { ...alert, flow: { ...alert.flow, ...flow } },
  ports: 1,
  foundInAnswer: false,
  ...more,
});
const history: History = {
  windowMs: 86_400_000,
  knownSince: "2026-11-22T00:00:00.000000Z",
  met: { flows: 4, packets: 40, bytes: 4_000, flowsWithDetections: 4, sources: 1 },
  innocent: { flows: 0, destinations: 0 },
};

describe("the suggested rule", () => {
  it("drops the attacker, at the port attacked, for an hour, and names the alert", () => {
    expect(draftRule(subject())).toEqual({
      src: "203.0.113.9",
      dst: "198.51.100.7",
      port: 80,
      proto: "tcp",
      action: "drop",
      priority: 1_000,
      ttlMs: 3_600_000,
      comment: "alert 12: SQL injection (waf)",
      tags: [],
      alertId: 12,
    });
  });
  it("is for one IPv6 address too", () => {
    expect(draftRule(subject({ src: "2001:db8::1", dst: "2001:db8::2" }))).toMatchObject({
      src: "2001:db8::1",
      dst: "2001:db8::2",
      port: 80,
    });
  });
  it("answers a scan without a port", () => {
    expect(draftRule(subject({}, { ports: SCAN_PORTS - 1 })).port).toBe(80);
    expect(draftRule(subject({}, { ports: SCAN_PORTS })).port).toBeUndefined();
  });
  it.each([
    ["icmp", "203.0.113.9", "icmp"],
    ["icmpv6", "2001:db8::1", "icmpv6"],
    ["icmp", "2001:db8::1", "any"],
    ["icmpv6", "203.0.113.9", "any"],
  ])("%s from %s is proto %s and has no port", (proto, src, wanted) => {
    const rule = draftRule(subject({ src, dst: src, proto, dport: 80 }));
    expect([rule.proto, rule.port]).toEqual([wanted, undefined]);
  });
  it("leaves out a port of 0 and a destination of another family", () => {
    expect(draftRule(subject({ dport: 0 })).port).toBeUndefined();
    expect(draftRule(subject({ dst: "2001:db8::2" })).dst).toBe("any");
  });

  it("is one that the rule API takes, whatever the alert", () => {
    fc.assert(
      fc.property(
        flowKey,
        hostileText(200),
        hostileText(60),
        fc.nat({ max: 300 }),
        fc.boolean(),
        fc.integer({ min: 1 }),
        (flow, name, module, ports, foundInAnswer, id) => {
          const canonical = canonicalFlow(flow) ?? alert.flow;
          const any: Subject = {
            alert: { ...alert, id, module, rule: { ...alert.rule, name }, flow: canonical },
            ports,
            foundInAnswer,
          };
          const suggestion = Suggestion.parse(JSON.parse(JSON.stringify(suggest(any, history))));
          expect(RuleSpec.parse(suggestion.rule)).toEqual(suggestion.rule);
          expect(suggestion.rule.src).toBe(canonical.src);
          expect(suggestion.rule.action).toBe("drop");
          expect(/[\0-\x1f\x7f]/.test([suggestion.reason, ...suggestion.warnings, suggestion.rule.comment].join(" "))).toBe(
            false,
          );
          // It must meet the attack that it answers.
          const met = ruleMeets(matchOf(suggestion.rule), canonical);
          expect(met).toBe("forward");
        },
      ),
    );
  });
});

describe("the blast radius", () => {
  it("splits flows into those with a detection and the innocent ones", () => {
    const { blastRadius, warnings } = suggest(subject(), {
      ...history,
      met: { ...history.met, flows: 10, flowsWithDetections: 4 },
    });
    expect(blastRadius).toMatchObject({
      windowMs: 86_400_000,
      flows: 10,
      packets: 40,
      bytes: 4_000,
      flowsWithDetections: 4,
      flowsWithout: 6,
      sources: 1,
    });
    expect(blastRadius.coverage).toContain("since 2026-11-22T00:00:00.000000Z");
    expect(warnings.join("\n")).toContain("6 of the 10 flows");
  });
  it("says so when nothing is known", () => {
    expect(
      suggest(subject(), {
        ...history,
        knownSince: undefined,
        met: { flows: 0, packets: 0, bytes: 0, flowsWithDetections: 0, sources: 0 },
      }).blastRadius.coverage,
    ).toMatch(/^No flow/);
  });
  it("adds up (property)", () => {
    const counts = fc.record({
      flows: fc.nat(),
      packets: fc.nat(),
      bytes: fc.nat(),
      flowsWithDetections: fc.nat(),
      sources: fc.nat(),
    });
    fc.assert(
      fc.property(counts, (met) => {
        const { blastRadius } = suggest(subject(), { ...history, met });
        expect(blastRadius.flowsWithDetections + blastRadius.flowsWithout).toBe(blastRadius.flows);
        expect(blastRadius.flowsWithout).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("warnings", () => {
  const warnings = (s: Subject, h: Partial<History> = {}) => suggest(s, { ...history, ...h }).warnings.join("\n");
  it("are none for an ordinary attacker", () => expect(warnings(subject())).toBe(""));
  it("for a shared address", () => {
    expect(warnings(subject(), { innocent: { flows: SHARED_FLOWS, destinations: 7 } })).toContain("may be shared by many users");
    expect(warnings(subject(), { innocent: { flows: SHARED_FLOWS - 1, destinations: 7 } })).toBe("");
    expect(warnings(subject({ src: "10.1.2.3" }))).toContain("private address");
    expect(warnings(subject({ src: "100.64.0.1" }))).toContain("carrier");
  });
  it.each(["127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::1", "ff02::1", "::"])(
    "for %s, which sends nothing",
    (src) => {
      expect(warnings(subject({ src, dst: src }))).toContain("no such packet comes from the network");
    },
  );
  it("for what can be forged", () => {
    expect(warnings(subject({ proto: "udp" }))).toContain("may be forged");
    expect(warnings(subject({ proto: "icmp" }))).toContain("may be forged");
    expect(warnings(subject({}, { ports: 100 }))).toMatch(/every port[\s\S]*may be forged/);
  });
  it("for a finding in an answer", () => expect(warnings(subject({}, { foundInAnswer: true }))).toContain("found in an answer"));
  it.each([["8.8.8.8"], ["2001:db8::1"], ["172.32.0.1"], ["192.169.0.1"]])("%s is ordinary", (address) =>
    expect(addressKind(address)).toBeUndefined(),
  );
});

describe("the model of history", () => {
  const flow = { src: "203.0.113.9", dst: "198.51.100.7", sport: 40_000, dport: 80, proto: "tcp" };
  const rule = { src: "203.0.113.9", dst: "198.51.100.7", port: 80, proto: "tcp" };
  it("meets a flow in its own direction, or its answers", () => {
    expect(ruleMeets(rule, flow)).toBe("forward");
    expect(ruleMeets(rule, { ...flow, src: flow.dst, dst: flow.src, sport: 80, dport: 40_000 })).toBe("answers");
    for (const other of [{ proto: "udp" }, { dport: 81 }, { src: "203.0.113.8" }, { dst: "198.51.100.8" }])
      expect(ruleMeets(rule, { ...flow, ...other })).toBeUndefined();
  });
  it("counts a flow once however many reports it has", () => {
    const known = { flowId: "a", flow, packets: 2, bytes: 10, detections: 0 };
    expect(totalsOf(rule, [known, known, { ...known, flowId: "b", detections: 1 }], new Set(["a"]))).toEqual({
      flows: 2,
      packets: 6,
      bytes: 30,
      flowsWithDetections: 2,
      sources: 1,
    });
  });
});
