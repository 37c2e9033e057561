import { Lab } from "./lab.js";
import type { Interface } from "./links.js";
import type { Namespace } from "./namespace.js";

/** Two namespaces, `client` and `host`, on one link. */
export type SimpleLab = {
  lab: Lab;
  client: Namespace;
  /** The protected one. */
  host: Namespace;
  /** The client's end: `eth0`. */
  access: Interface;
  /** The host's end, where the filter is attached: `up0`. */
  uplink: Interface;
  /** Path of the host's namespace, for a process that enters it itself. */
  netnsPath: string;
  clientIp: string;
  hostIp: string;
  clientIp6: string;
  hostIp6: string;
  destroy(): Promise<void>;
};

/** The topology that most tests need: `client` (eth0, 10.77.0.2) --veth-- `host` (up0, 10.77.0.1), IPv4 and IPv6. */
export async function simpleLab({ prefix = "sxf", queues = 1, mtu = 1500, gro = true } = {}): Promise<SimpleLab> {
  const [clientIp, hostIp, clientIp6, hostIp6] = ["10.77.0.2", "10.77.0.1", "fd00:77::2", "fd00:77::1"];
  const lab = await Lab.create({ prefix });
  try {
    const client = await lab.ns("client");
    const host = await lab.ns("host");
    const { a, b } = await lab.link({
      a: { ns: client, dev: "eth0", mac: "02:00:00:77:00:02", addresses: [`${clientIp}/24`, `${clientIp6}/64`] },
      b: { ns: host, dev: "up0", mac: "02:00:00:77:00:01", addresses: [`${hostIp}/24`, `${hostIp6}/64`] },
      queues,
      mtu,
      gro,
    });
    const addresses = { clientIp, hostIp, clientIp6, hostIp6 };
    return { lab, client, host, access: a, uplink: b, netnsPath: host.path, ...addresses, destroy: () => lab.destroy() };
  } catch (error) {
    await lab.destroy();
    throw error;
  }
}
