import { describe, expect, it } from "vitest";
import { ForwardSpec, RuleSpec } from "./rule.js";

const refusal = (schema: typeof RuleSpec | typeof ForwardSpec, input: unknown): { path: string; message: string }[] => {
  const result = schema.safeParse(input);
  return result.success ? [] : result.error.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message }));
};

describe("RuleSpec", () => {
  it("normalises and fills in defaults", () => {
    expect(RuleSpec.parse({ src: "192.168.1.0/24", dst: "10.0.0.5/32", port: 80, proto: "TCP", action: "drop" })).toEqual({
      src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp", action: "drop", priority: 1_000, tags: [],
    });
  });

  it.each([
    [{ src: "192.168.1.5/24", action: "drop" }, "src", /did you mean 192\.168\.1\.0\/24/],
    [{ port: 65_536, proto: "tcp", action: "drop" }, "port", /at most 65535/],
    [{ port: -1, proto: "tcp", action: "drop" }, "port", /at least 0/],
    [{ port: 1.5, proto: "tcp", action: "drop" }, "port", /./],
    [{ port: 80, proto: "icmp", action: "drop" }, "port", /icmp has no ports/],
    [{ port: 80, action: "drop" }, "port", /needs a protocol that has ports/],
    [{ proto: "tpc", action: "drop" }, "proto", /is not a protocol; use any, tcp/],
    [{ proto: "256", action: "drop" }, "proto", /is not a protocol/],
    [{ src: "10.0.0.1", dst: "2001:db8::1", action: "drop" }, "dst", /different IP families/],
    [{ src: "2001:db8::1", proto: "icmp", action: "drop" }, "proto", /use icmpv6/],
    [{ action: "block" }, "action", /drop or pass/],
    [{}, "action", /drop or pass/],
    [{ action: "drop", ttlMs: 10 }, "ttlMs", /at least 1s/],
    [{ action: "drop", unknown: 1 }, "", /unknown/],
    [{ action: "drop", owner: "a\u001b[31m" }, "owner", /use letters/],
  ])("refuses %j at %s", (input, path, message) => {
    const found = refusal(RuleSpec, input);
    expect(found.map((issue) => issue.path)).toContain(path);
    expect(found.find((issue) => issue.path === path)?.message).toMatch(message);
  });

  it("names every field that is wrong at once", () => {
    expect(refusal(RuleSpec, { src: "x", dst: "y", action: "z" }).map((issue) => issue.path).sort()).toEqual(["action", "dst", "src"]);
  });
});

describe("ForwardSpec", () => {
  it("takes the command of the README", () => {
    expect(ForwardSpec.parse({ src: "any", dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" })).toMatchObject({ snaplen: 9_216, module: "ips" });
  });

  it.each([[{ module: "a b" }, "module"], [{}, "module"], [{ module: "ips", snaplen: 10 }, "snaplen"]])("refuses %j", (input, path) => {
    expect(refusal(ForwardSpec, input).map((issue) => issue.path)).toEqual([path]);
  });
});
