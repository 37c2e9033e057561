import { createHash } from "node:crypto";
import { emptyPolicy, evolve, policyState, type PolicyEvent } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forward, moduleBinding, rule } from "../../testing/policies.js";
import { applyChanges, decodeLastGood, encodeChange, encodeLastGood, LastGoodCorrupt, type LastGood } from "./last-good.js";

const lastGood: LastGood = {
  revision: 12,
  state: policyState({
    rules: Array.from({ length: 300 }, (_, i) => rule(i + 3, { comment: "é\nx" })), forwards: [forward(2)], modules: [moduleBinding("ips", 0)],
    sets: [{ name: "bad", comment: "c", entries: Array.from({ length: 2_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) }, { name: "none", entries: [] }],
    nextRuleId: 900,
  }),
};
const text = (kept: LastGood): string => [...encodeLastGood("default", kept)].join("");
/** A state as plain values: persistent maps may be cut in other pieces. */
const plain = ({ revision, state }: LastGood): unknown =>
  ({ revision, ...state, rules: [...state.rules], forwards: [...state.forwards], modules: [...state.modules], services: [...state.services], sets: [...state.sets].map(([name, set]) => [name, set.comment, [...set.entries]]) });

describe("last good policy", () => {
  it("is read back as it was", () => {
    expect(plain(decodeLastGood("default", text(lastGood)))).toEqual(plain(lastGood));
    expect(plain(decodeLastGood("default", text({ revision: 0, state: emptyPolicy })))).toEqual(plain({ revision: 0, state: emptyPolicy }));
  });

  it("is refused when any byte changed or is missing", () => {
    const bytes = Buffer.from(text({ revision: 1, state: policyState({ rules: [rule(3, { comment: "é" })] }) }));
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => decodeLastGood("default", changed.toString("utf8")), `byte ${i}`).toThrow(LastGoodCorrupt);
      expect(() => decodeLastGood("default", bytes.subarray(0, i).toString("utf8")), `cut at ${i}`).toThrow(LastGoodCorrupt);
    }
  });

  it("is refused for another policy", () => {
    expect(() => decodeLastGood("other", text(lastGood))).toThrow(/of policy default/);
  });

  it("is read in the form of agents before 0.2", () => {
    const body = JSON.stringify({ format: 1, policy: "default", revision: 7, nextRuleId: 4, nextForwardId: 1, rules: [rule(3)], forwards: [], modules: [] });
    const sum = createHash("sha256").update(body).digest("hex");
    expect(plain(decodeLastGood("default", `${sum}\n${body}\n`))).toEqual(plain({ revision: 7, state: policyState({ rules: [rule(3)], nextRuleId: 4 }) }));
    expect(() => decodeLastGood("default", `${sum}\n${body.replace("drop", "pass")}\n`)).toThrow(LastGoodCorrupt);
  });
});

const event: fc.Arbitrary<PolicyEvent> = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map((id): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id) } })),
  fc.integer({ min: 1, max: 9 }).map((id): PolicyEvent => ({ type: "rule.deleted", version: 1, data: { id } })),
);
const changes = fc.array(fc.array(event, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });
const at = "2026-01-01T00:00:00.000Z";

describe("kept changes", () => {
  it("fold to the policy that was in force after some of them, wherever the file ends", () => {
    fc.assert(fc.property(changes, fc.nat(), fc.nat(10), (list, cut, from) => {
      const base: LastGood = { revision: 5, state: emptyPolicy };
      const states = [base.state];
      const lines = list.map((events, i) => {
        states.push(events.reduce(evolve, states.at(-1) ?? base.state));
        return encodeChange({ revision: 6 + i, previous: 5 + i, message: { actor: "a", at, events } });
      });
      const all = lines.join("");
      const end = cut % (all.length + 1);
      const read = applyChanges(base, all.slice(0, end));
      expect([...read.state.rules.values()]).toEqual([...(states[read.revision - 5] ?? emptyPolicy).rules.values()]);
      expect(read.damage).toBeUndefined();
      expect(read.goodLength).toBeLessThanOrEqual(end);
      // A whole policy that was kept meanwhile: what it holds already is skipped.
      const later = Math.min(from, list.length);
      const again = applyChanges({ revision: 5 + later, state: states[later] ?? emptyPolicy }, all);
      expect([...again.state.rules.values()]).toEqual([...(states.at(-1) ?? emptyPolicy).rules.values()]);
    }));
  });

  it("end where one is damaged or missing, and say so", () => {
    const line = (revision: number): string => encodeChange({ revision, previous: revision - 1, message: { actor: "a", at, events: [{ type: "rule.added", version: 1, data: { rule: rule(revision) } }] } });
    const base: LastGood = { revision: 0, state: emptyPolicy };
    expect(applyChanges(base, line(1) + line(2).replace("drop", "pass") + line(3))).toMatchObject({ revision: 1, damage: expect.stringMatching(/checksum/) as string });
    expect(applyChanges(base, line(1) + line(3))).toMatchObject({ revision: 1, damage: expect.stringMatching(/missing/) as string });
  });
});
