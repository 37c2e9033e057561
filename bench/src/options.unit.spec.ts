import { describe, expect, it } from "vitest";
import { parseBenchOptions, UsageError } from "./options.js";

describe("options of the suites", () => {
  it("are read", () => {
    expect(parseBenchOptions({})).toEqual({});
    expect(parseBenchOptions({ rounds: "3", seconds: "0.5", rules: "1,100, 10000", shapes: "acl,fw" })).toEqual({ rounds: 3, seconds: 0.5, rules: [1, 100, 10_000], shapes: ["acl", "fw"] });
  });

  it.each([
    [{ rounds: "0" }, /--rounds.*from 1/], [{ rounds: "1.5" }, /--rounds/], [{ seconds: "0" }, /--seconds/], [{ seconds: "" }, /--seconds/], [{ seconds: "x" }, /--seconds/],
    [{ rules: "" }, /--rules/], [{ rules: "1,,2" }, /--rules/], [{ rules: "100001" }, /to 100000/], [{ shapes: "acl,ips" }, /no shape "ips"; there are acl, fw, ipc/],
  ])("are refused: %j", (texts, message) => {
    expect(() => parseBenchOptions(texts)).toThrow(UsageError);
    expect(() => parseBenchOptions(texts)).toThrow(message);
  });
});
