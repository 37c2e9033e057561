import { execFileSync } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, closeSync, writeFileSync, writeSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { batchesOf } from "@secuxflow/inspect-offline";
import { CaptureError, LinkType, readCapture } from "@secuxflow/pcap";
import { compileSuricata } from "@secuxflow/suricata-rules";
import { repoRoot, tempDir } from "@secuxflow/testkit";
import { modulePath } from "@secuxflow/wasm";
import type { SuiteResult } from "../report.js";
import { metric, type Metric } from "../statistics.js";
import { mixedTraffic } from "../traffic/mixed.js";
import type { InspectJob, InspectMeasurement } from "./inspect-child.js";

const CHILD = fileURLToPath(new URL("./inspect-child.js", import.meta.url));
const MIXED_BYTES = 96 * 1024 * 1024;
const FEW = 1_000;
const MB = 1_000_000;

interface Traffic {
  readonly file: string;
  readonly packets: number;
  readonly frameBytes: number;
}

/** Third-party data: where CONTRIBUTING says. */
const dataFolder = (): string => process.env.SECUXFLOW_CONFORMANCE ?? join(repoRoot(import.meta.url), "../shared/conformance");

const filesBelow = (folder: string, ending: RegExp): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => ending.test(name)).sort().map((name) => join(folder, name))
    : [];

function writeTraffic(file: string, batches: Iterable<{ bytes: Uint8Array; packets: number; frameBytes: number }>): Traffic {
  const fd = openSync(file, "w");
  let [packets, frameBytes] = [0, 0];
  const length = Buffer.alloc(4);
  for (const batch of batches) {
    length.writeUInt32LE(batch.bytes.length);
    writeSync(fd, length);
    writeSync(fd, batch.bytes);
    packets += batch.packets;
    frameBytes += batch.frameBytes;
  }
  closeSync(fd);
  return { file, packets, frameBytes };
}

/** All Ethernet captures of the conformance data, one after the other. */
function* captures(folder: string): Generator<{ bytes: Uint8Array; packets: number; frameBytes: number }> {
  for (const file of filesBelow(folder, /\.pcap(ng)?$/)) {
    try {
      for (const { bytes, packets } of batchesOf(readCapture([readFileSync(file)]))) {
        if (packets[0]?.link?.type !== LinkType.ETHERNET) break;
        yield { bytes, packets: packets.length, frameBytes: packets.reduce((sum, { data }) => sum + data.length, 0) };
      }
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
    }
  }
}

function measure(job: InspectJob): InspectMeasurement {
  const output = execFileSync(process.execPath, [CHILD, JSON.stringify(job)], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(output) as InspectMeasurement;
}

const rate = (amount: number, { rounds }: InspectMeasurement): number[] => rounds.map(({ inspectMs }) => amount / (inspectMs / 1_000));

/**
 * The ips module with all Emerging Threats rules at hand, on mixed traffic and on the captures of the conformance data: one
 * process on one core that gets batches as the inspector does.
 * @throws Error when the rules are not there: without them nothing is measured
 */
export async function inspect(rounds: number): Promise<SuiteResult> {
  const data = dataFolder();
  const files = filesBelow(join(data, "etopen-2025"), /\.rules$/).map((path) => ({ name: relative(data, path), text: readFileSync(path, "utf8") }));
  if (files.length === 0) throw new Error(`there are no rules in etopen-2025 of ${data}: set SECUXFLOW_CONFORMANCE`);
  const temp = await tempDir("bench-inspect");
  try {
    return measureIn(temp.path, data, files, rounds);
  } finally {
    await temp.remove();
  }
}

function measureIn(folder: string, data: string, files: { name: string; text: string }[], rounds: number): SuiteResult {
  const compileMs: number[] = [];
  let all = compileSuricata(files, {});
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    const before = performance.now();
    all = compileSuricata(files, {});
    compileMs.push(performance.now() - before);
  }
  const image = join(folder, "all.sxr");
  writeFileSync(image, all.image);
  const few = join(folder, "few.sxr");
  writeFileSync(few, compileSuricata([{ name: "few.rules", text: sample(files.map(({ text }) => text).join("\n"), all.rules.length) }], {}).image);
  const mixed = writeTraffic(join(folder, "mixed"), mixedTraffic(MIXED_BYTES));
  const real = writeTraffic(join(folder, "captures"), captures(join(data, "suricata-verify")));
  const job = { module: process.env.SECUXFLOW_IPS_MODULE ?? modulePath("ips"), rounds };
  const onMixed = measure({ ...job, image, traffic: mixed.file });
  const withFew = measure({ ...job, image: few, traffic: mixed.file });
  const onCaptures = measure({ ...job, image, traffic: real.file });
  const ratios = onMixed.rounds.map(({ inspectMs }, i) => inspectMs / (withFew.rounds[i]?.inspectMs ?? Number.NaN));
  const metrics: Metric[] = [
    metric("mb_per_s_per_core", "MB/s", rate(mixed.frameBytes / MB, onMixed)),
    metric("packets_per_s_per_core", "packets/s", rate(mixed.packets, onMixed)),
    metric("mb_per_s_per_core.captures", "MB/s", rate(real.frameBytes / MB, onCaptures)),
    metric("packets_per_s_per_core.captures", "packets/s", rate(real.packets, onCaptures)),
    metric("mb_per_s_per_core.1000_rules", "MB/s", rate(mixed.frameBytes / MB, withFew)),
    metric("rss_mb", "MiB", [onMixed.rssMb]),
    metric("wasm_mb", "MiB", [onMixed.wasmMb]),
    metric("rules_load_s", "s", compileMs.map((ms) => (ms + onMixed.startMs) / 1_000)),
    metric("start_s", "s", [onMixed.startMs / 1_000]),
    metric("swap_ms", "ms", onMixed.rounds.map(({ swapMs }) => swapMs)),
    metric("rules_1000_over_13620", "1", ratios),
  ];
  return { metrics, notes: notesOf(all.rules.length, mixed, real, onMixed, onCaptures) };
}

/** About a thousand of the active rules, evenly. */
function sample(text: string, count: number): string {
  const active = text.split("\n").filter((line) => /^\s*(alert|drop|pass|reject)\s/.test(line));
  const step = Math.max(1, count / FEW);
  return Array.from({ length: Math.min(FEW, active.length) }, (_, i) => active[Math.floor(i * step)] ?? "").join("\n");
}

const notesOf = (rules: number, mixed: Traffic, real: Traffic, onMixed: InspectMeasurement, onCaptures: InspectMeasurement): string[] => [
  `${rules} rules of Emerging Threats Open; mixed: ${(mixed.frameBytes / MB).toFixed(0)} MB in ${mixed.packets} packets of HTTP, TLS, QUIC, DNS, SMTP and SSH; captures: ${(real.frameBytes / MB).toFixed(1)} MB in ${real.packets} packets of suricata-verify`,
  `one thread; time is that of ModuleInstance.inspect: checking and copying a batch in, the module, and decoding its findings (${onMixed.rounds[0]?.findings ?? 0} on mixed traffic, ${onCaptures.rounds[0]?.findings ?? 0} on the captures)`,
  "rules_load_s: reading rule texts, compiling, compiling the module and loading; start_s: the same with a compiled image; rss_mb: the largest of the whole process, Node included",
  "aims: 250 MB/s per core, memory below 256 MB, start below 3 s, swap below 250 ms, all rules at most 2 times the cost of 1,000",
];
