import { describe, expect, it } from "vitest";
import { changedProtection, NO_PROTECTION, ProtectionChange } from "./protection.js";
import { Service, serviceFrom, ServiceSpec } from "./service.js";
import { SetChange, SetSpec } from "./set.js";

const issues = (result: { success: boolean; error?: { issues: readonly { path: PropertyKey[]; message: string }[] } | undefined }) =>
  (result.error?.issues ?? []).map((issue) => `${issue.path.join(".")}: ${issue.message}`);

describe("SetSpec and SetChange", () => {
  it("normalise prefixes and leave out what is there twice", () => {
    expect(SetSpec.parse({ name: "bad", entries: ["10.0.0.1/32", "10.0.0.1", "2001:DB8::/32"] })).toEqual({ name: "bad", entries: ["10.0.0.1", "2001:db8::/32"] });
    expect(SetChange.parse({ remove: ["10.0.0.1"] })).toEqual({ add: [], remove: ["10.0.0.1"] });
  });

  it.each([
    [SetSpec, { name: "a b", entries: [] }, /name: a name is/], [SetSpec, { name: "a", entries: ["any"] }, /entries\.0: .*is not an IPv4/],
    [SetSpec, { name: "a", entries: ["10.0.0.1/8"] }, /did you mean 10\.0\.0\.0\/8/], [SetSpec, { name: "a", entries: ["@b"] }, /entries\.0/],
    [SetChange, {}, /add: nothing to change/], [SetChange, { add: ["10.0.0.1"], remove: ["10.0.0.1/32"] }, /remove: 10\.0\.0\.1 is added and removed/],
  ])("refuse %#", (schema, input, message) => {
    expect(issues(schema.safeParse(input)).join("; ")).toMatch(message);
  });
});

describe("ServiceSpec", () => {
  const web = { name: "web", address: "10.0.0.80", port: 80, proto: "tcp" as const };

  it("leads to a service that can be stored, with the address itself as backend", () => {
    const service = serviceFrom(ServiceSpec.parse(web), "2026-11-22T12:00:00.000Z");
    expect(service.backends).toEqual([{ address: "10.0.0.80", weight: 1 }]);
    expect(Service.parse(service)).toEqual(service);
    const full = serviceFrom(ServiceSpec.parse({
      ...web, backends: [{ address: "172.17.0.2", port: 8_080, weight: 3 }], container: "web-1", inspect: ["waf", "waf"], health: { kind: "tcp" }, comment: "c", owner: "o",
    }), "2026-11-22T12:00:00.000Z");
    expect(Service.parse(full)).toEqual(full);
    expect(full).toMatchObject({ inspect: ["waf"], health: { intervalMs: 2_000, timeoutMs: 1_000, rise: 2, fall: 3 } });
  });

  it.each([
    [{ ...web, proto: undefined }, /^proto: a port needs a protocol: add proto tcp or udp$/],
    [{ ...web, address: "10.0.0.0/24" }, /address: .*single address/],
    [{ ...web, container: "a", iface: "eth0" }, /iface: container and iface both say where/],
    [{ ...web, backends: [] }, /backends: .*at least one/],
    [{ ...web, backends: [{ address: "2001:db8::1" }] }, /backends\.0\.address: .*not of the IP family/],
    [{ ...web, backends: [{ address: "10.0.0.1" }, { address: "10.0.0.1" }] }, /backends\.1: .*named twice/],
    [{ ...web, backends: [{ address: "10.0.0.1", weight: 0 }] }, /backends: every weight is 0/],
    [{ name: "a", address: "10.0.0.1", backends: [{ address: "10.0.0.1", port: 80 }] }, /backends\.0\.port: .*add port and proto/],
    [{ name: "a", address: "10.0.0.1", health: { kind: "tcp" } }, /health: .*add port, or use health none/],
    [{ ...web, proto: "udp", health: { kind: "tcp" } }, /health: .*use health none/],
    [{ ...web, health: { kind: "tcp", intervalMs: 500 } }, /health\.timeoutMs: .*longer than the interval/],
    [{ ...web, netns: "a b" }, /netns: /], [{ ...web, iface: "a/b" }, /iface: /], [{ ...web, backends: Array.from({ length: 65 }, (_, n) => ({ address: `10.0.0.${n}` })) }, /at most 64 backends/],
  ])("refuses %#", (input, message) => {
    expect(issues(ServiceSpec.safeParse(input)).join("; ")).toMatch(message);
  });
});

describe("protection", () => {
  it("changes what is named and keeps the rest", () => {
    const on = changedProtection(NO_PROTECTION, ProtectionChange.parse({ synCookies: "auto", perSource: { rate: 10, burst: 20 } }));
    expect(on).toEqual({ synCookies: "auto", synRate: 10_000, establishedPass: false, perSource: { rate: 10, burst: 20 } });
    expect(changedProtection(on, ProtectionChange.parse({ establishedPass: true }))).toEqual({ ...on, establishedPass: true });
    expect(changedProtection(on, ProtectionChange.parse({ perSource: null }))).toEqual({ ...NO_PROTECTION, synCookies: "auto" });
  });

  it.each([[{}, /nothing to change/], [{ synCookies: "maybe" }, /off, on or auto/], [{ synRate: 0 }, /at least 1/], [{ extra: 1 }, /extra/]])("refuses %j", (input, message) => {
    expect(issues(ProtectionChange.safeParse(input)).join("; ")).toMatch(message);
  });
});
