import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasTool, repoRoot, runCommand, tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const DEPLOY = join(repoRoot(import.meta.url), "deploy");

/** The compose programs of this machine, as command lines. Both read the file without an engine. */
const composers = [
  ["docker", "compose"],
  ["docker-compose"],
].filter(([program = "", ...args]) => hasTool(program) && spawnSync(program, [...args, "version"]).status === 0);

describe.skipIf(composers.length === 0)("compose.yaml (skipped without docker compose or docker-compose)", () => {
  let contexts: TempDir;
  beforeAll(async () => {
    contexts = await tempDir("compose");
    for (const name of ["alerting", "inspector", "rule-api", "xdp-agent"]) mkdirSync(join(contexts.path, name));
    writeFileSync(join(contexts.path, "api-token"), "not a real token\n");
  });
  afterAll(() => contexts.remove());

  it.each(composers.map((line) => line.join(" ")))("is valid for %s", async (line) => {
    const [program = "", ...args] = line.split(" ");
    const env = { ...process.env, SECUXFLOW_CONTEXT: contexts.path, SECUXFLOW_API_TOKEN_PATH: join(contexts.path, "api-token") };
    const said = await runCommand(program, [...args, "--file", join(DEPLOY, "compose/compose.yaml"), "config"], { env });
    expect(said.stdout).toContain("NODE_IMAGE: node:20-bookworm-slim");
  });
});

describe.skipIf(!hasTool("systemd-analyze"))("systemd units (skipped where systemd-analyze is missing)", () => {
  it("are accepted by systemd-analyze verify", () => {
    const folder = join(DEPLOY, "systemd");
    const units = readdirSync(folder).filter((file) => /\.(service|target)$/.test(file)).map((file) => join(folder, file));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...units], { encoding: "utf8" });
    // The programs may be missing here; what is told of the files themselves must be nothing.
    const told = `${stdout}${stderr}`.split("\n").filter((text) => text.includes("secuxflow"));
    const wrong = told.filter((text) => !/is not executable|No such file/.test(text));
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(!hasTool("nats-server"))("NATS configuration (skipped where nats-server is missing)", () => {
  it("is accepted by the nats-server of this machine", async () => {
    const version = /v2\.(\d+)/.exec((await runCommand("nats-server", ["--version"])).stdout)?.[1];
    const file = Number(version) < 10 ? "nats-2.9.conf" : "nats.conf";
    const said = await runCommand("nats-server", ["-t", "--config", join(DEPLOY, "nats", file)]);
    expect(`${said.stdout}${said.stderr}`).toContain("is valid");
  });
});
