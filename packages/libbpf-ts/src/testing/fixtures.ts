/** Test only: compiles fixtures/*.bpf.c into a temporary folder, and says whether the machine can run kernel tests. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { addonAvailable } from "../native.js";

function works(command: string): boolean {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The clang there is, newest first. */
export const clang = ["clang-19", "clang"].find(works);

/** Whether programs can be compiled, loaded and attached. */
export const kernelReady = process.getuid?.() === 0 && addonAvailable() && clang !== undefined;
/** Title of suites that need it. */
export const KERNEL = "needs root, the addon and clang";

const multiarch: Record<string, string> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };
let folder: string | undefined;

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

/** Compiles a fixture. @returns path of the object; the folder is removed after the tests of the file */
export function compileFixture(name: string): string {
  if (clang === undefined) throw new Error("clang is missing");
  folder ??= mkdtempSync(join(tmpdir(), "libbpf-ts-"));
  const source = fileURLToPath(new URL(`../../fixtures/${name}.bpf.c`, import.meta.url));
  const output = join(folder, `${name}.bpf.o`);
  execFileSync(clang, ["-O2", "-g", "-target", "bpf", "-Wall", "-Werror",
    `-I/usr/include/${multiarch[process.arch] ?? process.arch}`, "-c", source, "-o", output], { stdio: "pipe" });
  return output;
}

/** Waits until a condition holds. @throws after the deadline */
export async function until(condition: () => boolean, what: string, milliseconds = 20_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
