import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ModuleInstance } from "@secuxflow/module-host";
import { builtModule } from "./testing/harness.js";

const folder = join(import.meta.dirname, "..");
const text = (path: string): string => readFileSync(join(folder, path), "utf8");

describe.each(["ips", "waf"] as const)("the built module %s", (name) => {
  it("brings its rules along, as a rule image or in its manifest", () => {
    const { manifest, builtinRules } = builtModule(name);
    const rules = builtinRules === undefined ? manifest.rules.map(({ id }) => id) : [...builtinRules.texts.keys()];
    expect(rules.length).toBeGreaterThan(40);
    expect(new Set(rules).size).toBe(rules.length);
    expect(builtinRules !== undefined).toBe(manifest.ruleLanguage !== undefined);
  });

  it("is what its description says", () => {
    const { manifest, sha256, memoryPages, usesWasi } = builtModule(name);
    const info = JSON.parse(text(`dist/${name}.json`)) as { id: string; version: string; sha256: string };
    expect(info).toMatchObject({ id: name, version: manifest.version, sha256 });
    expect(
      createHash("sha256")
        .update(readFileSync(join(folder, `dist/${name}.wasm`)))
        .digest("hex"),
    ).toBe(sha256);
    expect(memoryPages.max).toBe(manifest.memoryPagesMax);
    expect(usesWasi).toBe(false);
  });

  it("imports nothing but abort", () => {
    const imports = WebAssembly.Module.imports(builtModule(name).module).map((entry) => `${entry.module}.${entry.name}`);
    expect(imports.filter((entry) => entry !== "env.abort")).toEqual([]);
  });

  it("passes its self-tests, which must be there", async () => {
    const result = await (await ModuleInstance.create(builtModule(name))).selfTest();
    expect(result.failures).toEqual([]);
    expect(result.passed).toBeGreaterThanOrEqual(3);
  });
});
