import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupSlowly } from "../../testing/group-model.js";
import { toAlert, type TriageRow } from "../domain/alert-row.js";
import type { GroupedDetection } from "../domain/known-group.js";
import { KnownGroups } from "./known-groups.js";
import type { GroupRef } from "./ports.js";

const WINDOW_MS = 1_000;
const WINDOW = WINDOW_MS * 1_000;

const make = (gkey: string, bucket: number, id: string, seq: number, changes: Partial<GroupedDetection> = {}): GroupedDetection => ({
  id, seq, gkey, bucket_us: bucket, time_us: bucket + (seq % 7), severity: 1 + (seq % 4), full: true,
  module_name: "waf", rule: 1, name: `rule ${seq % 3}`, class: "sqli", src_address: "192.0.2.1", dst_address: "192.0.2.2",
  src_port: seq, dst_port: 80, protocol: "tcp", attrs: { message: `m${seq}` }, ...changes,
});

/** Storage without ClickHouse: every row ever inserted, grouped when asked. */
class Truth {
  readonly rows: GroupedDetection[] = [];
  readonly triage: TriageRow[] = [];
  group(ref: GroupRef) {
    const found = groupSlowly(this.rows.filter((row) => row.gkey === ref.gkey && row.bucket_us === ref.bucket));
    const triage = this.triage.filter((row) => row.gkey === ref.gkey && row.bucket_us === ref.bucket);
    return found === undefined ? undefined : { alert: toAlert(found.row, triage), known: { ...found.known, triage } };
  }
}

const store = (known: KnownGroups, truth: Truth, detections: readonly GroupedDetection[]) => {
  const refs = detections.map((one) => ({ bucket: one.bucket_us, gkey: one.gkey }));
  known.inserting(refs);
  truth.rows.push(...detections);
  known.stored(detections.map((detection, i) => ({ group: refs[i] ?? { bucket: 0, gkey: "" }, detection })));
};

const read = (known: KnownGroups, truth: Truth, ref: GroupRef) => {
  const done = known.reading([ref]);
  const found = truth.group(ref);
  done(found === undefined ? [] : [{ group: ref, known: found.known }]);
};

describe("what is known of the alerts of the current window", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("store" as const), groups: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }), ahead: fc.constantFrom(0, 0, 0, 0, 1, -1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const), pick: fc.nat(), seq: fc.constantFrom("same", "new") }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), group: fc.nat({ max: 3 }), written: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), group: fc.nat({ max: 3 }), ahead: fc.constantFrom(0, 0, -1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("slow read begins" as const), group: fc.nat({ max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("slow read ends" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("triage" as const), group: fc.nat({ max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("clock" as const), windows: fc.constantFrom(1, 1, 2, -1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), lookup: fc.boolean() }) },
  );

  it("is what storage would answer, or nothing, whatever happens in whatever order", () => {
    let answered = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 4, max: 40 }), (steps, maxGroups, maxWeight) => {
        const truth = new Truth();
        let now = 100 * WINDOW;
        let seq = 0;
        const fresh = () => new KnownGroups({ windowMs: WINDOW_MS, now: () => now, maxGroups, maxWeight });
        let known = fresh();
        known.startsAfter(undefined);
        let slow: (() => void) | undefined;
        const bucket = () => Math.floor(now / WINDOW) * WINDOW;
        for (const one of steps) {
          if (one.do === "store") {
            const at = bucket() + one.ahead * WINDOW;
            store(known, truth, one.groups.map((group) => make(`g${group}`, at, `e${++seq}`, seq)));
          } else if (one.do === "repeat") {
            const old = truth.rows[one.pick % Math.max(1, truth.rows.length)];
            if (old) store(known, truth, [one.seq === "same" ? old : { ...old, seq: ++seq }]);
          } else if (one.do === "fail") {
            const detection = make(`g${one.group}`, bucket(), `e${++seq}`, seq);
            const ref = { bucket: detection.bucket_us, gkey: detection.gkey };
            known.inserting([ref]);
            if (one.written) truth.rows.push(detection);
            known.failed([ref]);
          } else if (one.do === "read") read(known, truth, { bucket: bucket() + one.ahead * WINDOW, gkey: `g${one.group}` });
          else if (one.do === "slow read begins") {
            const ref = { bucket: bucket(), gkey: `g${one.group}` };
            const done = known.reading([ref]);
            const found = truth.group(ref);
            slow = () => done(found === undefined ? [] : [{ group: ref, known: found.known }]);
          } else if (one.do === "slow read ends") {
            slow?.();
            slow = undefined;
          } else if (one.do === "triage") {
            const ref = { bucket: bucket(), gkey: `g${one.group}` };
            if (truth.group(ref) === undefined) continue;
            known.forget(ref);
            truth.triage.push({ bucket_us: ref.bucket, gkey: ref.gkey, at_us: ++seq, actor: "a", state: "acknowledged", note: "", rule_id: seq });
            known.forget(ref);
          } else if (one.do === "clock") now += one.windows * WINDOW;
          else {
            known = fresh();
            slow = undefined;
            if (one.lookup) known.startsAfter(truth.rows.length === 0 ? undefined : Math.max(...truth.rows.map((row) => row.bucket_us)));
          }
          for (let group = 0; group <= 3; group++) {
            const ref = { bucket: bucket(), gkey: `g${group}` };
            const alert = known.get(ref);
            if (alert === undefined) continue;
            answered++;
            expect(alert).toEqual(truth.group(ref)?.alert);
          }
          expect(known.size.groups).toBeLessThanOrEqual(maxGroups);
          expect(known.size.weight).toBeLessThanOrEqual(maxWeight);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(answered).toBeGreaterThan(1_000);
  });

  const setup = (options = {}) => {
    const clock = { now: 100 * WINDOW };
    const truth = new Truth();
    const known = new KnownGroups({ windowMs: WINDOW_MS, now: () => clock.now, ...options });
    return { clock, truth, known };
  };
  const ref = (gkey: string, bucket = 100 * WINDOW): GroupRef => ({ bucket, gkey });

  it("needs no read from a group's first detection on", () => {
    const { known, truth } = setup();
    known.startsAfter(99 * WINDOW);
    for (let seq = 1; seq <= 50; seq++) store(known, truth, [make("g", 100 * WINDOW, `e${seq}`, seq)]);
    expect(known.get(ref("g"))).toMatchObject({ id: 1, count: 50 });
  });

  it("needs a read where storage held that window at the start, and none in the next window", () => {
    const { known, truth, clock } = setup();
    known.startsAfter(100 * WINDOW);
    store(known, truth, [make("g", 100 * WINDOW, "a", 1)]);
    expect(known.get(ref("g"))).toBeUndefined();
    read(known, truth, ref("g"));
    store(known, truth, [make("g", 100 * WINDOW, "b", 2)]);
    expect(known.get(ref("g"))).toMatchObject({ count: 2 });
    clock.now += WINDOW;
    store(known, truth, [make("g", 101 * WINDOW, "c", 3)]);
    expect(known.get(ref("g", 101 * WINDOW))).toMatchObject({ count: 1 });
    expect(known.size.groups).toBe(1);
  });

  it("does not keep a group that is too heavy", () => {
    const { known, truth } = setup({ maxGroupWeight: 10 });
    known.startsAfter(undefined);
    for (let seq = 1; seq <= 30; seq++) store(known, truth, [make("g", 100 * WINDOW, `e${seq}`, seq)]);
    expect(known.get(ref("g"))).toBeUndefined();
    expect(known.size).toEqual({ groups: 1, weight: 1 });
  });
});
