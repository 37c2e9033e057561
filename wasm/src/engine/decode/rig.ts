import type { Compiled } from "../../testing/compile.js";
import { DECODE_EVENTS } from "../events.js";

const FIELDS = [
  "family",
  "proto",
  "sport",
  "dport",
  "payloadAt",
  "payloadLen",
  "flags",
  "ttl",
  "tcpSeq",
  "tcpAck",
  "tcpFlags",
  "vlan0",
  "vlan1",
  "vlans",
  "icmpType",
  "icmpCode",
  "innerProto",
  "innerSport",
  "innerDport",
  "ipOptions",
  "tcpOptions",
  "tcpMss",
  "tcpWscale",
  "ipId",
  "depth",
  "tcpTsVal",
  "fragOffset",
  "ipv6Extensions",
  "payloadWireLen",
] as const;
export type Field = (typeof FIELDS)[number];

/** One instance of decode/test-entry.ts. */
export class Decoder {
  private readonly at: number;
  count = 0;
  ms = 1_000_000;

  constructor(readonly wasm: Compiled) {
    this.at = wasm.call("take", 70_000);
  }

  /** Decodes a frame; `wire` when the capture cut it. Returns how many packets it makes. */
  frame(bytes: Uint8Array, wire = bytes.length): number {
    this.wasm.write(this.at, bytes);
    this.count = this.wasm.call("packetDecode", this.at, bytes.length, wire, BigInt(this.ms) * 1_000_000n, 0);
    return this.count;
  }

  get(field: Field, packet = 0): number {
    return this.wasm.call("field", packet, FIELDS.indexOf(field)) >>> 0;
  }

  payload(packet = 0): string {
    return Buffer.from(this.wasm.read(this.get("payloadAt", packet), this.get("payloadLen", packet))).toString("latin1");
  }

  events(packet = 0): string[] {
    return DECODE_EVENTS.filter((_, i) => this.wasm.call("event", packet, i) === 1);
  }

  /** Datagrams that the last frame completed. */
  completed(): string[] {
    return Array.from({ length: this.count }, (_, i) => i)
      .filter((i) => (this.get("flags", i) & 4) !== 0)
      .map((i) => this.payload(i));
  }
}
