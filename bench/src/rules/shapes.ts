/**
 * The three kinds of filter sets that ClassBench tells apart (D. E. Taylor, J. S. Turner: ClassBench: A Packet Classification
 * Benchmark, INFOCOM 2005; IEEE/ACM Transactions on Networking 15(3), 2007): access control lists, firewalls, Linux IP chains.
 * A shape says what its seeds have in common: protocol mix, port classes, pairs of prefix lengths, how bushy and how skewed
 * the address trees are. The numbers are this project's own, chosen after the published description; no seed file is copied.
 */
export type PortClass = "any" | "high" | "low" | "exact" | "range";

export type Weighted<T> = readonly (readonly [T, number])[];

export interface Shape {
  /** IANA number, or undefined for any, with the pairs of source and destination port class it has. */
  readonly protocols: Weighted<{ readonly proto: number | undefined; readonly ports: Weighted<readonly [PortClass, PortClass]> }>;
  /** Prefix lengths of source and destination, drawn together: one of each list. */
  readonly lengths: Weighted<readonly [readonly number[], readonly number[]]>;
  readonly src: Tree;
  readonly dst: Tree;
}

export interface Tree {
  /** Share of the tree's nodes that branch. */
  readonly branching: number;
  /** Share of the prefixes that take the heavier branch. */
  readonly skew: number;
  /** Share of the rules that take a prefix of another rule: many rules differ in ports alone. */
  readonly shared: number;
  /** Share of the other prefixes that lie in a network of another rule. */
  readonly nested: number;
}

export const SHAPE_NAMES = ["acl", "fw", "ipc"] as const;
export type ShapeName = (typeof SHAPE_NAMES)[number];

const [HOST, NONE] = [[32], [0]];
/** Sizes of networks as they are given out: /16 to /24, parts of a /24, and the small ones between routers. */
const [WIDE, NETWORKS, SUBNETS, LINKS] = [[8, 12, 16], [16, 19, 20, 21, 22, 23, 24, 24, 24], [24, 25, 26, 27, 28, 29], [28, 29, 30, 31]];
const NO_PORTS: Weighted<readonly [PortClass, PortClass]> = [[["any", "any"], 1]];
const [TCP, UDP, ICMP, GRE, ESP, OSPF] = [6, 17, 1, 47, 50, 89];

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  // Routers at the edge: sources are networks, destinations mostly hosts, services by exact port or range.
  acl: {
    protocols: [
      [{ proto: TCP, ports: [[["any", "exact"], 62], [["any", "any"], 12], [["any", "range"], 17], [["any", "high"], 6], [["high", "exact"], 2], [["exact", "any"], 1]] }, 70],
      [{ proto: UDP, ports: [[["any", "exact"], 66], [["any", "range"], 18], [["any", "any"], 10], [["high", "high"], 4], [["exact", "high"], 2]] }, 16],
      [{ proto: undefined, ports: NO_PORTS }, 9],
      [{ proto: ICMP, ports: NO_PORTS }, 5],
    ],
    lengths: [
      [[NETWORKS, HOST], 24], [[SUBNETS, HOST], 22], [[LINKS, HOST], 9], [[HOST, HOST], 14], [[NETWORKS, SUBNETS], 11],
      [[HOST, SUBNETS], 8], [[WIDE, HOST], 5], [[NONE, SUBNETS], 3], [[NONE, HOST], 3], [[SUBNETS, WIDE], 1],
    ],
    src: { branching: 0.5, skew: 0.62, shared: 0.5, nested: 0.45 },
    dst: { branching: 0.55, skew: 0.62, shared: 0.75, nested: 0.3 },
  },
  // Firewalls: one side is often anything, the other a host or a small network; more protocols and source ports.
  fw: {
    protocols: [
      [{ proto: TCP, ports: [[["any", "exact"], 42], [["high", "exact"], 14], [["any", "any"], 12], [["any", "range"], 12], [["exact", "any"], 9], [["exact", "high"], 5], [["any", "high"], 4], [["low", "any"], 2]] }, 55],
      [{ proto: UDP, ports: [[["any", "exact"], 40], [["exact", "any"], 16], [["high", "exact"], 14], [["any", "any"], 12], [["exact", "exact"], 8], [["any", "range"], 10]] }, 22],
      [{ proto: undefined, ports: NO_PORTS }, 10],
      [{ proto: ICMP, ports: NO_PORTS }, 8],
      [{ proto: GRE, ports: NO_PORTS }, 2], [{ proto: ESP, ports: NO_PORTS }, 2], [{ proto: OSPF, ports: NO_PORTS }, 1],
    ],
    lengths: [
      [[NONE, HOST], 24], [[HOST, NONE], 13], [[NONE, SUBNETS], 11], [[SUBNETS, NONE], 8],
      [[HOST, HOST], 15], [[NETWORKS, HOST], 12], [[HOST, NETWORKS], 8], [[NETWORKS, SUBNETS], 7], [[[1, 2, 8], HOST], 2],
    ],
    src: { branching: 0.6, skew: 0.6, shared: 0.6, nested: 0.3 },
    dst: { branching: 0.65, skew: 0.6, shared: 0.55, nested: 0.4 },
  },
  // Chains of hosts that route and filter: something of both, many hosts on both sides.
  ipc: {
    protocols: [
      [{ proto: TCP, ports: [[["any", "exact"], 48], [["any", "any"], 18], [["exact", "any"], 10], [["any", "range"], 9], [["high", "exact"], 7], [["exact", "high"], 5], [["any", "low"], 3]] }, 52],
      [{ proto: UDP, ports: [[["any", "exact"], 44], [["any", "any"], 16], [["exact", "exact"], 12], [["exact", "any"], 11], [["any", "range"], 9], [["high", "high"], 8]] }, 26],
      [{ proto: undefined, ports: NO_PORTS }, 12],
      [{ proto: ICMP, ports: NO_PORTS }, 10],
    ],
    lengths: [
      [[HOST, HOST], 36], [[NETWORKS, HOST], 16], [[HOST, NETWORKS], 14], [[SUBNETS, SUBNETS], 11], [[NETWORKS, NETWORKS], 7],
      [[NONE, LINKS], 3], [[NONE, HOST], 5], [[HOST, NONE], 4], [[WIDE, WIDE], 4],
    ],
    src: { branching: 0.55, skew: 0.62, shared: 0.55, nested: 0.4 },
    dst: { branching: 0.55, skew: 0.62, shared: 0.55, nested: 0.4 },
  },
};

/** Ports that rules of the "exact" class name, most named first: registered services (IANA) as found in filter sets. */
export const WELL_KNOWN = [80, 443, 22, 25, 53, 21, 23, 110, 143, 123, 161, 389, 445, 139, 3_389, 1_521, 3_306, 8_080, 993, 995, 514, 1_723, 5_060, 636, 119] as const;
/** Bounds of the "range" class. */
export const RANGES = [[20, 21], [135, 139], [1_024, 2_048], [5_000, 5_100], [6_000, 6_063], [6_660, 6_669], [7_000, 7_009], [8_000, 8_100], [27_000, 27_050], [33_434, 33_523], [49_152, 65_535]] as const;
