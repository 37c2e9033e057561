import { RuleSpec, type RuleSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { Surroundings } from "./commands.js";
import { dangerOf } from "./safety.js";
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
