import { hasTool } from "@secuxflow/testkit";
import { iptablesVersion, loadNft } from "../peers/netfilter.js";
import { nftDropAll } from "../peers/nftables.js";
import { VethRig, type ForwardingHost } from "../rig/veth-rig.js";
import type { SuiteResult } from "../report.js";
import type { Metric } from "../statistics.js";
import { measureRounds, ratioMetric, reasonOf, seenMetrics, type Rounds, type Skipped } from "./contender.js";
import { peers, ruleSet, secuxflow, type RuleSet } from "./dataplane-drop.js";
import { kernelForwarding, RedirectingHost } from "./dataplane-forward.js";
import { policyChanges } from "./dataplane-policy.js";
import { ringSampling } from "./dataplane-sampling.js";

export interface DataplaneOptions {
  /** Numbers of rules to measure. */
  readonly rules: readonly number[];
  readonly rounds: number;
  /** Traffic for each contender and round. */
  readonly seconds: number;
}

/** The whole receive path on veth pairs, against the kernel's own filters and forwarding, and the way of samples to frames. */
export async function dataplane({ rules, rounds, seconds }: DataplaneOptions): Promise<SuiteResult> {
  const rig = await VethRig.create();
  const [metrics, notes, skipped]: [Metric[], string[], Skipped[]] = [[], [], []];
  try {
    const dropped = await dropping(rig, { rules, rounds, seconds }, notes, skipped);
    metrics.push(...dropRatios(dropped, rules), ...seenMetrics(dropped));
    const forwarded = await forwarding(rig, rounds, seconds, skipped);
    metrics.push(
      ...ratioMetric("ratio.forward.xdp_over_kernel", forwarded, "forward.xdp", "forward.kernel"),
      ...ratioMetric("ratio.forward.xdp_over_kernel.total", forwarded, "forward.xdp", "forward.kernel", "totalNs"), ...seenMetrics(forwarded),
    );
  } finally {
    await rig.destroy();
  }
  metrics.push(...(await ringSampling(rounds, seconds)), ...(await policyChanges(rounds)));
  return { metrics, notes: [...await describe(rounds, seconds), ...notes, ...skipped.map(({ what, reason }) => `skipped: ${what}: ${reason}`)] };
}

async function dropping(rig: VethRig, { rules, rounds, seconds }: DataplaneOptions, notes: string[], skipped: Skipped[]): Promise<Rounds> {
  const uplink = await rig.addHost();
  const sets = new Map<number, RuleSet>(rules.map((count) => [count, ruleSet(rig, count)]));
  const plan = peers(rig, uplink, sets);
  const filter = await secuxflow(uplink, sets);
  notes.push(...plan.notes);
  skipped.push(...plan.skipped);
  try {
    return await measureRounds(rig, [...plan.contenders, ...filter.contenders], rounds, seconds, skipped);
  } finally {
    await filter.close();
    plan.close();
  }
}

async function forwarding(rig: VethRig, rounds: number, seconds: number, skipped: Skipped[]): Promise<Rounds> {
  const [plain, redirecting] = [await rig.addForwardingHost(), await rig.addForwardingHost()];
  for (const host of [plain, redirecting]) await sink(rig, host);
  const contenders = [kernelForwarding(rig, plain)];
  let agent: RedirectingHost | undefined;
  try {
    agent = await RedirectingHost.start(rig, redirecting);
    contenders.push(agent.contender);
  } catch (error) {
    skipped.push({ what: "forward.xdp", reason: reasonOf(error) });
  }
  try {
    return await measureRounds(rig, contenders, rounds, seconds, skipped);
  } finally {
    await agent?.stop();
  }
}

/** The container's stack drops what arrives as early as it can; without nftables a closed port answers now and then. */
async function sink(rig: VethRig, { container }: ForwardingHost): Promise<void> {
  if (hasTool("nft")) await loadNft(container.namespace, rig.folder, nftDropAll(container.dev));
}

function dropRatios(rounds: Rounds, rules: readonly number[]): Metric[] {
  const most = Math.max(...rules);
  const ratio = (over: string, under: string): Metric[] =>
    ratioMetric(`ratio.drop.${over.replaceAll(".", "")}_over_${under.replaceAll(".", "")}`, rounds, `drop.${over}`, `drop.${under}`);
  return [
    ...ratio(`secuxflow.${most}`, "nft_ingress.1"), ...ratio(`secuxflow.${most}`, `xdp_filter_ip.${most}`), ...ratio(`secuxflow.${most}`, `xdp_filter_all.${most}`),
    ...ratio(`nft_chain.${most}`, `secuxflow.${most}`), ...ratio(`nft_set.${most}`, `secuxflow.${most}`), ...ratio(`iptables_chain.${most}`, `secuxflow.${most}`),
    ...rules.flatMap((count) => ratio(`secuxflow.${count}`, "xdp_empty")),
    ...ratioMetric("ratio.pass.secuxflow0_over_none", rounds, "pass.secuxflow.0", "pass.none"),
    ...ratioMetric(`ratio.pass.secuxflow${most}_over_none`, rounds, `pass.secuxflow.${most}`, "pass.none"),
  ];
}

const describe = async (rounds: number, seconds: number): Promise<string[]> => [
  `${rounds} rounds of ${seconds} s each; 64-byte frames of 16,384 flows from core 0 (live XDP frames), receiver's NAPI thread on core 1; cpu_ns: CPU time of that thread a packet`,
  "drop: each packet matches one of the rules, drawn evenly (a chain is left half-way on average)",
  "pass: packets that match none go on to the stack, which throws them away as another station's",
  "xdp_filter_ip/_all: as many addresses as there are rules, in its program for addresses alone, and in its default one",
  "forward: cpu_ns of the forwarding host's NAPI; .total: of that and the container's, each for the packets that it took",
  "sampling: whole frames of that length from the ring buffer into frames ready for NATS (not sent); producer on core 0, the agent's code on core 1",
  "policy_ms: the agent's data plane code from the folded state to the store in the kernel; whole: none of the rules there before; single: one added or deleted, 5 ms apart",
  `iptables: ${hasTool("iptables") ? await iptablesVersion() : "not installed"}`,
];
