import { routes, type ServiceAdded } from "@secuxflow/contracts";
import { System } from "@secuxflow/lab";
import type { ForwardingHost, VethRig } from "../rig/veth-rig.js";
import { TRACE_FRAMES } from "../rules/frames.js";
import { Random } from "../rules/random.js";
import { UDP, type Flow } from "../rules/rule.js";
import type { Contender } from "./contender.js";

const PORT = 8_080;
const SOURCES = 0x0ac80100; // 10.200.1.0

/** Packets of many clients to the container's service. */
function traceTo(rig: VethRig, name: string, { containerAddress }: ForwardingHost): string {
  const random = new Random(3);
  const dst = containerAddress.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const flow = (): Flow => ({ src: SOURCES + random.between(0, 250), dst, sport: random.between(1_024, 0xffff), dport: PORT, proto: UDP });
  const flows = Array.from({ length: TRACE_FRAMES }, flow);
  return rig.trace(name, flows);
}

/** The kernel's own forwarding, with nothing in its way. */
export const kernelForwarding = (rig: VethRig, host: ForwardingHost): Contender => ({
  name: "forward.kernel", trace: traceTo(rig, "forward-kernel", host), uplink: host.uplink, then: host.container, expect: "all",
  prepare: () => Promise.resolve(() => Promise.resolve()),
});

/** A host whose agent knows the container's service and redirects packets to it. */
export class RedirectingHost {
  private constructor(private readonly system: System, readonly contender: Contender) {}

  static async start(rig: VethRig, host: ForwardingHost): Promise<RedirectingHost> {
    const system = await System.start({ interfaces: [{ name: host.uplink.dev, netns: host.uplink.namespace.path }], apiPort: 0 });
    try {
      const service = { name: "bench", address: host.containerAddress, port: PORT, proto: "udp", netns: host.container.namespace.path };
      const { enforcement } = await post<ServiceAdded>(system, routes.services, { service });
      if (enforcement.active !== 1) throw new Error(`the service is not in force: ${JSON.stringify(enforcement)}`);
      return new RedirectingHost(system, {
        name: "forward.xdp", trace: traceTo(rig, "forward-xdp", host), uplink: host.uplink, then: host.container, expect: "none",
        prepare: () => Promise.resolve(() => Promise.resolve()),
      });
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.system.stop();
  }
}

async function post<T>(system: System, path: string, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(system.apiUrl + path, { method: "POST", body: JSON.stringify(body), headers, signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
