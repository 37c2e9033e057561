import { emptyPolicy, evolve } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { rule } from "../../testing/policies.js";
import { decodeLastGood, encodeLastGood, LastGoodCorrupt } from "./last-good.js";

const lastGood = { revision: 12, state: evolve(emptyPolicy, { type: "rule.added", version: 1, data: { rule: rule(3, { comment: "é\nx" }) } }) };

describe("last good policy", () => {
  it("is read back as it was", () => {
    expect(decodeLastGood("default", encodeLastGood("default", lastGood))).toEqual(lastGood);
  });

  it("is refused when any byte changed or is missing", () => {
    const bytes = Buffer.from(encodeLastGood("default", lastGood));
    for (let i = 0; i < bytes.length - 1; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => decodeLastGood("default", changed.toString("utf8")), `byte ${i}`).toThrow(LastGoodCorrupt);
      expect(() => decodeLastGood("default", bytes.subarray(0, i).toString("utf8")), `cut at ${i}`).toThrow(LastGoodCorrupt);
    }
  });

  it("is refused for another policy", () => {
    expect(() => decodeLastGood("other", encodeLastGood("default", lastGood))).toThrow(/of policy default/);
  });
});
