import { FRAME_PARTITIONS, routes, type AgentList, type AlertList, type ForwardList, type RuleList, type SystemStatus } from "@secuxflow/contracts";
import { needs } from "@secuxflow/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WholeLab } from "./whole-lab.js";

const BLOCK = ["rule", "add", "--src", "192.168.1.0/24", "--dst", "10.0.0.5", "--port", "80", "--proto", "tcp", "--action", "drop"];
const FORWARD = ["forward", "add", "--src", "any", "--dst", "10.0.0.0/24", "--port", "80", "--proto", "tcp", "--module", "waf"];

needs(describe, "kernel", "nats")("faults in the whole system", () => {
  let whole: WholeLab;
  beforeAll(async () => { whole = await WholeLab.create(); });
  afterAll(() => whole.destroy());
  beforeEach(() => whole.clear());

  const agentLive = (live: boolean): Promise<unknown> =>
    whole.until<AgentList>(`the agent to be ${live ? "live" : "away"}`, routes.agents, ({ items }) => items.some((one) => one.live) === live);

  it("with NATS away: filtering goes on, commands say so, and what was accepted is there afterwards", async () => {
    await whole.system.cli.run(...BLOCK);
    await whole.system.nats.kill();
    expect(await whole.answered("attacker")).toBe(false);
    const refused = await whole.system.cli.try("rule", "add", "--src", "203.0.113.9", "--action", "drop");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/NATS/);
    expect((await whole.system.get<RuleList>(routes.rules)).items).toHaveLength(1);
    await whole.until<SystemStatus>("the loss of NATS to be seen", routes.status, ({ components }) => components.some((one) => one.name === "nats" && one.state !== "ok"));
    await whole.system.nats.restart();
    await whole.until<SystemStatus>("NATS to be back", routes.status, ({ components }) => components.every((one) => one.state === "ok"));
    await whole.until<RuleList>("the rule on the agent", routes.rules, ({ items }) => items.length === 1 && items[0]?.activeOn === 1);
    await whole.system.cli.run("rule", "add", "--src", "203.0.113.9", "--action", "drop");
    expect(await whole.answered("attacker")).toBe(false);
  });

  it("with the agent dead: rules are accepted, reported as not in force everywhere, and in force when it is back", async () => {
    await whole.system.service("xdp-agent").kill();
    await agentLive(false);
    const added = await whole.system.cli.try(...BLOCK, "--wait", "500ms");
    expect(added.code).toBe(4);
    expect(added.stdout + added.stderr).toMatch(/0 of 0 agents|agent-1/);
    expect(await whole.answered("attacker")).toBe(true);
    await whole.system.startService("xdp-agent");
    await whole.until<RuleList>("the rule in force", routes.rules, ({ items }) => items[0]?.activeOn === 1);
    expect(await whole.answered("attacker")).toBe(false);
  });

  it("with the rule API dead: filtering and alerts go on, and it comes back with the same policy", async () => {
    await whole.system.cli.run(...FORWARD);
    await whole.system.cli.run("rule", "add", "--src", "203.0.113.0/24", "--action", "drop");
    await whole.system.service("rule-api").kill();
    await whole.attack("xss");
    await whole.system.startService("rule-api");
    await whole.until<RuleList>("the rule", routes.rules, ({ items }) => items.length === 1);
    await whole.until<ForwardList>("the forwarding rule", routes.forwards, ({ items }) => items.length === 1);
    await whole.until<AlertList>("the alert", routes.alerts, ({ items }) => items.some((one) => one.summary.toLowerCase().includes("script")));
  });

  it("with alerting dead: detections wait, and appear once when it is back", async () => {
    await whole.system.cli.run(...FORWARD);
    await whole.system.service("alerting").kill();
    const away = await whole.system.cli.try("alert", "list");
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(/alerting/);
    await whole.attack("log4shell");
    await whole.system.startService("alerting");
    const isIt = (one: AlertList["items"][number]): boolean => one.module === "waf" && /java|jndi|lookup|forgery/i.test(one.rule.name + one.summary);
    await whole.until<AlertList>("the alert", routes.alerts, ({ items }) => items.some(isIt));
    const { items } = await whole.system.get<AlertList>(routes.alerts);
    expect(items.filter(isIt).map((one) => one.count)).toEqual([1]);
  });

  it("with the inspector dead: traffic is not delayed, and inspection goes on when it is back", async () => {
    await whole.system.cli.run(...FORWARD);
    await whole.system.service("inspector").kill();
    expect(await whole.answered("user")).toBe(true);
    await whole.system.startService("inspector");
    await whole.until<SystemStatus>("the new inspector to own the partitions", routes.status, ({ inspectors }) => inspectors.some((one) => one.pid === whole.system.service("inspector").pid && one.partitions.length === FRAME_PARTITIONS && one.modules.every(({ state }) => state === "running")));
    await whole.attack("traversal");
    await whole.until<AlertList>("the alert", routes.alerts, ({ items }) => items.some((one) => /traversal/i.test(one.summary)));
  });
});
