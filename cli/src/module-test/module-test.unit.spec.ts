import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot, tempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeModule } from "../commands/module-new.js";
import { moduleChecks, type Check } from "./checks.js";
import { randomFrames } from "./frames.js";
import { checksOf } from "./watched.js";

const folder = await tempDir();
afterAll(() => folder.remove());

async function all(checks: AsyncIterable<Check>): Promise<Check[]> {
  const list: Check[] = [];
  for await (const check of checks) list.push(check);
  return list;
}

/** The template, built with the compiler of this checkout, after a change of its code. */
function built(name: string, change: (source: string) => string = (source) => source): Uint8Array {
  const path = join(folder.path, name);
  writeModule(name, "as", path);
  symlinkSync(join(repoRoot(), "node_modules"), join(path, "node_modules"));
  const source = join(path, "assembly/index.ts");
  writeFileSync(source, change(readFileSync(source, "utf8")));
  execFileSync(process.execPath, ["build.mjs"], { cwd: path, stdio: "pipe" });
  return readFileSync(join(path, `${name}.wasm`));
}

describe("a module from the template", () => {
  let good: Uint8Array;
  beforeAll(() => { good = built("sensor"); });

  it("builds with one command and passes every check", async () => {
    const checks = await all(moduleChecks(good));
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain("self-test: the word in a request");
    expect(checks.find(({ name }) => name.startsWith("a full output"))?.detail).toMatch(/^4096 findings/);
  });

  it("is not written over what is there", () => {
    mkdirSync(join(folder.path, "taken"));
    expect(() => { writeModule("taken", "as", join(folder.path, "taken")); }).toThrow(/is there already/);
  });

  it("is found out when it lies, traps or forgets its tests", async () => {
    const wrong = (checks: readonly Check[]): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name);
    const liar = built("liar", (source) => source.replace("addFinding(RULE,", "addFinding(RULE + payloadCaptured,"));
    expect(wrong(await all(moduleChecks(liar)))).toEqual(expect.arrayContaining(["self-test: the word in a request", "a full output loses nothing"]));
    const trapping = built("trapping", (source) => source.replace("if (at == 0) return;", "if (at == 0) { if (payloadCaptured > 300) unreachable(); return; }"));
    expect(wrong(await all(moduleChecks(trapping)))).toContain("random packets stay within the border");
    expect((await all(moduleChecks(good.subarray(0, 100)))).map(({ name, ok }) => [name, ok])).toEqual([["loads and starts", false]]);
  }, 60_000);
});

describe("checks in a process of their own", () => {
  const program = (text: string): string => {
    const path = join(folder.path, `program-${text.length}.mjs`);
    writeFileSync(path, text);
    return path;
  };
  const line = 'console.log(JSON.stringify({ name: "a", ok: true, detail: "b" }));';

  it("come out as they were told", async () => {
    expect(await all(checksOf("x.wasm", new Uint8Array(), {}, program(line)))).toEqual([{ name: "a", ok: true, detail: "b" }]);
  });

  it("end with a failed one when the module hangs or its process dies", async () => {
    const hanging = await all(checksOf("x.wasm", new Uint8Array(), {}, program(`${line} setInterval(() => {}, 1000);`), 1_000));
    expect(hanging.at(-1)).toMatchObject({ name: "ends in time", ok: false });
    const dying = await all(checksOf("x.wasm", new Uint8Array(), {}, program(`${line} process.kill(process.pid, "SIGKILL");`)));
    expect(dying.at(-1)).toMatchObject({ name: "ends in time", ok: false });
  });
});

it("random frames are the same for the same seed, and of many kinds", () => {
  const text = (seed: number): string[] => randomFrames(seed, 200).map((frame) => Buffer.from(frame).toString("hex"));
  expect(text(7)).toEqual(text(7));
  expect(text(7)).not.toEqual(text(8));
  expect(new Set(text(7).map((frame) => frame.slice(24, 28)))).toContain("86dd");
});
