import { BOTH, IPV4, type Columns } from "./columns.js";

/** What the rules of a tuple share: their key is made of so many bits of each address and of the exact ports and protocol. */
export interface Tuple {
  readonly family: number;
  readonly srcLength: number;
  readonly dstLength: number;
  readonly sport: boolean;
  readonly dport: boolean;
  readonly proto: boolean;
}

export interface TupleChoice {
  /** In the order of their best rules. */
  readonly tuples: readonly Tuple[];
  /** The tuple of each rule. */
  readonly of: Uint16Array;
}

/**
 * Puts the rules into at most `most` tuples: first one for each combination of prefix lengths and exact fields, then the
 * two whose union costs least become one, with what they have in common as their key (the idea of J. Daly et al.: TupleMerge,
 * ICCCN 2017). The cost is the number of pairs of rules that get a common key although they differ, as expected from how
 * often two rules agree in each field alone.
 */
export function chooseTuples(columns: Columns, most: number): TupleChoice {
  const natural = naturalTuples(columns);
  const merged = mergeTuples(natural.tuples, natural.counts, new Agreement(columns), most);
  return inOrder(natural.tuples, merged, natural.of);
}

const MAX_NATURAL = 512;

interface Natural {
  tuples: Tuple[];
  counts: number[];
  of: Uint16Array;
}

/** One tuple for each combination; if there are very many, prefix lengths are rounded down first. */
function naturalTuples(columns: Columns): Natural {
  for (let step = 1; ; step *= 2) {
    const found = combinations(columns, step);
    if (found.tuples.length <= MAX_NATURAL || step >= 128) return found;
  }
}

function combinations(columns: Columns, step: number): Natural {
  const numbers = new Map<number, number>();
  const tuples: Tuple[] = [];
  const counts: number[] = [];
  const of = new Uint16Array(columns.count);
  const rounded = (length: number): number => length - (length % step);
  for (let i = 0; i < columns.count; i++) {
    const srcLength = rounded(columns.srcLength[i]!);
    const dstLength = rounded(columns.dstLength[i]!);
    const sport = columns.sportMin[i] === columns.sportMax[i];
    const dport = columns.dportMin[i] === columns.dportMax[i];
    const proto = columns.anyProto[i] === 0;
    const family = columns.family[i]!;
    const key = (((family * 129 + srcLength) * 129 + dstLength) * 2 + Number(sport)) * 4 + Number(dport) * 2 + Number(proto);
    let number = numbers.get(key);
    if (number === undefined) {
      numbers.set(key, number = tuples.push({ family, srcLength, dstLength, sport, dport, proto }) - 1);
      counts.push(0);
    }
    of[i] = number;
    counts[number]!++;
  }
  return { tuples, counts, of };
}

/** How likely two rules agree: in the first n bits of an address, in an exact port, in the protocol. */
class Agreement {
  readonly #src: Float64Array[];
  readonly #dst: Float64Array[];
  readonly #sport: number;
  readonly #dport: number;
  readonly #proto: number;

  constructor(columns: Columns) {
    this.#src = [BOTH, IPV4, 2].map((family) => prefixAgreement(columns, columns.src, columns.srcLength, family));
    this.#dst = [BOTH, IPV4, 2].map((family) => prefixAgreement(columns, columns.dst, columns.dstLength, family));
    this.#sport = portAgreement(columns.sportMin, columns.sportMax);
    this.#dport = portAgreement(columns.dportMin, columns.dportMax);
    this.#proto = 0.6;
  }

  /** Probability that two rules of a tuple have the same key. */
  of(tuple: Tuple): number {
    return this.#src[tuple.family]![tuple.srcLength]! * this.#dst[tuple.family]![tuple.dstLength]! * (tuple.sport ? this.#sport : 1) *
      (tuple.dport ? this.#dport : 1) * (tuple.proto ? this.#proto : 1);
  }
}

const SAMPLES = 2048;

/** Agreement in the first n bits for each n, from pairs of neighbours in a sorted sample: equal runs squared. */
function prefixAgreement(columns: Columns, words: readonly Uint32Array[], lengths: Uint8Array, family: number): Float64Array {
  const result = new Float64Array(129).fill(1);
  const rows: number[] = [];
  for (let i = 0; i < columns.count; i++) if (columns.family[i] === family && lengths[i]! > 0) rows.push(i);
  if (family === BOTH || rows.length === 0) return result;
  const step = Math.max(1, Math.floor(rows.length / SAMPLES));
  const first = family === IPV4 ? 3 : 0;
  const sample = rows.filter((_, i) => i % step === 0).sort((a, b) => {
    for (let w = first; w < 4; w++) if (words[w]![a] !== words[w]![b]) return words[w]![a]! - words[w]![b]!;
    return 0;
  });
  const common = sample.slice(1).map((row, i) => {
    for (let w = first; w < 4; w++) {
      const difference = words[w]![row]! ^ words[w]![sample[i]!]!;
      if (difference !== 0) return (w - first) * 32 + Math.clz32(difference);
    }
    return 128;
  });
  for (let bits = 1; bits <= (family === IPV4 ? 32 : 128); bits++) {
    let pairs = 0;
    let run = 1;
    for (const shared of [...common, -1]) {
      if (shared >= bits) run++;
      else {
        pairs += run * run;
        run = 1;
      }
    }
    result[bits] = pairs / sample.length ** 2;
  }
  return result;
}

function portAgreement(low: Uint16Array, high: Uint16Array): number {
  const counts = new Map<number, number>();
  let total = 0;
  for (let i = 0; i < low.length; i++) {
    if (low[i] !== high[i]) continue;
    counts.set(low[i]!, (counts.get(low[i]!) ?? 0) + 1);
    total++;
  }
  let pairs = 0;
  for (const count of counts.values()) pairs += count * count;
  return total === 0 ? 1 : pairs / total ** 2;
}

const union = (a: Tuple, b: Tuple): Tuple => ({
  family: a.family, srcLength: Math.min(a.srcLength, b.srcLength), dstLength: Math.min(a.dstLength, b.dstLength),
  sport: a.sport && b.sport, dport: a.dport && b.dport, proto: a.proto && b.proto,
});

interface Merged {
  tuple: Tuple;
  count: number;
  members: number[];
  /** The cheapest partner with a higher place in the list, and what that costs. */
  partner: number;
  cost: number;
}

/** Extra pairs for each rule that a union may cost even where there is room for all tuples: fewer tuples, fewer probes. */
export const tuning = { free: 0.02 };

function mergeTuples(tuples: readonly Tuple[], counts: readonly number[], agreement: Agreement, most: number): Merged[] {
  const list: (Merged | undefined)[] = tuples.map((tuple, i) => ({ tuple, count: counts[i]!, members: [i], partner: -1, cost: Infinity }));
  const pairs = (tuple: Tuple, count: number): number => count * count * agreement.of(tuple);
  const price = (a: Merged, b: Merged): number => {
    if (a.tuple.family !== b.tuple.family) return Infinity;
    return pairs(union(a.tuple, b.tuple), a.count + b.count) - pairs(a.tuple, a.count) - pairs(b.tuple, b.count);
  };
  const findPartner = (i: number): void => {
    const one = list[i]!;
    one.partner = -1;
    one.cost = Infinity;
    for (let j = i + 1; j < list.length; j++) {
      const other = list[j];
      if (other === undefined) continue;
      const cost = price(one, other);
      if (cost < one.cost) {
        one.cost = cost;
        one.partner = j;
      }
    }
  };
  for (let i = 0; i < list.length; i++) findPartner(i);
  for (let left = list.length; left > 1; left--) {
    let best = -1;
    for (const [i, one] of list.entries()) if (one !== undefined && one.partner !== -1 && (best === -1 || one.cost < list[best]!.cost)) best = i;
    if (best === -1) break;
    const one = list[best]!;
    const gone = one.partner;
    const other = list[gone]!;
    if (left <= most && one.cost > tuning.free * Math.min(one.count, other.count)) break;
    one.tuple = union(one.tuple, other.tuple);
    one.count += other.count;
    one.members.push(...other.members);
    list[gone] = undefined;
    for (const [i, each] of list.entries()) {
      if (each === undefined) continue;
      if (i === best || each.partner === gone || each.partner === best) findPartner(i);
      else if (i < best) {
        const cost = price(each, one);
        if (cost < each.cost) {
          each.cost = cost;
          each.partner = best;
        }
      }
    }
  }
  return list.filter((one) => one !== undefined);
}

/** Numbers the tuples by their best rules (rules come best first). */
function inOrder(natural: readonly Tuple[], merged: readonly Merged[], of: Uint16Array): TupleChoice {
  const target = new Int32Array(natural.length);
  for (const [i, { members }] of merged.entries()) for (const member of members) target[member] = i;
  const numbers = new Int32Array(merged.length).fill(-1);
  const tuples: Tuple[] = [];
  const result = new Uint16Array(of.length);
  for (let i = 0; i < of.length; i++) {
    const at = target[of[i]!]!;
    if (numbers[at] === -1) numbers[at] = tuples.push(merged[at]!.tuple) - 1;
    result[i] = numbers[at]!;
  }
  return { tuples, of: result };
}
