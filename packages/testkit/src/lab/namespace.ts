import { Child, type ChildOptions } from "../process/child.js";
import type { CommandOptions, CommandResult } from "../process/command.js";
import { startCapture, type Capture, type CaptureOptions } from "./capture.js";
import { inside, ip, NETNS_FOLDER, runInside } from "./ip.js";
import { addAddresses, checkDevice, describeInterface, type Interface } from "./links.js";
import type { Place } from "./place.js";
import { sendFrames, type SendOptions } from "./send.js";

export type SpawnOptions = { env?: NodeJS.ProcessEnv; cwd?: string; stdin?: boolean; what?: string };

/** One network namespace of a lab. Its processes are killed and it is deleted by the lab's `destroy`. */
export class Namespace implements Place {
  readonly #children = new Set<Child>();

  /** @internal made by Lab.ns */
  constructor(
    /** Its name in the lab, as "client". */
    readonly name: string,
    /** Its name for `ip netns`, unique on the machine. */
    readonly netns: string,
  ) {}

  /** The file that stands for it, to be opened for `setns` or given to `nsenter --net=`. */
  get path(): string {
    return `${NETNS_FOLDER}/${this.netns}`;
  }

  /** Runs a command to its end in here. @throws {CommandError} unless its exit code is 0 or `check` is false. */
  exec(command: string, args: readonly string[] = [], options?: CommandOptions): Promise<CommandResult> {
    return runInside(this.netns, command, args, options);
  }

  /** Runs `ip` with arguments of your own in here, and returns what it printed. */
  ip(...args: (string | number)[]): Promise<string> {
    return ip(this.netns, args);
  }

  /** Starts a process that stays; killed at the latest by `destroy`. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): Promise<Child> {
    return this.start({ ...options, command, args });
  }

  /** @internal like spawn, with every option a child has */
  async start(options: ChildOptions): Promise<Child> {
    const entered = inside(this.netns, options.command, options.args ?? []);
    const what = options.what ?? `${options.command} in ${this.name}`;
    const child = await Child.start({ ...options, ...entered, what });
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Adds a route; `via` a gateway or on `dev`. `to` is a prefix or "default". */
  async route(to: string, how: { via?: string; dev?: string }): Promise<void> {
    const { via, dev } = how;
    const way = [...(via === undefined ? [] : ["via", via]), ...(dev === undefined ? [] : ["dev", checkDevice(dev)])];
    await ip(this.netns, ["route", "replace", to, ...way]);
  }

  /** Fixes the MAC address of a neighbour, so that neither ARP nor neighbour discovery is sent for it. */
  async neigh(dev: string, address: string, mac: string): Promise<void> {
    await ip(this.netns, ["neighbour", "replace", address, "lladdr", mac, "dev", checkDevice(dev), "nud", "permanent"]);
  }

  /** Sets a kernel parameter of the namespace, named with slashes or dots: "net/ipv4/ip_forward". */
  async sysctl(name: string, value: string | number): Promise<void> {
    const path = name.includes("/") ? name : name.replaceAll(".", "/");
    if (!/^net\/[\w./-]+$/.test(path) || path.includes("..")) throw new Error(`"${name}" is not a parameter under net/`);
    // /proc/sys/net shows the namespace of the process that opens it. nsenter's child is that process.
    await this.exec("tee", [`/proc/sys/${path}`], { input: `${value}\n` });
  }

  /** Makes a bridge of devices that are here already, without spanning tree, up; returns it. */
  async bridge(dev: string, ports: readonly string[], addresses: readonly string[] = []): Promise<Interface> {
    await ip(this.netns, ["link", "add", "name", checkDevice(dev), "type", "bridge", "stp_state", 0, "mcast_snooping", 0]);
    for (const port of ports) await ip(this.netns, ["link", "set", "dev", checkDevice(port), "master", dev]);
    await addAddresses(this, dev, addresses);
    await ip(this.netns, ["link", "set", "dev", dev, "up"]);
    return describeInterface(this, dev, addresses);
  }

  /** Index and MAC address of a device. */
  interface(dev: string): Promise<Interface> {
    return describeInterface(this, dev);
  }

  /** Captures from now on what a device sends and receives. Resolves once it really captures. */
  capture(dev: string, options?: CaptureOptions): Promise<Capture> {
    return startCapture(this, dev, options);
  }

  /** Sends whole Ethernet frames out of a device, in order. */
  send(dev: string, frames: Iterable<Uint8Array>, options?: SendOptions): Promise<number> {
    return sendFrames(this, dev, frames, options);
  }

  /** @internal kills what was started in here */
  async killChildren(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
  }
}
