import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasTool, repoRoot, runCommand, tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findComposers } from "./composers.js";

const DEPLOY = join(repoRoot(import.meta.url), "deploy");

const composers = findComposers();

describe("settings", () => {
  const compose = parse(readFileSync(join(DEPLOY, "compose/compose.yaml"), "utf8"), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  const units = { alerting: "alerting", inspector: "inspector@", "rule-api": "rule-api", "xdp-agent": "agent" };
  const variables = (text: string) => new Set(text.match(/\bSECUXFLOW_[A-Z_]+\b/g));

  it.each(Object.entries(units))("of images, compose and systemd are known to %s", async (service, unit) => {
    const main = join(DEPLOY, "../services", service, "dist/main.js");
    const known = variables((await runCommand(process.execPath, [main, "--help"])).stdout);
    const image = variables(readFileSync(join(DEPLOY, `docker/${service}.Dockerfile`), "utf8"));
    const composed = Object.keys(compose.services[service]?.environment ?? {});
    const started = variables(readFileSync(join(DEPLOY, `systemd/secuxflow-${unit}.service`), "utf8"));
    expect(composed.length).toBeGreaterThan(0);
    expect([...image, ...composed, ...started].filter((name) => !known.has(name))).toEqual([]);
  });
});

describe.skipIf(composers.length === 0)("compose.yaml (skipped without docker compose or docker-compose)", () => {
  let contexts: TempDir;
  beforeAll(async () => {
    contexts = await tempDir("compose");
    for (const name of ["alerting", "cli", "inspector", "rule-api", "xdp-agent"]) mkdirSync(join(contexts.path, name));
    writeFileSync(join(contexts.path, "api-token"), "not a real token\n");
  });
  afterAll(() => contexts.remove());

  const named = composers.map((composer) => [composer.join(" "), composer] as const);
  it.each(named)("is valid for %s", async (_, [program, ...args]) => {
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
  let files: TempDir;
  beforeAll(async () => {
    files = await tempDir("nats-conf");
  });
  afterAll(() => files.remove());

  it.each([
    ["containers", ["nats"], "0.0.0.0:4222"],
    ["systemd", ["nats", "systemd/nats"], "127.0.0.1:4222"],
  ] as const)("for %s is accepted by the nats-server of this machine", async (name, sources, address) => {
    const version = /v2\.(\d+)/.exec((await runCommand("nats-server", ["--version"])).stdout)?.[1];
    const file = Number(version) < 10 ? "nats-2.9.conf" : "nats.conf";
    const folder = join(files.path, name);
    for (const source of sources) cpSync(join(DEPLOY, source), folder, { recursive: true });
    const said = await runCommand("nats-server", ["-t", "--config", join(folder, file)]);
    expect(`${said.stdout}${said.stderr}`).toContain("is valid");
    expect(readFileSync(join(folder, "listen.conf"), "utf8")).toContain(`listen: "${address}"`);
  });
});
