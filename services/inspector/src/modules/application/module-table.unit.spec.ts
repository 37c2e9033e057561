import type { ModuleBinding } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { InstanceSpec, Wanted } from "../../inspection/application/instance.js";
import type { ToWorker } from "../../inspection/worker/to-worker.js";
import { ModuleTable } from "./module-table.js";

const spec = (version: number, rules?: number, configure = "", builtin = false): InstanceSpec => ({
  name: "ips", configure,
  loaded: {
    sha256: version.toString(16).padStart(64, "0"), manifest: { id: "ips", version: `${version}.0.0`, title: "IPS", rules: [] },
    ...(builtin && { builtinRules: { digest: "b".repeat(64), texts: new Map() } }),
  } as never,
  ...(rules !== undefined && { rules: { digest: rules.toString(16).padStart(64, "0"), ids: new Uint32Array(1) } as never }),
});
const bound = (...names: string[]): ReadonlyMap<string, ModuleBinding> =>
  new Map(names.map((name, bit) => [name, { name, bit, version: "1.0.0", digest: `sha256:${"1".padStart(64, "0")}`, title: name }]));
const table = (lanes = 1, maxStrikes = 3): ModuleTable => new ModuleTable({ maxStrikes, drainMs: 60_000, lanes });
const brief = (messages: readonly ToWorker[] | undefined): string[] => (messages ?? []).map((message) => {
  switch (message.type) {
    case "load": return `load ${message.slot} ${message.role} ${message.loaded.manifest.version}${message.rules ? " with rules" : ""}`;
    case "route": return `route ${message.next} bit ${message.nextBit} share ${message.share}${message.retire ? " retire" : ""}`;
    case "rules": return `rules ${message.slot} ${message.rules ? "given" : "own"}`;
    case "unload": return `unload ${message.slot}`;
    case "bit": return `bit ${message.name} ${message.bit}`;
    case "pack": return "pack";
  }
});

function running(first: Wanted = { base: spec(1) }, lanes = 1): ModuleTable {
  const made = table(lanes);
  made.bind(bound("ips"));
  made.want("ips", first);
  return made;
}

describe("what runs here", () => {
  it("waits for its bit, and runs with it", () => {
    const modules = table();
    expect(brief(modules.want("ips", { base: spec(1) }))).toEqual(["bit ips -1", "load 0 base 1.0.0"]);
    expect(modules.list()).toMatchObject([{ name: "ips", version: "1.0.0", state: "waiting", strikes: 0 }]);
    expect(modules.runningMask()).toBe(0);
    expect(brief(modules.bind(bound("waf", "ips")))).toEqual(["bit ips 1"]);
    expect(modules.list()).toMatchObject([{ state: "running" }]);
    expect(modules.runningMask()).toBe(0b10);
    expect(brief(modules.want("ips", { base: spec(1) }))).toEqual([]);
  });

  it("takes 32 names and no more", () => {
    const modules = table();
    for (let n = 0; n < 32; n++) expect(modules.want(`m${n}`, { base: spec(1) })).toBeDefined();
    expect(modules.want("one-too-many", { base: spec(1) })).toBeUndefined();
  });

  it("lets a new version have the new flows, and tells when the old one is through in every thread", () => {
    const modules = running(undefined, 2);
    expect(brief(modules.want("ips", { base: spec(2) }))).toEqual(["load 1 aside 2.0.0", "route 1 bit 31 share 10000 retire"]);
    expect(modules.list()).toMatchObject([{ version: "2.0.0", draining: true }]);
    modules.retired(0, 0);
    expect(modules.list()[0]?.draining).toBe(true);
    modules.retired(0, 1);
    expect(modules.list()[0]?.draining).toBeUndefined();
  });

  it("goes back to the old version where the new one fails while flows drain", () => {
    const modules = running(undefined, 2);
    modules.want("ips", { base: spec(2) });
    modules.retired(0, 1);
    const { verdict, tell, only } = modules.strike(1, "trapped: unreachable", 0);
    expect([verdict, brief(tell), only.map(({ lane, message }) => [lane, brief([message])])])
      .toEqual(["rolled-back", ["unload 1"], [[1, ["load 0 base 1.0.0"]]]]);
    expect(modules.list()).toMatchObject([{ version: "1.0.0", state: "running", refused: { problem: "rejected: trapped: unreachable" } }]);
    expect(brief(modules.want("ips", { base: spec(2) }))).toEqual([]);
    expect(brief(modules.want("ips", { base: spec(3) }))).toEqual(["load 2 aside 3.0.0", "route 2 bit 31 share 10000 retire"]);
  });

  it("swaps rules in place, also back to its own, and all go back when one thread refuses", () => {
    const modules = running({ base: spec(1, undefined, "", true) }, 2);
    expect(brief(modules.want("ips", { base: spec(1, 5, "", true) }))).toEqual(["rules 0 given"]);
    modules.swapped(0, 0);
    expect(brief(modules.rulesRefused(0, "bad"))).toEqual(["rules 0 own"]);
    expect(modules.list()).toMatchObject([{ rules: { builtin: true }, refused: { problem: "rejected: bad" } }]);
    modules.want("ips", { base: spec(1, 6, "", true) });
    modules.swapped(0, 0);
    modules.swapped(0, 1);
    expect(modules.list()).toMatchObject([{ rules: { builtin: false, count: 1 } }]);
    expect(brief(modules.want("ips", { base: spec(1, undefined, "", true) }))).toEqual(["rules 0 own"]);
  });

  it("takes the rules before where a thread falls while it loads others", () => {
    const modules = running({ base: spec(1, 4) }, 2);
    modules.want("ips", { base: spec(1, 5) });
    modules.swapped(0, 1);
    const { verdict, tell, only } = modules.strike(0, "trapped", 0);
    expect([verdict, brief(tell), only.map(({ lane }) => lane)]).toEqual(["rolled-back", ["rules 0 given"], [0]]);
    expect(modules.list()).toMatchObject([{ strikes: 0, rules: { digest: `sha256:${"4".padStart(64, "0")}` } }]);
  });

  it("starts anew, with flows draining, for other settings", () => {
    expect(brief(running().want("ips", { base: spec(1, undefined, "a=1") }))).toEqual(["load 1 aside 1.0.0", "route 1 bit 31 share 10000 retire"]);
  });
});

describe("a canary", () => {
  const canary: Wanted = { base: spec(1), canary: { spec: spec(2), share: 1_000 } };

  it("has its share, another share, and in the end everything", () => {
    const modules = running();
    expect(brief(modules.want("ips", canary))).toEqual(["load 1 aside 2.0.0", "route 1 bit 31 share 1000"]);
    expect(modules.list()).toMatchObject([{ version: "1.0.0", canary: { version: "2.0.0", share: 1_000, state: "loading" } }]);
    modules.loaded(1);
    expect(modules.list()[0]?.canary?.state).toBe("running");
    expect(brief(modules.want("ips", { ...canary, canary: { spec: spec(2), share: 5_000 } }))).toEqual(["route 1 bit 31 share 5000"]);
    expect(brief(modules.want("ips", { base: spec(2) }))).toEqual(["route 1 bit 31 share 10000 retire"]);
    expect(modules.list()).toMatchObject([{ version: "2.0.0", draining: true }]);
    expect(brief(modules.everything(0))).toEqual(["bit ips 0", "load 1 base 2.0.0"]);
  });

  it("ends by a rollback, and by its first fault", () => {
    const modules = running(canary);
    expect(brief(modules.want("ips", { base: spec(1) }))).toEqual(["unload 1"]);
    modules.want("ips", canary);
    const { verdict, tell } = modules.strike(2, "lied", 0);
    expect([verdict, brief(tell)]).toEqual(["rolled-back", ["unload 2"]]);
    expect(modules.list()).toMatchObject([{ strikes: 0, canary: { state: "failed", problem: "rejected: lied" } }]);
    expect(brief(modules.want("ips", canary))).toEqual([]);
  });

  it("gives its bit back when a module gets it", () => {
    const modules = running(canary);
    const bindings = new Map([...bound("ips"), ["m31", { name: "m31", bit: 31, version: "1", digest: "d", title: "t" }]]);
    expect(brief(modules.bind(bindings))).toEqual(["unload 1", "load 2 aside 2.0.0", "route 2 bit 30 share 1000"]);
  });

  it("is started in a new thread as well", () => {
    expect(brief(running(canary).everything(0))).toEqual(["bit ips 0", "load 0 base 1.0.0", "load 1 aside 2.0.0", "route 1 bit 31 share 1000"]);
  });
});

describe("strikes", () => {
  it("restart a module until it is quarantined; a new version, or a release, is free of them", () => {
    const modules = running();
    expect(modules.strike(0, "trapped", 0)).toMatchObject({ verdict: "restart", only: [{ lane: 0 }] });
    expect(modules.strike(0, "trapped", 0).verdict).toBe("restart");
    const last = modules.strike(0, "late: slow", 0);
    expect([last.verdict, brief(last.tell)]).toEqual(["quarantined", ["unload 0"]]);
    expect(modules.strike(0, "trapped", 0).verdict).toBe("stale");
    expect(modules.problems().join()).toContain("quarantined after 3 strikes (last: late: slow)");
    expect(modules.list()).toMatchObject([{ state: "quarantined", strikes: 3 }]);
    expect(modules.runningMask()).toBe(0);
    expect(brief(modules.release("ips"))).toEqual(["load 1 base 1.0.0"]);
    for (let n = 0; n < 3; n++) modules.strike(1, "trapped", 0);
    expect(brief(modules.want("ips", { base: spec(2) }))).toEqual(["load 2 base 2.0.0"]);
    expect(modules.list()).toMatchObject([{ state: "running", strikes: 0 }]);
  });

  it("put the module that has them behind the others in a new thread", () => {
    const modules = running();
    modules.want("waf", { base: spec(7) });
    modules.strike(0, "late", 0);
    expect(brief(modules.everything(0)).filter((text) => text.startsWith("load"))).toEqual(["load 1 base 7.0.0", "load 0 base 1.0.0"]);
  });
});

describe("what does not run", () => {
  it("is disabled or cut off, and keeps running where its successor was refused", () => {
    const modules = running();
    const refused = { kind: "untrusted", version: "sha256:x", problem: "it is not signed" } as const;
    expect(brief(modules.want("ips", { base: undefined, refused }))).toEqual([]);
    expect(modules.list()).toMatchObject([{ version: "1.0.0", state: "running", refused: { problem: "untrusted: it is not signed" } }]);
    expect(modules.problems().join()).toContain("untrusted");
    expect(brief(modules.want("ips", { base: spec(1), off: "disabled" }))).toEqual(["unload 0"]);
    expect(modules.list()).toMatchObject([{ state: "disabled" }]);
    modules.want("ips", { base: spec(1), off: "quarantined" });
    expect(modules.list()).toMatchObject([{ state: "quarantined" }]);
    expect(brief(modules.want("ips", { base: spec(1) }))).toEqual(["load 1 base 1.0.0"]);
  });

  it("says which binary the policy knows", () => {
    expect(running({ base: spec(2) }).problems().join()).toContain("the policy has 1.0.0");
  });
});
