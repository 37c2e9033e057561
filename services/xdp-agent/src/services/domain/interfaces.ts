import type { Endpoint } from "./endpoints.js";
import type { ServiceExit, ServicePort } from "./encode.js";
import { macBytes, type Link } from "./links.js";

/** An interface where the filter runs. */
export interface FilteredInterface {
  readonly name: string;
  /** Whether in the driver: only then it takes frames from others as well. */
  readonly native: boolean;
}

export interface ServiceInterfaces {
  readonly ports: readonly ServicePort[];
  readonly exits: readonly ServiceExit[];
}

/**
 * What the program must know of interfaces: those that frames come in by (filtered interfaces and the VLAN devices on
 * them, containers' veths), with the hardware address that frames for this host bear there, and those that frames may
 * leave by. A frame with a tag that no device here has stays what it is: forwarding it would join what the VLANs part.
 */
export function serviceInterfaces(host: readonly Link[], filtered: readonly FilteredInterface[], endpoints: readonly Endpoint[]): ServiceInterfaces {
  const ports = new Map<string, ServicePort>();
  const exits = new Map<number, ServiceExit>();
  const addPort = (link: Link, router: Link, vlan?: number): void => {
    const mac = macBytes(router.mac);
    if (mac) ports.set(`${link.ifindex} ${vlan ?? ""}`, { ifindex: link.ifindex, routerIfindex: router.ifindex, routerMac: mac, ...(vlan === undefined ? {} : { vlan }) });
  };
  for (const { name, native } of filtered) {
    const link = host.find((one) => one.name === name);
    if (!link) continue;
    addPort(link, host.find((one) => one.name === link.master) ?? link);
    if (native) exits.set(link.ifindex, { ifindex: link.ifindex, through: link.ifindex });
    for (const device of host) {
      if (device.vlan?.below !== name) continue;
      addPort(link, device, device.vlan.id);
      if (native) exits.set(device.ifindex, { ifindex: device.ifindex, through: link.ifindex, vlan: device.vlan.id });
    }
  }
  for (const { port, router } of endpoints) addPort(port, router);
  return { ports: [...ports.values()], exits: [...exits.values()] };
}
