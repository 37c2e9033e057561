import { ADDRESSES, forwardedByStack } from "@secuxflow/lab";
import {
  routes, type AlertList, type ForwardAdded, type ForwardList, type ProtectionShown, type RuleAdded, type RuleList, type ServiceAdded, type ServiceList,
  type ServiceView, type SetList, type StatsSnapshot, type SystemStatus, type TopTalkers,
} from "@secuxflow/contracts";
import { httpGet, httpServer, needs, type HttpServer } from "@secuxflow/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Conversation, echoServer } from "./conversation.js";
import { Prober, type Packet } from "./probe.js";
import { WholeLab } from "./whole-lab.js";

/** A page that no shop should show: the module ips has a rule for answers with it. */
const LEAK = "uid=0(root) gid=0(root) groups=0(root)";
const LEAKY_PORT = 8_081;

needs(describe, "kernel", "nats")("services and the first line of defence on the whole system", () => {
  let whole: WholeLab;
  let prober: Prober;
  let leaky: HttpServer;
  beforeAll(async () => {
    whole = await WholeLab.create();
    prober = await Prober.create(whole.topology);
    leaky = await httpServer(whole.topology.container, { host: ADDRESSES.service, port: LEAKY_PORT, body: LEAK });
  });
  afterAll(async () => {
    await leaky?.stop();
    await prober?.stop();
    await whole?.destroy();
  });
  beforeEach(() => whole.clear());

  const cli = (line: string): Promise<string> => whole.system.cli.run(...line.split(" "));
  const addService = (line: string): Promise<ServiceAdded> => whole.system.cli.json<ServiceAdded>("service", "add", ...line.split(" "));
  const inContainer = (): string => `--address ${ADDRESSES.service} --proto tcp --netns ${whole.topology.container.path}`;

  /** A service's counters, once they satisfy. */
  const serviceOnce = async (name: string, wanted: (service: ServiceView["on"][number]) => boolean): Promise<ServiceView["on"][number]> => {
    let found: ServiceView["on"][number] | undefined;
    await whole.until<ServiceList>(`the state of service ${name}`, routes.services, ({ items }) => {
      found = items.find((one) => one.name === name)?.on[0];
      return found !== undefined && wanted(found);
    });
    if (!found) throw new Error(`no service ${name}`);
    return found;
  };
  const redirecting = (name: string): Promise<unknown> => serviceOnce(name, ({ state, backends }) => state === "ok" && backends.every(({ path }) => path === "redirect"));

  const forwarded = (): Promise<number> => forwardedByStack(whole.topology.host);
  const alert = (what: string, found: (one: AlertList["items"][number]) => boolean): Promise<unknown> =>
    whole.until<AlertList>(what, routes.alerts, ({ items }) => items.some(found));

  it("takes real HTTP past the stack to a container, counts both directions and inspects both", async () => {
    await addService(`shop ${inContainer()} --port 80 --inspect waf,ips`);
    await addService(`files ${inContainer()} --port ${LEAKY_PORT} --inspect ips`);
    await redirecting("shop");
    await redirecting("files");
    await whole.answered("user"); // neighbours are known from here on
    const [before, start] = [await forwarded(), await serviceOnce("shop", () => true)];
    for (let i = 0; i < 5; i++) expect(await whole.answered("user")).toBe(true);
    const after = await serviceOnce("shop", ({ redirected, returned }) => redirected.packets >= start.redirected.packets + 5 * 4 && returned.packets >= start.returned.packets + 5 * 3);
    expect(after.flows).toBeGreaterThanOrEqual(start.flows + 5);
    expect(await forwarded()).toBe(before);

    await whole.attack("sqli");
    await alert("an alert for the request", ({ summary, flow }) => /sql/i.test(summary) && flow.dport === 80);
    const answer = await httpGet(whole.topology.user, `http://${ADDRESSES.service}:${LEAKY_PORT}/`);
    expect(answer.body).toBe(LEAK);
    await alert("an alert for the answer", ({ rule }) => /root shell/i.test(rule.name));

    expect(await cli("service list")).toMatch(/shop .*tcp 10\.0\.0\.5:80 .*ok .*1\/1/);
    expect(await cli("service show files")).toMatch(/redirect/);
  });

  it("sends to a service by a rule, and drops what a rule before it drops", async () => {
    await addService(`shop ${inContainer()} --port 80`);
    await redirecting("shop");
    const { rule } = await whole.system.cli.json<RuleAdded>("rule", "add", ..."--port 80 --proto tcp --action redirect --service shop --priority 2000".split(" "));
    await cli(`rule add --src ${ADDRESSES.attacker} --dst ${ADDRESSES.service} --action drop`);
    expect(await whole.answered("user")).toBe(true);
    expect(await whole.answered("attacker")).toBe(false);
    await whole.until<RuleList>("packets on the redirecting rule", routes.rules, ({ items }) => (items.find(({ id }) => id === rule.id)?.packets ?? 0) >= 4);
    await whole.until<StatsSnapshot>("redirected packets in the totals", routes.stats, ({ agents }) => (agents[0]?.verdicts.redirected?.packets ?? 0) >= 4);
    const refused = await whole.system.cli.try("service", "delete", "shop");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(new RegExp(`rule ${rule.id}`));
  });

  it("copies one of so many flows, in the direction that was asked for", async () => {
    await addService(`shop ${inContainer()} --port 80`);
    await redirecting("shop");
    const forward = async (line: string): Promise<number> => (await whole.system.cli.json<ForwardAdded>("forward", "add", ...line.split(" "))).forward.id;
    const sampled = await forward("--dst 10.0.0.0/24 --port 6500 --proto udp --module ips --sample 4");
    const requests = await forward(`--dst ${ADDRESSES.service} --port 80 --proto tcp --module waf --direction to-service`);
    const answers = await forward(`--src ${ADDRESSES.service} --sport 80 --proto tcp --module waf --direction from-service`);
    const nothing = await forward(`--src ${ADDRESSES.service} --sport 80 --proto tcp --module waf --direction to-service`);
    const flows = Array.from({ length: 400 }, (_, i): Packet => ({ udp: { srcPort: 10_000 + i, dstPort: 6_500 }, payload: "x" }));
    await prober.send(flows);
    await whole.answered("user");
    const counts = async (): Promise<number[]> => {
      const { items } = await whole.system.get<ForwardList>(routes.forwards);
      return [sampled, requests, answers, nothing].map((id) => items.find((one) => one.id === id)?.packets ?? 0);
    };
    await whole.until<ForwardList>("packets on the forwarding rules", routes.forwards, ({ items }) =>
      [sampled, requests, answers].every((id) => (items.find((one) => one.id === id)?.packets ?? 0) >= 3));
    const [some = 0, , , none] = await counts();
    expect(some).toBeGreaterThan(60); // 400 flows, 1 of 4: 100 expected, standard deviation below 9; flows and hash are always the same
    expect(some).toBeLessThan(140);
    expect(none).toBe(0);
  });

  it("shows and changes protection, limits each source, and tells who sends most", async () => {
    await cli("protection set --syn-cookies auto --syn-rate 20000/s --established-pass yes");
    await cli("protection set --per-source 1/s --per-source-burst 50 --confirm");
    const shown = await whole.system.cli.json<ProtectionShown>("protection", "show");
    expect(shown.protection).toEqual({ synCookies: "auto", synRate: 20_000, establishedPass: true, perSource: { rate: 1, burst: 50 } });
    const flood: Packet = { ipv4: { src: "192.168.1.200" }, udp: { srcPort: 1, dstPort: 2 }, payload: new Uint8Array(1_000) };
    const through = await prober.count(flood, 500);
    expect(through).toBeGreaterThanOrEqual(50);
    expect(through).toBeLessThan(250);
    await whole.until<ProtectionShown>("packets over a source's limit", routes.protection, ({ on }) => (on[0]?.overSourceLimit.packets ?? 0) >= 250);
    expect(await cli("protection show")).toMatch(/each source +1\/s, 50 at once/);
    await cli("protection set --per-source off");

    const flooding = new AbortController();
    const flow = (async () => {
      while (!flooding.signal.aborted) await prober.send([flood], { repeat: 4_000, pps: 4_000 });
    })();
    try {
      await whole.until<TopTalkers>("the flood among the top talkers", routes.statusTop, ({ items }) => items[0]?.address === "192.168.1.200" && items[0].packets > 1_000);
      expect(await cli("status top --limit 3")).toMatch(/192\.168\.1\.200/);
    } finally {
      flooding.abort();
      await flow;
    }
  });

  it("answers SYNs with cookies, and a real client connects", async () => {
    const address = "172.16.0.2";
    const { host, attacker } = whole.topology;
    await host.sysctl("net/ipv4/tcp_syncookies", 2); // cookies always, not only while a queue is full
    const server = await echoServer(host, address, 7_701);
    await cli("protection set --syn-cookies on");
    const conversation = await Conversation.open(attacker, address, 7_701);
    await conversation.say("hello");
    await whole.until<ProtectionShown>("a cookie that came back", routes.protection, ({ on }) => (on[0]?.cookiesSent ?? 0) >= 1 && (on[0]?.cookiesValid ?? 0) >= 1);
    expect(await whole.answered("user")).toBe(true);
    await conversation.close();
    await server.stop();
  });

  it("keeps all of it when the agent is killed and started again, without a gap", async () => {
    await addService(`shop ${inContainer()} --port 80`);
    await redirecting("shop");
    expect(await whole.answered("user")).toBe(true); // neighbours are known from here on
    await cli("set create blocklist 192.168.1.0/25 203.0.113.0/24");
    const { rule } = await whole.system.cli.json<RuleAdded>("rule", "add", ..."--src @blocklist --proto udp --action drop".split(" "));
    await cli("protection set --established-pass yes");
    const blocked = { inside: { ipv4: { src: "192.168.1.9" }, udp: { srcPort: 1, dstPort: 2 } }, outside: { ipv4: { src: "192.168.1.129" }, udp: { srcPort: 1, dstPort: 2 } } };
    expect(await prober.arrived(blocked)).toEqual(["outside"]);
    await whole.until<RuleList>("a packet on the rule", routes.rules, ({ items }) => items.some(({ id, packets }) => id === rule.id && packets === 1));
    await whole.system.service("xdp-agent").kill();
    expect(await prober.arrived(blocked)).toEqual(["outside"]);
    const stack = await forwarded();
    expect(await whole.answered("user")).toBe(true);
    expect(await forwarded()).toBe(stack);
    await whole.system.startService("xdp-agent");
    await whole.until<SystemStatus>("the agent to be back", routes.status, ({ agents }) => agents.some(({ live, interfaces }) => live && interfaces.every(({ mode }) => mode === "native")));
    expect(await prober.arrived(blocked)).toEqual(["outside"]);
    await redirecting("shop");
    await whole.until<RuleList>("three packets on the rule", routes.rules, ({ items }) => items.some(({ id, packets }) => id === rule.id && packets === 3));
    expect((await whole.system.get<ProtectionShown>(routes.protection)).protection.establishedPass).toBe(true);
    expect((await whole.system.cli.json<SetList>("set", "list")).items).toMatchObject([{ name: "blocklist", entries: 2, activeOn: 1 }]);
    await serviceOnce("shop", ({ redirected, stack: slow }) => redirected.packets > 0 && slow.packets >= 0);
    const before = await forwarded();
    expect(await whole.answered("user")).toBe(true);
    expect(await forwarded()).toBe(before);
  });
});
