import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PolicyEvent } from "./events.js";
import { emptyPolicy, evolve } from "./state.js";
import { readPolicyMessage, UnreadablePolicyMessage } from "./upcast.js";

const golden = new URL("./golden/", import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(name, golden), "utf8"));

describe("readPolicyMessage", () => {
  it.each(readdirSync(golden))("reads the published fixture %s as it stands", (name) => {
    expect(readPolicyMessage(fixture(name))).toEqual(fixture(name));
  });

  it("has a fixture for every event type", () => {
    const known = PolicyEvent.options.map((option) => option.shape.type.value).sort();
    const shown = new Set(readdirSync(golden).flatMap((name) => readPolicyMessage(fixture(name)).events.map((event) => event.type)));
    expect([...shown].sort()).toEqual(known);
  });

  it("folds the fixture to the rules that are left", () => {
    const state = readPolicyMessage(fixture("v1.json")).events.reduce(evolve, emptyPolicy);
    expect([...state.rules.keys()]).toEqual([2]);
    expect([...state.forwards.keys()]).toEqual([1]);
    expect(state.nextRuleId).toBe(3);
  });

  it("folds the second fixture to what is left", () => {
    const state = readPolicyMessage(fixture("v1-second.json")).events.reduce(evolve, emptyPolicy);
    expect([...state.rules.keys()]).toEqual([3, 4]);
    expect([...state.sets].map(([name, { entries }]) => [name, [...entries]])).toEqual([["bad", ["10.8.0.0/16", "2001:db8:bad::/48"]]]);
    expect([...state.services.keys()]).toEqual(["web"]);
    expect(state.protection.synCookies).toBe("auto");
    expect(state.nextRuleId).toBe(5);
  });

  it.each([
    [null], ["x"], [{}], [{ events: [] }], [{ actor: "a", at: "2026-11-22T12:00:00.000Z", events: [{ type: "rule.added", version: 99, data: {} }] }],
    [{ actor: "a", at: "2026-11-22T12:00:00.000Z", events: [{ type: "rule.exploded", version: 1, data: {} }] }],
    [{ actor: "a", at: "yesterday", events: [{ type: "rule.deleted", version: 1, data: { id: 1 } }] }],
  ])("refuses %j instead of guessing", (body) => {
    expect(() => readPolicyMessage(body)).toThrow(UnreadablePolicyMessage);
  });
});
