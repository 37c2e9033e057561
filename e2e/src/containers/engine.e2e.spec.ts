import { execFile } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { hasTool, tempDir, toolPath, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DOCKER_TOOLS } from "./engine.js";

const call = promisify(execFile);
const able = process.geteuid?.() === 0 && hasTool("dockerd") && hasTool("busybox");

interface Status {
  host?: string;
  own?: boolean;
  remains: { processes: number[]; mounts: string[]; bridges: string[]; cgroups: string[]; files: string[] };
}

/** The tooling works on the checkout it lies in: a copy in a folder of its own is another engine, apart from any other. */
describe.skipIf(!able)("engine.mjs (skipped without root, dockerd and busybox)", () => {
  let checkout: TempDir;
  let env: NodeJS.ProcessEnv;
  const tool = async (...args: string[]) => {
    const script = join(checkout.path, "deploy/docker/engine.mjs");
    return (await call(process.execPath, [script, ...args], { env })).stdout;
  };
  const docker = async (...args: string[]) => (await call("docker", args, { env })).stdout.trim();
  const status = async () => {
    // Exit status 1 says that no engine answers, which is what is asked for after `down`.
    const said = await tool("status", "--json").catch((error: { stdout: string }) => error.stdout);
    return JSON.parse(said) as Status;
  };
  const network = () => readdirSync("/sys/class/net").sort();
  const nothing = { processes: [], mounts: [], bridges: [], cgroups: [], files: [] };

  const start = async () => {
    const [name, host] = (await tool("up", "--own")).trim().split("=");
    expect(name).toBe("DOCKER_HOST");
    env = { ...process.env, DOCKER_HOST: host };
    expect(await status()).toMatchObject({ host, own: true });
  };

  /** Two containers, one in a network of its own, with published ports: everything an engine can leave behind. */
  const runContainers = async () => {
    const folder = dirname(toolPath("busybox") ?? "");
    await call("sh", ["-c", 'tar -C "$0" -c busybox | docker import - probe', folder], { env });
    await docker("network", "create", "probe");
    await docker("run", "--detach", "--network", "probe", "--publish", "127.0.0.1::80", "probe", "/busybox", "sleep", "600");
    return docker("run", "--detach", "--publish", "80", "probe", "/busybox", "sleep", "600");
  };

  beforeAll(async () => {
    checkout = await tempDir("engine");
    cpSync(DOCKER_TOOLS, join(checkout.path, "deploy/docker"), { recursive: true });
    env = { ...process.env };
  });
  afterAll(async () => {
    await tool("down", "--purge");
    await checkout.remove();
  });

  it("starts, is found again, and leaves nothing when it goes down", async () => {
    const before = network();
    const forwarding = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8");
    await start();
    expect(await tool("up", "--own")).toBe(`DOCKER_HOST=${env.DOCKER_HOST}\n`);
    const id = await runContainers();
    expect(await docker("inspect", "--format", "{{.State.Running}}", id)).toBe("true");
    expect(await docker("port", id, "80")).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8")).toBe(forwarding);
    await tool("down");
    expect((await status()).remains).toEqual(nothing);
    expect(network()).toEqual(before);
  });

  it("cleans up after an engine that was killed, and forgets its containers", async () => {
    const before = network();
    await start();
    await runContainers();
    const socket = new URL(env.DOCKER_HOST ?? "").pathname;
    const pidFile = join(socket, "../dockerd.pid");
    process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    const shims = (await status()).remains.files.filter((path) => path.startsWith("/run/containerd/"));
    expect(shims).toHaveLength(2); // one a container: without this, the next lines could not see them left
    await tool("down");
    expect((await status()).remains).toEqual(nothing);
    expect(shims.filter((path) => existsSync(path))).toEqual([]);
    expect(network()).toEqual(before);
    expect(existsSync(pidFile)).toBe(false);
    await start();
    expect(await docker("ps", "--all", "--quiet")).toBe("");
    await tool("down");
  });
});
