import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { API_VERSION, routes, type Alert, type ForwardAdded, type Removed, type RuleAdded } from "@secuxflow/contracts";
import { ADDRESSES, browse, createTopology, startService, System, UPLINK } from "@secuxflow/lab";
import { tcpSession, type Namespace } from "@secuxflow/testkit";
import type { SuiteResult } from "../report.js";
import { quantileMetric } from "../statistics.js";
import { AlertStream } from "../alert-stream.js";

const WARM_UP = 20;

/**
 * The loop's two delays. `rule_to_kernel_ms`: from the request of `rule add` until the API says that it is in force in
 * the kernels of all agents. `packet_to_alert_ms`: from the attack packet in the XDP program (its own time stamp) until
 * the alert, stored in ClickHouse, reaches somebody who watches.
 */
export async function loop(rounds: number): Promise<SuiteResult> {
  const topology = await createTopology("sxfbench");
  let system: System | undefined;
  try {
    await startService(topology.container);
    system = await System.start({ interfaces: [{ name: UPLINK, netns: topology.host.path }], apiPort: 0 });
    const rule = await ruleRounds(system, rounds + WARM_UP);
    const alerts = await alertRounds(system, topology.attacker, rounds + WARM_UP);
    const measured = (samples: number[]): number[] => samples.slice(WARM_UP);
    return {
      metrics: [
        quantileMetric("rule_to_kernel_ms_p50", "ms", measured(rule), 0.5),
        quantileMetric("rule_to_kernel_ms_p99", "ms", measured(rule), 0.99),
        quantileMetric("packet_to_alert_ms_p50", "ms", measured(alerts), 0.5),
        quantileMetric("packet_to_alert_ms_p99", "ms", measured(alerts), 0.99),
      ],
      notes: [
        `${rounds} rounds each, one after the other, after ${WARM_UP} to warm up; min and max are over five parts of the series`,
        "aims: rule_to_kernel_ms_p99 at most 10, packet_to_alert_ms_p99 at most 50",
        "nats-server, four services, the lab and this program share the machine's cores",
      ],
    };
  } finally {
    await system?.stop();
    await topology.lab.destroy();
  }
}

/** One connection that stays open: what is measured is the API, not TCP's handshake or a client library. */
const connection = new Agent({ keepAlive: true, maxSockets: 1 });

async function call<T extends { apiVersion: string }>(system: System, method: string, path: string, body?: unknown): Promise<T> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = payload === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
  const sent = request(system.apiUrl + path, { method, agent: connection, headers });
  sent.end(payload);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const document = JSON.parse(await text(response)) as T;
  if (response.statusCode === undefined || response.statusCode >= 300 || document.apiVersion !== API_VERSION) {
    throw new Error(`${method} ${path}: ${response.statusCode ?? 0} ${JSON.stringify(document)}`);
  }
  return document;
}

async function ruleRounds(system: System, rounds: number): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const added = await call<RuleAdded>(system, "POST", routes.rules, { rule: { src: `203.0.113.${1 + (round % 250)}`, dst: ADDRESSES.service, port: 80, proto: "tcp", action: "drop" } });
    samples.push(performance.now() - began);
    if (added.enforcement.active !== 1) throw new Error(`round ${round}: the rule is not in force: ${JSON.stringify(added.enforcement)}`);
    await call<Removed>(system, "DELETE", routes.rule(added.rule.id));
  }
  return samples;
}

async function alertRounds(system: System, attacker: Namespace, rounds: number): Promise<number[]> {
  await call<ForwardAdded>(system, "POST", routes.forwards, { forward: { dst: ADDRESSES.service, port: 80, proto: "tcp", module: "waf" } });
  const [device, mac] = [await attacker.interface("eth0"), await gatewayMac(attacker)];
  const stream = await AlertStream.open(system.apiUrl);
  const samples: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const session = tcpSession({
        client: { mac: device.mac, ip: ADDRESSES.attacker, port: 20_000 + round }, server: { mac, ip: ADDRESSES.service, port: ADDRESSES.servicePort },
        turns: [{ from: "client", data: `GET /search?q=1%27%20UNION%20SELECT%20${round}%20FROM%20users HTTP/1.1\r\nHost: shop\r\n\r\n` }],
      });
      const stored = stream.next((alert: Alert) => alert.module === "waf", 10_000);
      await attacker.send("eth0", [...session].filter(({ from }) => from === "client").map(({ frame }) => frame));
      const { alert, atMs } = await stored;
      samples.push(atMs - parseTime(alert.lastSeen));
    }
  } finally {
    stream.close();
  }
  return samples;
}

async function gatewayMac(attacker: Namespace): Promise<string> {
  await browse(attacker); // makes the attacker's kernel look its gateway up
  const entry = (JSON.parse(await attacker.ip("-j", "neigh", "show", "192.168.1.1")) as { lladdr?: string }[])[0];
  if (entry?.lladdr === undefined) throw new Error("the attacker's gateway has no MAC address");
  return entry.lladdr;
}

/** Milliseconds since 1970 of an ISO time, with the microseconds that `Date.parse` leaves out. */
function parseTime(iso: string): number {
  const fraction = /\.(\d+)Z$/.exec(iso)?.[1] ?? "";
  return Date.parse(iso.replace(/\.\d+Z$/, "Z")) + Number(`0.${fraction || "0"}`) * 1_000;
}
