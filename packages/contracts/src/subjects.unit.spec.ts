import { describe, expect, it } from "vitest";
import { subjects } from "./subjects.js";

describe("subjects", () => {
  it("keep wildcards and dots out of tokens", () => {
    for (const name of ["*", ">", "a.b", "", "a b", "x".repeat(65)]) {
      expect(() => subjects.policyEvents(name)).toThrow(/cannot be part of a NATS subject/);
    }
    expect(subjects.policyEvents("default")).toBe("secuxflow.v1.policy.default.event");
  });
});
