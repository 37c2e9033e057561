import { reachedStack, thrownAway, type Receiver, type Uplink, type VethRig } from "../rig/veth-rig.js";
import { metric, type Metric } from "../statistics.js";

/** One thing that is measured on the rig. */
export interface Contender {
  /** `<family>.<what>` or `<family>.<what>.<rules>`. */
  readonly name: string;
  /** The file of its packets. */
  readonly trace: string;
  readonly uplink: Uplink;
  /** Where the packets go next; its CPU time is counted, too. */
  readonly then?: Receiver;
  /**
   * How many of the packets must reach the host's IP stack: "none"; "all"; "foreign": all, and are thrown away there as
   * another station's. Or a count of one's own that must be that of the packets. Other results are no measurement.
   */
  readonly expect: "none" | "all" | "foreign" | (() => Promise<number>);
  /** Puts it in place and returns what takes it away again. */
  prepare(): Promise<() => Promise<void>>;
}

/** What did not take part, and why. */
export interface Skipped {
  readonly what: string;
  readonly reason: string;
}

/** What was seen of a contender in one round. */
export interface Seen {
  /** Packets that arrived at the last receiver. */
  readonly pps: number;
  /** Of the host's NAPI, for each packet that it took. */
  readonly cpuNs: number;
  /** Of both NAPIs, each for the packets that it took, where there is a second one: queues between them may overflow. */
  readonly totalNs?: number;
}

/** By contender, one value a round. */
export type Rounds = ReadonlyMap<string, readonly Seen[]>;

/** Too few packets for a number: something is wrong, and a division would hide it. */
const FEWEST = 100;
/** Share of the packets that may be other traffic, or still on the way. */
const TOLERANCE = 0.01;

/**
 * All contenders, round after round, each time in the other direction: what the machine does meanwhile hits all of them.
 * A contender that cannot be put in place, or does not do what is to be measured, is left out from then on; `refused` gets
 * the reason.
 */
export async function measureRounds(rig: VethRig, contenders: readonly Contender[], rounds: number, seconds: number, refused: Skipped[]): Promise<Rounds> {
  const seen = new Map<string, Seen[]>(contenders.map(({ name }) => [name, []]));
  const out = new Set<Contender>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      if (out.has(contender)) continue;
      try {
        seen.get(contender.name)?.push(await measureOne(rig, contender, seconds));
      } catch (error) {
        out.add(contender);
        refused.push({ what: contender.name, reason: reasonOf(error) });
      }
    }
  }
  const measured = new Map([...seen].filter(([, values]) => values.length > 0));
  if (measured.size === 0) throw new Error(`nothing could be measured: ${refused.map(({ what, reason }) => `${what}: ${reason}`).join("; ")}`);
  return measured;
}

/** An error in a line. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 300);

async function measureOne(rig: VethRig, contender: Contender, seconds: number): Promise<Seen> {
  const { then, uplink, expect } = contender;
  const undo = await contender.prepare();
  try {
    const count = counter(contender);
    const before = await count();
    const received = await rig.send(contender.trace, seconds, uplink, then === undefined ? [uplink] : [uplink, then]);
    const [first, last] = [received[0], received.at(-1)];
    if (first === undefined || last === undefined || last.packets < FEWEST) throw new Error(`only ${last?.packets ?? 0} packets arrived`);
    const share = ((await count()) - before) / first.packets;
    if (Math.abs(share - (expect === "none" ? 0 : 1)) > TOLERANCE) {
      const wanted = expect === "none" ? "none" : "all";
      throw new Error(`does not do what is to be measured: ${(share * 100).toFixed(1)} % of its packets were counted, ${wanted} should be`);
    }
    const total = received.reduce((sum, one) => sum + one.cpuNs, 0);
    return { pps: last.pps, cpuNs: first.cpuNs, ...(then === undefined ? {} : { totalNs: total }) };
  } finally {
    await undo();
  }
}

function counter({ expect, uplink }: Contender): () => Promise<number> {
  if (typeof expect === "function") return expect;
  return expect === "foreign" ? () => thrownAway(uplink) : () => reachedStack(uplink);
}

/** `cpu_ns.<name>`, `mpps.<name>` and, where there is a second receiver, `cpu_ns.<name>.total` of every contender. */
export const seenMetrics = (rounds: Rounds): Metric[] => [...rounds].flatMap(([name, values]) => {
  const totals = values.flatMap(({ totalNs }) => (totalNs === undefined ? [] : [totalNs]));
  return [
    metric(`cpu_ns.${name}`, "ns CPU", values.map(({ cpuNs }) => cpuNs)),
    ...(totals.length === 0 ? [] : [metric(`cpu_ns.${name}.total`, "ns CPU", totals)]),
    metric(`mpps.${name}`, "million packets/s", values.map(({ pps }) => pps / 1e6)),
  ];
});

/** One contender's CPU time as a multiple of another's, round by round; nothing where one of them was not measured. */
export function ratioMetric(name: string, rounds: Rounds, over: string, under: string, of: "cpuNs" | "totalNs" = "cpuNs"): Metric[] {
  const bottom = rounds.get(under) ?? [];
  const ratios = (rounds.get(over) ?? []).flatMap((one, round) => {
    const [a, b] = [one[of], bottom[round]?.[of]];
    return a === undefined || b === undefined ? [] : [a / b];
  });
  return ratios.length === 0 ? [] : [metric(name, "1", ratios)];
}
