import { parsePrefix, prefixContains, parseAddress, type FlowKey } from "@secuxflow/contracts";

/** The part of a rule that decides which packets it meets. "any" or canonical text; `port` is the destination port. */
export interface RuleMatch {
  readonly src: string;
  readonly dst: string;
  readonly port: number | undefined;
  readonly proto: string;
}

/** What storage knows of the flows that a rule would have met. */
export interface FlowTotals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  readonly flowsWithDetections: number;
  /** Distinct addresses that the rule's packets came from. */
  readonly sources: number;
}

export interface History {
  readonly windowMs: number;
  /** ISO 8601 of the first flow known in the window; undefined when none is known. */
  readonly knownSince: string | undefined;
  /** What the rule would have met. */
  readonly met: FlowTotals;
  /** The attacker's other traffic: flows with no detection, to anywhere, and to how many addresses. */
  readonly innocent: { readonly flows: number; readonly destinations: number };
}

/** One flow as the history holds it: both directions together, `flow` in the direction of the one who opened it. */
export interface KnownFlow {
  readonly flowId: string;
  readonly flow: FlowKey;
  readonly packets: number;
  readonly bytes: number;
  readonly detections: number;
}

/**
 * Whether a rule meets packets of a flow. A flow has packets both ways: the rule may meet those from src to dst, or the
 * answers. (The slow, obvious model of the SQL in adapters/clickhouse-history.ts.)
 */
export function ruleMeets(rule: RuleMatch, flow: FlowKey): "forward" | "answers" | undefined {
  const within = (prefix: string, address: string) =>
    prefix === "any" || prefixContains(parsePrefix(prefix), parseAddress(address));
  if (rule.proto !== "any" && rule.proto !== flow.proto) return undefined;
  const meets = (src: string, dst: string, dport: number) =>
    within(rule.src, src) && within(rule.dst, dst) && (rule.port === undefined || rule.port === dport);
  if (meets(flow.src, flow.dst, flow.dport)) return "forward";
  return meets(flow.dst, flow.src, flow.sport) ? "answers" : undefined;
}

/**
 * Sums up the flows that a rule would have met.
 * @param flagged flow ids that detections name (a flow's own report may come later)
 */
export function totalsOf(rule: RuleMatch, flows: readonly KnownFlow[], flagged: ReadonlySet<string>): FlowTotals {
  const ids = new Set<string>();
  const guilty = new Set<string>();
  const sources = new Set<string>();
  let packets = 0;
  let bytes = 0;
  for (const known of flows) {
    const way = ruleMeets(rule, known.flow);
    if (way === undefined) continue;
    ids.add(known.flowId);
    sources.add(way === "forward" ? known.flow.src : known.flow.dst);
    packets += known.packets;
    bytes += known.bytes;
    if (known.detections > 0 || flagged.has(known.flowId)) guilty.add(known.flowId);
  }
  return { flows: ids.size, packets, bytes, flowsWithDetections: guilty.size, sources: sources.size };
}
