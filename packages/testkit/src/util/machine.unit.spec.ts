import { existsSync } from "node:fs";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "./free-port.js";
import { repoRoot } from "./repo-root.js";
import { sweepTempDirs, tempDir } from "./temp-dir.js";

describe("tempDir", () => {
  it("is new, private, and gone with its contents", async () => {
    const [one, two] = [await tempDir("a"), await tempDir("a")];
    expect(one.path).not.toBe(two.path);
    expect((await stat(one.path)).mode & 0o777).toBe(0o700);
    await writeFile(join(one.path, "file"), "x");
    await one.remove();
    await one.remove();
    expect([existsSync(one.path), existsSync(two.path)]).toEqual([false, true]);
    await two.remove();
  });

  it("is swept when its maker is dead, and not before", async () => {
    const mine = await tempDir("mine");
    // The process with id 1 runs, but did not start at this time.
    const orphan = join(tmpdir(), `secuxflow-orphan${process.pid}.1-${"9".repeat(18)}.abcdef`);
    const other = join(tmpdir(), `secuxflow-other${process.pid}.1.abcdef`);
    await Promise.all([mkdir(join(orphan, "deep"), { recursive: true }), mkdir(other)]);
    // Another test process may sweep at the same time.
    await sweepTempDirs();
    expect([existsSync(orphan), existsSync(mine.path), existsSync(other)]).toEqual([false, true, true]);
    await Promise.all([mine.remove(), rm(other, { recursive: true })]);
    await expect(tempDir("a/b")).rejects.toThrow('"a/b" cannot label a folder');
  });
});

describe("freePort", () => {
  it("gives ports that can be listened on, each once", async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    expect(new Set(ports).size).toBe(20);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[0], "127.0.0.1", resolve));
    expect(server.address()).toMatchObject({ port: ports[0] });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("repoRoot", () => {
  it("finds the folder of the repository", () => {
    expect(existsSync(join(repoRoot(), "packages", "testkit", "package.json"))).toBe(true);
    expect(repoRoot(import.meta.url)).toBe(repoRoot());
  });

  it("says where it looked", () => {
    expect(() => repoRoot("file:///nowhere/at/all.js")).toThrow('no package.json named "secuxflow" in or above /nowhere/at');
  });
});
