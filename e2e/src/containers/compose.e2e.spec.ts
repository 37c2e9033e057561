import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentList, Removed, RuleAdded } from "@secuxflow/contracts";
import { freePort, needs, repoRoot, runCommand, tempDir, waitFor, type CommandResult, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findComposers } from "./composers.js";
import { SERVICES } from "./container-system.js";
import { docker, labelled } from "./docker.js";
import { buildImages, useEngine } from "./engine.js";

useEngine();

const FILE = join(repoRoot(import.meta.url), "deploy/compose/compose.yaml");
const DEADLINE_MS = 180_000;
const RULE = ["--src", "192.0.2.0/24", "--dst", "198.51.100.1", "--port", "80", "--proto", "tcp", "--action", "drop"];
const [composer] = findComposers();

const block = composer ? needs(describe, "docker", "netns") : describe.skip;
const missing = composer ? "" : " [skipped: needs docker compose or docker-compose]";
block(`compose.yaml in operation${missing}`, () => {
  const id = randomBytes(3).toString("hex");
  const project = `sxf${process.pid}-${id}`;
  const label = `com.docker.compose.project=${project}`;
  // A veth pair in the host's network, as the agent protects the host's interfaces. It carries no traffic.
  const iface = `sxf${id}`;
  const pins = `/sys/fs/bpf/secuxflow-compose-${id}`;
  let files: TempDir | undefined;
  let env: NodeJS.ProcessEnv | undefined;

  const compose = (...args: readonly string[]): Promise<CommandResult> => {
    const [program, ...first] = composer ?? ["docker-compose"];
    const options = { env: env ?? process.env, timeoutMs: DEADLINE_MS };
    return runCommand(program, [...first, "--project-name", project, "--file", FILE, ...args], options);
  };
  const cli = async <T>(...args: readonly string[]): Promise<T> =>
    JSON.parse((await compose("run", "--rm", "-T", "cli", ...args, "--output", "json")).stdout) as T;

  beforeAll(async () => {
    await buildImages("nats", ...SERVICES, "cli");
    files = await tempDir("compose");
    const token = join(files.path, "api-token");
    await writeFile(token, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o444 });
    const old = Number.parseInt(await docker("version", "--format", "{{.Server.Version}}"), 10) < 23;
    env = {
      ...process.env,
      SECUXFLOW_API_TOKEN_PATH: token, SECUXFLOW_IFACE: iface, SECUXFLOW_BPF_PIN_FOLDER: pins, SECUXFLOW_BPF_ON_EXIT: "detach",
      SECUXFLOW_API_PORT: String(await freePort()), SECUXFLOW_NATS_PORT: String(await freePort()),
      SECUXFLOW_AGENT_OPS_PORT: String(await freePort()),
      ...(old && { SECUXFLOW_CAP_BPF: "SYS_ADMIN", SECUXFLOW_CAP_PERFMON: "CAP_SYS_ADMIN" }),
    };
    await runCommand("ip", ["link", "add", iface, "type", "veth", "peer", "name", `${iface}p`]);
    for (const name of [iface, `${iface}p`]) await runCommand("ip", ["link", "set", name, "up"]);
    await compose("up", "--no-build", "--detach");
  }, 600_000);

  afterAll(async () => {
    try {
      if (env) await compose("down", "--volumes", "--timeout", "15"); // does nothing where nothing is left
    } finally {
      await runCommand("ip", ["link", "delete", iface], { check: false });
      await files?.remove();
    }
  }, DEADLINE_MS);

  it("brings up every service, healthy and confined as the file says", async () => {
    const ids = await labelled("container", label);
    expect(ids).toHaveLength(5);
    const health = async () => (await docker("inspect", "--format", "{{.State.Health.Status}}", ...ids)).split("\n");
    await waitFor(async () => (await health()).every((state) => state === "healthy"), {
      what: "all services to be healthy", deadlineMs: DEADLINE_MS, intervalMs: 200,
    });
  });

  it("attaches the filter to the host's interface", async () => {
    const interfaces = [{ name: iface, mode: "native" }];
    await waitFor(async () => (await cli<AgentList>("agent", "list")).items.some(({ live }) => live), {
      what: "the agent to be known", deadlineMs: DEADLINE_MS, intervalMs: 200,
    });
    expect((await cli<AgentList>("agent", "list")).items).toMatchObject([{ live: true, state: "ok", interfaces }]);
    expect(existsSync(pins)).toBe(true);
  });

  it("puts a rule of the command line in force, and takes it back", async () => {
    const { rule, enforcement } = await cli<RuleAdded>("rule", "add", ...RULE);
    expect(enforcement).toMatchObject({ agents: 1, active: 1 });
    const removed = await cli<Removed>("rule", "delete", "--id", String(rule.id));
    expect(removed).toMatchObject({ ids: [rule.id], enforcement: { agents: 1, active: 1 } });
  });

  it("leaves nothing after down, and no filter where the agent was told to detach", async () => {
    await compose("down", "--volumes", "--timeout", "15");
    for (const kind of ["container", "network", "volume"] as const) expect(await labelled(kind, label)).toEqual([]);
    expect(existsSync(pins)).toBe(false);
    expect((await runCommand("ip", ["-details", "link", "show", iface])).stdout).not.toContain("xdp");
  });
});
