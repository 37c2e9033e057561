import {
  formatDuration,
  parseAddress,
  parsePrefix,
  prefixContains,
  RuleSpec,
  type Alert,
  type BlastRadius,
  type Suggestion,
} from "@secuxflow/contracts";
import { oneLine } from "../../alerts/domain/summary.js";
import type { History, RuleMatch } from "./history.js";

/** From so many ports on it is a scan: a rule for one port would not answer it. */
export const SCAN_PORTS = 5;
/** From so many innocent flows on an address is likely to be shared. */
export const SHARED_FLOWS = 20;
const RULE_TTL_MS = 3_600_000;

/** An alert, and what else of it matters for the rule. */
export interface Subject {
  readonly alert: Alert;
  /** How many ports of the victim were met: in this alert's detections, or as the module counted. */
  readonly ports: number;
  /** The attack was found in an answer, so the attacker is taken to be the one who asked. */
  readonly foundInAnswer: boolean;
}

const PORT_PROTOCOLS = new Set(["tcp", "udp", "sctp"]);

/** The rule that answers an alert: drop the attacker, as narrowly as the attack allows, for one hour. */
export function draftRule(subject: Subject): RuleSpec {
  const { alert } = subject;
  const { src, dst, dport, proto } = alert.flow;
  const sixes = [src, dst].filter((address) => address.includes(":")).length;
  const port = isScan(subject) || dport === 0 || !PORT_PROTOCOLS.has(proto) ? undefined : dport;
  return RuleSpec.parse({
    src,
    // No packet has addresses of two families; a module that says so is believed about the attacker only.
    dst: sixes === 1 ? "any" : dst,
    // Each ICMP goes with one family; anything else would be a rule that can never match.
    proto: (proto === "icmp" && src.includes(":")) || (proto === "icmpv6" && !src.includes(":")) ? "any" : proto,
    ...(port === undefined ? {} : { port }),
    action: "drop",
    ttlMs: RULE_TTL_MS,
    // A comment has room for 256 UTF-16 units, and a character may take two.
    comment: oneLine(`alert ${alert.id}: ${alert.rule.name} (${alert.module})`, 120),
    alertId: alert.id,
  });
}

/** What of a drafted rule meets packets: it has a single port or none. */
export const matchOf = ({ src, dst, port, proto }: RuleSpec): RuleMatch => ({ src, dst, port: typeof port === "number" ? port : undefined, proto });

const isScan = (subject: Subject): boolean => subject.ports >= SCAN_PORTS;

/** The whole suggestion: a pure function of the alert and of what history says of the drafted rule. */
export function suggest(subject: Subject, history: History): Suggestion {
  const { alert } = subject;
  const rule = draftRule(subject);
  const times = alert.count === 1 ? "once" : `${alert.count} times`;
  return {
    alertId: alert.id,
    rule,
    reason:
      `${oneLine(alert.module, 64)} found ${oneLine(alert.rule.name, 80)} ${times} from ${alert.flow.src} to ${alert.flow.dst}` +
      `${rule.port === undefined ? "" : ` port ${rule.port}`} (severity ${alert.severity} of 1 to 4); ` +
      `the rule drops ${rule.proto === "any" ? "what" : `the ${rule.proto} packets that`} this address sends there for ${formatDuration(RULE_TTL_MS)}`,
    blastRadius: blastRadius(history),
    warnings: warnings(subject, rule, history),
  };
}

/** Of flows, packets and bytes both directions are counted: more is not known of them. */
function blastRadius({ windowMs, knownSince, met }: History): BlastRadius {
  const window = formatDuration(windowMs);
  const guilty = Math.min(met.flowsWithDetections, met.flows);
  return {
    windowMs,
    flows: met.flows,
    packets: met.packets,
    bytes: met.bytes,
    flowsWithDetections: guilty,
    flowsWithout: met.flows - guilty,
    sources: met.sources,
    coverage:
      knownSince === undefined
        ? `No flow of the last ${window} is known, so nothing can be said: only traffic that a forwarding rule copies to a module is known, and reports come some seconds late.`
        : `Only traffic that a forwarding rule copied to a module is known, here since ${knownSince} (of the last ${window}); packets and bytes are of both directions.`,
  };
}

function warnings(subject: Subject, rule: RuleSpec, history: History): string[] {
  const { src, proto } = subject.alert.flow;
  const out: string[] = [];
  const kind = addressKind(src);
  if (kind?.never === true)
    out.push(
      `${src} is ${kind.name}: no such packet comes from the network, so the module is mistaken or the packet was forged; the rule is likely to be useless`,
    );
  const innocents = history.met.flows - Math.min(history.met.flowsWithDetections, history.met.flows);
  if (innocents > 0)
    out.push(
      `${innocents} of the ${history.met.flows} flows that the rule would have met had no detection: they may be innocent and would be dropped too`,
    );
  if (history.innocent.flows >= SHARED_FLOWS) {
    out.push(
      `${src} may be shared by many users (NAT, proxy): it had ${history.innocent.flows} flows without a detection to ` +
        `${history.innocent.destinations} ${history.innocent.destinations === 1 ? "address" : "addresses"}`,
    );
  } else if (kind?.shared === true) {
    out.push(`${src} is ${kind.name}: more than one user may be behind it`);
  }
  if (isScan(subject)) out.push(`${subject.ports} ports were met: the rule is for every port`);
  if (proto !== "tcp" && proto !== "sctp")
    out.push(
      `${proto} has no handshake: the source address may be forged, and the rule may hit somebody who never sent anything`,
    );
  else if (isScan(subject)) out.push("a scan needs no finished handshake: the source address may be forged");
  if (subject.foundInAnswer)
    out.push(
      "found in an answer: the one who asked is taken for the attacker; if the server attacks its clients, block the server instead",
    );
  if (rule.dst === "any" && subject.alert.flow.dst !== "any")
    out.push("source and destination are of different IP families: the rule is for every destination");
  return out;
}

interface AddressKind {
  readonly name: string;
  readonly prefix: string;
  /** Never the source of a packet from outside. */
  readonly never?: boolean;
  /** Often stands for many hosts. */
  readonly shared?: boolean;
}

/** RFC 6890 (special-purpose addresses), RFC 1918, RFC 6598, RFC 4193, RFC 5771, RFC 4291. */
const KINDS: readonly AddressKind[] = [
  { prefix: "0.0.0.0/8", name: 'an address of "this network"', never: true },
  { prefix: "127.0.0.0/8", name: "a loopback address", never: true },
  { prefix: "224.0.0.0/4", name: "a multicast address", never: true },
  { prefix: "240.0.0.0/4", name: "a reserved or broadcast address", never: true },
  { prefix: "::/128", name: "the unspecified address", never: true },
  { prefix: "::1/128", name: "the loopback address", never: true },
  { prefix: "ff00::/8", name: "a multicast address", never: true },
  { prefix: "10.0.0.0/8", name: "a private address", shared: true },
  { prefix: "172.16.0.0/12", name: "a private address", shared: true },
  { prefix: "192.168.0.0/16", name: "a private address", shared: true },
  { prefix: "100.64.0.0/10", name: "a carrier's shared address", shared: true },
  { prefix: "fc00::/7", name: "a private address", shared: true },
];

/** What is special about an address; undefined for an ordinary one. */
export function addressKind(address: string): AddressKind | undefined {
  const bytes = parseAddress(address);
  const family = address.includes(":") ? 6 : 4;
  return KINDS.find((kind) => {
    const prefix = parsePrefix(kind.prefix);
    return prefix.family === family && prefixContains(prefix, bytes);
  });
}
