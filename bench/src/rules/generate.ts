import { ANY_PORT, isAnyPort, mask, type BenchRule, type Prefix, type Range } from "./rule.js";
import { Random } from "./random.js";
import { RANGES, SHAPES, WELL_KNOWN, type PortClass, type ShapeName, type Tree } from "./shapes.js";

/** After so many rules in a row that were there already, the shape has no more. */
const PATIENCE = 20_000;
/** Shorter prefixes hold nearly everything anyway. */
const WIDEST_NETWORK = 8;

/**
 * `count` different rules of a shape, the same for the same seed. More specific ones stand earlier, with some disorder, as
 * in filter sets that people keep: a wide rule in front would hide what is behind it.
 *
 * @throws {RangeError} the shape has no so many different rules
 */
export function generateRules(name: ShapeName, count: number, seed = 1): BenchRule[] {
  const shape = SHAPES[name];
  const random = new Random(seed);
  const [sources, destinations] = [new AddressTree(shape.src, random.u32()), new AddressTree(shape.dst, random.u32())];
  const found = new Map<string, { rule: BenchRule; rank: number }>();
  for (let failures = 0; found.size < count;) {
    const { proto, ports } = random.weighted(shape.protocols);
    const [srcLengths, dstLengths] = random.weighted(shape.lengths);
    const [sportClass, dportClass] = random.weighted(ports);
    const rule: BenchRule = {
      src: sources.prefix(random.pick(srcLengths), random), dst: destinations.prefix(random.pick(dstLengths), random),
      sport: portRange(sportClass, random), dport: portRange(dportClass, random), proto,
    };
    const key = JSON.stringify(rule);
    if (found.has(key) || tooWide(rule)) {
      if (++failures > PATIENCE) throw new RangeError(`shape ${name} has only ${found.size} different rules, ${count} are wanted`);
      continue;
    }
    failures = 0;
    found.set(key, { rule, rank: breadth(rule) + random.between(0, 12) });
  }
  return [...found.values()].sort((a, b) => a.rank - b.rank).map(({ rule }) => rule);
}

/** A rule without any address would match so much that no packet were left that matches nothing. */
const tooWide = ({ src, dst }: BenchRule): boolean => src.length + dst.length < 8;

/** How many bits a rule leaves open: 0 (one flow) to about 104. */
const breadth = ({ src, dst, sport, dport, proto }: BenchRule): number =>
  64 - src.length - dst.length + (isAnyPort(sport) ? 16 : 0) + (isAnyPort(dport) ? 16 : 0) + (proto === undefined ? 8 : 0);

function portRange(kind: PortClass, random: Random): Range {
  switch (kind) {
    case "any": return ANY_PORT;
    case "high": return [1_024, 0xffff];
    case "low": return [0, 1_023];
    case "range": return random.fraction() < 0.85 ? random.pick(RANGES) : randomRange(random);
    case "exact": {
      const port = random.fraction() < 0.75 ? WELL_KNOWN[random.pareto(0.6, WELL_KNOWN.length) - 1] ?? 80 : random.between(1, 0xffff);
      return [port, port];
    }
  }
}

function randomRange(random: Random): Range {
  const low = random.between(1_024, 0xff00);
  return [low, low + random.between(1, 200)];
}

/**
 * A binary tree of addresses that is never built: whether a node branches, and which of its branches is the heavy one, is a
 * hash of the node. Prefixes drawn from it share their beginnings and nest, as ClassBench's trees with branching
 * probability and skew do. What was drawn once is drawn again by a share of the rules.
 */
export class AddressTree {
  /** Prefixes drawn so far, by length. */
  readonly #drawn = new Map<number, Prefix[]>();
  /** Those of them that others may lie in. */
  readonly #networks: Prefix[] = [];

  constructor(private readonly tree: Tree, private readonly seed: number) {}

  /** A prefix of that length: one that was drawn before, or another. */
  prefix(length: number, random: Random): Prefix {
    const before = this.#drawn.get(length) ?? [];
    if (before.length > 0 && random.fraction() < this.tree.shared) return random.pick(before);
    const drawn = this.#fromTree(this.#start(length, random), length, random);
    if (length >= WIDEST_NETWORK && length < 32) this.#networks.push(drawn);
    before.push(drawn);
    this.#drawn.set(length, before);
    return drawn;
  }

  /** The root, or a network that the new prefix is to lie in. */
  #start(length: number, random: Random): Prefix {
    const root = { address: 0, length: 0 };
    if (this.#networks.length === 0 || random.fraction() >= this.tree.nested) return root;
    const network = random.pick(this.#networks);
    return network.length < length ? network : root;
  }

  #fromTree(start: Prefix, length: number, random: Random): Prefix {
    let { address } = start;
    for (let depth = start.length; depth < length; depth++) {
      const node = hash(this.seed, depth, address);
      const heavy = node & 1;
      // The first bits branch always: filter sets name addresses from all over.
      const branches = depth < 4 || (node >>> 1) / 2 ** 31 < this.tree.branching;
      const bit = branches && random.fraction() >= this.tree.skew ? heavy ^ 1 : heavy;
      if (bit === 1) address = (address | (1 << (31 - depth))) >>> 0;
    }
    return { address: (address & mask(length)) >>> 0, length };
  }
}

/** Three words into one (the finalizer of MurmurHash3, Austin Appleby, public domain, after each). */
function hash(...words: readonly [number, number, number]): number {
  let h = 0;
  for (const word of words) {
    h ^= word;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
  }
  return h;
}
