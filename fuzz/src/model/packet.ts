/**
 * What rules can see of a frame, as docs/dataplane.md says it ("Odd packets"). Written from that page, with bounds
 * checked one read at a time: slow and obvious beside bpf/include/parse.h.
 */
export interface Packet {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly proto: number;
  readonly fragment: "no" | "first" | "later";
  readonly vlan: number | "none";
  readonly innerVlan: number | "none";
  /** Bytes of the IP packet, by its own header. */
  readonly length: number;
  /** Bytes from the IP header to the frame's end: what limits in bits count. */
  readonly bytes: number;
  /** Undefined where the packet has none or they are not there. */
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  readonly tcpFlags: number | undefined;
  readonly icmpType: number | undefined;
  readonly icmpCode: number | undefined;
}

/** `not-ip`: no rule sees it. `bad`: its IP header is cut or wrong. Both pass. */
export type Reading = Packet | "not-ip" | "bad";

const VLAN_TYPES = [0x8100, 0x88a8];
const [IPV4, IPV6] = [0x0800, 0x86dd];
const [ICMP, TCP, UDP, ICMPV6, SCTP] = [1, 6, 17, 58, 132];
const [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION] = [0, 43, 44, 51, 60];
const EXTENSIONS = [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION];
/** What is longer counts as this long. */
export const LONGEST = 65_535;
const TAGS_READ = 2;
const EXTENSIONS_READ = 6;

/** A big-endian number of `bytes` bytes, or undefined where one of them is not in the frame. */
function number(frame: Uint8Array, at: number, bytes: 1 | 2): number | undefined {
  const high = frame[at];
  if (high === undefined || bytes === 1) return high;
  const low = frame[at + 1];
  return low === undefined ? undefined : high * 256 + low;
}

/** Reads a whole Ethernet frame. */
export function readPacket(frame: Uint8Array): Reading {
  let type = number(frame, 12, 2);
  if (type === undefined) return "bad";
  let at = 14;
  const tags: number[] = [];
  while (VLAN_TYPES.includes(type) && tags.length < TAGS_READ) {
    const tag = number(frame, at, 2);
    const inner = number(frame, at + 2, 2);
    if (tag === undefined || inner === undefined) return "bad";
    tags.push(tag % 4096);
    type = inner;
    at += 4;
  }
  const vlans = { vlan: tags[0] ?? "none", innerVlan: tags[1] ?? "none" } as const;
  if (type === IPV4) return readIpv4(frame, at, vlans);
  if (type === IPV6) return readIpv6(frame, at, vlans);
  return "not-ip";
}

type Vlans = Pick<Packet, "vlan" | "innerVlan">;

function readIpv4(frame: Uint8Array, at: number, vlans: Vlans): Reading {
  const first = number(frame, at, 1);
  if (first === undefined || at + 20 > frame.length) return "bad";
  const words = first % 16;
  if (first >> 4 !== 4 || words < 5) return "bad";
  const proto = number(frame, at + 9, 1) ?? 0;
  const flagsAndOffset = number(frame, at + 6, 2) ?? 0;
  const more = Math.floor(flagsAndOffset / 0x2000) % 2 === 1;
  const fragment = flagsAndOffset % 0x2000 > 0 ? "later" : more ? "first" : "no";
  return {
    family: 4, src: frame.subarray(at + 12, at + 16), dst: frame.subarray(at + 16, at + 20), proto, fragment, ...vlans,
    length: number(frame, at + 2, 2) ?? 0, bytes: frame.length - at,
    ...readTransport(frame, at + words * 4, proto, fragment),
  };
}

function readIpv6(frame: Uint8Array, at: number, vlans: Vlans): Reading {
  const first = number(frame, at, 1);
  if (first === undefined || at + 40 > frame.length || first >> 4 !== 6) return "bad";
  const [src, dst] = [frame.subarray(at + 8, at + 24), frame.subarray(at + 24, at + 40)];
  if (isMapped(src) || isMapped(dst)) return "bad";
  let proto = number(frame, at + 6, 1) ?? 0;
  let next = at + 40;
  let fragment: Packet["fragment"] = "no";
  for (let read = 0; read < EXTENSIONS_READ && EXTENSIONS.includes(proto) && fragment !== "later"; read++) {
    // Its first four bytes must be there; where the header ends may be behind the frame's end.
    const length = number(frame, next + 1, 1);
    const word = number(frame, next + 2, 2);
    if (length === undefined || word === undefined) break;
    const kind = proto;
    proto = number(frame, next, 1) ?? 0;
    if (kind === FRAGMENT) {
      if (word >> 3 > 0) fragment = "later";
      else if (word % 2 === 1) fragment = "first"; // offset 0 and none to come: a whole packet (RFC 6946)
      next += 8;
    } else {
      next += kind === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    }
  }
  return {
    family: 6, src, dst, proto, fragment, ...vlans,
    length: Math.min(LONGEST, 40 + (number(frame, at + 4, 2) ?? 0)), bytes: frame.length - at,
    ...readTransport(frame, next, proto, fragment),
  };
}

/** ::ffff:a.b.c.d, which must not be in a packet (RFC 4942 2.2). */
const isMapped = (address: Uint8Array): boolean => Buffer.from(address.subarray(0, 12)).toString("hex") === "00000000000000000000ffff";

type Transport = Pick<Packet, "sport" | "dport" | "tcpFlags" | "icmpType" | "icmpCode">;

function readTransport(frame: Uint8Array, at: number, proto: number, fragment: Packet["fragment"]): Transport {
  const nothing: Transport = { sport: undefined, dport: undefined, tcpFlags: undefined, icmpType: undefined, icmpCode: undefined };
  if (fragment === "later") return nothing;
  if (proto === TCP || proto === UDP || proto === SCTP) {
    const [sport, dport] = [number(frame, at, 2), number(frame, at + 2, 2)];
    if (sport === undefined || dport === undefined) return nothing;
    return { ...nothing, sport, dport, tcpFlags: proto === TCP ? number(frame, at + 13, 1) : undefined };
  }
  if (proto === ICMP || proto === ICMPV6) {
    const [icmpType, icmpCode] = [number(frame, at, 1), number(frame, at + 1, 1)];
    return icmpCode === undefined ? nothing : { ...nothing, icmpType, icmpCode };
  }
  return nothing;
}
