// First part of a rule: what traffic it is about.

import { parseAddresses } from "./addresses.js";
import { semantics, syntax, unsupported } from "./errors.js";
import type { Action, AddressSet, Header, PortSet } from "./ir.js";
import { anyPort, parsePorts } from "./ports.js";
import { FOREIGN_PROTOCOLS, PROTO_FAILED, PROTO_UNKNOWN, protocolByName } from "./protocols.js";
import type { RawPart, RawRule } from "./raw.js";

const ACTIONS: Record<string, Action> = {
  alert: "alert",
  drop: "drop",
  reject: "reject",
  rejectsrc: "rejectsrc",
  rejectdst: "rejectdst",
  rejectboth: "rejectboth",
  pass: "pass",
};

interface Carrier {
  transports: number[];
  ipVersion: 0 | 4 | 6;
}

const carrier = (transports: number[], ipVersion: 0 | 4 | 6 = 0): Carrier => ({ transports, ipVersion });
const CARRIERS: Record<string, Carrier> = {
  ip: carrier([]),
  ip4: carrier([], 4),
  ipv4: carrier([], 4),
  ip6: carrier([], 6),
  ipv6: carrier([], 6),
  pkthdr: carrier([]),
  tcp: carrier([6]),
  tcp4: carrier([6], 4),
  tcp6: carrier([6], 6),
  "tcp-pkt": carrier([6]),
  "tcp-stream": carrier([6]),
  udp: carrier([17]),
  udp4: carrier([17], 4),
  udp6: carrier([17], 6),
  sctp: carrier([132]),
  icmp: carrier([1, 58]),
  icmp4: carrier([1], 4),
  icmpv4: carrier([1], 4),
  icmp6: carrier([58], 6),
  icmpv6: carrier([58], 6),
};

/** Headers and lists by their text: rule sets use a few of them thousands of times. */
export class HeaderCache {
  readonly headers = new Map<string, Header>();
  readonly #addresses = new Map<string, AddressSet>();
  readonly #ports = new Map<string, PortSet>();

  constructor(
    readonly addressVariables: ReadonlyMap<string, string>,
    readonly portVariables: ReadonlyMap<string, string>,
  ) {}

  addresses(part: RawPart): AddressSet {
    let set = this.#addresses.get(part.text);
    if (set === undefined) {
      set = parseAddresses(part.text, part.at, this.addressVariables);
      this.#addresses.set(part.text, set);
    }
    return set;
  }

  ports(part: RawPart): PortSet {
    let set = this.#ports.get(part.text);
    if (set === undefined) {
      set = parsePorts(part.text, part.at, this.portVariables);
      this.#ports.set(part.text, set);
    }
    return set;
  }
}

/** @throws RuleError */
export function parseAction(part: RawPart): Action {
  const action = ACTIONS[part.text.toLowerCase()];
  if (action !== undefined) return action;
  if (/^(?:accept|drop|reject|config)(?::|$)/i.test(part.text))
    throw unsupported(part.at, `the action ${part.text} is not supported`);
  throw syntax(part.at, `"${part.text.slice(0, 40)}" is not an action`);
}

/** Headers of the same text are one object: do not change them. @throws RuleError */
export function parseHeader(raw: RawRule, cache: HeaderCache): Header {
  const text = [raw.protocol, raw.src, raw.srcPorts, raw.direction, raw.dst, raw.dstPorts].map((part) => part.text).join(" ");
  let header = cache.headers.get(text);
  if (header === undefined) {
    header = makeHeader(raw, cache);
    cache.headers.set(text, header);
  }
  return header;
}

function makeHeader(raw: RawRule, cache: HeaderCache): Header {
  const protocol = raw.protocol.text.toLowerCase();
  const direction = raw.direction.text;
  if (direction !== "->" && direction !== "<>" && direction !== "=>")
    throw syntax(raw.direction.at, `the direction is ->, <> or =>, not "${direction.slice(0, 10)}"`);
  let { transports, ipVersion } = CARRIERS[protocol] ?? carrier([]);
  let app = 0;
  if (CARRIERS[protocol] === undefined) {
    const known = protocolByName(protocol);
    if (known === undefined || known.id === PROTO_UNKNOWN || known.id === PROTO_FAILED) {
      if (FOREIGN_PROTOCOLS.has(protocol) || /^(?:ether|arp|.*:.*)$/.test(protocol)) {
        throw unsupported(raw.protocol.at, `the protocol ${protocol} is not supported`);
      }
      throw syntax(raw.protocol.at, `"${protocol.slice(0, 40)}" is not a protocol`);
    }
    ({ transports, ipVersion } = { transports: [...known.transports], ipVersion: 0 });
    app = known.id;
  }
  const src = cache.addresses(raw.src);
  const dst = cache.addresses(raw.dst);
  const srcPorts = cache.ports(raw.srcPorts);
  const dstPorts = cache.ports(raw.dstPorts);
  if (ipVersion !== 0) {
    const empty = (set: AddressSet): boolean => (ipVersion === 4 ? set.v4.length : set.v6.length) === 0;
    if (empty(src) || empty(dst)) throw semantics(raw.src.at, `the rule is about IPv${ipVersion} and has no such addresses`);
  }
  // Ports mean nothing without a transport that has them.
  const portless = transports.length > 0 && transports.every((number) => number === 1 || number === 58);
  return {
    protocol,
    transports,
    ipVersion,
    app,
    src,
    srcPorts: portless ? anyPort() : srcPorts,
    dst,
    dstPorts: portless ? anyPort() : dstPorts,
    bidirectional: direction === "<>",
    transactional: direction === "=>",
  };
}
