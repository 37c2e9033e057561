import { RuleSpec, type RuleSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { Surroundings } from "./commands.js";
import { addressesOf } from "./addresses.js";
import type { SetLookup } from "./match.js";
import { dangerOf, dangerOfProtection } from "./safety.js";
import { LOOPBACK_ONLY } from "./testing.js";

const danger = (rule: Omit<RuleSpecInput, "action">, surroundings: Surroundings = LOOPBACK_ONLY) =>
  dangerOf(RuleSpec.parse({ ...rule, action: "drop" }), surroundings);

const REMOTE: Surroundings = {
  ...LOOPBACK_ONLY,
  managementPrefixes: ["10.9.0.0/24"],
  session: { remoteAddress: "192.0.2.7", remotePort: 50_123, localAddress: "10.0.0.5", localPort: 7_400 },
};

describe("a drop rule asks for confirmation", () => {
  it.each([
    ["that names the management network as source", { src: "127.0.0.1" }, "management network 127.0.0.0/8"],
    ["that names it as destination", { dst: "127.5.0.0/16", port: 9, proto: "udp" }, "management network 127.0.0.0/8"],
    ["that names it in IPv6", { src: "::1" }, "management network ::1"],
    ["for everything", {}, "all addresses"],
    ["for everything of one family", { src: "0.0.0.0/0" }, "all addresses"],
    ["for all TCP", { proto: "tcp" }, "all addresses"],
    ["for a port of administration", { proto: "tcp", port: 22 }, "on port 22"],
    ["for answers of a port of administration", { proto: "tcp", sport: 4_222 }, "on port 4222"],
  ])("%s", (_, rule, reason) => {
    expect(danger(rule)).toContain(reason);
  });

  it.each([
    ["the configured network", { src: "10.0.0.0/8", dst: "10.7.7.7", proto: "icmp" }, "management network 10.9.0.0/24"],
    ["the caller's address", { src: "192.0.2.0/24" }, "your own address 192.0.2.7"],
    ["the caller's address as destination", { dst: "192.0.2.7" }, "your own address 192.0.2.7"],
    ["the session by its local end", { dst: "10.0.0.5", port: 7_400, proto: "tcp" }, "the session you are asking over"],
    ["the answers of the session", { src: "10.0.0.5", sport: 7_400, proto: "tcp" }, "the session you are asking over"],
    ["the session by a wide destination", { dst: "10.0.0.0/30", proto: "any" }, undefined],
    ["the session by its whole network", { dst: "10.0.0.0/29" }, "the session you are asking over"],
  ])("that matches %s", (_, rule, reason) => {
    if (reason === undefined) expect(danger(rule, REMOTE)).toBeUndefined();
    else expect(danger(rule, REMOTE)).toContain(reason);
  });
});

describe("a rule does not ask", () => {
  it.each([
    ["a rule for others", { src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp" }],
    ["any source to a service", { dst: "10.0.0.5", port: 80, proto: "tcp" }],
    ["any IPv4 source to a service", { src: "0.0.0.0/0", dst: "10.0.0.5", port: 22, proto: "tcp" }],
    ["a port that administration does not use", { proto: "tcp", port: 23 }],
    ["a protocol that administration does not use", { proto: "icmp" }],
  ])("%s", (_, rule) => {
    expect(danger(rule)).toBeUndefined();
  });

  it("when it lets pass", () => {
    expect(dangerOf(RuleSpec.parse({ src: "127.0.0.1", action: "pass" }), LOOPBACK_ONLY)).toBeUndefined();
  });
});

describe("other actions and dimensions", () => {
  const of = (rule: RuleSpecInput, surroundings: Surroundings = LOOPBACK_ONLY, sets?: SetLookup) =>
    dangerOf(RuleSpec.parse(rule), surroundings, sets);

  it.each<RuleSpecInput>([
    { src: "127.0.0.1", action: "reject" },
    { src: "127.0.0.1", action: "limit", limit: { rate: 10, unit: "packets" } },
    { dst: "127.0.0.1", action: "redirect", service: "shop" },
    { proto: "tcp", port: "20-25", action: "drop" },
    { proto: "tcp", port: "443,7400", action: "reject" },
    { proto: "tcp", tcpFlags: "syn,!ack", action: "drop" },
    { proto: "tcp", state: "new", action: "drop" },
    { iface: "eth0", action: "drop" },
    { vlan: 5, family: 4, action: "drop" },
    { fragment: "no", action: "drop" },
  ])("ask: %j", (rule) => {
    expect(of(rule)).toBeDefined();
  });

  it.each<RuleSpecInput>([
    { src: "127.0.0.1", action: "drop", monitor: true },
    { proto: "tcp", port: "23,80", action: "drop" },
    { proto: "tcp", tcpFlags: "fin,psh,urg", action: "drop" },
    { proto: "tcp", tcpFlags: "!fin,!syn,!rst,!psh,!ack,!urg", action: "drop" },
    { fragment: "later", action: "drop" },
    { fragment: "yes", action: "drop" },
    { length: "0-39", action: "drop" },
    { proto: "icmp", icmpType: 8, action: "drop" },
    { dst: "10.0.0.5", port: 80, proto: "tcp", action: "redirect", service: "shop" },
  ])("do not ask: %j", (rule) => {
    expect(of(rule)).toBeUndefined();
  });

  it("look into sets", () => {
    const sets: SetLookup = (name) => addressesOf({ bad: ["203.0.113.0/24"], own: ["192.0.2.7"], all: ["0.0.0.0/0"] }[name] ?? []);
    expect(of({ src: "@bad", action: "drop" }, REMOTE, sets)).toBeUndefined();
    expect(of({ src: "@own", action: "drop" }, REMOTE, sets)).toContain("your own address 192.0.2.7");
    expect(of({ src: "@all", action: "drop" }, LOOPBACK_ONLY, sets)).toContain("all addresses");
    expect(of({ dst: "@bad", src: "@own", action: "pass" }, REMOTE, sets)).toBeUndefined();
  });

  it("know a limit for every source that is too low", () => {
    expect(dangerOfProtection({ perSource: { rate: 10, burst: 10 } })).toContain("10 packets a second");
    expect(dangerOfProtection({ perSource: { rate: 100, burst: 100 } })).toBeUndefined();
    expect(dangerOfProtection({})).toBeUndefined();
  });
});
