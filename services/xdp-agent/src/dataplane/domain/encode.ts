import { formatProtocol, parsePrefix, parseProtocol, type FilterRule, type ForwardRule, type Prefix } from "@secuxflow/contracts";
import { ENTRY, HEAD, KNOWN_PORTS, MATCH, POLICY_VALUE_BYTES, VERDICT } from "./layout.js";

/** What rules match on: the fields that filter rules, forwarding rules and allow-list entries share. */
export interface MatchFields {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number | undefined;
  readonly port?: number | undefined;
  readonly proto: string;
}

/** A prefix mask over 16 address bytes. */
const maskByte = (prefix: Prefix, index: number): number => {
  const total = prefix.family === 4 ? 96 + prefix.length : prefix.length;
  const bits = Math.min(8, Math.max(0, total - index * 8));
  return (0xff << (8 - bits)) & 0xff;
};

const writeAddress = (view: DataView, at: number, maskAt: number, text: string): 4 | 6 | undefined => {
  if (text === "any") return undefined;
  const prefix = parsePrefix(text);
  for (let i = 0; i < 16; i++) {
    view.setUint8(at + i, prefix.bytes[i] ?? 0);
    view.setUint8(maskAt + i, maskByte(prefix, i));
  }
  return prefix.family;
};

const ICMP_FAMILY: Readonly<Record<string, 4 | 6>> = { icmp: 4, icmpv6: 6 };

/** Writes `struct match` at `at`; the bytes there must be zero. Throws AddressError where the text is no prefix. */
export function writeMatch(view: DataView, at: number, match: MatchFields): void {
  const family = writeAddress(view, at + MATCH.src, at + MATCH.src_mask, match.src);
  const other = writeAddress(view, at + MATCH.dst, at + MATCH.dst_mask, match.dst);
  const protocol = parseProtocol(match.proto);
  if (protocol !== "any") {
    if (protocol === undefined) throw new RangeError(`unknown protocol ${match.proto}`);
    view.setUint8(at + MATCH.proto, protocol);
    view.setUint8(at + MATCH.proto_mask, 0xff);
  }
  const wanted = family ?? other ?? (protocol === "any" ? undefined : ICMP_FAMILY[formatProtocol(protocol)]);
  if (wanted !== undefined) {
    view.setUint8(at + MATCH.family, wanted);
    view.setUint8(at + MATCH.family_mask, 0xff);
  }
  for (const [port, field, mask] of [[match.sport, MATCH.sport, MATCH.sport_mask], [match.port, MATCH.dport, MATCH.dport_mask]] as const) {
    if (port === undefined) continue;
    view.setUint16(at + field, port, true);
    view.setUint16(at + mask, 0xffff, true);
    view.setUint32(at + MATCH.needs, KNOWN_PORTS, true);
  }
}

/** Converts an ISO 8601 time into the kernel's CLOCK_MONOTONIC in nanoseconds. */
export type ToMonotonic = (iso: string) => bigint;

/** One policy as the kernel reads it. */
export interface KernelPolicy {
  readonly revision: number;
  /** In the order they are tried. */
  readonly rules: readonly FilterRule[];
  readonly forwards: readonly (ForwardRule & { readonly moduleBit: number })[];
}

/** Where the counters of a rule and of a forwarding rule are. */
export interface PolicySlots {
  rule(id: number): number;
  forward(id: number): number;
}

const writeRule = (view: DataView, at: number, rule: FilterRule, slot: number, toMonotonic: ToMonotonic): void => {
  writeMatch(view, at + ENTRY.match, rule);
  view.setUint32(at + ENTRY.id, rule.id, true);
  view.setUint32(at + ENTRY.slot, slot, true);
  if (rule.expiresAt !== undefined) {
    // 0 means "never": a rule that expired long ago gets the smallest time there is.
    const expires = toMonotonic(rule.expiresAt);
    view.setBigUint64(at + ENTRY.expires_ns, expires > 0n ? expires : 1n, true);
  }
  view.setUint32(at + ENTRY.verdict, VERDICT[rule.action], true);
};

/** Bytes that a policy takes in its map. */
export function policyBytes(policy: KernelPolicy): number {
  return POLICY_VALUE_BYTES * (1 + policy.rules.length + policy.forwards.length);
}

/** Writes a whole policy (head, rules, forwarding rules) to the start of `target`, which must hold `policyBytes`. */
export function writePolicy(target: Uint8Array, policy: KernelPolicy, slots: PolicySlots, toMonotonic: ToMonotonic): void {
  const bytes = policyBytes(policy);
  if (target.length < bytes) throw new RangeError(`a policy of ${bytes} bytes does not fit the ${target.length} bytes of its map`);
  target.fill(0, 0, bytes);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setBigUint64(HEAD.revision, BigInt(policy.revision), true);
  view.setUint32(HEAD.rules, policy.rules.length, true);
  view.setUint32(HEAD.forwards, policy.forwards.length, true);
  let at = POLICY_VALUE_BYTES;
  for (const rule of policy.rules) {
    writeRule(view, at, rule, slots.rule(rule.id), toMonotonic);
    at += POLICY_VALUE_BYTES;
  }
  for (const forward of policy.forwards) {
    writeMatch(view, at + ENTRY.match, forward);
    view.setUint32(at + ENTRY.id, forward.id, true);
    view.setUint32(at + ENTRY.slot, slots.forward(forward.id), true);
    view.setUint32(at + ENTRY.modules, (1 << forward.moduleBit) >>> 0, true);
    view.setUint32(at + ENTRY.snaplen, forward.snaplen, true);
    at += POLICY_VALUE_BYTES;
  }
}

/** Ids and counter slots of the policy that stands in a map: what an agent needs to go on after a restart. */
export interface PolicyInKernel {
  readonly revision: number;
  readonly rules: ReadonlyMap<number, number>;
  readonly forwards: ReadonlyMap<number, number>;
}

/** Reads back what `writePolicy` wrote. Returns undefined where the counts do not fit the map (a map of another layout). */
export function readPolicy(source: Uint8Array): PolicyInKernel | undefined {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const rules = view.getUint32(HEAD.rules, true);
  const forwards = view.getUint32(HEAD.forwards, true);
  if (POLICY_VALUE_BYTES * (1 + rules + forwards) > source.length) return undefined;
  const slotsOf = (first: number, count: number): Map<number, number> => {
    const slots = new Map<number, number>();
    for (let i = first; i < first + count; i++) {
      const at = i * POLICY_VALUE_BYTES;
      slots.set(view.getUint32(at + ENTRY.id, true), view.getUint32(at + ENTRY.slot, true));
    }
    return slots;
  };
  return { revision: Number(view.getBigUint64(HEAD.revision, true)), rules: slotsOf(1, rules), forwards: slotsOf(1 + rules, forwards) };
}

/** Writes the management allow-list as a policy of rules that pass. */
export function encodeAllowList(entries: readonly MatchFields[]): Uint8Array {
  const bytes = new Uint8Array(POLICY_VALUE_BYTES * (1 + entries.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(HEAD.rules, entries.length, true);
  entries.forEach((entry, index) => {
    const at = POLICY_VALUE_BYTES * (1 + index);
    writeMatch(view, at + ENTRY.match, entry);
    view.setUint32(at + ENTRY.id, index + 1, true);
    view.setUint32(at + ENTRY.verdict, VERDICT.pass, true);
  });
  return bytes;
}
