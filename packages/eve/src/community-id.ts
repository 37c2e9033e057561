import { createHash } from "node:crypto";

const ICMP = 1;
const ICMPV6 = 58;
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132]);

/** ICMP message types and their counterparts: such pairs are one flow. */
const counterparts: Readonly<Record<number, ReadonlyMap<number, number>>> = {
  [ICMP]: new Map([[8, 0], [0, 8], [13, 14], [14, 13], [15, 16], [16, 15], [10, 9], [9, 10], [17, 18], [18, 17]]),
  [ICMPV6]: new Map([[128, 129], [129, 128], [133, 134], [134, 133], [135, 136], [136, 135], [130, 131], [131, 130], [144, 145], [145, 144], [139, 140], [140, 139]]),
};

export interface CommunityTuple {
  /** 4 or 16 bytes each. */
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly proto: number;
  /** Ports; for ICMP the type and code. */
  readonly sport: number;
  readonly dport: number;
}

/**
 * Community ID 1 (github.com/corelight/community-id-spec): the same text for both directions of a flow, in every tool.
 * @param seed to tell networks with equal addresses apart; the same in all tools
 */
export function communityId({ src, dst, proto, sport, dport }: CommunityTuple, seed = 0): string {
  const portsCount = WITH_PORTS.has(proto) || proto === ICMP || proto === ICMPV6;
  const pairs = counterparts[proto];
  const second = pairs === undefined ? dport : (pairs.get(sport) ?? dport);
  // A message without a counterpart goes one way only: its ends are not put in order.
  const oneWay = pairs !== undefined && !pairs.has(sport);
  const order = Buffer.compare(src, dst);
  const inOrder = oneWay || order < 0 || (order === 0 && (!portsCount || sport <= second));
  const [a, b, p, q] = inOrder ? [src, dst, sport, second] : [dst, src, second, sport];
  const head = Buffer.alloc(2);
  head.writeUInt16BE(seed);
  const hash = createHash("sha1").update(head).update(a).update(b).update(Uint8Array.of(proto, 0));
  if (portsCount) hash.update(Uint8Array.of(p >> 8, p & 255, q >> 8, q & 255));
  return `1:${hash.digest("base64")}`;
}
