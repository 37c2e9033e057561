import { z } from "zod";
import { AddressText, familyOf, InterfaceName, LengthText, PortsText, ProtocolText, TcpFlagsText } from "./text.js";

/** "any" is the default, and is not kept. */
const Fragment = z.enum(["any", "no", "yes", "first", "later"], { error: "fragment is any, no, yes, first or later" })
  .transform((fragment) => (fragment === "any" ? undefined : fragment));
const Byte = z.number().int().min(0, "it is at least 0").max(255, "it is at most 255");
const VLAN_ERROR = "a VLAN is a number from 0 to 4094, or none";
const Vlan = z.union([z.number().int(VLAN_ERROR).min(0, VLAN_ERROR).max(4_094, VLAN_ERROR), z.literal("none")], { error: VLAN_ERROR });
const Family = z.union([z.literal(4), z.literal(6)], { error: "a family is 4 or 6" });
const State = z.enum(["new", "established"], { error: "a state is new or established" });

/** Which packets a rule means, as it is asked for. What is absent means any. */
export const matchInput = {
  src: AddressText.default("any"),
  dst: AddressText.default("any"),
  sport: PortsText.optional(),
  port: PortsText.optional(),
  proto: ProtocolText.default("any"),
  family: Family.optional(),
  icmpType: Byte.optional(),
  icmpCode: Byte.optional(),
  tcpFlags: TcpFlagsText.optional(),
  fragment: Fragment.optional(),
  vlan: Vlan.optional(),
  innerVlan: Vlan.optional(),
  iface: InterfaceName.optional(),
  length: LengthText.optional(),
  state: State.optional(),
};

const NumberOrText = z.union([z.number().int(), z.string()]);

/** Which packets a rule means, as it is kept: canonical texts, nothing that equals its default. */
export const matchStored = {
  /** "any", a prefix or "@set". */
  src: z.string(),
  dst: z.string(),
  /** Source ports (`parsePorts`). */
  sport: NumberOrText.optional(),
  /** Destination ports. */
  port: NumberOrText.optional(),
  proto: z.string(),
  family: Family.optional(),
  icmpType: z.number().int().optional(),
  icmpCode: z.number().int().optional(),
  /** `parseTcpFlags`. */
  tcpFlags: z.string().optional(),
  /** `yes`: any fragment; `first`: the one with the transport header, of several; `later`: those without it. */
  fragment: z.enum(["no", "yes", "first", "later"]).optional(),
  /** Outer VLAN id; "none" means untagged. */
  vlan: Vlan.optional(),
  /** The id in the second tag (QinQ). */
  innerVlan: Vlan.optional(),
  iface: z.string().optional(),
  /** IP packet length in bytes (`parseLength`): IPv4 total length, IPv6 40 + payload length. */
  length: NumberOrText.optional(),
  /** A TCP or UDP socket of the host (or of a service's namespace) has the packet's 5-tuple in that state. */
  state: State.optional(),
};

/** The part of a rule that says which packets it means; texts are canonical, as the schemas leave them. */
export interface MatchFields {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number | string | undefined;
  readonly port?: number | string | undefined;
  readonly proto: string;
  readonly family?: 4 | 6 | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  readonly tcpFlags?: string | undefined;
  readonly fragment?: "no" | "yes" | "first" | "later" | undefined;
  readonly vlan?: number | "none" | undefined;
  readonly innerVlan?: number | "none" | undefined;
  readonly iface?: string | undefined;
  readonly length?: number | string | undefined;
  readonly state?: "new" | "established" | undefined;
}

/** Every field of a match, for those who copy or compare them. */
export const MATCH_FIELDS = Object.keys(matchStored) as readonly (keyof MatchFields)[];

const PORT_PROTOCOLS = new Set(["tcp", "udp", "sctp"]);
const ICMP_FAMILY: Readonly<Record<string, 4 | 6>> = { icmp: 4, icmpv6: 6 };
/** Fields that look into the transport header, which later fragments do not have. */
const TRANSPORT_FIELDS = ["sport", "port", "icmpType", "icmpCode", "tcpFlags", "state"] as const;

/** The family that a match is bound to, by whatever field says so first; undefined means both. */
export function familyOfMatch(match: MatchFields): 4 | 6 | undefined {
  return match.family ?? familyOf(match.src) ?? familyOf(match.dst) ?? ICMP_FAMILY[match.proto];
}

type Refuse = (field: string, message: string) => void;

const checkProtocol = (match: MatchFields, refuse: Refuse): void => {
  for (const field of ["port", "sport"] as const) {
    if (match[field] === undefined || PORT_PROTOCOLS.has(match.proto)) continue;
    refuse(field, match.proto === "any"
      ? `a ${field} needs a protocol that has ports: add proto tcp or udp`
      : `${match.proto} has no ports: leave ${field} out, or use proto tcp or udp`);
  }
  for (const field of ["icmpType", "icmpCode"] as const) {
    if (match[field] !== undefined && !(match.proto in ICMP_FAMILY)) {
      refuse(field, `an ${field} needs ICMP: leave it out, or use proto icmp or icmpv6`);
    }
  }
  if (match.tcpFlags !== undefined && match.proto !== "tcp") {
    refuse("tcpFlags", "TCP flags need TCP: leave tcpFlags out, or use proto tcp");
  }
  if (match.state !== undefined && match.proto !== "tcp" && match.proto !== "udp") {
    refuse("state", "a state is looked up among TCP and UDP sockets: leave state out, or use proto tcp or udp");
  }
};

const checkFamily = (match: MatchFields, refuse: Refuse): void => {
  const src = familyOf(match.src);
  const dst = familyOf(match.dst);
  if (src && dst && src !== dst) {
    refuse("dst", `src ${match.src} and dst ${match.dst} are of different IP families; no packet can match both`);
  }
  const address = src ?? dst;
  if (match.family && address && match.family !== address) {
    refuse("family", `family ${match.family} does not go with an IPv${address} address: leave family out, or use an IPv${match.family} address`);
  }
  const icmp = ICMP_FAMILY[match.proto];
  const bound = address ?? match.family;
  if (icmp && bound && icmp !== bound) {
    refuse("proto", `${match.proto} does not go with ${address ? `an IPv${address} address` : `family ${bound}`}; use ${match.proto === "icmp" ? "icmpv6" : "icmp"}`);
  }
};

/** Refuses what no packet can match, naming the field and the remedy. */
export function checkMatch(match: MatchFields, context: z.core.$RefinementCtx): void {
  const refuse: Refuse = (field, message) => {
    context.addIssue({ code: "custom", path: [field], message });
  };
  checkProtocol(match, refuse);
  checkFamily(match, refuse);
  if (match.fragment === "later") {
    for (const field of TRANSPORT_FIELDS) {
      if (match[field] !== undefined) {
        refuse(field, `later fragments carry no transport header, so ${field} can never match: leave ${field} out, or use fragment first`);
      }
    }
  }
  if (typeof match.innerVlan === "number" && match.vlan === "none") {
    refuse("innerVlan", "an untagged packet has no second tag: leave innerVlan out, or name the outer vlan");
  }
}
