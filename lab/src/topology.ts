import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Lab, repoRoot, type Child, type Namespace } from "@secuxflow/testkit";

/** Addresses of the lab. They are those of the README's example commands, so that these do something here. */
export const ADDRESSES = {
  attacker: "192.168.1.66",
  user: "192.168.2.10",
  service: "10.0.0.5",
  servicePort: 80,
} as const;

/** The interface of the protected host that looks to the world: where the XDP filter sits. */
export const UPLINK = "uplink0";

/**
 * Five network namespaces:
 *
 * ```
 * user      192.168.2.10 ─┐
 *                         ├─ internet (router) ── uplink0 host ── container 10.0.0.5:80
 * attacker  192.168.1.66 ─┘                       └ XDP
 * ```
 */
export interface Topology {
  readonly lab: Lab;
  readonly user: Namespace;
  readonly attacker: Namespace;
  readonly host: Namespace;
  readonly container: Namespace;
}

/** Makes the namespaces and links; first removes what a dead run left. */
export async function createTopology(prefix: string): Promise<Topology> {
  const lab = await Lab.create({ prefix });
  try {
    const [user, attacker, internet, host, container] = [
      await lab.ns("user"), await lab.ns("attacker"), await lab.ns("internet"), await lab.ns("host"), await lab.ns("container"),
    ];
    await lab.link({ a: { ns: user, dev: "eth0", addresses: [`${ADDRESSES.user}/24`] }, b: { ns: internet, dev: "user0", addresses: ["192.168.2.1/24"] } });
    await lab.link({ a: { ns: attacker, dev: "eth0", addresses: [`${ADDRESSES.attacker}/24`] }, b: { ns: internet, dev: "attacker0", addresses: ["192.168.1.1/24"] } });
    await lab.link({ a: { ns: internet, dev: "host0", addresses: ["172.16.0.1/30"] }, b: { ns: host, dev: UPLINK, addresses: ["172.16.0.2/30"] } });
    await lab.link({ a: { ns: host, dev: "service0", addresses: ["10.0.0.1/24"] }, b: { ns: container, dev: "eth0", addresses: [`${ADDRESSES.service}/24`] } });
    await user.route("default", { via: "192.168.2.1" });
    await attacker.route("default", { via: "192.168.1.1" });
    await internet.route("10.0.0.0/24", { via: "172.16.0.2" });
    await host.route("default", { via: "172.16.0.1" });
    await container.route("default", { via: "10.0.0.1" });
    await attachPass(internet, "host0");
    for (const router of [internet, host]) await router.sysctl("net/ipv4/ip_forward", 1);
    return { lab, user, attacker, host, container };
  } catch (error) {
    await lab.destroy();
    throw error;
  }
}

/**
 * What XDP sends back (a reject, a SYN cookie) a veth delivers only where its far end runs a program, too; network cards
 * need no such thing. In a mount namespace of its own, since ip would leave folders on the machine's BPF file system.
 */
async function attachPass(ns: Namespace, dev: string): Promise<void> {
  const command = 'mount -t bpf bpf /sys/fs/bpf && exec ip link set dev "$1" xdpdrv obj "$2" sec xdp';
  await ns.exec("unshare", ["--mount", "sh", "-c", command, "sh", dev, join(repoRoot(), "bpf/build/pass.bpf.o")]);
}

/**
 * Starts the HTTP server in a container of Linux namespaces: its own network, mounts, processes, host name and IPC.
 * Resolves when it listens.
 */
export async function startService(container: Namespace): Promise<Child> {
  const script = fileURLToPath(new URL("./service/shop.js", import.meta.url));
  const child = await container.spawn("unshare", [
    "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
    process.execPath, script, ADDRESSES.service, String(ADDRESSES.servicePort),
  ], { what: "the shop (HTTP server in the container)" });
  return child;
}
