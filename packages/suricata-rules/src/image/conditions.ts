import type { PacketCondition, PostAction, Range, Rule } from "../ir.js";
import type { AddressSets } from "./address-classes.js";
import { CONDITION, LIMIT, POST, TRACK } from "./layout.js";
import { rangeWords } from "./matches.js";
import { hashOf } from "./names.js";
import type { Pool, Records } from "./pool.js";

const MODE = { equal: 0, all: 1, any: 2, not: 3 } as const;
const COMPARE = { "<": 0, "<=": 1, "==": 2, "!=": 3, ">=": 4, ">": 5, isset: 6, notset: 7 } as const;
const SIDE = { server: 0, client: 1, both: 2, either: 3 } as const;
const HOST = { src: 0, dst: 1, both: 2, ip_src: 0, ip_dst: 1, ip_pair: 2 } as const;
const APP_MODE = { direction: 0, final: 1, either: 2, to_server: 3, to_client: 4, original: 5 } as const;

/** Names that conditions and actions use, for the alert's metadata. */
export class Names {
  readonly strings = new Map<number, string>();
  hash(name: string): number {
    const hash = hashOf(name);
    this.strings.set(hash, name);
    return hash;
  }
}

/** Writes one condition: type, flags (1 negated), two words of its own, a range, and four more words. */
export function encodeCondition(condition: PacketCondition, records: Records, pool: Pool, names: Names): void {
  const type = CONDITION[condition.type];
  const ranged = (range: Range, a = 0): number =>
    records.add([type, range.negated ? 1 : 0, a], rangeWords(range));
  const plain = (flags: number, ...words: number[]): number => records.add([type, flags, ...words]);
  switch (condition.type) {
    case "flags":
      plain(MODE[condition.mode], condition.value, condition.ignored);
      return;
    case "fragbits":
      plain(MODE[condition.mode], condition.value);
      return;
    case "ipopts":
      plain(0, condition.option);
      return;
    case "sameip":
    case "ftpbounce":
    case "tls.cert_expired":
    case "tls.cert_valid":
      plain(0);
      return;
    case "stream_size":
      ranged(condition.range, SIDE[condition.side]);
      return;
    case "app-layer-protocol":
      plain(condition.negated ? 1 : 0, condition.app, APP_MODE[condition.mode]);
      return;
    case "decode-event":
    case "stream-event":
      plain(0, condition.event);
      return;
    case "app-layer-event":
      plain(0, condition.event, condition.app);
      return;
    case "flowbits": {
      const hashes = condition.names.map((name) => names.hash(name));
      plain(condition.operation === "isset" ? 0 : 1, pool.words(hashes), hashes.length);
      return;
    }
    case "xbits":
      plain(condition.operation === "isset" ? 0 : 1, names.hash(condition.name), HOST[condition.track]);
      return;
    case "hostbits":
      plain(condition.operation === "isset" ? 0 : 1, names.hash(condition.name), HOST[condition.host]);
      return;
    case "flowint": {
      const value = "value" in condition ? condition.value : 0;
      const [number, other] = typeof value === "number" ? [value, 0] : [names.hash(value.name), 1];
      plain(0, names.hash(condition.name), COMPARE[condition.operation], number, other);
      return;
    }
    case "tls.version":
      plain(condition.negated ? 1 : 0, condition.version);
      return;
    case "ssl_state":
      plain(0, condition.states, condition.negated);
      return;
    case "dcerpc.iface": {
      const range = condition.version ?? { min: 0, max: 0xffff, negated: false };
      const flags = (range.negated ? 1 : 0) | (condition.anyFrag ? 2 : 0) | (condition.version === undefined ? 0 : 4);
      records.add([type, flags, pool.add(condition.uuid)], rangeWords(range));
      return;
    }
    case "dcerpc.opnum": {
      const pairs = condition.ranges.flatMap(({ min, max, negated }) => [min, max, negated ? 1 : 0]);
      plain(0, pool.words(pairs), condition.ranges.length);
      return;
    }
    default:
      ranged(condition.range);
  }
}

const OPERATION = { set: 0, unset: 1, toggle: 2, "=": 3, "+": 4, "-": 5 } as const;
const UNIT = { packets: 0, seconds: 1, bytes: 2 } as const;

/** Writes what happens after a match. */
export function encodePost(post: PostAction, records: Records, pool: Pool, names: Names): void {
  const type = POST[post.type];
  switch (post.type) {
    case "flowbits": {
      const hashes = post.names.map((name) => names.hash(name));
      records.add([type, OPERATION[post.operation], pool.words(hashes), hashes.length]);
      return;
    }
    case "xbits":
      records.add([type, OPERATION[post.operation], names.hash(post.name), HOST[post.track], post.expire]);
      return;
    case "hostbits":
      records.add([type, OPERATION[post.operation], names.hash(post.name), HOST[post.host], post.expire]);
      return;
    case "flowint": {
      const [number, other] = typeof post.value === "number" ? [post.value, 0] : [names.hash(post.value.name), 1];
      records.add([type, OPERATION[post.operation], names.hash(post.name), number, other]);
      return;
    }
    case "tag":
      records.add([type, post.scope === "session" ? 0 : 1, post.count, UNIT[post.unit], HOST[post.host]]);
      return;
    case "bypass":
      records.add([type]);
  }
}

const UNIQUE = { src_port: 1, dst_port: 2 } as const;
const NEW_ACTION = { alert: 5, drop: 1, pass: 0, reject: 2 } as const;

/** Writes how often a rule may alert, and for whom not at all. Returns how many records. */
export function encodeLimits(rule: Rule, records: Records, addresses: AddressSets): { first: number; count: number } {
  const first = records.count;
  const { detectionFilter, threshold, rateFilter } = rule;
  if (detectionFilter !== undefined) {
    const unique = detectionFilter.uniqueOn === undefined ? 0 : UNIQUE[detectionFilter.uniqueOn];
    records.add([LIMIT.detectionFilter, TRACK[detectionFilter.track], detectionFilter.count, detectionFilter.seconds, 0, 0, 0, unique]);
  }
  for (const { track, addresses: set } of rule.suppressions) {
    const number = set === undefined ? 0xffffffff : addresses.number(set);
    records.add([LIMIT.suppress, track === undefined ? 0 : TRACK[track], 0, 0, 0, 0, number]);
  }
  if (threshold !== undefined) {
    const unique = threshold.uniqueOn === undefined ? 0 : UNIQUE[threshold.uniqueOn];
    records.add([LIMIT[threshold.type], TRACK[threshold.track], threshold.count, threshold.seconds, threshold.multiplier, 0, 0, unique]);
  }
  if (rateFilter !== undefined) {
    const { track, count, seconds, newAction, timeout } = rateFilter;
    records.add([LIMIT.rateFilter, TRACK[track], count, seconds, NEW_ACTION[newAction], timeout]);
  }
  return { first, count: records.count - first };
}
