import type { BenchOptions } from "./options.js";
import type { SuiteResult } from "./report.js";
import { SHAPE_NAMES } from "./rules/shapes.js";
import { classifier } from "./suites/classifier.js";
import { dataplane } from "./suites/dataplane.js";
import { inspect } from "./suites/inspect.js";
import { loop } from "./suites/loop.js";
import { sampling } from "./suites/sampling.js";
import { waf } from "./suites/waf.js";

interface Suite {
  readonly title: string;
  readonly run: (options: BenchOptions) => Promise<SuiteResult>;
}

export const SUITES: Readonly<Record<string, Suite>> = {
  loop: { title: "rule add → in force in the kernel; attack packet → alert stored [--rounds N (500)]", run: ({ rounds = 500 }) => loop(rounds) },
  sampling: { title: "packets per second from the ring buffer over NATS to a module's answer [--seconds N (5)]", run: ({ seconds = 5 }) => sampling(seconds) },
  classifier: {
    title: "cost of a classified packet by test runs [--rounds N (7)] [--rules 1,100,1000,10000,100000] [--shapes acl,fw,ipc]",
    run: ({ rounds = 7, rules = [1, 100, 1_000, 10_000, 100_000], shapes = SHAPE_NAMES }) => classifier({ rounds, rules, shapes }),
  },
  dataplane: {
    title: "the receive path on veth pairs against xdp-filter, nftables, iptables; forwarding; samples [--rounds N (5)] [--seconds N (1)] [--rules 1000,10000]",
    run: ({ rounds = 5, seconds = 1, rules = [1_000, 10_000] }) => dataplane({ rounds, seconds, rules }),
  },
  inspect: { title: "the ips module with all Emerging Threats rules: throughput, memory, loading, swapping [--rounds N (5)]", run: ({ rounds = 5 }) => inspect(rounds) },
  waf: {
    title: "the waf module with the Core Rule Set: requests per second, memory, loading [--rounds N (5)] [--seconds N (2)] [--requests N (100000)]",
    run: ({ rounds = 5, seconds = 2, requests = 100_000 }) => waf(rounds, seconds, requests),
  },
};

export const USAGE = `usage: npm run bench -- SUITE [--json FILE] [options]
${Object.entries(SUITES).map(([name, { title }]) => `  ${name.padEnd(10)} ${title}`).join("\n")}`;
