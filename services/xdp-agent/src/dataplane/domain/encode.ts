import {
  familyOfMatch, parseLength, parsePorts, parseProtocol, parseTcpFlags, setNamed,
  type FilterRule, type ForwardRule, type MatchFields, type NumberRange,
} from "@secuxflow/contracts";
import { limitCost } from "../../defence/domain/rate.js";
import { prefixWords, readPrefix } from "./address.js";
import { DETAIL, ENTRY, FLAG, FRAGMENT, KNOWN, OPTION, RULE, VERDICT, VLAN } from "./layout.js";
import { PolicyNotApplicable, type Names } from "./names.js";

/** Converts an ISO 8601 time into the kernel's CLOCK_MONOTONIC in nanoseconds. */
export type ToMonotonic = (iso: string) => bigint;

/** A forwarding rule with the place of its module in the module mask. */
export type BoundForward = ForwardRule & { readonly moduleBit: number };

const ANY_PORT: readonly NumberRange[] = [{ from: 0, to: 65_535 }];
const ANY_INTERFACE: readonly number[] = [0];
/** No interface has this index. */
const NO_INTERFACE: readonly number[] = [0xffff_ffff];
const FRAGMENTS = { no: FRAGMENT.no, yes: FRAGMENT.first | FRAGMENT.later, first: FRAGMENT.first, later: FRAGMENT.later } as const;

const ports = (value: number | string | undefined): readonly NumberRange[] =>
  value === undefined ? ANY_PORT : typeof value === "number" ? [{ from: value, to: value }] : parsePorts(value);

/**
 * Writes rules as the kernel compares them: `struct entry` records, one for each combination of source ports, destination
 * ports and interfaces. A rule is encoded once, for overlays and images alike.
 */
export class RuleEncoder {
  #bytes = new Uint8Array(16 * ENTRY.size);
  #view = new DataView(this.#bytes.buffer);
  readonly #names: Names;
  readonly #toMonotonic: ToMonotonic;
  readonly #prefix = prefixWords();

  constructor(names: Names, toMonotonic: ToMonotonic) {
    this.#names = names;
    this.#toMonotonic = toMonotonic;
  }

  /** The records that the last call wrote; valid until the next one. */
  bytesOf(records: number): Uint8Array {
    return this.#bytes.subarray(0, records * ENTRY.size);
  }

  /** Encodes a filter rule and returns the number of records. Throws PolicyNotApplicable or AddressError. */
  rule(rule: FilterRule, slot: number): number {
    this.#begin(rule, rule.id, slot);
    const view = this.#view;
    view.setUint32(RULE.order, rule.id, true);
    view.setUint32(RULE.order + 4, rule.priority, true);
    if (rule.monitor) this.#flag(FLAG.monitor);
    if (rule.expiresAt !== undefined) {
      // 0 means "never": a rule that expired long ago gets the smallest time there is.
      const expires = this.#toMonotonic(rule.expiresAt);
      view.setBigUint64(ENTRY.detail + DETAIL.expires_ns, expires > 0n ? expires : 1n, true);
    }
    view.setUint8(ENTRY.detail + DETAIL.verdict, VERDICT[rule.action]);
    if (rule.reject === "unreachable") view.setUint8(ENTRY.detail + DETAIL.option, OPTION.rejectUnreachable);
    if (rule.limit) this.#limit(rule.limit);
    if (rule.service !== undefined) view.setUint32(ENTRY.detail + DETAIL.target, this.#names.serviceIndex(rule.service) + 1, true);
    return this.#expand(rule);
  }

  /** Encodes a forwarding rule and returns the number of records. */
  forward(forward: BoundForward, slot: number): number {
    this.#begin(forward, forward.id, slot);
    const view = this.#view;
    view.setUint32(RULE.order, forward.id, true);
    this.#flag(forward.direction === "to-service" ? FLAG.toService : forward.direction === "from-service" ? FLAG.fromService : FLAG.toService | FLAG.fromService);
    view.setUint16(ENTRY.detail + DETAIL.snaplen, forward.snaplen, true);
    view.setUint32(ENTRY.detail + DETAIL.target, (1 << forward.moduleBit) >>> 0, true);
    view.setUint32(ENTRY.sample, forward.sample ?? 1, true);
    return this.#expand(forward);
  }

  /** Encodes an entry of the management allow-list and returns the number of records. */
  allow(match: MatchFields, index: number): number {
    this.#begin(match, index + 1, 0);
    this.#view.setUint32(RULE.order, index + 1, true);
    return this.#expand(match);
  }

  #flag(bit: number): void {
    const at = ENTRY.detail + DETAIL.flags;
    this.#view.setUint8(at, this.#view.getUint8(at) | bit);
  }

  /** Writes the first record as far as all of them are the same. */
  #begin(match: MatchFields, id: number, slot: number): void {
    this.#bytes.fill(0, 0, ENTRY.size);
    const view = this.#view;
    const detail = ENTRY.detail;
    view.setUint32(detail + DETAIL.id, id, true);
    view.setUint32(detail + DETAIL.slot, slot, true);
    this.#address(match.src, RULE.src_hi, RULE.src_len, DETAIL.src_set);
    this.#address(match.dst, RULE.dst_hi, RULE.dst_len, DETAIL.dst_set);
    this.#protocol(match);
    this.#family(match);
    view.setUint16(detail + DETAIL.vlan, this.#vlan(match.vlan), true);
    view.setUint16(detail + DETAIL.inner_vlan, this.#vlan(match.innerVlan), true);
    this.#length(match.length);
    view.setUint8(detail + DETAIL.fragments, match.fragment === undefined ? FRAGMENT.any : FRAGMENTS[match.fragment]);
    if (match.fragment !== undefined) this.#flag(FLAG.rare | FLAG.volatile);
    if (match.state !== undefined) this.#flag((match.state === "new" ? FLAG.new : FLAG.established) | FLAG.rare | FLAG.volatile);
    if (match.iface !== undefined) this.#flag(FLAG.rare);
  }

  #address(text: string, at: number, lengthAt: number, setAt: number): void {
    if (text === "any") return;
    const set = setNamed(text);
    if (set !== undefined) {
      this.#view.setUint8(ENTRY.detail + setAt, this.#names.setBit(set) + 1);
      this.#flag(FLAG.rare);
      return;
    }
    readPrefix(text, this.#prefix);
    const { words, length } = this.#prefix;
    this.#view.setUint32(at + 4, words[0] ?? 0, true);
    this.#view.setUint32(at, words[1] ?? 0, true);
    this.#view.setUint32(at + 12, words[2] ?? 0, true);
    this.#view.setUint32(at + 8, words[3] ?? 0, true);
    this.#view.setUint8(lengthAt, length);
  }

  #protocol({ proto, sport, port, icmpType, icmpCode, tcpFlags, state }: MatchFields): void {
    const view = this.#view;
    const detail = ENTRY.detail;
    const number = parseProtocol(proto);
    if (number === undefined) throw new PolicyNotApplicable(`unknown protocol ${proto}`);
    if (number !== "any") {
      view.setUint8(RULE.proto, number);
      view.setUint8(RULE.proto_mask, 0xff);
    }
    // Sockets are looked up by ports.
    let needs = sport === undefined && port === undefined && state === undefined ? 0 : KNOWN.ports;
    if (tcpFlags !== undefined) {
      const { mask, value } = parseTcpFlags(tcpFlags);
      view.setUint8(detail + DETAIL.tcp_mask, mask);
      view.setUint8(detail + DETAIL.tcp_value, value);
      needs |= KNOWN.tcpFlags;
    }
    if (icmpType !== undefined) {
      view.setUint8(detail + DETAIL.icmp_type, icmpType);
      view.setUint8(detail + DETAIL.icmp_type_mask, 0xff);
    }
    if (icmpCode !== undefined) {
      view.setUint8(detail + DETAIL.icmp_code, icmpCode);
      view.setUint8(detail + DETAIL.icmp_code_mask, 0xff);
    }
    if (icmpType !== undefined || icmpCode !== undefined) needs |= KNOWN.icmp;
    view.setUint8(detail + DETAIL.needs, needs);
    if ((needs & (KNOWN.icmp | KNOWN.tcpFlags)) !== 0) this.#flag(FLAG.rare | FLAG.volatile);
  }

  /** A prefix says the family by itself, unless it is so short that both ::ffff:0:0/96 (IPv4) and IPv6 lie in it. */
  #family(match: MatchFields): void {
    const family = familyOfMatch(match);
    if (family === undefined) return;
    this.#view.setUint8(ENTRY.detail + DETAIL.family, family);
    if (!this.#saysFamily(RULE.src_hi, RULE.src_len) && !this.#saysFamily(RULE.dst_hi, RULE.dst_len)) this.#flag(FLAG.rare);
  }

  #saysFamily(at: number, lengthAt: number): boolean {
    return this.#view.getUint8(lengthAt) >= 96 || this.#view.getBigUint64(at, true) !== 0n;
  }

  #vlan(vlan: number | "none" | undefined): number {
    if (vlan === undefined) return VLAN.any;
    this.#flag(FLAG.rare);
    return vlan === "none" ? VLAN.none : vlan;
  }

  #length(length: number | string | undefined): void {
    const range = length === undefined ? { from: 0, to: 65_535 } : parseLength(length);
    // The kernel counts to 65535, what is longer (IPv6 headers beside a full payload) included.
    this.#view.setUint16(ENTRY.detail + DETAIL.length_min, Math.min(range.from, 65_535), true);
    this.#view.setUint16(ENTRY.detail + DETAIL.length_max, Math.min(range.to, 65_535), true);
    if (length !== undefined) this.#flag(FLAG.rare | FLAG.volatile);
  }

  #limit(limit: NonNullable<FilterRule["limit"]>): void {
    const { unitNs, burstNs } = limitCost(limit);
    const option = (limit.unit === "bits" ? OPTION.limitBytes : 0) | (limit.per === "source" ? OPTION.limitPerSource : 0);
    this.#view.setUint8(ENTRY.detail + DETAIL.option, option);
    this.#view.setBigUint64(ENTRY.detail + DETAIL.unit_ns, unitNs, true);
    this.#view.setBigUint64(ENTRY.detail + DETAIL.burst_ns, burstNs, true);
  }

  /** Copies the first record for every combination, and writes what differs. */
  #expand({ sport, port, iface }: MatchFields): number {
    const sources = ports(sport);
    const destinations = ports(port);
    const named = iface === undefined ? ANY_INTERFACE : this.#names.ifindexes(iface);
    const interfaces = named.length === 0 ? NO_INTERFACE : named;
    const count = sources.length * destinations.length * interfaces.length;
    this.#reserve(count);
    const view = this.#view;
    let at = 0;
    for (const from of sources) {
      for (const to of destinations) {
        for (const ifindex of interfaces) {
          if (at > 0) this.#bytes.copyWithin(at, 0, ENTRY.size);
          view.setUint16(at + RULE.sport_min, from.from, true);
          view.setUint16(at + RULE.sport_max, from.to, true);
          view.setUint16(at + RULE.dport_min, to.from, true);
          view.setUint16(at + RULE.dport_max, to.to, true);
          view.setUint32(at + ENTRY.detail + DETAIL.ifindex, ifindex, true);
          at += ENTRY.size;
        }
      }
    }
    return count;
  }

  #reserve(records: number): void {
    if (records * ENTRY.size <= this.#bytes.length) return;
    const larger = new Uint8Array(records * 2 * ENTRY.size);
    larger.set(this.#bytes.subarray(0, ENTRY.size));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
