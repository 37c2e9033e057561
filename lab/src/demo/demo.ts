import { existsSync } from "node:fs";
import { routes, type Alert, type AlertApproved, type AlertList, type ForwardAdded, type Removed, type RuleAdded, type RuleList, type ServiceList, type ServiceView, type StatsSnapshot } from "@secuxflow/contracts";
import { HttpFailedError, runCommand, waitFor } from "@secuxflow/testkit";
import { attack, ATTACKS, browse } from "../attacks.js";
import { totals } from "../live/changes.js";
import { forwardedByStack } from "../stack.js";
import { System } from "../system.js";
import { ADDRESSES, createTopology, startService, UPLINK, type Topology } from "../topology.js";
import { demand, Story } from "./story.js";
import { Wire } from "./wire.js";

const BLOCKED_AFTER_MS = 1_500;

/** The loop as a story: every step is observed on the wire, in the kernel's counters, or by the CLI. Throws StepFailed. */
export async function demo(print: (line: string) => void): Promise<void> {
  const story = new Story(print);
  let topology: Topology | undefined;
  let system: System | undefined;
  let wire: Wire | undefined;
  const pins: string[] = [];
  try {
    await story.step("the lab: user, attacker, protected host, container", async () => {
      topology = await createTopology("sxfdemo");
      await startService(topology.container);
      const { user } = topology;
      await waitFor(() => browse(user, "/", 500).then(() => true, () => false), { what: "the shop to answer", deadlineMs: 10_000 });
      return `user ${ADDRESSES.user}, attacker ${ADDRESSES.attacker} → ${UPLINK} (XDP) → shop ${ADDRESSES.service}:${ADDRESSES.servicePort}`;
    });
    if (!topology) throw new Error("no lab");
    const { user, attacker, host, container } = topology;

    await story.step("nats-server, xdp-agent, inspector, alerting, rule-api", async () => {
      system = await System.start({ interfaces: [{ name: UPLINK, netns: host.path }], apiPort: 0 });
      pins.push(system.pinFolder);
      return `the rule API is at ${system.apiUrl}`;
    });
    if (!system) throw new Error("no system");
    const running = system;
    const { cli } = running;
    wire = await Wire.at(container);
    const seen = wire;

    await story.step("normal traffic flows, from both", async () => {
      const answers = [await browse(user), await browse(attacker)];
      demand(answers.every(({ status }) => status === 200), "the shop did not answer 200 to both");
      await seen.carried(ADDRESSES.user, "GET /search?q=lamp");
      return "200 for the user, 200 for the attacker (who is not one yet)";
    });

    await story.step("the administrator forwards web traffic to the modules ips and waf", async () => {
      const added: ForwardAdded[] = [];
      for (const module of ["ips", "waf"]) {
        added.push(await cli.json<ForwardAdded>("forward", "add", "--src", "any", "--dst", "10.0.0.0/24", "--port", "80", "--proto", "tcp", "--module", module));
      }
      demand(added.every(({ enforcement }) => enforcement.agents === 1 && enforcement.active === 1), "a forwarding rule is not in force");
      return `forwarding rules ${added.map(({ forward }) => forward.id).join(", ")} in force on 1 of 1 agents`;
    });

    await story.step("normal traffic is inspected and raises no alert", async () => {
      const before = await inspected(running);
      await browse(user, "/search?q=O%27Reilly%20book");
      await waitFor(async () => (await inspected(running)) > before, { what: "the request to be inspected", deadlineMs: 10_000 });
      const { items } = await cli.json<AlertList>("alert", "list");
      demand(items.length === 0, `ordinary traffic raised ${items.length} alerts`);
      return "inspected, 0 alerts";
    });

    let sqli: Alert | undefined;
    await story.step(`attack: ${ATTACKS.sqli.title}`, async () => {
      const { status } = await attack(attacker, "sqli");
      await seen.carried(ADDRESSES.attacker, "UNION%20SELECT");
      return `it reaches the shop, which answers ${status}`;
    });
    await story.step("the alert appears", async () => {
      sqli = await waitFor(async () => (await alertsOf(running, "waf")).find((one) => one.rule.category.toLowerCase().includes("sql") || one.summary.toLowerCase().includes("sql")), {
        what: "an alert of the waf for the SQL injection", deadlineMs: 10_000,
      });
      demand(sqli.flow.src === ADDRESSES.attacker, `the alert blames ${sqli.flow.src}`);
      return (await cli.run("alert", "list")).trimEnd();
    });

    await story.step("more attacks, all seen", async () => {
      const names = ["traversal", "log4shell", "xss", "scanner"] as const;
      const known = new Set((await alertsOf(running)).map((one) => `${one.module}/${one.rule.id}`));
      const shown: string[] = [];
      for (const name of names) {
        await attack(attacker, name);
        const found = await waitFor(async () => (await alertsOf(running)).find((one) => !known.has(`${one.module}/${one.rule.id}`)), { what: `an alert for ${ATTACKS[name].title}`, deadlineMs: 10_000 });
        for (const one of await alertsOf(running)) known.add(`${one.module}/${one.rule.id}`);
        shown.push(`${ATTACKS[name].title}: alert ${found.id} (${found.module}, ${found.rule.name})`);
      }
      return shown.join("\n");
    });

    if (!sqli) throw new Error("no alert");
    const alertId = String(sqli.id);
    await story.step("the administrator looks at the suggested rule", async () => (await cli.run("alert", "suggest", alertId)).trimEnd());

    let ruleId = 0;
    await story.step("… and approves it", async () => {
      const approved = await cli.json<AlertApproved>("alert", "approve", alertId, "--yes");
      ruleId = approved.rule.id;
      demand(approved.enforcement.active === 1, "the rule is not in force");
      return `rule ${ruleId}: drop ${approved.rule.src} → ${approved.rule.dst} in force on 1 of 1 agents after ${approved.enforcement.waitedMs.toFixed(1)} ms`;
    });

    await story.step("the attacker's next packets are dropped in the kernel", async () => {
      const before = seen.from(ADDRESSES.attacker);
      await blocked(() => attack(attacker, "sqli", BLOCKED_AFTER_MS));
      const hits = await hitsOf(running, ruleId);
      demand(seen.from(ADDRESSES.attacker) === before, "a packet of the attacker reached the container");
      return `no answer in ${BLOCKED_AFTER_MS} ms, nothing on the container's wire, ${hits} packets counted on rule ${ruleId}`;
    });

    await story.step("the user is not affected", async () => {
      const { status } = await browse(user);
      demand(status === 200, `the user got ${status}`);
      return "200";
    });

    await story.step("the rule is deleted, the attacker passes again", async () => {
      const removed = await cli.json<Removed>("rule", "delete", "--id", String(ruleId));
      demand(removed.enforcement.active === 1, "the deletion is not in force");
      const { status } = await browse(attacker);
      demand(status === 200, `the attacker got ${status}`);
      return `200 for the attacker, ${removed.enforcement.waitedMs.toFixed(1)} ms after the command`;
    });

    await story.step("a rule on a set of addresses, with a time to live, blocks, expires and goes by itself", async () => {
      await cli.run("set", "create", "blocklist", "192.168.1.0/24", "203.0.113.0/24");
      const added = await cli.json<RuleAdded>("rule", "add", "--src", "@blocklist", "--dst", ADDRESSES.service, "--port", "80", "--proto", "tcp", "--action", "drop", "--ttl", "3s");
      await blocked(() => browse(attacker, "/", BLOCKED_AFTER_MS));
      await waitFor(async () => (await cli.json<RuleList>("rule", "list")).items.every((one) => one.id !== added.rule.id), { what: "the rule to be gone from the list", deadlineMs: 10_000 });
      const { status } = await browse(attacker);
      demand(status === 200, `the attacker got ${status} after the expiry`);
      return `rule ${added.rule.id} blocked for its 3 s; now 200 for the attacker and no rule in the list`;
    });

    await story.step("the shop becomes a service: XDP takes its packets to the container, past the host's stack", async () => {
      await cli.run("service", "add", "shop", "--address", ADDRESSES.service, "--port", String(ADDRESSES.servicePort), "--proto", "tcp");
      await waitFor(async () => (await shopOf(running))?.backends.every(({ path }) => path === "redirect"), { what: "the container to be found", deadlineMs: 10_000 });
      const before = await forwardedByStack(host);
      const { status } = await browse(user);
      demand(status === 200, `the user got ${status}`);
      const forwarded = (await forwardedByStack(host)) - before;
      demand(forwarded === 0, `the host's stack forwarded ${forwarded} packets`);
      const counted = await waitFor(async () => {
        const shop = await shopOf(running);
        return shop && shop.redirected.packets > 0 && shop.returned.packets > 0 ? shop : undefined;
      }, { what: "both directions to be counted", deadlineMs: 5_000 });
      return `${counted.redirected.packets} packets there, ${counted.returned.packets} back, none by the stack`;
    });

    await story.step("what the kernel counted", async () => {
      const counted = totals(await running.get<StatsSnapshot>(routes.stats));
      demand(counted.dropped > 0, "no drops were counted");
      return (["passed", "dropped", "forwarded", "lost"] as const).map((name) => `${name} ${counted[name]}`).join(", ");
    });
  } finally {
    await wire?.stop();
    await system?.stop();
    await topology?.lab.destroy();
  }

  await story.step("everything is gone", async () => {
    const { stdout } = await runCommand("ip", ["netns", "list"]);
    demand(!stdout.includes(`sxfdemo.${process.pid}-`), `namespaces are left: ${stdout}`);
    for (const pin of pins) demand(!existsSync(pin), `${pin} is left`);
    return "no process, no namespace, no pin left";
  });
  const total = story.steps.reduce((sum, { ms }) => sum + ms, 0);
  print(`\nThe loop is closed: ${story.steps.length} steps observed in ${(total / 1_000).toFixed(1)} s.`);
}

async function alertsOf(system: System, module?: string): Promise<Alert[]> {
  const { items } = await system.get<AlertList>(routes.alerts);
  return module === undefined ? items : items.filter((one) => one.module === module);
}

/** The shop's state and counters on the agent. */
async function shopOf(system: System): Promise<ServiceView["on"][number] | undefined> {
  const { items } = await system.get<ServiceList>(routes.services);
  return items[0]?.on[0];
}

/** Packets that inspectors have inspected. */
async function inspected(system: System): Promise<number> {
  const { inspectors } = await system.get<StatsSnapshot>(routes.stats);
  return inspectors.reduce((sum, one) => sum + one.packets, 0);
}

/** Packets counted on a rule; waits for the first. */
async function hitsOf(system: System, id: number): Promise<number> {
  return waitFor(async () => (await system.get<RuleList>(routes.rules)).items.find((one) => one.id === id)?.packets ?? 0, {
    what: `packets to be counted on rule ${id}`, deadlineMs: 5_000,
  });
}

/** The request must get no answer at all: an answer, or a refusal, is a failure of the step. */
async function blocked(request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (error instanceof HttpFailedError && error.code === "TIMEOUT") return;
    throw error;
  }
  throw new Error("the attacker got an answer");
}
