import { FirstMatch } from "./first-match.js";
import { hasPorts, mask, TCP, UDP, type BenchRule, type Flow, type Prefix, type Range } from "./rule.js";
import type { Random } from "./random.js";

/** Tries for each packet that is to match nothing before its addresses are drawn freely. */
const CROSSED_TRIES = 24;
const TRIES = 400;

const within = ({ address, length }: Prefix, random: Random): number => (address | (random.u32() & ~mask(length))) >>> 0;
const port = ([low, high]: Range, random: Random): number => random.between(low, high);

/** A random packet of a rule; protocols without ports get zero ports, and "any" is TCP or UDP. */
function packetOf(src: BenchRule, dst: BenchRule, rest: BenchRule, random: Random): Flow {
  const proto = rest.proto ?? random.pick([TCP, UDP]);
  const ports = hasPorts(proto) ? { sport: port(rest.sport, random), dport: port(rest.dport, random) } : { sport: 0, dport: 0 };
  return { src: within(src.src, random), dst: within(dst.dst, random), proto, ...ports };
}

/** Packets that each match a rule, the rules drawn evenly and without locality. */
export function hitTrace(rules: readonly BenchRule[], packets: number, random: Random): Flow[] {
  return Array.from({ length: packets }, () => {
    const rule = random.pick(rules);
    return packetOf(rule, rule, rule, random);
  });
}

/**
 * Packets that match no rule but look like those that do: source, destination and ports each of another rule (crossed), which
 * leaves a classifier many candidates. Where that does not go, ports and then addresses are drawn freely.
 *
 * @throws {RangeError} the rules leave nearly nothing unmatched
 */
export function missTrace(rules: readonly BenchRule[], packets: number, random: Random): Flow[] {
  const oracle = new FirstMatch(rules);
  return Array.from({ length: packets }, () => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const flow = crossed(rules, random, attempt);
      if (oracle.find(flow) === -1) return flow;
    }
    throw new RangeError("no packet was found that matches none of the rules");
  });
}

function crossed(rules: readonly BenchRule[], random: Random, attempt: number): Flow {
  const flow = packetOf(random.pick(rules), random.pick(rules), random.pick(rules), random);
  const anyPorts = hasPorts(flow.proto) ? { sport: random.between(0, 0xffff), dport: random.between(0, 0xffff) } : {};
  if (attempt < CROSSED_TRIES) return flow;
  if (attempt < 2 * CROSSED_TRIES) return { ...flow, ...anyPorts };
  return { src: random.u32(), dst: random.u32(), sport: random.between(0, 0xffff), dport: random.between(0, 0xffff), proto: random.pick([TCP, UDP]) };
}

/**
 * A trace with locality, as ClassBench's trace generator makes it: flows come in bursts whose lengths are Pareto
 * distributed (shape 1, at most `packets / flows * 8`).
 */
export function repeatedTrace(flows: readonly Flow[], packets: number, random: Random): Flow[] {
  const trace: Flow[] = [];
  const longest = Math.max(1, Math.ceil((packets / flows.length) * 8));
  while (trace.length < packets) {
    const flow = random.pick(flows);
    for (let left = random.pareto(1, longest); left > 0 && trace.length < packets; left--) trace.push(flow);
  }
  return trace;
}

/** A flood: packets to what the rules name, TCP or UDP, each from a random address and port. */
export function floodTrace(rules: readonly BenchRule[], packets: number, random: Random): Flow[] {
  return Array.from({ length: packets }, () => {
    const rule = random.pick(rules);
    const proto = rule.proto !== undefined && hasPorts(rule.proto) ? rule.proto : random.pick([TCP, UDP]);
    return { src: random.u32(), dst: within(rule.dst, random), sport: random.between(1_024, 0xffff), dport: port(rule.dport, random), proto };
  });
}
