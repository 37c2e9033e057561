import { buildFrame, type FrameSpec } from "@secuxflow/testkit";
import { addressText, TCP, UDP, type Flow } from "./rule.js";

/** Bytes of a frame of a trace, and of its place in the map of the BPF programs (TRACE_SLOT in bench/native). */
export const SLOT = 64;
/** Frames of a trace in the kernel (TRACE_FRAMES in bench/native): a power of two. */
export const TRACE_FRAMES = 16_384;

const ICMP = 1;

export interface Macs {
  readonly src: string;
  readonly dst: string;
}

/** The smallest Ethernet frame (64 bytes, no payload to speak of) of a flow. */
export function frameOf({ src, dst, sport, dport, proto }: Flow, eth: Macs): Buffer {
  const ports = { srcPort: sport, dstPort: dport };
  const transport: FrameSpec = proto === TCP ? { tcp: { ...ports, flags: "A" } }
    : proto === UDP ? { udp: ports }
    : proto === ICMP ? { icmp: { type: 8 } }
    : { payload: new Uint8Array(8) };
  const ipv4 = { src: addressText(src), dst: addressText(dst), protocol: proto, ttl: 64, dontFragment: true };
  return buildFrame({ eth, ipv4, ...transport, padTo: SLOT });
}

/** The trace as the map of the BPF programs holds it, repeated until it fills it. */
export function traceBytes(flows: readonly Flow[], eth: Macs): Buffer {
  const bytes = Buffer.alloc(SLOT * TRACE_FRAMES);
  const frames = flows.slice(0, TRACE_FRAMES).map((flow) => frameOf(flow, eth));
  for (let slot = 0; slot < TRACE_FRAMES; slot++) frames[slot % frames.length]?.copy(bytes, slot * SLOT);
  return bytes;
}
