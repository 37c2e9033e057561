import { Lab, type Interface, type Namespace } from "@secuxflow/testkit";

/** One container behind the host. */
export interface LabContainer {
  readonly ns: Namespace;
  /** The host's end of its veth. */
  readonly port: Interface;
  /** Its own end, eth0. */
  readonly inner: Interface;
  readonly ip: string;
  readonly ip6: string;
}

/**
 * ```
 * client 10.77.0.2 ── up0 host ┬ c0 ── container c0 10.0.0.2
 *                              └ c1 ── container c1 10.0.1.2 …
 * ```
 * or, bridged, with c0 and c1 in bridge br0 (10.0.0.1/16). The host forwards; all are on IPv4 and IPv6.
 */
export class ServiceLab {
  private constructor(
    readonly lab: Lab, readonly client: Namespace, readonly host: Namespace, readonly access: Interface, readonly uplink: Interface,
    readonly containers: readonly LabContainer[], readonly bridge: Interface | undefined,
  ) {}

  static async create({ prefix = "sxfsvc", containers = 1, bridged = false, mtu = 1500 } = {}): Promise<ServiceLab> {
    const lab = await Lab.create({ prefix });
    try {
      const client = await lab.ns("client"), host = await lab.ns("host");
      const { a: access, b: uplink } = await lab.link({
        a: { ns: client, dev: "eth0", addresses: ["10.77.0.2/24", "fd00:77::2/64"] }, b: { ns: host, dev: "up0", addresses: ["10.77.0.1/24", "fd00:77::1/64"] }, mtu: 1500,
      });
      const made: LabContainer[] = [];
      for (let i = 0; i < containers; i++) {
        const ns = await lab.ns(`c${i}`);
        const [ip, ip6, gateway, gateway6] = bridged
          ? [`10.0.0.${i + 2}`, `fd00:10::${i + 2}`, "10.0.0.1", "fd00:10::1"]
          : [`10.0.${i}.2`, `fd00:10:${i}::2`, `10.0.${i}.1`, `fd00:10:${i}::1`];
        const { a: port, b: inner } = await lab.link({
          a: { ns: host, dev: `c${i}`, addresses: bridged ? [] : [`${gateway}/24`, `${gateway6}/64`] }, b: { ns, dev: "eth0", addresses: [`${ip}/24`, `${ip6}/64`] }, mtu, gro: false,
        });
        made.push({ ns, port, inner, ip, ip6 });
        if (!bridged) {
          await ns.route("default", { via: gateway });
          await ns.route("default", { via: gateway6 });
        }
      }
      let bridge: Interface | undefined;
      if (bridged) {
        bridge = await host.bridge("br0", made.map((_, i) => `c${i}`), ["10.0.0.1/24", "fd00:10::1/64"]);
        for (const { ns } of made) {
          await ns.route("default", { via: "10.0.0.1" });
          await ns.route("default", { via: "fd00:10::1" });
        }
      }
      await client.route("default", { via: "10.77.0.1" });
      await client.route("default", { via: "fd00:77::1" });
      await host.sysctl("net/ipv4/ip_forward", 1);
      await host.sysctl("net/ipv6/conf/all/forwarding", 1);
      return new ServiceLab(lab, client, host, access, uplink, made, bridge);
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  container(index = 0): LabContainer {
    const found = this.containers[index];
    if (!found) throw new Error(`the lab has no container ${index}`);
    return found;
  }

  destroy(): Promise<void> {
    return this.lab.destroy();
  }
}
