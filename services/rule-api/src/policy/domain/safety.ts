import { parseAddress, parsePrefix, parsePorts, type FilterRule, type Protection, type RuleSpec } from "@secuxflow/contracts";
import { ALL_ADDRESSES } from "./addresses.js";
import type { Session, Surroundings } from "./commands.js";
import { addressesIn, matches, NO_SETS, type PacketKey, type SetLookup } from "./match.js";
import { rangesCover, rangesMeet } from "./ranges.js";

type Rule = RuleSpec | FilterRule;

/** Actions after which an administrator's packets may not arrive where they were sent. */
const STOPPING: ReadonlySet<string> = new Set(["drop", "limit", "reject", "redirect"]);
/** TCP flags of the packets that a session is made of: SYN, SYN and ACK, ACK, PSH and ACK. */
const SESSION_FLAGS = [0x02, 0x12, 0x10, 0x18];
/** Lengths of a session's packets, from a bare IPv4 and TCP header to a full Ethernet frame. */
const SESSION_LENGTHS = [40, 60, 576, 1_280, 1_500];
/** A source that may send no more than so many packets a second is no place to administer from. */
const LEAST_PER_SOURCE = 100;
const FAMILIES = [4, 6] as const;

/** Whether an end of a rule names addresses at all; "any", a prefix of length 0 and a set that holds one do not. */
const isNamed = (text: string, sets: SetLookup): boolean => {
  if (text === "any") return false;
  const addresses = addressesIn(text, sets);
  return !FAMILIES.some((family) => rangesCover(addresses[family], ALL_ADDRESSES[family]));
};

const touches = (text: string, prefix: string, sets: SetLookup): boolean => {
  if (!isNamed(text, sets)) return false;
  const [ours, theirs] = [addressesIn(text, sets), addressesIn(prefix, NO_SETS)];
  return FAMILIES.some((family) => rangesMeet(ours[family], theirs[family]));
};

/** Whether a rule may mean packets of a TCP session, by what is the same for all of them. Sessions are not sent in fragments. */
const meansSessions = (rule: Rule): boolean => {
  if (rule.proto !== "any" && rule.proto !== "tcp") return false;
  const anyAddress = new Uint8Array(16);
  const bare = { ...rule, src: "any", dst: "any", sport: undefined, port: undefined };
  return FAMILIES.some((family) =>
    SESSION_FLAGS.some((tcpFlags) =>
      SESSION_LENGTHS.some((length) =>
        matches(bare, { family, src: anyAddress, dst: anyAddress, proto: "tcp", sport: 0, port: 0, fragment: "no", tcpFlags, length }),
      ),
    ),
  );
};

/** A rule without addresses cuts an administrator off when administration can run over its ports. */
const stopsAdministration = (rule: Rule, ports: readonly number[], sets: SetLookup): boolean => {
  const carries = (wanted: number | string | undefined) =>
    wanted === undefined || parsePorts(wanted).some(({ from, to }) => ports.some((port) => from <= port && port <= to));
  return !isNamed(rule.src, sets) && !isNamed(rule.dst, sets) && carries(rule.port) && carries(rule.sport) && meansSessions(rule);
};

/** The packets of a TCP session in both directions; their flags and lengths are those of `meansSessions`. */
const packetsOf = (session: Session): PacketKey[] => {
  const remote = parseAddress(session.remoteAddress);
  const local = parseAddress(session.localAddress);
  const family = parsePrefix(session.remoteAddress).family;
  return [
    { family, proto: "tcp", fragment: "no", src: remote, dst: local, sport: session.remotePort, port: session.localPort },
    { family, proto: "tcp", fragment: "no", src: local, dst: remote, sport: session.localPort, port: session.remotePort },
  ];
};

/**
 * Why a rule might cut the administrator off, in words; undefined when it does not.
 * A rule that passes or only counts does not. One that names addresses is dangerous when these belong to the management network or to
 * the caller; one that names none, when administration runs over its ports; and any rule that matches the very session it is asked
 * over. What is not known of a session (VLAN, interface, state) counts as matching.
 */
export function dangerOf(rule: Rule, surroundings: Surroundings, sets: SetLookup = NO_SETS): string | undefined {
  if (rule.monitor === true || !STOPPING.has(rule.action)) return undefined;
  const { session } = surroundings;
  for (const prefix of surroundings.managementPrefixes) {
    if (touches(rule.src, prefix, sets) || touches(rule.dst, prefix, sets)) return `it matches the management network ${prefix}`;
  }
  if (session && (touches(rule.src, session.remoteAddress, sets) || touches(rule.dst, session.remoteAddress, sets))) {
    return `it matches your own address ${session.remoteAddress}`;
  }
  if (stopsAdministration(rule, surroundings.managementPorts, sets)) {
    const what = rule.port ?? rule.sport;
    return `it matches all addresses, the management network too${what === undefined ? "" : `, on port ${what}, which administration uses`}`;
  }
  if (session && meansSessions(rule) && packetsOf(session).some((packet) => matches(rule, packet, sets))) {
    return `it matches the session you are asking over (${session.remoteAddress} to ${session.localAddress}:${session.localPort})`;
  }
  return undefined;
}

/** Why limiting what each source may send might cut the administrator off; undefined when it does not. */
export function dangerOfProtection({ perSource }: Pick<Protection, "perSource">): string | undefined {
  if (perSource === undefined || perSource.rate >= LEAST_PER_SOURCE) return undefined;
  return `${perSource.rate} packets a second from each source are too few for the session of an administrator (at least ${LEAST_PER_SOURCE})`;
}
