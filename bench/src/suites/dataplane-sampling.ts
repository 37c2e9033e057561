import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { emptyPolicy, ForwardRule } from "@secuxflow/contracts";
import { buildFrame, Child, requireTool, runCommand, waitFor } from "@secuxflow/testkit";
import { RingBuffer, type RingListener, type ScatterTarget } from "libbpf-ts";
import { samplingCode } from "../agent-code.js";
import { compileBpf } from "../generator/compile.js";
import { parseSchedstat } from "../rig/counters.js";
import { metric, type Metric } from "../statistics.js";
import { FilterUnderTest } from "./filter-under-test.js";

const SIZES = [128, 512, 1_514];
const FLOWS = 4_096;
const PORT = 9_999;
const [PRODUCING_CPU, CONSUMING_CPU] = [0, 1];
/** As the agent's default is. */
const FRAME_BYTES = 131_072;
const WARM_UP = 10_000;
/** Share of the ring that counts as full. */
const FULL = 0.9;
/** More than a producer makes in a second; it is killed when the time is over. */
const UNLIMITED = 20_000_000;
const GENERATE = fileURLToPath(new URL("../generator/generate.js", import.meta.url));

/**
 * Whole packets from the ring buffer into frames ready for NATS: `sampling.mpps.<bytes>`, `sampling.cpu_ns.<bytes>` of the
 * agent's thread while a producer on the other core sends what it can; `sampling.drain_mpps.<bytes>`, packets a second out
 * of a ring that is full, which is what one core can do.
 */
export async function ringSampling(rounds: number, seconds: number): Promise<Metric[]> {
  const filter = await FilterUnderTest.open();
  const before = (await runCommand(requireTool("taskset"), ["-p", String(process.pid)])).stdout.trim().split(" ").at(-1) ?? "ff";
  try {
    await runCommand(requireTool("taskset"), ["-pc", String(CONSUMING_CPU), String(process.pid)]); // the main thread alone
    await filter.use({ ...emptyPolicy, modules: new Map([["bench", BENCH_MODULE]]), forwards: new Map([[1, FORWARD]]) });
    const seen = new Map<number, { mpps: number[]; cpuNs: number[]; drain: number[] }>(SIZES.map((size) => [size, { mpps: [], cpuNs: [], drain: [] }]));
    for (let round = 0; round < rounds; round++) {
      for (const size of SIZES) {
        const { packets, took, cpuNs, drainPps } = await oneRound(filter, size, seconds);
        seen.get(size)?.mpps.push(packets / took / 1e6);
        seen.get(size)?.cpuNs.push(cpuNs / Math.max(1, packets));
        seen.get(size)?.drain.push(drainPps / 1e6);
      }
    }
    return [...seen].flatMap(([size, { mpps, cpuNs, drain }]) => [
      metric(`sampling.mpps.${size}`, "million packets/s", mpps), metric(`sampling.cpu_ns.${size}`, "ns CPU", cpuNs),
      metric(`sampling.drain_mpps.${size}`, "million packets/s", drain),
    ]);
  } finally {
    await runCommand(requireTool("taskset"), ["-p", before, String(process.pid)]);
    await filter.close();
  }
}

const BENCH_MODULE = { name: "bench", version: "1", digest: `sha256:${"0".repeat(64)}`, title: "bench", bit: 0 };
const FORWARD = ForwardRule.parse({ id: 1, src: "any", dst: "any", port: PORT, proto: "udp", module: "bench", snaplen: 9_216, createdAt: "2026-01-01T00:00:00.000Z" });

interface Round {
  readonly packets: number;
  readonly took: number;
  readonly cpuNs: number;
  /** Packets a second out of a ring that was full, by a thread that does nothing else. */
  readonly drainPps: number;
}

async function oneRound(filter: FilterUnderTest, size: number, seconds: number): Promise<Round> {
  const { FrameAssembler, SamplePump } = await samplingCode();
  const ring = new RingBuffer(filter.samples);
  const assembler = new FrameAssembler({ publisher: 1n, maxFrameBytes: FRAME_BYTES, wallMinusMonotonic: () => 0n, sink: () => true });
  let listener: RingListener | undefined;
  const source = {
    scatterInto: (target: ScatterTarget) => ring.scatterInto(target), onReadable: (callback: () => void) => { listener = ring.onReadable(callback); },
  };
  const pump = new SamplePump(source, assembler);
  while (ring.pendingBytes() > 0) pump.pump(); // what an earlier round left
  const udp = { srcPort: 10_000, dstPort: PORT, checksum: 0 };
  const frame = buildFrame({ ipv4: { src: "192.0.2.1", dst: "192.0.2.2" }, udp, payload: "x".repeat(size - 42) });
  const producer = await Child.start({
    command: requireTool("taskset"), what: "the producer of samples",
    args: [
      "-c", String(PRODUCING_CPU), process.execPath, GENERATE, compileBpf("generator"), filter.folder, frame.toString("hex"),
      String(UNLIMITED), String(seconds + 60), String(FLOWS),
    ],
  });
  try {
    const left = assembler.packetsSent;
    pump.start();
    await waitFor(() => assembler.packetsSent > left + WARM_UP, {
      what: "samples from the ring buffer", deadlineMs: 30_000, giveUp: () => (producer.status === undefined ? undefined : new Error(producer.log.toString())),
    });
    const [packets, cpu, began] = [assembler.packetsSent, ownCpuNs(), performance.now()];
    await setTimeout(seconds * 1_000);
    const seen = { packets: assembler.packetsSent - packets, took: (performance.now() - began) / 1_000, cpuNs: ownCpuNs() - cpu };
    listener?.close();
    // A turn that it has planned already would empty the ring while nobody looks at the clock.
    pump.stop();
    await waitFor(() => ring.pendingBytes() > ring.size * FULL, { what: "a full ring", deadlineMs: 30_000 });
    await producer.kill();
    const drainer = new SamplePump(source, assembler);
    const drainPps = drain(ring, drainer, assembler);
    drainer.stop();
    return { ...seen, drainPps };
  } finally {
    pump.stop();
    listener?.close();
    await producer.kill();
    ring.close();
  }
}

/** Empties a ring that nobody fills any more, and says at what rate. By the clock: the scheduler's statistics are too coarse. */
function drain(ring: RingBuffer, pump: { pump(): void }, assembler: { readonly packetsSent: number }): number {
  const [packets, began] = [assembler.packetsSent, performance.now()];
  while (ring.pendingBytes() > 0) pump.pump();
  return ((assembler.packetsSent - packets) / (performance.now() - began)) * 1e3;
}

/** CPU time of the main thread. */
const ownCpuNs = (): number => parseSchedstat(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8"));
