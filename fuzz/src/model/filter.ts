/**
 * The whole filter as docs/dataplane.md says it ("Order of evaluation"): rules tried one by one, in order. The limits
 * here never refill: the fuzzer's rates are so low that nothing comes back while it runs, or so high that none is reached.
 */
import { readPacket, type Packet } from "./packet.js";
import { matchTest, type MatchFields, type Sets } from "./rule.js";

export interface LimitFields {
  readonly rate: number;
  readonly unit: "packets" | "bits";
  readonly per: "rule" | "source";
  readonly burst?: number | undefined;
}

/** A filter rule of a policy document, as far as the filter is concerned. */
export interface RuleFields extends MatchFields {
  readonly id: number;
  readonly priority: number;
  readonly action: "drop" | "pass" | "limit" | "reject" | "redirect";
  readonly limit?: LimitFields | undefined;
  readonly reject?: "auto" | "unreachable" | undefined;
  readonly monitor?: boolean | undefined;
  readonly expiresAt?: string | undefined;
}

/** A forwarding rule of a policy document. */
export interface ForwardFields extends MatchFields {
  readonly id: number;
}

/** An entry of the management allow-list. */
export type AllowFields = Pick<MatchFields, "src" | "dst" | "proto" | "sport" | "port">;

export interface PolicyFields {
  readonly rules: readonly RuleFields[];
  readonly forwards: readonly ForwardFields[];
  readonly sets: Sets;
  /** The management allow-list. */
  readonly allow: readonly AllowFields[];
}

/** Monitor-only rules that one packet can count ("Monitor"). */
export const MONITORS_COUNTED = 8;

/** What becomes of a frame. */
export interface Outcome {
  readonly verdict: "pass" | "drop" | "reject" | "redirect";
  /** The rule that decided. */
  readonly rule: number | undefined;
  /** Monitor-only rules that count it; undefined where there are too many for all to be counted. */
  readonly monitors: readonly number[] | undefined;
  /** Forwarding rules that want a copy. */
  readonly forwards: readonly number[];
  readonly unparsed: boolean;
  /** Dropped for being over a rate. */
  readonly limited: boolean;
}

const PASSED: Outcome = { verdict: "pass", rule: undefined, monitors: [], forwards: [], unparsed: false, limited: false };

/** What limits have given out, by rule, and by source where they are per source. */
export type Spent = Map<string, number>;

/** A policy that judges frames, one after the other: what limits have given out is remembered. */
export class FilterModel {
  readonly #rules;
  readonly #forwards;
  readonly #allow;
  readonly #spent: Spent;

  /** @param spent goes on from policy to policy, as long as a rule is there */
  constructor({ rules, forwards, sets, allow }: PolicyFields, spent: Spent = new Map(), nowMs = Date.now()) {
    this.#spent = spent;
    this.#rules = rules
      .filter((rule) => rule.expiresAt === undefined || Date.parse(rule.expiresAt) > nowMs)
      .sort((a, b) => a.priority - b.priority || a.id - b.id)
      .map((rule) => ({ rule, matches: matchTest(rule, sets) }));
    this.#forwards = forwards.map(({ id, ...match }) => ({ id, matches: matchTest(match, sets) }));
    this.#allow = allow.map((entry) => matchTest(entry, sets));
  }

  /** Judges a frame received on an interface. */
  judge(frame: Uint8Array, iface: string): Outcome {
    const packet = readPacket(frame);
    if (packet === "not-ip") return PASSED;
    if (packet === "bad") return { ...PASSED, unparsed: true };
    const outcome = this.#allow.some((matches) => matches(packet, iface)) ? PASSED : this.#decide(packet, iface);
    if (outcome.verdict === "drop" || outcome.verdict === "reject") return outcome;
    return { ...outcome, forwards: this.#forwards.filter(({ matches }) => matches(packet, iface)).map(({ id }) => id) };
  }

  #decide(packet: Packet, iface: string): Outcome {
    const matching = this.#rules.filter(({ matches }) => matches(packet, iface)).map(({ rule }) => rule);
    const decides = matching.findIndex((rule) => rule.monitor !== true);
    const before = decides < 0 ? matching : matching.slice(0, decides);
    const crowded = matching.filter((rule) => rule.monitor === true).length > MONITORS_COUNTED;
    const monitors = crowded ? undefined : before.map((rule) => rule.id);
    const rule = matching[decides];
    if (!rule) return { ...PASSED, monitors };
    const limited = rule.limit !== undefined && rule.action === "limit" && !this.#within(rule.id, rule.limit, packet);
    const verdict = rule.action === "limit" ? (limited ? "drop" : "pass") : rule.action;
    return { ...PASSED, verdict, rule: rule.id, monitors, limited };
  }

  /** Whether a packet is within its limit; takes it out of the burst if so. One that is dearer than the burst passes where nothing is owed. */
  #within(id: number, limit: LimitFields, packet: Packet): boolean {
    const key = limit.per === "source" ? `${id} ${source(packet)}` : String(id);
    const cost = limit.unit === "bits" ? packet.bytes * 8 : 1;
    const spent = this.#spent.get(key) ?? 0;
    if (spent > 0 && spent + cost > (limit.burst ?? limit.rate)) return false;
    this.#spent.set(key, spent + cost);
    return true;
  }
}

/** Who a sender is: an IPv4 address, or an IPv6 /64. */
const source = ({ family, src }: Packet): string => `${family} ${(family === 4 ? src : src.subarray(0, 8)).join(".")}`;
