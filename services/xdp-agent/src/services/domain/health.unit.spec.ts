import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterCheck, ASSUMED_UP, type Health } from "./health.js";

describe("afterCheck", () => {
  it("turns after `fall` failures and `rise` successes in a row, and at no other moment", () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (results, rise, fall) => {
      let health: Health = ASSUMED_UP;
      let up = true;
      let since = 0; // the first result after the last turn
      results.forEach((result, i) => {
        health = afterCheck(health, result, { rise, fall });
        const needed = up ? fall : rise;
        const last = results.slice(since, i + 1).slice(-needed);
        if (last.length === needed && last.every((one) => one !== up)) {
          up = !up;
          since = i + 1;
        }
        expect(health.up).toBe(up);
      });
    }));
  });
});
