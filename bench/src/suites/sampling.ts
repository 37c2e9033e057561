import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { routes, type ForwardAdded, type StatsSnapshot } from "@secuxflow/contracts";
import { System, totals, type Totals } from "@secuxflow/lab";
import { buildFrame, runCommand, simpleLab, waitFor, type SimpleLab } from "@secuxflow/testkit";
import { compileBpf } from "../generator/compile.js";
import type { SuiteResult } from "../report.js";
import { metric, quantile, type Metric } from "../statistics.js";

const RATES = [100_000, 200_000, 300_000, 400_000, 500_000];
const REPETITIONS = 3;
const FRAME_BYTES = 128;
const FLOWS = 4_096;
const PORT = 9_999;
/** Loss up to which a rate counts as carried. */
const CARRIED = 0.001;
const CLOCK_TICK_NS = 10_000_000;
const GENERATE = fileURLToPath(new URL("../generator/generate.js", import.meta.url));

interface Round {
  readonly sentPps: number;
  readonly inspectedPps: number;
  readonly lostShare: number;
  readonly agentNsPerPacket: number;
}

/**
 * Packets of 128 bytes from the filter's ring buffer over the agent, NATS and the inspector to the answer of the `ips` module.
 * The filter runs on the maps of the agent by test runs (no receive path), the agent has a core of its own (CPU 1), and
 * generator, nats-server and inspector share the rest.
 */
export async function sampling(seconds: number): Promise<SuiteResult> {
  const object = compileBpf("generator");
  const lab = await simpleLab({ prefix: "sxfbench" });
  let system: System | undefined;
  try {
    system = await System.start({ interfaces: [{ name: lab.uplink.dev, netns: lab.netnsPath }], apiPort: 0 });
    await runCommand("taskset", ["-apc", "1", String(system.service("xdp-agent").pid)]);
    const { enforcement } = await system.cli.json<ForwardAdded>("forward", "add", "--src", "any", "--dst", lab.hostIp, "--port", String(PORT), "--proto", "udp", "--module", "ips");
    if (enforcement.active !== 1) throw new Error("the forwarding rule is not in force");
    const rounds = new Map<number, Round[]>();
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      for (const rate of RATES) rounds.set(rate, [...(rounds.get(rate) ?? []), await oneRound(system, lab, object, rate, seconds)]);
    }
    return { metrics: summarise(rounds), notes: notes(seconds) };
  } finally {
    await system?.stop();
    await lab.destroy();
  }
}

function summarise(rounds: ReadonlyMap<number, readonly Round[]>): Metric[] {
  const carried = [...rounds].filter(([, list]) => quantile(list.map((one) => one.lostShare), 0.5) <= CARRIED).at(-1);
  const best = carried ?? [...rounds].at(0);
  const list = best?.[1] ?? [];
  return [
    metric("sampled_pps", "packets/s", list.map((one) => one.inspectedPps)),
    metric("lost_share", "1", list.map((one) => one.lostShare)),
    metric("agent_ns_per_packet", "ns CPU", list.map((one) => one.agentNsPerPacket)),
    ...[...rounds].flatMap(([rate, all]) => [
      metric(`offered_pps.${rate}`, "packets/s", all.map((one) => one.sentPps)),
      metric(`sampled_pps.${rate}`, "packets/s", all.map((one) => one.inspectedPps)),
      metric(`lost_share.${rate}`, "1", all.map((one) => one.lostShare)),
    ]),
  ];
}

const notes = (seconds: number): string[] => [
  `${FRAME_BYTES}-byte UDP frames of ${FLOWS} flows, ${seconds} s a round, ${REPETITIONS} rounds a rate, in bursts of a twentieth of a second`,
  `sampled_pps and lost_share: the highest offered rate of which at most ${CARRIED * 100} % was lost (the lowest rate where none was); lost: ring, agent, transit and queue together`,
  "aim: 500,000 packets a second with one core for the agent; here the agent has CPU 1, and the filter with its generator, nats-server and the inspector with its module share what is left of two cores",
];

async function oneRound(system: System, lab: SimpleLab, object: string, rate: number, seconds: number): Promise<Round> {
  const frame = buildFrame({
    eth: { src: lab.access.mac, dst: lab.uplink.mac }, ipv4: { src: lab.clientIp, dst: lab.hostIp }, udp: { srcPort: 10_000, dstPort: PORT, checksum: 0 },
    payload: "x".repeat(FRAME_BYTES - 42),
  });
  const before = await settled(system);
  const cpu = cpuTicks(system.service("xdp-agent").pid);
  const { stdout } = await runCommand("taskset", ["-c", "0", process.execPath, GENERATE, object, layoutFolder(system.pinFolder), frame.toString("hex"), String(rate), String(seconds), String(FLOWS)], { timeoutMs: seconds * 1_000 + 30_000 });
  const { sent, seconds: took } = JSON.parse(stdout) as { sent: number; seconds: number };
  const after = await settled(system);
  const ticks = cpuTicks(system.service("xdp-agent").pid) - cpu;
  const [inspected, lost] = [after.inspected - before.inspected, after.lost - before.lost];
  return { sentPps: sent / took, inspectedPps: inspected / took, lostShare: lost / Math.max(1, inspected + lost), agentNsPerPacket: (ticks * CLOCK_TICK_NS) / Math.max(1, inspected) };
}

/** Where the agent of this version pinned its maps. */
function layoutFolder(pinFolder: string): string {
  const name = readdirSync(pinFolder).find((entry) => entry.startsWith("layout-"));
  if (name === undefined) throw new Error(`no maps are pinned in ${pinFolder}`);
  return join(pinFolder, name);
}

/** Counters once nothing moves any more. */
async function settled(system: System): Promise<Totals> {
  let last = "";
  return waitFor(async () => {
    const now = totals(await system.get<StatsSnapshot>(routes.stats));
    const text = JSON.stringify(now);
    const still = text === last;
    last = text;
    return still ? now : undefined;
  }, { what: "the counters to settle", deadlineMs: 60_000, intervalMs: 2_500 });
}

/** CPU time of a process in clock ticks: user and system, fields 14 and 15 of proc(5) stat. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
