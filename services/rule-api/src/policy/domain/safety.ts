import { parseAddress, parsePrefix, prefixesOverlap, type RuleSpec } from "@secuxflow/contracts";
import type { Session, Surroundings } from "./commands.js";
import { matches, type PacketKey } from "./match.js";

const SESSION_PROTOCOLS = new Set(["any", "tcp"]);

/** Whether an end of a rule names addresses at all; "any" and a prefix of length 0 do not. */
const isNamed = (text: string): boolean => text !== "any" && parsePrefix(text).length > 0;

const touches = (text: string, prefix: string): boolean =>
  isNamed(text) && prefixesOverlap(parsePrefix(text), parsePrefix(prefix));

/** A rule without addresses cuts an administrator off when administration can run over its protocol and ports. */
const stopsAdministration = (rule: RuleSpec, ports: readonly number[]): boolean => {
  const carries = (port: number | undefined) => port === undefined || ports.includes(port);
  return (
    !isNamed(rule.src) && !isNamed(rule.dst) && SESSION_PROTOCOLS.has(rule.proto) && carries(rule.port) && carries(rule.sport)
  );
};

/** The packets of a TCP session in both directions. */
const packetsOf = (session: Session): PacketKey[] => {
  const remote = parseAddress(session.remoteAddress);
  const local = parseAddress(session.localAddress);
  const family = parsePrefix(session.remoteAddress).family;
  return [
    { family, proto: "tcp", src: remote, dst: local, sport: session.remotePort, port: session.localPort },
    { family, proto: "tcp", src: local, dst: remote, sport: session.localPort, port: session.remotePort },
  ];
};

/**
 * Why a rule might cut the administrator off, in words; undefined when it does not.
 * Only drop rules do. A rule that names addresses is dangerous when these belong to the management network or to the caller; one
 * that names none, when administration runs over its ports; and any rule that matches the very session it is asked over.
 */
export function dangerOf(rule: RuleSpec, surroundings: Surroundings): string | undefined {
  if (rule.action !== "drop") return undefined;
  const { session } = surroundings;
  for (const prefix of surroundings.managementPrefixes) {
    if (touches(rule.src, prefix) || touches(rule.dst, prefix)) return `it matches the management network ${prefix}`;
  }
  if (session && (touches(rule.src, session.remoteAddress) || touches(rule.dst, session.remoteAddress))) {
    return `it matches your own address ${session.remoteAddress}`;
  }
  if (stopsAdministration(rule, surroundings.managementPorts)) {
    const what = rule.port ?? rule.sport;
    return `it matches all addresses, the management network too${what === undefined ? "" : `, on port ${what}, which administration uses`}`;
  }
  if (session && packetsOf(session).some((packet) => matches(rule, packet))) {
    return `it matches the session you are asking over (${session.remoteAddress} to ${session.localAddress}:${session.localPort})`;
  }
  return undefined;
}
