import { readFileSync } from "node:fs";
import { join } from "node:path";
import { routes, type ForwardList, type RuleList, type SystemStatus } from "@secuxflow/contracts";
import { needs, repoRoot, runCommand, tempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { WholeLab } from "./whole-lab.js";

needs(describe, "kernel", "nats")("commands on the whole system", () => {
  let whole: WholeLab;
  beforeAll(async () => { whole = await WholeLab.create(); });
  afterAll(() => whole.destroy());
  beforeEach(() => whole.clear());

  const run = (line: string): ReturnType<WholeLab["system"]["cli"]["try"]> => whole.system.cli.try(...line.split(" ").slice(1));

  it("takes the commands of the README as they are written", async () => {
    const added = await run("secuxflow-cli rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop");
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout + added.stderr).toMatch(/in force on 1 of 1 agents/);
    expect(await whole.answered("attacker")).toBe(false);
    expect(await whole.answered("user")).toBe(true);
    expect((await run("secuxflow-cli rule list")).stdout).toMatch(/192\.168\.1\.0\/24/);
    const { items: [rule] } = await whole.system.get<RuleList>(routes.rules);
    expect(await run(`secuxflow-cli rule delete --id ${rule?.id ?? 0}`)).toMatchObject({ code: 0 });
    expect(await whole.answered("attacker")).toBe(true);
    expect(await run("secuxflow-cli forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips")).toMatchObject({ code: 0 });
    expect((await run("secuxflow-cli forward list")).stdout).toMatch(/10\.0\.0\.0\/24.*ips/);
    expect((await run("secuxflow-cli status show")).stdout).toMatch(/agent-1/);
    expect((await run("secuxflow-cli status stats --interval 1s --count 2")).stdout).toMatch(/pass/);
    for (const line of ["module list", "agent list", "alert list"]) expect(await run(`secuxflow-cli ${line}`)).toMatchObject({ code: 0 });
    expect(await run("secuxflow-cli rule clear")).toMatchObject({ code: 2 });
    expect(await run("secuxflow-cli rule clear --confirm")).toMatchObject({ code: 0 });
  });

  it.each([
    ["a prefix with host bits", "rule add --src 192.168.1.5/24 --action drop", 2, /--src.*192\.168\.1\.0\/24/s],
    ["a port above 65535", "rule add --port 65536 --proto tcp --action drop", 2, /--port.*65535/s],
    ["a port with icmp", "rule add --port 80 --proto icmp --action drop", 2, /--port.*icmp has no ports/s],
    ["a protocol that is none", "rule add --proto tpc --action drop", 2, /--proto.*tcp/s],
    ["an action that is none", "rule add --src 10.0.0.1 --action block", 2, /--action.*drop/s],
    ["an unknown module", "forward add --src any --dst 10.0.0.0/24 --port 80 --proto tcp --module nope", 2, /nope.*(ips|waf)/s],
    ["a rule id that is not there", "rule delete --id 424242", 1, /424242/],
    ["a forwarding rule id that is not there", "forward delete --id 424242", 1, /424242/],
    ["an alert that is not there", "alert approve 424242 --yes", 1, /424242/],
    ["an interval that is none", "status stats --interval soon", 2, /--interval/],
    ["an unknown command", "rule frobnicate", 2, /frobnicate/],
  ])("refuses %s, naming what is wrong, and changes nothing", async (_name, line, code, message) => {
    const before = await whole.system.get<SystemStatus>(routes.status);
    const result = await whole.system.cli.try(...line.split(" "));
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect((await whole.system.get<SystemStatus>(routes.status)).revision).toBe(before.revision);
    expect((await whole.system.get<ForwardList>(routes.forwards)).items).toEqual([]);
  });

  it("runs what the README shows of rules, sets, import, services and protection, line by line", async () => {
    const readme = readFileSync(join(repoRoot(), "README.md"), "utf8");
    const shown = readme.slice(readme.indexOf("\n## Rules\n"), readme.indexOf("\n## Commands\n"));
    const lines = [...shown.matchAll(/^\$ (.+)$/gm)].map((match) => match[1] ?? "");
    expect(lines.length).toBeGreaterThanOrEqual(18);
    const folder = await tempDir("readme");
    onTestFinished(() => folder.remove());
    const env = { ...process.env, PATH: `${join(repoRoot(), "node_modules/.bin")}:${process.env.PATH ?? ""}`, SECUXFLOW_API: whole.system.apiUrl };
    for (const line of lines) {
      const { code, stderr } = await runCommand("bash", ["-c", `cd '${folder.path}' && ${line}`], { env, check: false });
      expect({ line, code, stderr }).toMatchObject({ code: 0 });
    }
    expect((await whole.system.get<RuleList>(routes.rules)).total).toBeGreaterThan(10_000);
    expect(await whole.answered("user")).toBe(true);
  });

  it("keeps every command that the README shows alive", async () => {
    const readme = readFileSync(join(repoRoot(), "README.md"), "utf8");
    const shown = [...readme.matchAll(/^\$? ?secuxflow-cli ((?:rule|set|service|protection|forward|alert|status|module|agent) [a-z]+)/gm)].map((match) => match[1] ?? "");
    expect(new Set(shown).size).toBeGreaterThanOrEqual(26);
    for (const command of new Set(shown)) {
      const { code, stdout } = await whole.system.cli.try(...command.split(" "), "--help");
      expect(code, command).toBe(0);
      expect(stdout, command).toMatch(/Examples?:/);
    }
  });
});
