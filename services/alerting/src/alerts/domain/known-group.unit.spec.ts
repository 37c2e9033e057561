import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupSlowly } from "../../testing/group-model.js";
import { toAlert } from "./alert-row.js";
import { firstOf, fold, shownAttributes, weightOf, type GroupedDetection, type KnownGroup } from "./known-group.js";

const grouped = fc.record({
  id: fc.nat({ max: 30 }).map((n) => `e${n}`),
  seq: fc.integer({ min: 1, max: 40 }),
  time_us: fc.nat({ max: 5 }),
  severity: fc.integer({ min: 1, max: 4 }),
  full: fc.boolean(),
  name: fc.constantFrom("one", "two"),
  class: fc.constantFrom("sqli", "xss"),
  src_port: fc.nat({ max: 3 }),
  dst_port: fc.nat({ max: 3 }),
  protocol: fc.constantFrom("tcp", "udp"),
  attrs: fc.constantFrom<Record<string, string>>({}, { message: "m" }, { "http.uri": "/a" }, { "http.uri": "/b", "match.location": "args" }),
});
const complete = (part: Omit<GroupedDetection, "bucket_us" | "gkey" | "module_name" | "rule" | "src_address" | "dst_address">) => ({
  ...part,
  attrs: part.full ? part.attrs : {},
  bucket_us: 0, gkey: "g", module_name: "waf", rule: 1, src_address: "192.0.2.1", dst_address: "192.0.2.2",
});

describe("folding a detection into a known group", () => {
  it("gives what grouping all of them gives, or says that it cannot", () => {
    fc.assert(
      fc.property(fc.array(grouped.map(complete), { minLength: 1, maxLength: 25 }), (detections) => {
        let known: KnownGroup | undefined;
        detections.forEach((detection, i) => {
          const sofar = detections.slice(0, i + 1);
          const slow = groupSlowly(sofar);
          if (slow === undefined) throw new Error("nothing was stored");
          const before = known;
          const twice = before?.ids.has(detection.id) === true;
          known = before === undefined ? firstOf(detection) : fold(before, detection);
          if (known === undefined) {
            const tie = sofar.slice(0, i).some((one) => one.time_us === detection.time_us && one.seq === detection.seq);
            expect(twice || tie).toBe(true);
            known = { ...slow.known, triage: [] };
          } else {
            // Two events with one time and one sequence: which is the newest is anybody's choice.
            const owner = new Map(sofar.map((one) => [`${one.time_us} ${one.seq}`, one.id]));
            const distinct = sofar.every((one) => owner.get(`${one.time_us} ${one.seq}`) === one.id);
            if (distinct) {
              expect(toAlert(known.facts, [])).toEqual(toAlert(slow.row, []));
              expect(known).toMatchObject({ newestSeq: slow.known.newestSeq, attrsOf: slow.known.attrsOf, ids: slow.known.ids });
            }
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it("keeps only attributes that are shown, and weighs what it keeps", () => {
    expect(shownAttributes({ message: "m", other: "x".repeat(4_000), "match.data": "" })).toEqual({ message: "m", "match.data": "" });
    const light = firstOf(complete({ id: "a", seq: 1, time_us: 1, severity: 1, full: true, name: "n", class: "c", src_port: 1, dst_port: 2, protocol: "tcp", attrs: {} }));
    const heavy = { ...light, facts: { ...light.facts, attrs: { message: "x".repeat(4_000) } } };
    expect([weightOf(light), weightOf(heavy)]).toEqual([2, 42]);
  });
});
