import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { repoRoot, tempDir } from "@secuxflow/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { writeModule } from "../commands/module-new.js";
import { moduleChecks, type Check } from "./checks.js";

const folder = await tempDir();
// Found upwards by the builds in it.
symlinkSync(join(repoRoot(), "node_modules"), join(folder.path, "node_modules"));
afterAll(() => folder.remove());

async function failures(wasm: Uint8Array): Promise<Check[]> {
  const failed: Check[] = [];
  for await (const check of moduleChecks(wasm)) if (!check.ok) failed.push(check);
  return failed;
}

const run = (path: string): void => { execFileSync(process.execPath, ["build.mjs"], { cwd: path, stdio: "pipe" }); };

// They need clang and wasm-ld (tools/debian-packages.json).
describe("modules in C, and the examples", () => {
  it("the template in C builds and passes every check", async () => {
    const path = join(folder.path, "sensor");
    writeModule("sensor", "c", path);
    run(path);
    expect(await failures(readFileSync(join(path, "sensor.wasm")))).toEqual([]);
  });

  it.each(["as-http-agents", "c-dns-length"])("%s builds and passes every check", async (name) => {
    // A copy of what it needs, so that two tests never build in the same place.
    for (const part of ["abi", "sdk", "templates", `examples/${name}`]) cpSync(join(repoRoot(), "wasm", part), join(folder.path, "wasm", part), { recursive: true });
    const path = join(folder.path, "wasm/examples", name);
    run(path);
    const { id } = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")) as { readonly id: string };
    expect(await failures(readFileSync(join(path, `${id}.wasm`)))).toEqual([]);
  });
});
