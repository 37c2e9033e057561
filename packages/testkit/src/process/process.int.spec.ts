import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTimeOf } from "./owner.js";
import { repoRoot } from "../util/repo-root.js";
import { tempDir, type TempDir } from "../util/temp-dir.js";
import { waitFor } from "../util/wait-for.js";
import { Child } from "./child.js";
import { runCommand } from "./command.js";
import { spawnService } from "./service.js";
import { hasTool } from "./tools.js";

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir("process");
});
afterAll(() => folder.remove());

const program = async (name: string, text: string): Promise<string> => {
  const file = join(folder.path, `${name}.mjs`);
  await writeFile(file, text);
  return file;
};

describe("spawnService", () => {
  it("waits until it is ready, and stops in order", async () => {
    const entry = await program(
      "good",
      `
      setTimeout(() => console.log("ready with", process.env.SECUXFLOW_MODE, process.env.SECUXFLOW_LEAK, process.argv[2]), 30);
      process.on("SIGTERM", () => { console.log("closing"); process.exit(0); });
      setInterval(() => {}, 1000);`,
    );
    process.env.SECUXFLOW_LEAK = "of the developer";
    const service = await spawnService({
      entry,
      args: ["argument"],
      env: { SECUXFLOW_MODE: "test" },
      ready: (it) => it.log.includes("ready"),
    }).finally(() => delete process.env.SECUXFLOW_LEAK);
    expect(service.log).toContain("ready with test undefined argument");
    expect(service.status).toBeUndefined();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.log).toContain("closing");
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  it("says what a service wrote that ends before it is ready", async () => {
    const entry = await program("bad", `console.error("config: SECUXFLOW_PORT is missing"); process.exit(2);`);
    await expect(spawnService({ entry, name: "bad", ready: () => false })).rejects.toThrow(
      "bad ended with exit code 2; its last lines:\nconfig: SECUXFLOW_PORT is missing",
    );
  });

  it("kills one that does not become ready, and shows its log", async () => {
    const entry = await program("slow", `console.log("pid", process.pid); setInterval(() => {}, 1000);`);
    let pid = 0;
    const start = spawnService({ entry, name: "slow", ready: (it) => void (pid = it.pid), readyDeadlineMs: 300 });
    await expect(start).rejects.toThrow(/waited 300 ms for slow to be ready.*\nits last lines:\n/);
    expect(startTimeOf(pid)).toBeUndefined();
  });

  it("kills one that does not stop by itself", async () => {
    const entry = await program(
      "stubborn",
      `process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000);`,
    );
    const service = await spawnService({ entry, ready: (it) => it.log.includes("ready") });
    expect(await service.stop({ deadlineMs: 50 })).toEqual({ code: null, signal: "SIGKILL" });
  });
});

describe("Child", () => {
  it("reports a program that is not there", async () => {
    await expect(Child.start({ command: "no-such-program" })).rejects.toThrow("ENOENT");
  });

  it("takes input and gives output as bytes", async () => {
    const parts: Buffer[] = [];
    const child = await Child.start({ command: "cat", stdin: true, onStdout: (chunk) => parts.push(chunk) });
    child.stdin?.end(Buffer.from([0, 255, 10]));
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(Buffer.concat(parts)).toEqual(Buffer.from([0, 255, 10]));
  });

  const title = hasTool("setpriv") ? "dies with its parent" : "dies with its parent [skipped: needs setpriv (util-linux)]";
  it.skipIf(!hasTool("setpriv"))(title, async () => {
    const kit = pathToFileURL(`${repoRoot()}/packages/testkit/dist/index.js`).href;
    const text = `const { Child } = await import(${JSON.stringify(kit)});
      console.log((await Child.start({ command: "sleep", args: ["1000"] })).pid); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
    expect(startTimeOf(Number(line))).toBeDefined();
    parent.kill("SIGKILL");
    await waitFor(() => startTimeOf(Number(line)) === undefined, { what: "the child of a killed process to be gone" });
  });
});

describe("runCommand", () => {
  it("survives a command that does not read its input", async () => {
    expect(await runCommand("true", [], { input: Buffer.alloc(1_000_000) })).toMatchObject({ code: 0 });
  });

  it("tells code, signal, timeout and missing program apart", async () => {
    await expect(runCommand("sh", ["-c", "echo why >&2; exit 7"])).rejects.toThrow(
      "sh -c echo why >&2; exit 7: exit code 7\nwhy",
    );
    expect(await runCommand("sh", ["-c", "exit 7"], { check: false })).toMatchObject({ code: 7 });
    await expect(runCommand("sh", ["-c", "kill -9 $$"])).rejects.toThrow("ended by SIGKILL");
    await expect(runCommand("sleep", ["60"], { timeoutMs: 30 })).rejects.toThrow("killed after 30 ms");
    await expect(runCommand("no-such-program", [])).rejects.toThrow("ENOENT");
  });
});
