import { buildFrame, tcpOptions } from "@secuxflow/testkit";
import type { FrameSpec, TcpSpec } from "@secuxflow/testkit";
import type { Compiled } from "../../testing/compile.js";
import { DECODE_EVENTS, STREAM_EVENTS, STREAM_EVENT_BASE } from "../events.js";

export const POLICIES = [
  "bsd",
  "bsd-right",
  "old-linux",
  "linux",
  "solaris",
  "hpux10",
  "hpux11",
  "irix",
  "macos",
  "windows",
  "vista",
  "windows2k3",
  "first",
  "last",
  "old-solaris",
] as const;
export type Policy = (typeof POLICIES)[number];

/** What the callbacks said. */
export type Entry =
  | { readonly kind: "data"; readonly dir: number; readonly text: string }
  | { readonly kind: "gap"; readonly dir: number; readonly length: number }
  | { readonly kind: "end"; readonly dir: number }
  | { readonly kind: "flow-end"; readonly reason: number };

const CLIENT = { ip: "10.0.0.1", port: 40_000 };
const SERVER = { ip: "10.0.0.2", port: 80 };

/** One instance of tcp/test-entry.ts, fed with frames; sequence numbers are relative to each side's first. */
export class Rig {
  private readonly at: number;
  private readonly heard: Entry[] = [];
  private ms = 1_000_000;
  readonly isn = { client: 1_000, server: 5_000 };
  /** Options that every segment has. */
  options: Uint8Array | undefined;

  constructor(
    readonly wasm: Compiled,
    flows = 64,
  ) {
    wasm.call("start", flows);
    this.at = wasm.call("take", 70_000);
  }

  /** Hands in a frame; the result of tcpHandle. */
  frame(bytes: Uint8Array): number {
    this.wasm.write(this.at, bytes);
    return this.wasm.call("frame", this.at, bytes.length, (this.ms += 1));
  }

  wait(ms: number): void {
    this.ms += ms;
  }

  spec(from: "client" | "server", tcp: Partial<TcpSpec> & { seq: number }, payload = "", ip: object = {}): FrameSpec {
    const [me, peer] = from === "client" ? [CLIENT, SERVER] : [SERVER, CLIENT];
    const other = from === "client" ? this.isn.server : this.isn.client;
    const { seq, ack = 1, flags = payload === "" ? "A" : "PA", ...rest } = tcp;
    const numbers = {
      seq: (this.isn[from] + seq) >>> 0,
      ack: flags.includes("A") ? (other + ack) >>> 0 : 0,
    };
    const options = this.options === undefined ? {} : { options: this.options };
    return {
      ipv4: { src: me.ip, dst: peer.ip, dontFragment: true, ...ip },
      tcp: { srcPort: me.port, dstPort: peer.port, window: 65_535, flags, ...options, ...rest, ...numbers },
      payload: Buffer.from(payload, "latin1"),
    };
  }

  client(tcp: Partial<TcpSpec> & { seq: number }, payload = "", ip: object = {}): number {
    return this.frame(buildFrame(this.spec("client", tcp, payload, ip)));
  }

  server(tcp: Partial<TcpSpec> & { seq: number }, payload = "", ip: object = {}): number {
    return this.frame(buildFrame(this.spec("server", tcp, payload, ip)));
  }

  /** SYN, SYN/ACK, ACK; afterwards both sides' first data byte is 1. */
  connect(options: Parameters<typeof tcpOptions>[0] = { mss: 1_460 }): void {
    this.client({ seq: 0, flags: "S", options: tcpOptions(options) });
    this.server({ seq: 0, flags: "SA", ack: 1, options: tcpOptions(options) });
    this.client({ seq: 1 });
  }

  /** Names of the last frame's events. */
  events(packet = 0): string[] {
    const has = (number: number): boolean => this.wasm.call("event", packet, number) === 1;
    return [
      ...DECODE_EVENTS.filter((_, i) => has(i)),
      ...STREAM_EVENTS.filter((_, i) => has(STREAM_EVENT_BASE + i)).map((name) => `stream.${name}`),
    ];
  }

  log(): readonly Entry[] {
    const length = this.wasm.call("takeLog");
    const bytes = Buffer.from(this.wasm.read(this.wasm.call("logAt"), length));
    for (let at = 0; at < length;) {
      const [kind, dir, size] = [bytes.readUInt8(at), bytes.readUInt8(at + 1), bytes.readUInt32LE(at + 4)];
      at += 8;
      if (kind === 1) {
        this.heard.push({ kind: "data", dir, text: bytes.toString("latin1", at, at + size) });
        at += size;
      } else if (kind === 2) this.heard.push({ kind: "gap", dir, length: size });
      else if (kind === 3) this.heard.push({ kind: "end", dir });
      else this.heard.push({ kind: "flow-end", reason: dir });
    }
    return this.heard;
  }

  /** All that was delivered in a direction, gaps as <n>. */
  text(dir: number): string {
    return this.log()
      .map((entry) => {
        if (entry.kind === "data" && entry.dir === dir) return entry.text;
        return entry.kind === "gap" && entry.dir === dir ? `<${entry.length}>` : "";
      })
      .join("");
  }

  ended(dir: number): boolean {
    return this.log().some((entry) => entry.kind === "end" && entry.dir === dir);
  }

  finish(): void {
    this.wasm.call("flowEndAll", 1_000_000);
    this.wasm.call("defragClear");
  }
}
