import { runInside, ip } from "./ip.js";
import { requireTool } from "../process/tools.js";
import type { Place } from "./place.js";

/** One end of a veth pair. */
export type LinkEnd = {
  ns: Place;
  /** Interface name, at most 15 characters. */
  dev: string;
  /** Default: the kernel's choice. */
  mac?: string;
  /** With prefix lengths: "10.0.0.1/24", "fd00::1/64". Without an IPv6 address IPv6 is off on the device: no stray packets. */
  addresses?: readonly string[];
};

export type LinkSpec = {
  a: LinkEnd;
  b: LinkEnd;
  /** Default 1500. */
  mtu?: number;
  /** Receive and transmit queues of each end. Default 1. */
  queues?: number;
  /**
   * Generic receive offload. Default true: without it a veth end takes no redirected XDP frames unless it has a program
   * itself. With it the stack (and a capture on the receiving end) may see TCP segments merged, XDP does not.
   */
  gro?: boolean;
};

/** What became of one end. */
export type Interface = { netns: string; dev: string; ifindex: number; mac: string; addresses: readonly string[] };

const DEVICE = /^[a-zA-Z0-9_.-]{1,15}$/;

/** @throws Error for a name that the kernel would refuse, or that could be taken for an option. */
export function checkDevice(dev: string): string {
  if (!DEVICE.test(dev) || dev.startsWith("-") || dev === "." || dev === "..") {
    throw new Error(`"${dev}" cannot name an interface: 1 to 15 letters, digits, "_", "." or "-"`);
  }
  return dev;
}

/**
 * Makes a veth pair straight inside its two namespaces, up and addressed, with checksum offload off, so that the bytes
 * on the wire are complete.
 */
export async function createLink(spec: LinkSpec): Promise<{ a: Interface; b: Interface }> {
  const { a, b, mtu = 1500, queues = 1, gro = true } = spec;
  const end = ({ dev, mac }: LinkEnd): string[] => [
    ...["name", checkDevice(dev), "mtu", String(mtu), "numtxqueues", String(queues), "numrxqueues", String(queues)],
    ...(mac === undefined ? [] : ["address", mac]),
  ];
  const [first, ...rest] = [end(a), end(b)];
  await ip(a.ns.netns, ["link", "add", ...(first ?? []), "type", "veth", "peer", ...rest.flat(), "netns", b.ns.netns]);
  await Promise.all([configure(a, gro), configure(b, gro)]);
  return { a: await describeInterface(a.ns, a.dev, a.addresses), b: await describeInterface(b.ns, b.dev, b.addresses) };
}

async function configure({ ns, dev, addresses = [] }: LinkEnd, gro: boolean): Promise<void> {
  const features = ["-K", dev, "tx", "off", "rx", "off", "gro", gro ? "on" : "off"];
  await runInside(ns.netns, requireTool("ethtool"), features);
  await addAddresses(ns, dev, addresses);
  await ip(ns.netns, ["link", "set", "dev", dev, "up"]);
}

/** Adds addresses to a device that is still down, and settles IPv6 on it. */
export async function addAddresses(ns: Place, dev: string, addresses: readonly string[]): Promise<void> {
  const v6 = addresses.some((address) => address.includes(":"));
  const settings: Record<string, number> = v6
    ? { accept_dad: 0, accept_ra: 0, router_solicitations: 0 }
    : { disable_ipv6: 1 };
  for (const [name, value] of Object.entries(settings)) await ns.sysctl(`net/ipv6/conf/${dev}/${name}`, value);
  for (const address of addresses) {
    const flags: string[] = address.includes(":") ? ["nodad"] : [];
    await ip(ns.netns, ["address", "add", address, "dev", dev, ...flags]);
  }
}

/** Asks the kernel for the index and MAC address of a device. */
export async function describeInterface(ns: Place, dev: string, addresses: readonly string[] = []): Promise<Interface> {
  const [link] = JSON.parse(await ip(ns.netns, ["-j", "link", "show", "dev", dev])) as { ifindex: number; address: string }[];
  if (link === undefined) throw new Error(`no interface ${dev} in ${ns.netns}`);
  return { netns: ns.netns, dev, ifindex: link.ifindex, mac: link.address, addresses };
}
