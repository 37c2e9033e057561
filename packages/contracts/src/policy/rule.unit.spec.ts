import { describe, expect, it } from "vitest";
import { FilterRule, ForwardRule, ForwardSpec, ruleOrder, RuleSpec } from "./rule.js";

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
    [{ action: "drop", src: "@a b" }, "src", /is not a set: write @ and its name/],
    [{ action: "drop", proto: "tcp", port: "9-3" }, "port", /write 3-9/],
    [{ action: "drop", proto: "tcp", port: "80,x" }, "port", /is not a port/],
    [{ action: "drop", proto: "tcp", port: null }, "port", /ports are a number, a range or a list/],
    [{ action: "drop", icmpType: 8 }, "icmpType", /use proto icmp or icmpv6/],
    [{ action: "drop", proto: "icmp", icmpCode: 256 }, "icmpCode", /at most 255/],
    [{ action: "drop", tcpFlags: "syn" }, "tcpFlags", /use proto tcp/],
    [{ action: "drop", proto: "tcp", tcpFlags: "sin" }, "tcpFlags", /is not a TCP flag; write/],
    [{ action: "drop", family: 5 }, "family", /4 or 6/],
    [{ action: "drop", family: 6, src: "10.0.0.1" }, "family", /leave family out, or use an IPv6 address/],
    [{ action: "drop", family: 6, proto: "icmp" }, "proto", /does not go with family 6; use icmpv6/],
    [{ action: "drop", fragment: "last" }, "fragment", /any, no, yes, first or later/],
    [{ action: "drop", fragment: "later", proto: "udp", port: 53 }, "port", /leave port out, or use fragment first/],
    [{ action: "drop", vlan: 4_095 }, "vlan", /0 to 4094, or none/],
    [{ action: "drop", vlan: "none", innerVlan: 7 }, "innerVlan", /name the outer vlan/],
    [{ action: "drop", iface: "eth0/1" }, "iface", /1 to 15 characters/],
    [{ action: "drop", length: "10,20" }, "length", /one number or one range/],
    [{ action: "drop", state: "new" }, "state", /use proto tcp or udp/],
    [{ action: "limit" }, "limit", /add a limit such as 1000\/s/],
    [{ action: "limit", limit: { rate: 0, unit: "packets" } }, "limit.rate", /at least 1/],
    [{ action: "drop", limit: { rate: 1, unit: "packets" } }, "limit", /use action limit/],
    [{ action: "drop", reject: "unreachable" }, "reject", /use action reject/],
    [{ action: "redirect" }, "service", /name the service/],
    [{ action: "pass", service: "web" }, "service", /use action redirect/],
  ])("refuses %j at %s", (input, path, message) => {
    const found = refusal(RuleSpec, input);
    expect(found.map((issue) => issue.path)).toContain(path);
    expect(found.find((issue) => issue.path === path)?.message).toMatch(message);
  });

  it("keeps nothing that equals its default: equal rules are equal documents", () => {
    const plain = RuleSpec.parse({ action: "reject" });
    expect(RuleSpec.parse({ action: "reject", reject: "auto", fragment: "any", monitor: false, sport: undefined })).toStrictEqual(plain);
    expect(Object.keys(plain).sort()).toEqual(["action", "dst", "priority", "proto", "src", "tags"]);
  });

  it("leads to a rule that can be stored, with every field", () => {
    const spec = RuleSpec.parse({
      src: "@bad", dst: "2001:DB8::/32", sport: "2000,1000-1999", port: "443,80", proto: "TCP", family: 6, tcpFlags: "!ack,syn", fragment: "no", vlan: 7, innerVlan: "none",
      iface: "eth0", length: "40-60", state: "new", action: "limit", limit: { rate: 10, unit: "packets" }, monitor: true, tags: ["a"],
    });
    expect(spec).toEqual({
      src: "@bad", dst: "2001:db8::/32", sport: "1000-2000", port: "80,443", proto: "tcp", family: 6, tcpFlags: "syn,!ack", fragment: "no", vlan: 7, innerVlan: "none",
      iface: "eth0", length: "40-60", state: "new", action: "limit", limit: { rate: 10, unit: "packets", per: "rule" }, monitor: true, priority: 1_000, tags: ["a"],
    });
    const rule: FilterRule = { ...spec, id: 1, createdAt: "2026-11-22T12:00:00.000Z" };
    expect(FilterRule.parse(rule)).toEqual(rule);
    expect(RuleSpec.parse(spec)).toEqual(spec);
  });

  it("a stored rule with a field of a newer build is refused: without it the rule would mean more", () => {
    const rule: FilterRule = { ...RuleSpec.parse({ action: "drop" }), id: 1, createdAt: "2026-11-22T12:00:00.000Z" };
    expect(FilterRule.safeParse(rule).success).toBe(true);
    expect(FilterRule.safeParse({ ...rule, ttl: 64 }).success).toBe(false);
  });

  it("orders by priority, then by id", () => {
    const order = (priority: number, id: number) => ruleOrder({ priority, id });
    expect([order(2, 1), order(1, 0xffff_ffff), order(1, 2), order(65_535, 1)].sort((a, b) => a - b)).toEqual([order(1, 2), order(1, 0xffff_ffff), order(2, 1), order(65_535, 1)]);
    expect(Number.isSafeInteger(order(65_535, 0xffff_ffff))).toBe(true);
  });

  it("names every field that is wrong at once", () => {
    expect(refusal(RuleSpec, { src: "x", dst: "y", action: "z" }).map((issue) => issue.path).sort()).toEqual(["action", "dst", "src"]);
  });
});

describe("ForwardSpec", () => {
  it("takes the command of the README", () => {
    expect(ForwardSpec.parse({ src: "any", dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" })).toMatchObject({ snaplen: 9_216, module: "ips" });
  });

  it("samples one of N flows of a direction", () => {
    expect(ForwardSpec.parse({ module: "ips", sample: 1, direction: "both" })).toStrictEqual(ForwardSpec.parse({ module: "ips" }));
    const forward: ForwardRule = { ...ForwardSpec.parse({ module: "ips", sample: 10, direction: "to-service" }), id: 1, createdAt: "2026-11-22T12:00:00.000Z" };
    expect(ForwardRule.parse(forward)).toEqual(forward);
    expect(refusal(ForwardSpec, { module: "ips", sample: 0, direction: "up" }).map(({ path }) => path).sort()).toEqual(["direction", "sample"]);
  });

  it.each([[{ module: "a b" }, "module"], [{}, "module"], [{ module: "ips", snaplen: 10 }, "snaplen"]])("refuses %j", (input, path) => {
    expect(refusal(ForwardSpec, input).map((issue) => issue.path)).toEqual([path]);
  });
});
