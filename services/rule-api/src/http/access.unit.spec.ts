import { describe, expect, it } from "vitest";
import { accessCheck, hostName, isLoopback, type AccessRules } from "./access.js";

const TOKEN = "a-token-of-some-length";
const status = (rules: Partial<AccessRules>, headers: Record<string, string>): number =>
  accessCheck({ host: "127.0.0.1", allowedHosts: [], ...rules })({ headers })?.status ?? 200;

describe("on loopback", () => {
  it.each(["127.0.0.1:7400", "localhost:7400", "[::1]:7400", "127.9.9.9", "LOCALHOST"])("is called by %s", (host) => {
    expect(status({}, { host })).toBe(200);
  });

  it.each(["evil.example:7400", "127.0.0.1.evil.example", "10.0.0.5:7400", "", "user@localhost", "localhost/x", "a b"])(
    "is not called by %j",
    (host) => {
      expect(status({}, { host })).toBe(403);
    },
  );

  it("is called by names that are allowed", () => {
    expect(status({ allowedHosts: ["Rules.Example"] }, { host: "rules.example:7400" })).toBe(200);
  });

  it("refuses a request without a Host header", () => {
    expect(status({}, {})).toBe(403);
  });
});

it("on another address is called by addresses and its names, not by others", () => {
  const rules = { host: "0.0.0.0", token: TOKEN, allowedHosts: ["fw1"] };
  const authorization = `Bearer ${TOKEN}`;
  expect(status(rules, { host: "192.0.2.1:7400", authorization })).toBe(200);
  expect(status(rules, { host: "fw1:7400", authorization })).toBe(200);
  expect(status(rules, { host: "evil.example:7400", authorization })).toBe(403);
});

describe("a web page", () => {
  it.each([
    ["http://127.0.0.1:7400", 200],
    ["http://evil.example", 403],
    ["null", 403],
    ["http://127.0.0.1:8080", 403],
  ])("of origin %s gets %i", (origin, wanted) => {
    expect(status({}, { host: "127.0.0.1:7400", origin })).toBe(wanted);
  });
});

describe("with a token", () => {
  const host = "localhost";
  it.each([
    [`Bearer ${TOKEN}`, 200],
    [`bearer  ${TOKEN}`, 200],
    [`Bearer ${TOKEN}x`, 401],
    [`Bearer ${TOKEN.slice(1)}`, 401],
    [`Basic ${TOKEN}`, 401],
    ["Bearer", 401],
    ["", 401],
  ])("%j gets %i", (authorization, wanted) => {
    expect(status({ token: TOKEN }, { host, authorization })).toBe(wanted);
  });

  it("says what to send, and never the token", () => {
    const refused = accessCheck({ host, token: TOKEN, allowedHosts: [] })({ headers: { host } });
    expect(refused).toMatchObject({ code: "unauthorized", next: expect.stringContaining("Authorization: Bearer") as string });
    expect(JSON.stringify(refused)).not.toContain(TOKEN);
  });
});

it("knows loopback addresses and host names", () => {
  expect(["127.0.0.1", "127.1.2.3", "::1", "localhost"].every(isLoopback)).toBe(true);
  expect(["0.0.0.0", "::", "10.0.0.1", "127.example", "example"].some(isLoopback)).toBe(false);
  expect([hostName("[::1]:80"), hostName("a:1"), hostName("a:b")]).toEqual(["::1", "a", undefined]);
});
