import { POLICY_LIMITS, policyState, type InspectorStatus } from "@secuxflow/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { EMPTY_VIEW, type PolicyView } from "../../policy/application/policy-reader.js";
import { digest } from "../../policy/domain/testing.js";
import { LiveRegistry } from "../../telemetry/application/live-registry.js";
import { inspectorStatus, silent, World } from "../../testing/world.js";
import { ModuleRegistrar, newModules } from "./module-registrar.js";

const v1 = { name: "ips", version: "1", digest: digest("1") };
const v2 = { name: "ips", version: "2", digest: digest("2") };
const key = (module: typeof v1) => `${module.name}@${module.version}@${module.digest}`;

const view = (bound: typeof v1 | undefined, ...registered: (typeof v1)[]): PolicyView => ({
  ...EMPTY_VIEW,
  revision: 1,
  registered: new Set(registered.map(key)),
  state: policyState({ modules: bound ? [{ ...bound, title: bound.name, bit: 0 }] : [] }),
});
const offered = (...modules: (typeof v1)[]): InspectorStatus[] => modules.map((module, n) => inspectorStatus(`i${n}`, [module]));
const versions = (...args: Parameters<typeof newModules>) => newModules(...args).map(({ version }) => version);

describe("which announcements are taken up", () => {
  it("a module that is new, once", () => {
    expect(newModules(view(undefined), offered(v1, v1))).toEqual([{ ...v1, title: "ips" }]);
    expect(versions(view(v1, v1), offered(v1))).toEqual([]);
  });

  it("a new version, while the old one still runs", () => {
    expect(versions(view(v1, v1), offered(v1, v2))).toEqual(["2"]);
  });

  it("not the replaced version of two that run side by side", () => {
    expect(versions(view(v2, v1, v2), offered(v1, v2))).toEqual([]);
  });

  it("a rollback, when nobody offers the present version any more", () => {
    expect(versions(view(v2, v1, v2), offered(v1))).toEqual(["1"]);
  });
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const start = async () => {
  const world = await new World().ready();
  const inspectors = new LiveRegistry<InspectorStatus>(world.clock);
  const registrar = new ModuleRegistrar(inspectors, world.reader, world.service, silent);
  registrar.start();
  cleanups.push(
    () => registrar.stop(),
    () => world.close(),
  );
  return { world, inspectors, registrar };
};
const bindings = (world: World) =>
  [...world.state.modules.values()].sort((a, b) => a.bit - b.bit).map(({ name, version, bit }) => `${name} ${version} ${bit}`);

it("registers what inspectors announce and settles", async () => {
  const { world, inspectors } = await start();
  inspectors.put("a", inspectorStatus("a", [v1, { name: "waf" }]));
  await expect.poll(() => bindings(world)).toEqual(["ips 1 0", "waf 1.0.0 1"]);
  inspectors.put("b", inspectorStatus("b", [v2]));
  await expect.poll(() => bindings(world)).toEqual(["ips 2 0", "waf 1.0.0 1"]);
  for (let n = 0; n < 5; n++) inspectors.put(n % 2 ? "a" : "b", n % 2 ? inspectorStatus("a", [v1]) : inspectorStatus("b", [v2]));
  inspectors.put("c", inspectorStatus("c", [{ name: "last" }]));
  await expect.poll(() => bindings(world).at(-1)).toBe("last 1.0.0 2");
  expect(await world.messages()).toHaveLength(4);
});

it("does not listen to inspectors that are only known from before", async () => {
  const { world, inspectors } = await start();
  inspectors.put("old", inspectorStatus("old", [v1]), true);
  inspectors.put("new", inspectorStatus("new", [{ name: "waf" }]));
  await expect.poll(() => bindings(world)).toEqual(["waf 1.0.0 0"]);
});

it("says which modules are too many, and goes on with the others", async () => {
  const { world, inspectors, registrar } = await start();
  inspectors.put(
    "a",
    inspectorStatus(
      "a",
      Array.from({ length: POLICY_LIMITS.modules + 1 }, (_, n) => ({ name: `m${n}` })),
    ),
  );
  await expect
    .poll(() => registrar.problems)
    .toEqual([expect.stringContaining("module m32 1.0.0 was refused: the policy holds 32 modules")]);
  inspectors.put("a", inspectorStatus("a", [{ name: "m3", version: "2" }]));
  await expect.poll(() => bindings(world).includes("m3 2 3")).toBe(true);
});

it("tries again when the store was away", async () => {
  const { world, inspectors } = await start();
  world.connection.connected = false;
  inspectors.put("a", inspectorStatus("a", [v1]));
  await expect.poll(() => world.metrics.results).toContain("register_module nats_unavailable");
  world.connection.connected = true;
  await expect.poll(() => bindings(world), { timeout: 5_000 }).toEqual(["ips 1 0"]);
});
