import { describe, expect, it } from "vitest";
import type { Case } from "./case.js";
import { drawPolicy, drawPools } from "./generate/policy.js";
import type { RuleFields } from "./model/filter.js";
import { Random } from "./random.js";
import { shrink } from "./shrink.js";

const random = new Random(3);
let id = 1;
const policy = drawPolicy({ random, pools: drawPools(random), shape: { rules: 20, actions: ["drop", "pass"] }, nextId: () => id++ });
const guilty: RuleFields = { id: id++, priority: 7, action: "drop", src: "10.0.0.0/8", dst: "any", proto: "tcp", port: "80,443", vlan: 5, monitor: true };
const frame = (mark: number): Uint8Array => Uint8Array.from({ length: 90 }, (_, at) => (at === 30 ? mark : 1));
const found: Case = {
  note: "", place: "mixed", before: [policy, policy], policy: { ...policy, rules: [...policy.rules, guilty] }, frames: [frame(1), frame(0x42), frame(2)],
};
const hasRule = ({ policy: { rules } }: Case): boolean => rules.some(({ priority, port }) => priority === 7 && port !== undefined);

describe("shrink", () => {
  it("keeps what the failure hangs on, and nothing else", async () => {
    const small = await shrink(found, 1, (one) => Promise.resolve(hasRule(one) && one.frames.some((bytes) => bytes[30] === 0x42)), 5_000);
    expect(small.before).toEqual([]);
    expect(small.policy.rules).toEqual([{ id: guilty.id, priority: 7, action: "drop", src: "any", dst: "any", proto: "tcp", port: "80,443" }]);
    expect(small.policy.forwards).toEqual([]);
    expect(small.frames.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual([`${"01".repeat(14)}${"00".repeat(16)}42`]);
  });

  it("keeps frames and policies that only fail together", async () => {
    const small = await shrink(found, 2, (one) => Promise.resolve(one.before.length > 0 && [0x42, 2].every((mark) => one.frames.some((bytes) => bytes[30] === mark))), 5_000);
    expect(small.before.length).toBe(1);
    expect(small.frames.map((bytes) => bytes[30])).toEqual([0x42, 2]);
  });

  it("ends when its replays are used up", async () => {
    let replays = 0;
    const small = await shrink(found, 1, () => Promise.resolve(++replays > 0), 10);
    expect(replays).toBeLessThanOrEqual(10);
    expect(small.frames.length).toBe(1);
  });
});
