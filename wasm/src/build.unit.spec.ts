import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ModuleInstance } from "@secuxflow/module-host";
import { builtModule } from "./testing/harness.js";

const folder = join(import.meta.dirname, "..");
const text = (path: string): string => readFileSync(join(folder, path), "utf8");

describe.each(["ips", "waf"] as const)("the built module %s", (name) => {
  it("has rules generated from rules.json (else run `node wasm/build.mjs`)", async () => {
    const { generateRules } = (await import(join(folder, "build.mjs"))) as { generateRules: (source: unknown) => string };
    expect(text(`modules/${name}/assembly/generated/rules.ts`)).toBe(
      generateRules(JSON.parse(text(`modules/${name}/rules.json`))),
    );
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
    expect(manifest.rules.length).toBeGreaterThan(20);
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
