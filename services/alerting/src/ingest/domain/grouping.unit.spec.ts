import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flowKey, hostileText } from "../../testing/arbitraries.js";
import { bucketStart, canonicalFlow, groupKey, partiesOf } from "./grouping.js";

const flow = { src: "203.0.113.9", dst: "198.51.100.7", sport: 40_000, dport: 80, proto: "tcp" };

describe("who attacks whom", () => {
  it.each(["to_server", "unknown"] as const)("%s: the packet's source", (direction) => {
    expect(partiesOf(flow, direction)).toEqual({
      attacker: "203.0.113.9",
      attackerPort: 40_000,
      victim: "198.51.100.7",
      victimPort: 80,
    });
  });

  it("to_client: the one who asked, and the port he asked at", () => {
    const answer = { src: "198.51.100.7", dst: "203.0.113.9", sport: 80, dport: 40_000, proto: "tcp" };
    expect(partiesOf(answer, "to_client")).toEqual(partiesOf(flow, "to_server"));
  });

  it("is one of the two ends, and the other is the victim", () => {
    fc.assert(
      fc.property(flowKey, fc.constantFrom("to_server" as const, "to_client" as const, "unknown" as const), (any, direction) => {
        const parties = partiesOf(any, direction);
        expect(
          [
            [parties.attacker, parties.attackerPort],
            [parties.victim, parties.victimPort],
          ].sort(),
        ).toEqual(
          [
            [any.src, any.sport],
            [any.dst, any.dport],
          ].sort(),
        );
      }),
    );
  });
});

describe("group keys", () => {
  const fields = fc.record({
    policy: hostileText(20),
    module: hostileText(20),
    ruleId: fc.maxSafeInteger(),
    attacker: hostileText(20),
    victim: hostileText(20),
  });

  it("differ exactly when a field differs", () => {
    fc.assert(
      fc.property(fields, fields, fc.constantFrom("policy", "module", "ruleId", "attacker", "victim"), (a, b, same) => {
        const mixed = { ...b, [same]: a[same] };
        const equal =
          a.policy === mixed.policy &&
          a.module === mixed.module &&
          a.ruleId === mixed.ruleId &&
          a.attacker === mixed.attacker &&
          a.victim === mixed.victim;
        expect(groupKey(a) === groupKey(mixed)).toBe(equal);
        expect(groupKey(a)).toBe(groupKey({ ...a }));
      }),
    );
  });

  it("cannot be forged by putting one field's end into another", () => {
    const base = { ruleId: 1, attacker: "a", victim: "b" };
    expect(groupKey({ ...base, policy: 'x","y', module: "z" })).not.toBe(groupKey({ ...base, policy: "x", module: 'y","z' }));
  });
});

describe("windows of time", () => {
  it("cover all of time, without gap and overlap", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e15 }),
        fc.constantFrom(1_000, 30_000, 300_000, 3_600_000, 86_400_000),
        (time, windowMs) => {
          const start = bucketStart(time, windowMs);
          expect(start <= time && time < start + windowMs * 1_000).toBe(true);
          expect(bucketStart(start, windowMs)).toBe(start);
          expect(bucketStart(start + windowMs * 1_000 - 1, windowMs)).toBe(start);
        },
      ),
    );
  });
});

describe("canonical flows", () => {
  it("write an address in one way", () => {
    expect(canonicalFlow({ ...flow, src: "2001:DB8:0:0::0002", dst: "::ffff:192.0.2.1", proto: "6" })).toEqual({
      ...flow,
      src: "2001:db8::2",
      dst: "192.0.2.1",
    });
  });
  it("are stable", () => {
    fc.assert(
      fc.property(flowKey, (any) => {
        const once = canonicalFlow(any);
        expect(once && canonicalFlow(once)).toEqual(once);
      }),
    );
  });
  it.each([{ src: "nowhere" }, { dst: "10.0.0.0/8" }, { src: "" }, { proto: "any" }, { proto: "256" }])("refuse %j", (change) => {
    expect(canonicalFlow({ ...flow, ...change })).toBeUndefined();
  });
});
