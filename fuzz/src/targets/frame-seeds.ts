/** Frames to start from: conversations of every protocol as TCP sessions, fragments, tunnels, and captures where there are some. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCapture } from "@secuxflow/pcap";
import { buildFragments, buildFrame, tcpSession, type Turn } from "@secuxflow/testkit";
import { SESSIONS } from "@secuxflow/wasm";
import type { Input, Step } from "../engine/input.js";
import { isData, SAY } from "./conversation.js";
import { HTTP_SEEDS, MORE_SEEDS } from "./seeds.js";

export const FRAME = 0;
const ETHERNET = 1;
/** Of the captures in a folder. */
const [CAPTURES, CAPTURE_BYTES, CAPTURE_FRAMES] = [80, 64 << 10, 30];

const frames = (list: Iterable<Uint8Array>): Input => Array.from(list, (bytes): Step => ({ kind: FRAME, bytes: Uint8Array.from(bytes) }));

function session(input: Input, port: number, more: Partial<Turn> = {}): Input {
  const turns = input.filter((step) => isData(step) && step.bytes.length > 0)
    .map(({ kind, bytes }): Turn => ({ from: kind === SAY.toServer ? "client" : "server", data: bytes, ...(bytes.length > 12 ? more : {}) }));
  const spec = { client: { ip: "10.1.0.7", port: 40_000 + port }, server: { ip: "10.2.0.5", port }, turns };
  return frames([...tcpSession(spec)].map(({ frame }) => frame));
}

/** Sessions over TCP and IPv4, by the conversations of the protocols. */
export function sessionSeeds(): Input[] {
  const conversations = (turns: readonly (readonly [number, Uint8Array])[]): Input => turns.map(([kind, bytes]) => ({ kind, bytes }));
  return [
    ...HTTP_SEEDS.map((seed) => session(seed, 80)),
    ...HTTP_SEEDS.slice(0, 3).map((seed) => session(seed, 8_080, { splitAt: [5, 11], order: [1, 0, 2] })),
    ...Object.values(SESSIONS).map((turns, i) => session(conversations(turns), 1_000 + i)),
    ...Object.values(MORE_SEEDS).flat().map((seed, i) => session(seed, 2_000 + i)),
  ];
}

/** Single packets and fragments of them. */
export function packetSeeds(): Input[] {
  const v4 = { src: "192.0.2.1", dst: "198.51.100.2" };
  const v6 = { src: "2001:db8::1", dst: "2001:db8::2" };
  const udp = { srcPort: 5_353, dstPort: 53 };
  const payload = Buffer.from("0123456789abcdef".repeat(6));
  const inner = buildFrame({ ipv4: v4, udp, payload: "inner" }).subarray(14);
  return [
    frames([buildFrame({ ipv4: v4, udp, payload })]), frames([buildFrame({ ipv6: v6, tcp: { srcPort: 1, dstPort: 2, flags: "S" } })]),
    frames([buildFrame({ ipv4: v4, icmp: { type: 8, code: 0 }, payload })]), frames([buildFrame({ ipv6: v6, icmpv6: { type: 128, code: 0 }, payload })]),
    frames([buildFrame({ vlan: [{ vid: 5 }, { vid: 6 }], ipv4: v4, udp, payload })]),
    frames([buildFrame({ ipv4: { ...v4, protocol: 4 }, payload: inner })]), frames([buildFrame({ ipv4: { ...v4, protocol: 47 }, payload: Buffer.concat([Buffer.from([0, 0, 8, 0]), inner]) })]),
    frames([buildFrame({ ipv4: v4, udp: { srcPort: 9, dstPort: 4_789 }, payload: Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 5, 0]), buildFrame({ ipv4: v4, udp, payload })]) })]),
    frames([buildFrame({ ipv6: { ...v6, extensions: [{ kind: "destination" }] }, udp, payload })]),
    frames(buildFragments({ ipv4: v4, udp, payload }, 24)), frames(buildFragments({ ipv6: v6, udp, payload }, [8, 40])), frames(buildFragments({ ipv4: v4, udp, payload }, [48]).reverse()),
  ];
}

/** The first frames of small captures below the folder that SECUXFLOW_CONFORMANCE names; none where there is no such folder. */
export function captureSeeds(): Input[] {
  const folder = process.env.SECUXFLOW_CONFORMANCE;
  if (folder === undefined || !existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.pcap(ng)?$/.test(name)).sort().map((name) => join(folder, name))
    .filter((path) => statSync(path).size <= CAPTURE_BYTES);
  const every = Math.max(1, Math.floor(files.length / CAPTURES));
  return files.filter((_, i) => i % every === 0).slice(0, CAPTURES).map(readFrames).filter((input) => input.length > 0);
}

function readFrames(path: string): Input {
  const steps: Step[] = [];
  try {
    for (const { linkType, data } of readCapture([readFileSync(path)])) {
      if (linkType === ETHERNET) steps.push({ kind: FRAME, bytes: Uint8Array.from(data) });
      if (steps.length === CAPTURE_FRAMES) break;
    }
  } catch {
    // A damaged capture gives what comes before the damage.
  }
  return steps;
}
