/** Random policies. Few values are drawn from again and again, so that rules overlap and frames meet their boundaries. */
import { formatAddress, formatPrefix, parsePrefix } from "@secuxflow/contracts";
import type { MatchFields } from "../model/rule.js";
import type { AllowFields, ForwardFields, PolicyFields, RuleFields } from "../model/filter.js";
import type { Random } from "../random.js";

/** The interfaces that rules name: the one that frames come in by, and one that they do not. */
export const IFACES = ["lo", "other0"] as const;

/** What a policy is drawn from. */
export interface Pools {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  readonly ports: readonly number[];
  readonly lengths: readonly number[];
  readonly vlans: readonly number[];
}

export interface PolicyShape {
  /** Rules at most; most policies have fewer. */
  readonly rules: number;
  /** Which actions may be drawn. */
  readonly actions: readonly RuleFields["action"][];
}

const maskedPrefix = (bytes: Uint8Array, family: 4 | 6, length: number): string => {
  const masked = Uint8Array.from(bytes);
  for (let bit = family === 4 ? 96 + length : length; bit < 128; bit++) masked[bit >> 3] = (masked[bit >> 3] ?? 0) & ~(1 << (7 - (bit & 7)));
  return formatPrefix({ family, bytes: masked, length });
};

/** An IPv6 address that differs from the way an IPv4 address is held in the two bytes before it only. */
function besideMapped(v4: string, marker: number): string {
  const bytes = parsePrefix(v4).bytes;
  bytes[10] = marker === 0 ? 0 : 0xff;
  bytes[11] = marker;
  return formatAddress(bytes);
}

/** Values that one policy and its frames share. */
export function drawPools(random: Random): Pools {
  const address = (bytes: number, first: readonly number[]): string => {
    const raw = new Uint8Array(16);
    if (bytes === 4) raw.fill(0xff, 10, 12);
    for (let i = 16 - bytes; i < 16; i++) raw[i] = random.chance(40) ? random.pick([0, 1, 127, 128, 255]) : random.below(256);
    first.forEach((byte, i) => { raw[16 - bytes + i] = byte; });
    return formatAddress(raw);
  };
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: random.between(2, most) }, make);
  const v4 = some(8, () => address(4, random.pick([[10], [10, 0], [192, 168], []])));
  // Neighbours of IPv4 in the way addresses are held: IPv4-mapped and IPv4-compatible ones, and low addresses.
  const v6 = [...some(8, () => address(16, random.pick([[0x20, 0x01, 0x0d, 0xb8], [0xfd], [0xfe, 0x80], []]))), "::", "::1", ...[0, 0xfe].map((marker) => besideMapped(v4[0] ?? "", marker))];
  const port = (): number => random.weighted([[3, random.pick([0, 1, 22, 53, 80, 443, 8080, 65_534, 65_535])], [1, random.below(65_536)]]);
  return { v4, v6, ports: some(8, port), lengths: some(5, () => random.pick([0, 20, 28, 40, 48, 60, 64, 100, 128, 576, 1_500, 9_000, 65_535])), vlans: [0, 4_095, ...some(4, () => random.below(4_096))] };
}

export function drawPrefix(random: Random, pools: Pools, family: 4 | 6 = random.chance(55) ? 4 : 6): string {
  const bytes = parsePrefix(random.pick(family === 4 ? pools.v4 : pools.v6)).bytes;
  const lengths = family === 4 ? [0, 1, 7, 8, 9, 15, 16, 23, 24, 25, 30, 31, 32, 32, 32] : [0, 1, 16, 31, 32, 33, 48, 63, 64, 65, 80, 95, 96, 97, 112, 127, 128, 128, 128];
  return maskedPrefix(bytes, family, random.chance(70) ? random.pick(lengths) : random.below(family === 4 ? 33 : 129));
}

/** A number, a range or a list in canonical form: sorted, neither overlapping nor touching. */
function drawRanges(random: Random, pool: readonly number[], most: number, parts: number): number | string {
  if (random.chance(45)) return random.pick(pool);
  const ends = new Set<number>();
  const wanted = 2 * random.between(1, parts);
  for (let i = 0; i < wanted; i++) ends.add(Math.min(most, Math.max(0, random.pick(pool) + random.between(-3, 3) * random.pick([1, 1, 100]))));
  const sorted = [...ends].sort((a, b) => a - b);
  const ranges: string[] = [];
  let last = -2;
  for (let i = 0; i < sorted.length; i += 2) {
    const from = sorted[i] ?? 0;
    const to = sorted[i + 1] ?? from;
    if (from <= last + 1) continue;
    ranges.push(from === to ? String(from) : `${from}-${to}`);
    last = to;
  }
  return ranges.length === 1 && !ranges[0]?.includes("-") ? Number(ranges[0]) : ranges.join(",");
}

const FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

function drawFlags(random: Random): string {
  const named = FLAGS.filter(() => random.chance(30));
  return (named.length === 0 ? [random.pick(FLAGS)] : named).map((flag) => (random.chance(50) ? flag : `!${flag}`)).join(",");
}

/** Match fields that a policy may have: what contradicts itself is refused at the border and not drawn. */
export function drawMatch(random: Random, pools: Pools, setNames: readonly string[]): MatchFields {
  const proto = random.weighted([[30, "any"], [24, "tcp"], [16, "udp"], [8, "icmp"], [8, "icmpv6"], [5, "sctp"], [4, "gre"], [2, "0"], [2, "44"], [2, "59"], [2, "60"], [2, String(random.below(256))]]);
  let family: 4 | 6 | undefined = proto === "icmp" ? 4 : proto === "icmpv6" ? 6 : undefined;
  const address = (): string => {
    const kind = random.weighted([[45, "any"], [40, "prefix"], [15, "set"]]);
    if (kind === "set" && setNames.length > 0) return `@${random.pick(setNames)}`;
    if (kind !== "prefix") return "any";
    const prefix = drawPrefix(random, pools, family);
    family = prefix.includes(":") ? 6 : 4;
    return prefix;
  };
  const match: Record<string, unknown> = { src: address(), dst: address(), proto: /^(1|6|17|47|58|132)$/.test(proto) ? "any" : proto };
  if (proto === "tcp" || proto === "udp" || proto === "sctp") {
    if (random.chance(55)) match.port = drawRanges(random, pools.ports, 65_535, random.pick([1, 1, 3, 16]));
    if (random.chance(20)) match.sport = drawRanges(random, pools.ports, 65_535, random.pick([1, 1, 3]));
  }
  if (proto === "tcp" && random.chance(35)) match.tcpFlags = drawFlags(random);
  if ((proto === "tcp" || proto === "udp") && random.chance(8)) match.state = random.pick(["new", "established"]);
  if ((proto === "icmp" || proto === "icmpv6") && random.chance(60)) {
    match.icmpType = random.pick([0, 3, 8, 128, 129, 255]);
    if (random.chance(50)) match.icmpCode = random.pick([0, 1, 3, 255]);
  }
  if (random.chance(10)) match.family = family ?? random.pick([4, 6]);
  const transport = ["port", "sport", "tcpFlags", "icmpType", "state"].some((field) => field in match);
  if (random.chance(12)) match.fragment = random.pick(transport ? ["any", "no", "yes", "first"] : ["any", "no", "yes", "first", "later"]);
  if (random.chance(12)) match.vlan = random.chance(25) ? "none" : random.pick(pools.vlans.filter((vid) => vid < 4_095));
  if (random.chance(8) && match.vlan !== "none") match.innerVlan = random.chance(30) ? "none" : random.pick(pools.vlans.filter((vid) => vid < 4_095));
  if (random.chance(8)) match.iface = random.pick(IFACES);
  if (random.chance(12)) match.length = drawRanges(random, pools.lengths, 65_535, 1);
  return match as unknown as MatchFields;
}

const LONG_AGO = "2020-01-01T00:00:00.000Z";
const FAR_AWAY = "2099-01-01T00:00:00.000Z";

/** A rule with an id; ids are never used twice in a run, so that counters and limits start at zero. */
export function drawRule(random: Random, id: number, pools: Pools, setNames: readonly string[], shape: PolicyShape, monitors: boolean): RuleFields {
  const action = random.pick(shape.actions);
  return {
    ...drawMatch(random, pools, setNames), id, action,
    priority: random.pick([0, 1, 2, 2, 2, 100, 1_000, 1_000, 65_535]),
    ...(action === "limit" ? { limit: drawLimit(random) } : {}),
    ...(action === "reject" && random.chance(50) ? { reject: random.pick(["auto", "unreachable"] as const) } : {}),
    ...(monitors && random.chance(30) ? { monitor: true } : {}),
    ...(random.chance(10) ? { expiresAt: random.pick([LONG_AGO, FAR_AWAY]) } : {}),
  };
}

/** A limit whose outcome does not depend on time: what is spent does not come back within days, or it is never spent. */
function drawLimit(random: Random): NonNullable<RuleFields["limit"]> {
  const per = random.pick(["rule", "source"] as const);
  if (random.chance(30)) return { rate: 1_000_000_000, unit: "packets", per, burst: 1_000_000_000 };
  return { rate: 2, unit: "bits", per, burst: random.pick([1, 480, 4_000, 40_000]) };
}

/** What a policy is drawn with. */
export interface Draw {
  readonly random: Random;
  readonly pools: Pools;
  readonly shape: PolicyShape;
  /** Ids are never used twice in a run, so that counters and limits start at zero. */
  readonly nextId: () => number;
}

const drawEntries = ({ random, pools }: Draw): string[] => [...new Set(Array.from({ length: random.pick([0, 1, 3, 20, 100]) }, () => drawPrefix(random, pools)))];

/** A policy with everything in it that its shape allows. */
export function drawPolicy(draw: Draw): PolicyFields {
  const { random, pools, shape, nextId } = draw;
  const sets = new Map(Array.from({ length: random.pick([0, 1, 2, 3, 5]) }, (_, i): [string, string[]] => [`set${i}`, drawEntries(draw)]));
  const names = [...sets.keys()];
  const size = random.weighted([[5, 0], [15, 1], [40, random.between(2, 12)], [30, random.between(12, 60)], [10, shape.rules]]);
  const monitors = random.chance(40);
  const rules = Array.from({ length: Math.min(size, shape.rules) }, () => drawRule(random, nextId(), pools, names, shape, monitors));
  const forwards = random.chance(30) ? Array.from({ length: random.between(1, 5) }, (): ForwardFields => ({ id: nextId(), ...drawMatch(random, pools, names) })) : [];
  const allow = random.chance(20) ? Array.from({ length: random.between(1, 3) }, () => plainMatch(drawMatch(random, pools, []))) : [];
  return { rules, forwards, sets, allow };
}

/** A policy a few changes later: rules gone and come, a set with other entries. */
export function changePolicy(draw: Draw, policy: PolicyFields): PolicyFields {
  const { random, pools, shape, nextId } = draw;
  const gone = random.pick([0, 5, 30, 100]);
  const names = [...policy.sets.keys()];
  const monitors = policy.rules.some(({ monitor }) => monitor);
  const fresh = Array.from({ length: random.pick([0, 1, 2, 10]) }, () => drawRule(random, nextId(), pools, names, shape, monitors));
  return {
    ...policy, rules: [...policy.rules.filter(() => !random.chance(gone)), ...fresh],
    sets: new Map([...policy.sets].map(([name, entries]) => [name, random.chance(30) ? drawEntries(draw) : entries])),
  };
}

/** What the allow-list takes: addresses, one port and protocol. */
function plainMatch({ src, dst, proto, sport, port }: MatchFields): AllowFields {
  return { src, dst, proto, ...(typeof sport === "number" ? { sport } : {}), ...(typeof port === "number" ? { port } : {}) };
}
