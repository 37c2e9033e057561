import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUCKETS, subjects, type AgentStatus, type InspectorStatus, type RuleList } from "@secuxflow/contracts";
import { NatsServer, repoRoot, runCommand, spawnService, waitFor, type Service } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentList, stats, status, without } from "./testing/documents.js";
import { NatsPublisher } from "./testing/nats-publisher.js";

// The real commands against a real rule-api and NATS. Agent and inspector are stand-ins that report what real ones would.
const ROOT = repoRoot(import.meta.url);
const BIN = join(ROOT, "cli/bin/secuxflow-cli.mjs");
const RULE_API = join(ROOT, "services/rule-api/dist/main.js");

let nats: NatsServer;
let api: Service;
let url: string;
let publisher: NatsPublisher;
let beat: NodeJS.Timeout;
/** Whether the agent takes new revisions. */
let follows = true;
let revision = 0;

const cli = (line: string) =>
  runCommand(process.execPath, [BIN, ...line.split(" ")], {
    env: { ...process.env, SECUXFLOW_API: url, USER: "alice" },
    check: false,
  });
const ids = async (): Promise<number[]> =>
  (JSON.parse((await cli("rule list -o json")).stdout) as RuleList).items.map(({ id }) => id);

async function report(): Promise<void> {
  const at = new Date().toISOString();
  if (follows) revision = ((await (await fetch(`${url}/v1/rules`)).json()) as RuleList).revision;
  for (const agent of agentList.items.slice(0, 1)) {
    publisher.put(BUCKETS.agents, "edge-1", { ...without(agent, "live", "behind"), at, revision } satisfies AgentStatus);
  }
  for (const inspector of status.inspectors) {
    publisher.put(BUCKETS.inspectors, "insp-1", { ...without(inspector, "live"), at } satisfies InspectorStatus);
  }
  const counted = stats(Math.round(Date.now() / 1_000) % 100_000);
  publisher.publish(subjects.agentStats("edge-1"), { ...counted.agents[0], at });
  publisher.publish(subjects.inspectorStats("insp-1"), { ...counted.inspectors[0], at });
}

const built = existsSync(RULE_API);

describe.skipIf(!built)("the commands against rule-api and NATS (needs services/rule-api to be built)", () => {
  beforeAll(async () => {
    await runCommand(process.execPath, [join(ROOT, "cli/build.mjs")]);
    nats = await NatsServer.start();
    const ready = (service: Service) => /"event":"ready".*?"http":"([^"]+)"/.exec(service.log)?.[1];
    api = await spawnService({
      entry: RULE_API,
      name: "rule-api",
      ready,
      env: { SECUXFLOW_NATS_URLS: nats.url, SECUXFLOW_API_PORT: "0", SECUXFLOW_LOG_FORMAT: "json" },
    });
    url = ready(api) ?? "";
    await waitFor(async () => (await cli("rule list")).code === 0, {
      what: "the policy to be read",
      giveUp: () => (api.status ? new Error(api.log) : undefined),
    });
    publisher = await NatsPublisher.connect(nats.port);
    beat = setInterval(() => void report().catch(() => undefined), 200);
    await waitFor(async () => (await cli("module list")).stdout.includes("ips"), { what: "the module to be announced" });
  });
  afterAll(async () => {
    clearInterval(beat);
    publisher?.close();
    await api?.stop();
    await nats?.stop();
  });

  it("adds, lists, deletes and clears rules", async () => {
    const added = await cli(
      "rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop --owner alice --ttl 10m",
    );
    expect(added).toMatchObject({ code: 0, stderr: "" });
    const [, id = ""] = /^rule (\d+) in force on 1 of 1 agents \(revision \d+, [\d.]+ m?s\)\n$/.exec(added.stdout) ?? [
      added.stdout,
    ];
    expect((await cli("rule list")).stdout).toMatch(
      new RegExp(`^ *${id} +1000  tcp 192.168.1.0/24 -> 10.0.0.5:80  drop +0 +0 B  never +in 9m +alice +1/1$`, "m"),
    );
    expect((await cli(`rule show ${id}`)).stdout).toContain("owner     alice");
    expect((await cli("rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop")).stderr).toContain(
      `rule ${id} already does this`,
    );
    expect((await cli(`rule delete --id ${id}`)).stdout).toContain(`rule ${id} deleted on 1 of 1 agents`);
    expect(await cli(`rule delete --id ${id}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`there is no rule ${id}`) as string,
    });
    await cli("rule add --src 10.1.0.1 --dst 10.2.0.1 --action drop");
    expect((await cli("rule clear")).code).toBe(2);
    expect(await ids()).toHaveLength(1);
    expect((await cli("rule clear --confirm")).stdout).toContain("1 rule deleted on 1 of 1 agents");
    expect(await ids()).toEqual([]);
  });

  it("asks for --confirm for a rule that cuts the administrator off, and changes nothing", async () => {
    const { code, stderr } = await cli("rule add --src 127.0.0.0/8 --action drop");
    expect([code, await ids()]).toEqual([2, []]);
    expect(stderr).toContain("this needs --confirm");
  });

  it("names the agent that is behind, and exits with 4", async () => {
    follows = false;
    try {
      const { code, stdout, stderr } = await cli("rule add --src 10.3.0.1 --dst 10.2.0.1 --action drop --wait 300ms");
      expect([code, stdout]).toEqual([4, expect.stringContaining("in force on 0 of 1 agents")]);
      expect(stderr).toContain("not yet in force on 1 agent: edge-1");
    } finally {
      follows = true;
    }
    await waitFor(async () => /edge-1 +ok +\d+ +0 /.test((await cli("agent list")).stdout), { what: "the agent to catch up" });
  });

  it("adds, lists and deletes forwards, and knows the modules", async () => {
    const added = await cli("forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips");
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^forward \d+ to ips in force on 1 of 1 agents/) as string,
    });
    expect((await cli("forward list")).stdout).toContain("tcp any -> 10.0.0.0/24:443  ips");
    expect(await cli("forward add --module nothing")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--module: use one of ips") as string,
    });
    expect((await cli("forward clear --confirm")).stdout).toContain("1 forward deleted");
  });

  it("makes sets of files, names them in rules, and keeps them as long as they are named", async () => {
    const folder = await mkdtemp(join(tmpdir(), "secuxflow-cli-"));
    try {
      const file = join(folder, "addresses.txt");
      const many = Array.from({ length: 20_000 }, (_, n) => `100.64.${n >> 8}.${n & 255}`);
      await writeFile(file, many.join("\n"));
      expect((await cli(`set import bulk ${file}`)).stdout).toContain("set bulk (20,000 entries) made, in force on 1 of 1 agents");
      expect((await cli("set add bulk 192.0.2.1 2001:DB8::/32")).stdout).toContain("2 added, 20,002 entries");
      expect((await cli("rule add --src @bulk --action reject --tag set")).code).toBe(0);
      expect((await cli("set list")).stdout).toMatch(/^bulk +20,002 +rule \d+ +1\/1$/m);
      expect(await cli("set delete bulk")).toMatchObject({ code: 1, stderr: expect.stringContaining("is named by rule") as string });
      await writeFile(file, "192.0.2.1\nnonsense\n");
      expect((await cli(`set import bulk ${file}`)).stderr).toContain("line 2: ");
      await writeFile(file, "192.0.2.1 # the only one\n");
      expect((await cli(`set import bulk ${file}`)).stdout).toContain("20,001 removed, 1 entry");
      expect((await cli("set show bulk")).stdout).toMatch(/\n\n192\.0\.2\.1\n$/);
      await cli("rule clear --confirm");
      expect((await cli("set delete bulk")).stdout).toContain("set bulk deleted on 1 of 1 agents");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("imports rules, exports them, and replaces them with what was exported", async () => {
    const folder = await mkdtemp(join(tmpdir(), "secuxflow-cli-"));
    try {
      const file = join(folder, "rules");
      const rules = Array.from({ length: 6_000 }, (_, n) => ({ src: `10.66.${n >> 8}.${n & 255}`, action: n % 2 ? "drop" : "reject" }));
      await writeFile(file, rules.map((rule) => JSON.stringify(rule)).join("\n"));
      expect((await cli(`rule import ${file}`)).stdout).toContain("6,000 rules added, in force on 1 of 1 agents");
      expect(await ids()).toHaveLength(6_000);
      const again = await cli(`rule import ${file}`);
      expect([again.code, again.stderr.includes("line 1: rule ")]).toEqual([1, true]);
      const before = await ids();
      const exported = (await cli("rule export")).stdout.split("\n").slice(0, 10);
      await writeFile(file, exported.join("\n"));
      expect((await cli(`rule import ${file} --replace`)).code).toBe(2);
      expect((await cli(`rule import ${file} --replace --confirm`)).stdout).toContain("(0 added, 5990 deleted, 10 unchanged)");
      expect(await ids()).toEqual(before.slice(0, 10));
      await writeFile(file, (await cli("rule list -o yaml")).stdout);
      expect((await cli(`rule import ${file} --replace --confirm`)).stdout).toContain("(0 added, 0 deleted, 10 unchanged)");
      await cli("rule clear --confirm");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("names services and sets the protection", async () => {
    expect((await cli("service add shop --address 10.0.0.5 --port 80 --proto tcp --backend 10.1.0.2:8080 --inspect ips")).code).toBe(0);
    expect((await cli("rule add --dst 10.0.0.5 --port 80 --proto tcp --action redirect --service shop")).code).toBe(0);
    expect((await cli("service list")).stdout).toMatch(/^shop +tcp 10\.0\.0\.5:80 +unknown +1 /m);
    expect((await cli("service delete shop")).stderr).toContain("redirects to service shop");
    await cli("rule clear --confirm");
    expect((await cli("service delete shop")).code).toBe(0);
    expect((await cli("protection set --syn-cookies auto --syn-rate 5000/s")).code).toBe(0);
    expect((await cli("protection show")).stdout).toContain("auto, from 5000/s on");
    expect((await cli("protection set --per-source 10/s")).stderr).toContain("this needs --confirm");
    expect((await cli("status top")).stdout).toBe("no agent tells who sends most\n");
  });

  it("shows the system and its counters", async () => {
    const { stdout } = await cli("status show");
    expect(stdout).toMatch(/^edge-1 +ok /m);
    expect(stdout).toMatch(/^insp-1 +ok +63 \(0-61, 63\)/m);
    const { code, stdout: lines } = await cli("status stats --interval 1s --count 2 -o json");
    expect(code).toBe(0);
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { agents: { live: number } }).agents.live),
    ).toEqual([1, 1]);
  });

  it("says that alerting is away", async () => {
    const { code, stderr } = await cli("alert list");
    expect([code, stderr]).toEqual([1, expect.stringContaining("secuxflow-cli status show")]);
  });

  it("says that NATS is away, and loses nothing that was accepted", async () => {
    await cli("rule add --src 10.4.0.1 --dst 10.2.0.1 --action drop");
    const before = await ids();
    await nats.pause();
    const { code, stderr } = await cli("rule add --src 10.5.0.1 --dst 10.2.0.1 --action drop");
    expect(code).toBe(1);
    expect(stderr).toContain("NATS");
    await nats.restart();
    // An attempt whose answer was lost may have been stored: the next one then says so.
    const isStored = async () => {
      const { code, stderr: why } = await cli("rule add --src 10.6.0.1 --dst 10.2.0.1 --action drop --wait 0");
      return code !== 1 || why.includes("already does this");
    };
    await waitFor(isStored, { what: "NATS to be back", deadlineMs: 20_000, intervalMs: 200 });
    expect(await ids()).toEqual(expect.arrayContaining(before));
    expect(await ids()).toHaveLength(before.length + 1);
  });
});
