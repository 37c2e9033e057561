import { BpfObject, type BpfProgram } from "libbpf-ts";
import { packetsTo, randomAddresses } from "../peers/addresses.js";
import { iptablesChain, iptablesDropAll } from "../peers/iptables.js";
import { iptablesMatched, loadIptables, loadNft, missing } from "../peers/netfilter.js";
import { nftChain, nftDropAll, nftSet, nftSetElements } from "../peers/nftables.js";
import { XdpFilter, XDP_FILTER_MOST, xdpFilterObject, type XdpFilterFeatures } from "../peers/xdp-filter.js";
import type { Receiver, Uplink, VethRig } from "../rig/veth-rig.js";
import { TRACE_FRAMES } from "../rules/frames.js";
import { generateRules } from "../rules/generate.js";
import { Random } from "../rules/random.js";
import type { BenchRule } from "../rules/rule.js";
import { hitTrace, missTrace } from "../rules/trace.js";
import { dropping, FilterUnderTest } from "./filter-under-test.js";
import type { Contender, Skipped } from "./contender.js";

const SEED = 11;

/** An XDP program on the host's end for as long as a measurement takes. */
export function attached({ dev, namespace }: Receiver, program: () => BpfProgram): Contender["prepare"] {
  return () => {
    const link = program().attachXdp(dev, { netns: namespace.path, mode: "native" });
    return Promise.resolve(() => { link.close(); return Promise.resolve(); });
  };
}

/** What is measured at each number of rules, and what could not be and why. */
export interface DropPlan {
  readonly contenders: readonly Contender[];
  readonly skipped: readonly Skipped[];
  readonly notes: readonly string[];
  close(): void;
}

/** The rules and the traces of a number of rules: packets that each match a rule, and packets that match none. */
export interface RuleSet {
  readonly rules: readonly BenchRule[];
  readonly hits: string;
  readonly misses: string;
}

export function ruleSet(rig: VethRig, count: number): RuleSet {
  const rules = generateRules("acl", count, SEED);
  const random = new Random(SEED + count);
  return {
    rules, hits: rig.trace(`hits-${count}`, hitTrace(rules, TRACE_FRAMES, random)),
    misses: rig.trace(`misses-${count}`, missTrace(rules, TRACE_FRAMES, random), { foreign: true }),
  };
}

/** Everything but SecuXFlow: no program, empty programs, xdp-filter, nftables, iptables. */
export function peers(rig: VethRig, uplink: Uplink, sets: ReadonlyMap<number, RuleSet>): DropPlan {
  const [first] = sets.values();
  if (first === undefined) throw new RangeError("no number of rules to measure");
  const floor = BpfObject.open(rig.object).load();
  const empty = (program: string): Contender["prepare"] => attached(uplink, () => floor.program(program));
  const nothing = (): Promise<() => Promise<void>> => Promise.resolve(() => Promise.resolve());
  const plan: Growing = {
    contenders: [
      { name: "pass.none", trace: first.misses, uplink, expect: "foreign", prepare: nothing },
      { name: "pass.xdp_empty", trace: first.misses, uplink, expect: "foreign", prepare: empty("empty_pass") },
      { name: "drop.xdp_empty", trace: first.hits, uplink, expect: "none", prepare: empty("empty_drop") },
    ],
    skipped: [], notes: [],
  };
  addNftables(plan, rig, uplink, sets, first.hits);
  addIptables(plan, uplink, sets, first.hits);
  for (const features of ["ip", "all"] as const) for (const count of sets.keys()) addXdpFilter(plan, rig, uplink, features, count);
  return { ...plan, close: () => { floor.close(); } };
}

interface Growing {
  readonly contenders: Contender[];
  readonly skipped: Skipped[];
  readonly notes: string[];
}

function addNftables({ contenders, skipped, notes }: Growing, rig: VethRig, uplink: Uplink, sets: ReadonlyMap<number, RuleSet>, anyTrace: string): void {
  const reason = missing("nft");
  if (reason !== undefined) {
    skipped.push({ what: "nftables", reason });
    return;
  }
  const { dev, namespace } = uplink;
  const add = (name: string, trace: string, ruleset: () => string): void => {
    contenders.push({ name: `drop.${name}`, trace, uplink, expect: "none", prepare: () => loadNft(namespace, rig.folder, ruleset()) });
  };
  add("nft_ingress.1", anyTrace, () => nftDropAll(dev));
  for (const [count, { rules, hits }] of sets) {
    add(`nft_chain.${count}`, hits, () => nftChain(dev, rules));
    const elements = nftSetElements(rules);
    notes.push(`nft_set.${count}: a concatenated set took ${elements.length} of ${count} rules; the others overlap or have no ports`);
    if (elements.length === 0) skipped.push({ what: `nft_set.${count}`, reason: "no rule fits a set" });
    else add(`nft_set.${count}`, rig.trace(`set-${count}`, hitTrace(elements, TRACE_FRAMES, new Random(SEED + count))), () => nftSet(dev, elements));
  }
}

function addIptables({ contenders, skipped }: Growing, uplink: Uplink, sets: ReadonlyMap<number, RuleSet>, anyTrace: string): void {
  const reason = missing("iptables-restore");
  if (reason !== undefined) {
    skipped.push({ what: "iptables", reason });
    return;
  }
  const { namespace } = uplink;
  // The raw table is behind the counters of the IP stack: its own say what it dropped.
  const expect = (): Promise<number> => iptablesMatched(namespace);
  const add = (name: string, trace: string, rules: () => string): void => {
    contenders.push({ name: `drop.${name}`, trace, uplink, expect, prepare: () => loadIptables(namespace, rules()) });
  };
  add("iptables_raw.1", anyTrace, iptablesDropAll);
  for (const [count, { rules, hits }] of sets) add(`iptables_chain.${count}`, hits, () => iptablesChain(rules));
}

function addXdpFilter({ contenders, skipped }: Growing, rig: VethRig, uplink: Uplink, features: XdpFilterFeatures, count: number): void {
  const path = xdpFilterObject(features);
  const what = `xdp_filter_${features}.${count}`;
  if (path === undefined) skipped.push({ what, reason: "its programs are not installed (Debian package xdp-tools)" });
  else if (count > XDP_FILTER_MOST) skipped.push({ what, reason: `its maps hold ${XDP_FILTER_MOST} addresses` });
  else {
    const addresses = randomAddresses(count, new Random(SEED));
    const trace = rig.trace(`addresses-${count}`, packetsTo(addresses, TRACE_FRAMES, new Random(SEED + count)));
    contenders.push({ name: `drop.${what}`, trace, uplink, expect: "none", prepare: () => attachedXdpFilter(uplink, path, addresses) });
  }
}

async function attachedXdpFilter(uplink: Uplink, path: string, addresses: readonly number[]): Promise<() => Promise<void>> {
  const filter = XdpFilter.open(path, addresses);
  try {
    const detach = await attached(uplink, () => filter.program)();
    return async () => { await detach(); filter.close(); };
  } catch (error) {
    filter.close();
    throw error;
  }
}

/** SecuXFlow's own program with 0 rules, and with each set of rules, for packets that it passes and packets that it drops. */
export async function secuxflow(uplink: Uplink, sets: ReadonlyMap<number, RuleSet>): Promise<{ contenders: Contender[]; close(): Promise<void> }> {
  const filter = await FilterUnderTest.open();
  const ready = (rules: readonly BenchRule[]): Contender["prepare"] => {
    const policy = dropping(rules);
    return async () => {
      await filter.use(policy);
      return attached(uplink, () => filter.program)();
    };
  };
  const [first] = sets.values();
  return {
    contenders: [
      ...(first === undefined ? [] : [{ name: "pass.secuxflow.0", trace: first.misses, uplink, expect: "foreign" as const, prepare: ready([]) }]),
      ...[...sets].flatMap(([count, { rules, hits, misses }]): Contender[] => {
        const prepare = ready(rules);
        return [
          { name: `pass.secuxflow.${count}`, trace: misses, uplink, expect: "foreign", prepare },
          { name: `drop.secuxflow.${count}`, trace: hits, uplink, expect: "none", prepare },
        ];
      }),
    ],
    close: () => filter.close(),
  };
}
