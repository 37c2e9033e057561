import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { emptyPolicy, evolve } from "../policy/state.js";
import { readPolicyMessage } from "../policy/upcast.js";
import { MODULE_LIMITS, type ModuleControl } from "./control.js";
import type { ModuleEvent } from "./events.js";
import { evolveModule, failsClosed } from "./evolve.js";

const at = "2026-11-22T12:00:00.000Z";
const digest = (n: number): string => `sha256:${n.toString(16).padStart(64, "0")}`;
const blob = { id: "b", sha256: "0".repeat(64), parts: 1, bytes: 1, size: 1 };
const published = (n: number): ModuleEvent =>
  ({ type: "module.published", version: 1, data: { name: "m", module: { version: `${n}.0.0`, digest: digest(n), title: "m", blob, publishedAt: at } } });
const enabled = (version?: number): ModuleEvent =>
  ({ type: "module.enabled", version: 1, data: { name: "m", active: version === undefined ? {} : { version: digest(version) } } });
const canary = (version: number): ModuleEvent =>
  ({ type: "module.canary-started", version: 1, data: { name: "m", choice: { version: digest(version) }, share: 1_000, at } });
const back = (version?: number): ModuleEvent =>
  ({ type: "module.rolled-back", version: 1, data: { name: "m", active: version === undefined ? {} : { version: digest(version) }, reason: "r", at } });
const of = (...events: ModuleEvent[]): ModuleControl | undefined =>
  events.reduce<ModuleControl | undefined>((before, event) => evolveModule(before, event), undefined);
const quarantined: ModuleEvent =
  { type: "module.quarantined", version: 1, data: { name: "m", quarantine: { reason: "trapped", strikes: 3, digest: digest(1), at } } };
const closed: ModuleEvent = { type: "module.configured", version: 1, data: { name: "m", settings: {}, failMode: "closed" } };

describe("the life of a module", () => {
  it("runs what is pushed when it is enabled, and what lies in a folder at once", () => {
    expect(of(published(1))).toMatchObject({ enabled: false, active: {} });
    expect(of(published(1), enabled(1))).toMatchObject({ enabled: true, active: { version: digest(1) }, previous: [] });
    expect(of(closed)).toMatchObject({ enabled: true, failMode: "closed" });
  });

  it("promotes a canary, and goes back step by step", () => {
    const promoted = of(published(1), enabled(1), published(2), canary(2), { type: "module.canary-promoted", version: 1, data: { name: "m" } });
    expect(promoted?.canary).toBeUndefined();
    expect(promoted).toMatchObject({ active: { version: digest(2) }, previous: [{ version: digest(1) }] });
    const once = promoted && evolveModule(promoted, back(1));
    expect(once).toMatchObject({ active: { version: digest(1) }, previous: [], rolledBack: { reason: "r" } });
    // One of the inspectors' folders is where a rollback from the first pushed version goes to.
    expect(of(closed, published(1), enabled(1), back())).toMatchObject({ active: {}, previous: [] });
  });

  it("ends a canary by a rollback to what runs anyway", () => {
    const ended = of(published(1), enabled(1), canary(2), back(1));
    expect(ended?.canary).toBeUndefined();
    expect(ended).toMatchObject({ active: { version: digest(1) }, previous: [] });
  });

  it("forgets versions beyond the newest few, but none in use", () => {
    const many = of(published(1), enabled(1), ...Array.from({ length: 20 }, (_, n) => published(n + 2)));
    expect(many?.versions).toHaveLength(MODULE_LIMITS.kept + 1);
    expect(many?.versions[0]?.digest).toBe(digest(1));
  });

  it("fails closed while it is quarantined, until it is released or another version runs", () => {
    expect(failsClosed(of(published(1), enabled(1), closed))).toBe(false);
    expect(failsClosed(of(published(1), enabled(1), closed, quarantined))).toBe(true);
    expect(failsClosed(of(published(1), enabled(1), quarantined))).toBe(false);
    expect(failsClosed(of(published(1), enabled(1), closed, quarantined, enabled(2)))).toBe(false);
    expect(failsClosed(of(published(1), enabled(1), closed, quarantined, { type: "module.released", version: 1, data: { name: "m" } }))).toBe(false);
    expect(failsClosed(of(published(1), enabled(1), closed, quarantined, { type: "module.disabled", version: 1, data: { name: "m" } }))).toBe(false);
  });

  it("is part of the policy", () => {
    const golden = JSON.parse(readFileSync(new URL("../policy/golden/v1-modules.json", import.meta.url), "utf8")) as unknown;
    const state = readPolicyMessage(golden).events.reduce(evolve, emptyPolicy);
    expect(state.controls.get("sensor")).toMatchObject({ enabled: false, failMode: "closed", settings: { "scan.ports": "20" } });
    const module = { name: "sensor", bit: 0, version: "2", title: "t", digest: digest(9) };
    const cut = [quarantined, { type: "module.registered", version: 1, data: { module: { ...module, name: "m" } } } as const]
      .reduce(evolve, emptyPolicy);
    expect(cut.controls.get("m")?.quarantine).toBeUndefined();
  });
});
