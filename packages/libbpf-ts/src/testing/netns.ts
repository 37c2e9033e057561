/** Test only: two network namespaces with a veth pair between them. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";

let counter = 0;

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}

export class VethPair {
  readonly left: string;
  readonly right: string;
  readonly leftAddress = "192.0.2.1";
  readonly rightAddress = "192.0.2.2";
  readonly #children: ChildProcess[] = [];

  constructor() {
    const base = `lbt${process.pid}x${counter++}`;
    this.left = `${base}l`;
    this.right = `${base}r`;
    try {
      ip("netns", "add", this.left);
      ip("netns", "add", this.right);
      ip("link", "add", "v0", "netns", this.left, "type", "veth", "peer", "name", "v1", "netns", this.right);
      this.#up(this.left, "v0", this.leftAddress, "02:00:00:00:00:01");
      this.#up(this.right, "v1", this.rightAddress, "02:00:00:00:00:02");
      // No address resolution: the only frames between the two are those that a test sends.
      ip("-n", this.left, "neigh", "add", this.rightAddress, "lladdr", "02:00:00:00:00:02", "dev", "v0");
      ip("-n", this.right, "neigh", "add", this.leftAddress, "lladdr", "02:00:00:00:00:01", "dev", "v1");
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  get leftPath(): string { return `/run/netns/${this.left}`; }
  get rightPath(): string { return `/run/netns/${this.right}`; }

  #up(namespace: string, device: string, address: string, mac: string): void {
    execFileSync("ip", ["netns", "exec", namespace, "sysctl", "-qw", `net.ipv6.conf.${device}.disable_ipv6=1`], { stdio: "pipe" });
    ip("-n", namespace, "link", "set", device, "address", mac);
    ip("-n", namespace, "addr", "add", `${address}/24`, "dev", device);
    ip("-n", namespace, "link", "set", "lo", "up");
    ip("-n", namespace, "link", "set", device, "up");
  }

  /** Receives UDP datagrams on the right side; resolves when it listens. */
  async receive(port: number): Promise<{ messages: string[] }> {
    const messages: string[] = [];
    const code = `const s=require("dgram").createSocket("udp4");s.on("message",m=>console.log(String(m)));` +
      `s.bind(${port},"${this.rightAddress}",()=>console.log("ready"))`;
    const child = spawn("ip", ["netns", "exec", this.right, process.execPath, "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => { reject(new Error("the receiver ended")); });
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        for (const line of text.split("\n").filter((one) => one !== "")) {
          if (line === "ready") resolve();
          else messages.push(line);
        }
      });
    });
    return { messages };
  }

  /** Sends one datagram from left to right. */
  send(port: number, message: string): void {
    const code = `const s=require("dgram").createSocket("udp4");` +
      `s.send(${JSON.stringify(message)},${port},"${this.rightAddress}",()=>s.close())`;
    execFileSync("ip", ["netns", "exec", this.left, process.execPath, "-e", code], { stdio: "pipe" });
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const name of [this.left, this.right]) {
      try {
        ip("netns", "del", name);
      } catch {
        // was not made
      }
    }
  }
}
