import { emptyPolicy, evolve, type ModuleRuleSet, type ModuleVersion, type PolicyState } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { ModuleCommand } from "./commands.js";
import { decide } from "./decider.js";

const now = "2026-11-22T12:00:00.000Z";
const digest = (n: number): string => `sha256:${n.toString(16).padStart(2, "0").repeat(32)}`;
const blob = { id: "b", sha256: "0".repeat(64), parts: 1, bytes: 1, size: 1 };
const module = (n: number, more: Partial<ModuleVersion> = {}): ModuleVersion =>
  ({ version: `${n}.0.0`, digest: digest(n), title: "m", blob, publishedAt: now, ...more });
const ruleSet = (n: number): ModuleRuleSet =>
  ({ digest: digest(n), language: "suricata", rules: 1, refused: 0, blob, publishedAt: now });
const name = "m";
const publish = (n: number): ModuleCommand => ({ type: "publish_module", name, module: module(n) });
const rules = (n: number, activate = true): ModuleCommand => ({ type: "publish_rules", name, ruleSet: ruleSet(n), activate });
const canary = (share: number, more: object = {}): ModuleCommand => ({ type: "canary_module", name, share, now, ...more });
const rollback = (more: object = {}): ModuleCommand => ({ type: "rollback_module", name, reason: "r", now, ...more });
const enable = (more: object = {}): ModuleCommand => ({ type: "enable_module", name, ...more });

/** The state after these commands, and the types of the last one's events. */
function after(...commands: ModuleCommand[]): { state: PolicyState; events: string[] } {
  let state = emptyPolicy;
  let events: string[] = [];
  for (const command of commands) {
    const decided = decide(command, state);
    events = decided.map(({ type }) => type);
    state = decided.reduce(evolve, state);
  }
  return { state, events };
}
const control = (...commands: ModuleCommand[]) => after(...commands).state.controls.get(name);

describe("commands on modules", () => {
  it("publish a version once, which runs when it is enabled, under a bit of its own", () => {
    expect(after(publish(1), publish(1)).events).toEqual([]);
    const { events, state } = after(publish(1), enable());
    expect(events).toEqual(["module.registered", "module.enabled"]);
    expect(state.modules.get(name)).toMatchObject({ bit: 0, version: "1.0.0", digest: digest(1) });
    expect(after(publish(1), enable(), enable()).events).toEqual([]);
    const other = { type: "publish_module", name, module: module(2, { version: "1.0.0" }) } as const;
    expect(() => after(publish(1), other)).toThrow(/published already, with another content/);
  });

  it("are refused for a module that nobody knows, and for what is not published", () => {
    expect(() => after(enable())).toThrow(/there is no module m/);
    expect(() => after(publish(1), enable({ version: "9.9.9" }))).toThrow(/version 9.9.9 is not published; there are 1.0.0/);
    expect(() => after(publish(1), rollback())).toThrow(/no canary, and nothing ran before/);
    expect(() => after(publish(1), enable(), { type: "promote_module", name })).toThrow(/no canary/);
  });

  it("put rules in force, or keep them for later, and take a version or rules by a beginning of their digest", () => {
    expect(after(publish(1), enable(), rules(7)).events).toEqual(["module.ruleset-published", "module.enabled"]);
    expect(after(publish(1), enable(), rules(7, false)).events).toEqual(["module.ruleset-published"]);
    expect(control(publish(1), enable(), rules(7, false), enable({ rules: "070707" }))?.active).toEqual({ version: digest(1), rules: digest(7) });
    expect(control(publish(1), enable(), rules(7), enable({ rules: "builtin" }))?.active).toEqual({ version: digest(1) });
    const wrong = { type: "publish_module", name, module: module(1, { ruleLanguage: "seclang" }) } as const;
    expect(() => after(wrong, enable(), rules(7))).toThrow(/takes rules in seclang/);
  });

  it("canary the newest, promote it, and go back", () => {
    const tried = [publish(1), enable(), publish(2), canary(1_000)];
    expect(control(...tried)?.canary).toMatchObject({ choice: { version: digest(2) }, share: 1_000 });
    expect(after(...tried, canary(1_000)).events).toEqual([]);
    const promoted = after(...tried, { type: "promote_module", name });
    expect(promoted.events).toEqual(["module.registered", "module.canary-promoted"]);
    expect(promoted.state.modules.get(name)).toMatchObject({ bit: 0, version: "2.0.0" });
    const back = after(...tried, { type: "promote_module", name }, rollback());
    expect(back.state.modules.get(name)?.version).toBe("1.0.0");
    expect(back.state.controls.get(name)?.active).toEqual({ version: digest(1) });
    expect(control(...tried, rollback())).toMatchObject({ active: { version: digest(1) } });
    expect(() => after(publish(1), enable(), canary(1_000))).toThrow(/runs this already/);
    expect(() => after(publish(1), canary(1_000))).toThrow(/not enabled/);
  });

  it("roll back on behalf of inspectors only what they saw", () => {
    const tried = [publish(1), enable(), publish(2), canary(1_000)];
    expect(after(...tried, rollback({ only: { version: digest(9) } })).events).toEqual([]);
    expect(after(...tried, rollback({ only: { version: digest(2) } })).events).toEqual(["module.rolled-back"]);
  });

  it("merge settings, and change nothing where nothing changes", () => {
    const configure = (settings: Record<string, string | null>, failMode?: "open" | "closed"): ModuleCommand =>
      ({ type: "configure_module", name, settings, failMode });
    expect(control(publish(1), configure({ a: "1", b: "2" }), configure({ a: null }, "closed"))).toMatchObject({ settings: { b: "2" }, failMode: "closed" });
    expect(after(publish(1), configure({ a: "1" }), configure({ a: "1" })).events).toEqual([]);
  });

  it("quarantine once, and release", () => {
    const cut: ModuleCommand = { type: "quarantine_module", name, quarantine: { reason: "r", strikes: 3, at: now } };
    expect(after(publish(1), cut, cut).events).toEqual([]);
    expect(() => after(publish(1), enable(), publish(2), cut, canary(1_000))).toThrow(/quarantined/);
    expect(control(publish(1), cut, { type: "release_module", name })?.quarantine).toBeUndefined();
    expect(after(publish(1), { type: "disable_module", name }).events).toEqual([]);
    expect(after(publish(1), enable(), { type: "disable_module", name }).events).toEqual(["module.disabled"]);
  });
});
