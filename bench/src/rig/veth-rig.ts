import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Lab, requireTool, runCommand, tempDir, waitFor, type Namespace, type TempDir } from "@secuxflow/testkit";
import { compileBpf } from "../generator/compile.js";
import { traceBytes } from "../rules/frames.js";
import type { Flow } from "../rules/rule.js";
import { cpuTimeNs, napiThreads, parseEthtoolStatistics, parseIpReceived, parseOtherHost, vethReceived } from "./counters.js";

const TRANSMIT = fileURLToPath(new URL("../generator/transmit.js", import.meta.url));
const SENDING_CPU = 0;
const RECEIVING_CPU = 1;
const [SENDER_MAC, HOST_MAC, FOREIGN_MAC] = ["02:00:00:00:b0:01", "02:00:00:00:b0:02", "02:00:00:00:b0:ff"];

/** A device whose NAPI is measured. */
export interface Receiver {
  readonly namespace: Namespace;
  readonly dev: string;
}

/** A host's device that the generator sends to. */
export interface Uplink extends Receiver {
  /** The other end, in the generator's namespace. */
  readonly sender: string;
}

/** A host with a container behind it, between which it forwards. */
export interface ForwardingHost {
  readonly uplink: Uplink;
  readonly container: Receiver;
  readonly containerAddress: string;
}

export interface Received {
  readonly packets: number;
  readonly pps: number;
  /** CPU time of the receiver's NAPI thread a packet. */
  readonly cpuNs: number;
}

/**
 * Namespaces on veth pairs: `generator` sends frames from one core; the NAPI of a host's end is a thread on the other core,
 * whose CPU time the scheduler counts.
 */
export class VethRig {
  readonly object = compileBpf("traffic");

  #hosts = 0;

  private constructor(readonly lab: Lab, readonly generator: Namespace, private readonly files: TempDir) {}

  static async create(): Promise<VethRig> {
    const files = await tempDir("sxfbench");
    try {
      const lab = await Lab.create({ prefix: "sxfbench" });
      try {
        return new VethRig(lab, await lab.ns("generator"), files);
      } catch (error) {
        await lab.destroy();
        throw error;
      }
    } catch (error) {
      await files.remove();
      throw error;
    }
  }

  /** A host on a link of its own to the generator. */
  async addHost(): Promise<Uplink> {
    const number = this.#hosts++;
    const namespace = await this.lab.ns(`host${number}`);
    const uplink = { namespace, dev: deviceName("u"), sender: `tx${number}` };
    await this.lab.link({
      a: { ns: this.generator, dev: uplink.sender, mac: SENDER_MAC },
      b: { ns: namespace, dev: uplink.dev, mac: HOST_MAC, addresses: [`10.200.${number}.1/24`] },
    });
    return uplink;
  }

  /** A host that forwards to a container, with all neighbours known. What reaches the container is dropped by its stack. */
  async addForwardingHost(): Promise<ForwardingHost> {
    const uplink = await this.addHost();
    const { namespace: host } = uplink;
    const number = this.#hosts - 1;
    const container = { namespace: await this.lab.ns(`container${number}`), dev: deviceName("c") };
    const [gateway, containerAddress] = [`10.201.${number}.1`, `10.201.${number}.2`];
    const { b } = await this.lab.link({
      a: { ns: host, dev: "port0", addresses: [`${gateway}/24`] },
      b: { ns: container.namespace, dev: container.dev, addresses: [`${containerAddress}/24`] },
    });
    await host.sysctl("net/ipv4/ip_forward", 1);
    for (const dev of ["all", uplink.dev]) await host.sysctl(`net/ipv4/conf/${dev}/rp_filter`, 0);
    await host.neigh("port0", containerAddress, b.mac);
    await host.neigh(uplink.dev, `10.200.${number}.2`, SENDER_MAC);
    await host.route("default", { via: `10.200.${number}.2` });
    await container.namespace.route("default", { via: gateway });
    return { uplink, container, containerAddress };
  }

  /** For files of a measurement; gone with the rig. */
  get folder(): string {
    return this.files.path;
  }

  async destroy(): Promise<void> {
    await this.lab.destroy();
    await this.files.remove();
  }

  /** Gives a device's NAPI a thread of its own on the receiving core. Its number of threads may change with its programs. */
  async threaded({ namespace, dev }: Receiver): Promise<number[]> {
    // /sys/class/net shows the devices of the namespace that it was mounted in: ip netns exec mounts one.
    await runCommand(requireTool("ip"), ["netns", "exec", namespace.netns, "tee", `/sys/class/net/${dev}/threaded`], { input: "1\n" });
    const threads = await waitFor(() => {
      const found = napiThreads(dev);
      return found.length > 0 ? found : undefined;
    }, { what: `a NAPI thread of ${dev}`, deadlineMs: 5_000 });
    for (const tid of threads) await runCommand("taskset", ["-pc", String(RECEIVING_CPU), String(tid)]);
    return threads;
  }

  /** Prepares a trace. `foreign`: addressed to another station, so that the stack throws away what reaches it. */
  trace(name: string, flows: readonly Flow[], { foreign = false } = {}): string {
    const file = join(this.files.path, `${name}.trace`);
    writeFileSync(file, traceBytes(flows, { src: SENDER_MAC, dst: foreign ? FOREIGN_MAC : HOST_MAC }));
    return file;
  }

  /** Sends a trace to a host for a while and says what each receiver's NAPI spent. */
  async send(traceFile: string, seconds: number, uplink: Uplink, receivers: readonly Receiver[] = [uplink]): Promise<Received[]> {
    const threads: number[][] = [];
    for (const receiver of receivers) threads.push(await this.threaded(receiver));
    const before = await snapshot(receivers, threads);
    const { stdout } = await runCommand(requireTool("taskset"), [
      "-c", String(SENDING_CPU), process.execPath, TRANSMIT, this.object, traceFile, this.generator.path, uplink.sender, String(seconds),
    ], { timeoutMs: seconds * 1_000 + 60_000 });
    const { seconds: took } = JSON.parse(stdout) as { seconds: number };
    const after = await settled(receivers, threads);
    return before.map((first, i) => {
      const last = after[i] ?? first;
      const packets = last.packets - first.packets;
      return { packets, pps: packets / took, cpuNs: (last.cpuNs - first.cpuNs) / Math.max(1, packets) };
    });
  }
}

interface Snapshot {
  readonly packets: number;
  readonly cpuNs: number;
}

const snapshot = (receivers: readonly Receiver[], threads: readonly (readonly number[])[]): Promise<Snapshot[]> =>
  Promise.all(receivers.map(async ({ namespace, dev }, i) => ({
    packets: vethReceived(parseEthtoolStatistics((await namespace.exec(requireTool("ethtool"), ["-S", dev])).stdout)), cpuNs: cpuTimeNs(threads[i] ?? []),
  })));

/** Counters once the queues are empty. */
async function settled(receivers: readonly Receiver[], threads: readonly (readonly number[])[]): Promise<Snapshot[]> {
  let last = "";
  return waitFor(async () => {
    const now = await snapshot(receivers, threads);
    const text = JSON.stringify(now.map(({ packets }) => packets));
    const still = text === last;
    last = text;
    return still ? now : undefined;
  }, { what: "the receivers to settle", deadlineMs: 60_000, intervalMs: 20 });
}

/** Packets that a host's stack threw away, since they are another station's. */
export const thrownAway = async ({ namespace, dev }: Receiver): Promise<number> =>
  parseOtherHost(await namespace.ip("-j", "-s", "-s", "link", "show", "dev", dev));

/** Packets that a host's IP stack has taken in. */
export const reachedStack = async ({ namespace }: Receiver): Promise<number> => parseIpReceived((await namespace.exec("cat", ["/proc/net/snmp"])).stdout);

let devices = 0;
/** Unique on the machine, so that its NAPI threads can be told from others; at most 15 characters. */
const deviceName = (kind: string): string => `${kind}${process.pid.toString(36)}x${(devices++).toString(36)}`;
