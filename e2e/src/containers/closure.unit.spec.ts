import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DOCKER_TOOLS } from "./engine.js";

interface Entry {
  link?: boolean;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}
type Closure = (packages: Record<string, Entry>, workspace: string, installed?: (path: string) => boolean) => string[];

const { closure } = (await import(join(DOCKER_TOOLS, "lib/closure.mjs"))) as { closure: Closure };
const on = (...names: string[]) => ({ dependencies: Object.fromEntries(names.map((name) => [name, "*"])) });

describe("closure", () => {
  it("follows links to workspaces, and leaves out what nobody asked for", () => {
    const packages = {
      "services/a": on("@x/lib", "p"),
      "node_modules/@x/lib": { link: true, resolved: "packages/lib" },
      "packages/lib": on("q"),
      "node_modules/p": {},
      "node_modules/q": {},
      "node_modules/dev-only": {},
    };
    expect(closure(packages, "services/a")).toEqual([
      "node_modules/@x/lib", "node_modules/p", "node_modules/q", "packages/lib", "services/a",
    ]);
  });

  it("takes the copy that Node would find: the nearest node_modules above", () => {
    const packages = {
      "services/a": on("@s/p", "q"),
      "node_modules/@s/p": on("q"),
      "node_modules/@s/p/node_modules/q": on("r"),
      "node_modules/q": {},
      "node_modules/r": {},
    };
    expect(closure(packages, "services/a")).toEqual([
      "node_modules/@s/p", "node_modules/@s/p/node_modules/q", "node_modules/q", "node_modules/r", "services/a",
    ]);
  });

  it("goes in circles only once", () => {
    const packages = { w: on("p"), "node_modules/p": on("q"), "node_modules/q": on("p") };
    expect(closure(packages, "w")).toEqual(["node_modules/p", "node_modules/q", "w"]);
  });

  it("takes optional dependencies when installed, peers unless they are optional", () => {
    const packages = {
      w: { ...on("p"), optionalDependencies: { here: "*", elsewhere: "*" } },
      "node_modules/p": { peerDependencies: { must: "*", may: "*" }, peerDependenciesMeta: { may: { optional: true } } },
      "node_modules/must": {},
      "node_modules/may": {},
      "node_modules/here": {},
      "node_modules/elsewhere": {},
    };
    const installed = (path: string) => path !== "node_modules/elsewhere";
    expect(closure(packages, "w", installed)).toEqual(["node_modules/here", "node_modules/must", "node_modules/p", "w"]);
  });

  it("names who needs what is missing", () => {
    expect(() => closure({ w: on("p"), "node_modules/p": on("q") }, "w")).toThrow("node_modules/p needs q");
    expect(() => closure({}, "services/none")).toThrow("services/none is not a workspace");
  });

  it("agrees with an obvious model on flat trees: everything reachable, nothing else", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const graph = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray(names)])));
    fc.assert(
      fc.property(graph, fc.subarray(names), (edges, roots) => {
        const packages: Record<string, Entry> = { w: on(...roots) };
        for (const name of names) packages[`node_modules/${name}`] = on(...(edges[name] ?? []));
        const step = (from: string[]) => [...new Set([...from, ...from.flatMap((name) => edges[name] ?? [])])];
        const reached = names.reduce((so) => step(so), roots);
        const expected = [...reached.map((name) => `node_modules/${name}`), "w"].sort();
        expect(closure(packages, "w")).toEqual(expected);
      }),
    );
  });
});
