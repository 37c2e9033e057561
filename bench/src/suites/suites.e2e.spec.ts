import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, hasTool, needs, repoRoot, runCommand, tempDir } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { xdpFilterObject } from "../peers/xdp-filter.js";
import type { Metric } from "../statistics.js";

const MAIN = join(repoRoot(), "bench/dist/main.js");
const LONG_MS = 400_000;

/** Runs a suite of the built package with a dose that is too small to mean anything. */
async function bench(...args: string[]): Promise<{ metrics: Map<string, Metric>; text: string }> {
  const folder = await tempDir("bench");
  try {
    const json = join(folder.path, "out.json");
    const { stdout } = await runCommand(process.execPath, [MAIN, ...args, "--json", json], { timeoutMs: LONG_MS });
    const { metrics } = JSON.parse(readFileSync(json, "utf8")) as { metrics: Metric[] };
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
    for (const { name, median, min, max, n } of metrics) expect(min > 0 && min <= median && median <= max && n > 0, `${name}: ${min} ${median} ${max} ${n}`).toBe(true);
    return { metrics: new Map(metrics.map((one) => [one.name, one])), text: stdout };
  } finally {
    await folder.remove();
  }
}

describe("the bench command", () => {
  it.each([[["nothing"], /there is no suite "nothing"/], [["classifier", "--shapes", "x"], /no shape "x"/], [["dataplane", "--rules", "0"], /--rules/]])("refuses %j and shows how it is used", async (args, message) => {
    const error = await runCommand(process.execPath, [MAIN, ...args]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).reason).toBe("exit code 2");
    expect((error as CommandError).stderr).toMatch(message);
    expect((error as CommandError).stderr).toMatch(/usage: npm run bench -- SUITE/);
  });
});

needs(describe, "kernel")("the classifier suite", () => {
  it("measures every program against the parse-only one, each verdict checked", async () => {
    const { metrics, text } = await bench("classifier", "--rules", "1,200", "--shapes", "fw", "--rounds", "1");
    for (const name of ["ratio.secuxflow.200.hit", "ratio.secuxflow.fw.200.miss", "ratio.secuxflow.cached.200", "ratio.secuxflow.flood", "ratio.linear.200.miss", "ratio.empty", "memory_mb.200", "build_ms.200", "ns.parse_only"]) {
      expect(metrics.has(name), name).toBe(true);
    }
    if (xdpFilterObject("ip") === undefined) expect(text).toMatch(/skipped: xdp-filter .*not installed/);
    else expect(metrics.has("ratio.xdp-filter.200.hit")).toBe(true);
  }, LONG_MS);
});

needs(describe, "kernel", "nats")("the dataplane suite", () => {
  it("measures filters, forwarding and samples, each doing what it is measured for", async () => {
    const { metrics, text } = await bench("dataplane", "--rules", "20", "--rounds", "1", "--seconds", "0.3");
    for (const name of [
      "cpu_ns.pass.none", "cpu_ns.pass.secuxflow.0", "cpu_ns.pass.secuxflow.20", "cpu_ns.drop.secuxflow.20", "ratio.drop.secuxflow20_over_xdp_empty",
      "cpu_ns.forward.kernel", "cpu_ns.forward.xdp.total", "ratio.forward.xdp_over_kernel", "sampling.mpps.128", "sampling.cpu_ns.1514",
    ]) expect(metrics.has(name), name).toBe(true);
    const peers = [["nft", "cpu_ns.drop.nft_chain.20", "nftables"], ["iptables-restore", "cpu_ns.drop.iptables_chain.20", "iptables"]] as const;
    for (const [tool, name, what] of peers) {
      if (hasTool(tool)) expect(metrics.has(name), name).toBe(true);
      else expect(text).toContain(`skipped: ${what}: `);
    }
  }, LONG_MS);
});
