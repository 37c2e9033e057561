import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Child, needs, repoRoot, waitFor } from "@secuxflow/testkit";
import { afterEach, describe, expect, it } from "vitest";

/** What the lab of a process would leave: namespaces, pins, and processes that were started from its temporary folder. */
function left(pid: number): string[] {
  const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
  const commandLine = (process: string): string => {
    try {
      return readFileSync(join("/proc", process, "cmdline"), "utf8");
    } catch {
      return ""; // it has ended meanwhile
    }
  };
  return [
    ...entries("/run/netns").filter((name) => name.startsWith(`sxflab.${pid}-`)),
    ...entries("/sys/fs/bpf").filter((name) => name.startsWith(`secuxflow-${pid}-`)),
    ...entries("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name).includes(`/secuxflow-system.${pid}-`)),
  ];
}

needs(describe, "kernel", "nats")("npm start", () => {
  const children: Child[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop({ deadlineMs: 20_000 });
  });

  /** Starts the lab and waits until it prints its examples. */
  const start = async (...args: string[]): Promise<Child> => {
    const child = await Child.start({ command: process.execPath, args: [join(repoRoot(), "lab/dist/main.js"), "start", "--api-port", "0", ...args], what: "npm start" });
    children.push(child);
    await waitFor(() => child.log.toString().includes("Ctrl-C ends everything"), { what: "the examples to be printed", deadlineMs: 60_000, giveUp: () => child.exitError() });
    return child;
  };

  it("shows how to go on, and leaves nothing behind on Ctrl-C", async () => {
    const child = await start();
    expect(child.log.toString()).toMatch(/filtering uplink0 in native mode[\s\S]*secuxflow-cli alert approve 1/);
    expect(left(child.pid)).not.toEqual([]);
    child.signal("SIGINT");
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(left(child.pid)).toEqual([]);
  });

  it("cleans up after a run that was killed", async () => {
    const killed = await start();
    await killed.kill();
    expect(left(killed.pid)).not.toEqual([]);
    const next = await start();
    expect(next.log.toString()).toContain(`removed what an earlier run left: secuxflow-${killed.pid}-`);
    expect(left(killed.pid)).toEqual([]);
  });

  it("says which interfaces there are where the one that is asked for is not there", async () => {
    const child = await Child.start({ command: process.execPath, args: [join(repoRoot(), "lab/dist/main.js"), "start", "--iface", "nosuch0"], what: "npm start" });
    children.push(child);
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.log.toString()).toMatch(/there is no interface nosuch0; there are .*lo/);
  });
});
