import { readdirSync } from "node:fs";
import { routes, type SystemStatus } from "@secuxflow/contracts";
import { Lab } from "@secuxflow/testkit";
import { setInterval } from "node:timers";
import { browse } from "../attacks.js";
import { sweepPins } from "../sweep.js";
import { System } from "../system.js";
import { ADDRESSES, createTopology, startService, UPLINK, type Topology } from "../topology.js";
import { sshSession } from "./ssh-session.js";
import { watch } from "./watch.js";

export interface StartOptions {
  /** A real interface to protect in place of the lab's. */
  readonly iface?: string;
  readonly apiPort: number;
  readonly dataDir?: string;
}

/** The interface that was asked for is not there. */
export class NoInterface extends Error {
  override readonly name = "NoInterface";
}

const LAB_PREFIX = "sxflab";
const USER_PAUSE_MS = 2_000;

/** Brings the system up on the lab or on a real interface, shows what happens, and takes all of it down when the signal aborts. */
export async function start(options: StartOptions, print: (line: string) => void, signal: AbortSignal): Promise<void> {
  for (const left of [...await Lab.sweep(LAB_PREFIX), ...sweepPins()]) print(`removed what an earlier run left: ${left}`);
  if (options.iface !== undefined) checkInterface(options.iface);
  let topology: Topology | undefined;
  let system: System | undefined;
  const ended = new Promise<void>((resolve) => { signal.addEventListener("abort", () => { resolve(); }, { once: true }); });
  const timers: NodeJS.Timeout[] = [];
  try {
    if (options.iface === undefined) {
      topology = await createTopology(LAB_PREFIX);
      await startService(topology.container);
      print(`lab: user ${ADDRESSES.user}, attacker ${ADDRESSES.attacker} → ${UPLINK} → shop ${ADDRESSES.service}:${ADDRESSES.servicePort} (a container)`);
    }
    const target = topology ? { name: UPLINK, netns: topology.host.path } : { name: options.iface ?? "" };
    const own = topology ? undefined : sshSession(process.env.SSH_CONNECTION);
    if (own) print(`your SSH session (${own.src} to port ${own.port}) passes before any rule`);
    system = await System.start({
      interfaces: [target], apiPort: options.apiPort, ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
      ...(own === undefined ? {} : { settings: { "xdp-agent": { allow: [own] }, "rule-api": { managementPrefixes: ["127.0.0.0/8", "::1", own.src] } } }),
      onProgress: (what, ms) => { print(`${what}: up after ${ms.toFixed(0)} ms`); },
    });
    for (const line of await filtering(system)) print(line);
    for (const line of examples(system, topology)) print(line);
    if (topology) {
      const { user } = topology;
      timers.push(setInterval(() => { browse(user).catch((error: unknown) => { print(`the user got no answer: ${(error as Error).message}`); }); }, USER_PAUSE_MS));
    }
    const crashed = Promise.race([...system.services.values()].map((service) => service.exited.then(() => service.name)));
    const reason = await Promise.race([
      ended.then(() => undefined), crashed,
      watch(system, (line) => { print(`${new Date().toISOString().slice(11, 19)}  ${line}`); }, signal).then(() => undefined),
    ]);
    if (reason !== undefined) throw new Error(`${reason} ended by itself:\n${system.services.get(reason as never)?.log ?? ""}`);
  } finally {
    for (const timer of timers) clearInterval(timer);
    print("stopping");
    await system?.stop();
    await topology?.lab.destroy();
    print("stopped, nothing is left behind");
  }
}

/** How each interface is filtered; generic mode is a warning. */
async function filtering(system: System): Promise<string[]> {
  const { agents } = await system.get<SystemStatus>(routes.status);
  return agents.flatMap(({ interfaces }) => interfaces).map(({ name, mode }) =>
    mode === "generic" ? `warning: ${name} has no native XDP: it is filtered in generic mode, several times slower` : `filtering ${name} in ${mode} mode`);
}

function examples(system: System, topology: Topology | undefined): string[] {
  const attacker = topology?.attacker.netns;
  return [
    "",
    "In another terminal, in this folder:",
    "  export PATH=\"$PWD/node_modules/.bin:$PATH\"" + (system.apiUrl.endsWith(":7400") ? "" : ` SECUXFLOW_API=${system.apiUrl}`),
    "  secuxflow-cli status show",
    ...(attacker === undefined
      ? ["  secuxflow-cli forward add --src any --dst any --port 80 --proto tcp --module waf"]
      : [
          "  secuxflow-cli forward add --src any --dst 10.0.0.0/24 --port 80 --proto tcp --module waf",
          "  secuxflow-cli forward add --src any --dst 10.0.0.0/24 --port 80 --proto tcp --module ips",
          "  npm run attack -- sqli            # or: traversal, log4shell, xss, scanner",
        ]),
    "  secuxflow-cli alert list",
    "  secuxflow-cli alert suggest 1",
    "  secuxflow-cli alert approve 1",
    "  secuxflow-cli rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop",
    "  secuxflow-cli set create blocklist 203.0.113.0/24 198.51.100.7",
    "  secuxflow-cli rule add --src @blocklist --action drop",
    "  secuxflow-cli rule list",
    ...(attacker === undefined ? [] : ["  secuxflow-cli service add shop --address 10.0.0.5 --port 80 --proto tcp --inspect ips", "  secuxflow-cli service list"]),
    "  secuxflow-cli status stats --interval 5s",
    "  secuxflow-cli status top",
    "",
    "Ctrl-C ends everything.",
    "",
  ];
}

/** An interface that is not there would be waited for; a mistyped name is better said at once. Throws NoInterface. */
function checkInterface(name: string): void {
  const there = readdirSync("/sys/class/net");
  if (!there.includes(name)) throw new NoInterface(`there is no interface ${name}; there are ${there.join(", ")}`);
}
