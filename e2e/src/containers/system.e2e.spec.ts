import {
  routes, type AgentList, type Alert, type AlertList, type Enforcement, type ForwardAdded, type Removed, type RuleAdded,
  type RuleList,
} from "@secuxflow/contracts";
import { ATTACKS } from "@secuxflow/lab";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContainerSystem, SERVICES, SHOP_PORT, type HostName } from "./container-system.js";
import { docker, labelled } from "./docker.js";
import { useEngine } from "./engine.js";

useEngine();

const BLOCKED_AFTER_MS = 1_500;
const DEADLINE_MS = 60_000;
const EVERYWHERE = { agents: 1, active: 1, pending: [] } satisfies Partial<Enforcement>;

needs(describe, "docker")("the system in containers", () => {
  let system: ContainerSystem;
  beforeAll(async () => {
    system = await ContainerSystem.start();
  }, 600_000);
  afterAll(async () => {
    await (system as ContainerSystem | undefined)?.stop();
  }, 120_000);

  const shop = () => ({ dst: system.address("service"), port: SHOP_PORT, proto: "tcp" });
  const dropClient = () => ({ src: system.address("client"), ...shop(), action: "drop" });
  const rules = async () => (await system.api<RuleList>(routes.rules)).items;
  const hits = async (id: number) => (await rules()).find((rule) => rule.id === id)?.packets ?? 0;
  const served = async (from: HostName) => {
    const answer = await system.fetch(from);
    if ("failed" in answer) throw new Error(`no answer for ${from}: ${answer.failed}`);
    return (JSON.parse(answer.text) as { served: number }).served;
  };
  /** The rule is in force: the client gets no answer, nothing reaches the service but the other host's request. */
  const expectBlocked = async (ruleId: number) => {
    const before = await served("other");
    expect(await system.fetch("client", "/", BLOCKED_AFTER_MS)).toEqual({ failed: "timeout" });
    expect(await served("other")).toBe(before + 1);
    await waitFor(async () => (await hits(ruleId)) > 0, { what: "packets to be counted on the rule", deadlineMs: DEADLINE_MS });
  };
  const detections = async () =>
    (await system.api<AlertList>(routes.alerts)).items
      .filter(({ module, flow }) => module === "waf" && flow.src === system.address("client"))
      .reduce((sum, { count }: Alert) => sum + count, 0);

  it("is healthy by the images' own checks", async () => {
    for (const name of [...SERVICES, "nats"] as const) {
      const health = () => docker("inspect", "--format", "{{.State.Health.Status}}", system.container(name).getId());
      await waitFor(async () => (await health()) === "healthy", {
        what: `${name} to be healthy`, deadlineMs: DEADLINE_MS, intervalMs: 200,
      });
    }
  });

  it("publishes the rule API alone, on loopback, and asks for its token", async () => {
    const ids = await labelled("container", system.label);
    const ports = (await Promise.all(ids.map((id) => docker("port", id)))).filter(Boolean);
    expect(ports).toEqual([expect.stringMatching(/^7400\/tcp -> 127\.0\.0\.1:\d+$/)]);
    expect((await fetch(system.apiUrl + routes.rules)).status).toBe(401);
  });

  it("filters the service's own interface in native mode", async () => {
    const { items } = await system.api<AgentList>(routes.agents);
    const interfaces = [{ name: "eth0", mode: "native" }];
    expect(items).toMatchObject([{ agentId: "agent-1", live: true, state: "ok", interfaces }]);
  });

  it("drops a client's packets by a rule of the REST API, lets others pass, and all after its deletion", async () => {
    expect(await served("client")).toBeGreaterThan(0);
    const { rule, enforcement } = await system.api<RuleAdded>(routes.rules, "POST", { rule: dropClient() });
    expect(enforcement).toMatchObject(EVERYWHERE);
    await expectBlocked(rule.id);
    const removed = await system.api<Removed>(routes.rule(rule.id), "DELETE");
    expect(removed.enforcement).toMatchObject(EVERYWHERE);
    expect(await served("client")).toBeGreaterThan(0);
  });

  it("does the same by the command line's image", async () => {
    const { src, dst, port, proto, action } = dropClient();
    const flags = ["--src", src, "--dst", dst, "--port", String(port), "--proto", proto, "--action", action];
    const added = await system.cli("rule", "add", ...flags);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("on 1 of 1 agents") as unknown });
    const items = await rules();
    expect(items).toMatchObject([{ src, dst, port, proto, action, activeOn: 1 }]);
    const id = items[0]?.id ?? 0;
    await expectBlocked(id);
    expect(await system.cli("rule", "delete", "--id", String(id))).toMatchObject({ code: 0 });
    expect(await served("client")).toBeGreaterThan(0);
  });

  it("raises an alert for an SQL injection that reaches the service, and none for ordinary requests", async () => {
    const forward = { src: "any", ...shop(), module: "waf" };
    const { enforcement } = await system.api<ForwardAdded>(routes.forwards, "POST", { forward });
    expect(enforcement).toMatchObject(EVERYWHERE);
    await served("other");
    expect(await system.fetch("client", ATTACKS.sqli.path)).toMatchObject({ status: 200 });
    await waitFor(async () => (await detections()) > 0, { what: "the alert", deadlineMs: DEADLINE_MS });
    const { items } = await system.api<AlertList>(routes.alerts);
    expect(items.map(({ flow }) => flow.src)).not.toContain(system.address("other"));
    expect(items.map(({ summary, rule }) => `${rule.category} ${summary}`.toLowerCase()).join()).toContain("sql");
  });

  it("inspects again after the inspector's container was restarted", async () => {
    const before = await detections();
    await system.container("inspector").restart({ timeout: 20_000 });
    await system.settled();
    expect(await system.fetch("client", ATTACKS.sqli.path)).toMatchObject({ status: 200 });
    await waitFor(async () => (await detections()) > before, { what: "the second attack's alert", deadlineMs: DEADLINE_MS });
  });

  it("stops in order when told to, and leaves nothing", async () => {
    expect(await system.stopServices()).toEqual(Object.fromEntries(SERVICES.map((name) => [name, 0])));
    await system.stop();
    for (const kind of ["container", "network", "volume"] as const) {
      expect(await labelled(kind, system.label)).toEqual([]);
    }
  });
});
