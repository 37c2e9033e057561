/** What a module must hold to before it is given real traffic. Each check has an instance of its own. */
import { batchesOf, chunksOfFile, LinkType, readCapture } from "@secuxflow/inspect-offline";
import { loadModule, ModuleInstance, type LoadedModule } from "@secuxflow/module-host";
import { randomFrames } from "./frames.js";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what is wrong. */
  readonly detail: string;
}

export interface CheckOptions {
  /** A capture to run as well. */
  readonly pcap?: string;
  readonly seed?: number;
}

const [ROUNDS, FRAMES] = [40, 256];
/** Copies of a self-test in one batch: more than one output holds. */
const MANY = 4_096;
/** docs/inspect-abi.md: places in a batch. */
const BATCH = { records: 64, stride: 96, count: 12, payloadAt: 24, payloadLen: 28 } as const;
const RECORD = { dataOffset: 20, dataLen: 24, l3: 32, l4: 34, payload: 36, family: 42, proto: 43, kind: 44, direction: 45, flags: 46 } as const;
type Captured = Parameters<typeof batchesOf>[0];

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const batchesFrom = (frames: readonly Uint8Array[]): Uint8Array[] => {
  const packets = frames.map((data, i) => ({ timeNs: 1_767_225_600_000_000_000n + BigInt(i) * 1_000_000n, linkType: LinkType.ETHERNET, wireLength: data.length, data }));
  return Array.from(batchesOf(packets as unknown as Captured), ({ bytes }) => bytes.slice());
};

/** Runs all checks, one after the other; the first that fails to load the module is the last. */
export async function* moduleChecks(wasm: Uint8Array, options: CheckOptions = {}): AsyncGenerator<Check> {
  let loaded: LoadedModule;
  try {
    loaded = loadModule(wasm);
    await ModuleInstance.create(loaded);
  } catch (error) {
    yield { name: "loads and starts", ok: false, detail: textOf(error) };
    return;
  }
  const { id, version, rules } = loaded.manifest;
  yield { name: "loads and starts", ok: true, detail: `${id} ${version}, ${wasm.length} bytes, ${rules.length} rules, at most ${loaded.memoryPages.max * 64} KiB of memory` };
  yield* selfTests(loaded);
  const seed = options.seed ?? 1;
  yield await attempt("random packets stay within the border", () => random(loaded, seed));
  yield await attempt("records that contradict their data are harmless", () => contradictions(loaded, seed));
  yield await attempt("a full output loses nothing", () => full(loaded));
  yield await attempt("the same packets give the same findings, in batches of any size", () => repeatable(loaded, seed));
  yield await attempt("memory does not grow with packets", () => memory(loaded, seed));
  if (options.pcap !== undefined) yield await attempt(`runs the capture`, () => capture(loaded, options.pcap ?? ""));
}

/** A check that fails by throwing. */
async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await check() };
  } catch (error) {
    return { name, ok: false, detail: textOf(error) };
  }
}

async function* selfTests(loaded: LoadedModule): AsyncGenerator<Check> {
  if (loaded.selfTests.length === 0) yield { name: "has self-tests", ok: false, detail: "there are none: a module proves in them that it finds what it is for" };
  const instance = await ModuleInstance.create(loaded);
  for (const vector of loaded.selfTests) {
    const { failures } = await instance.selfTest([vector]);
    yield { name: `self-test: ${vector.name}`, ok: failures.length === 0, detail: failures[0]?.detail ?? `finds rules [${vector.rules.join(", ")}]` };
  }
}

async function random(loaded: LoadedModule, seed: number): Promise<string> {
  const instance = await ModuleInstance.create(loaded);
  for (let round = 0; round < ROUNDS; round++) {
    for (const batch of batchesFrom(randomFrames(seed + round, FRAMES))) instance.inspect(batch, 1);
    instance.tick(1_767_225_600_000 + round * 1_000);
  }
  instance.flush();
  return `${instance.stats.records} packets, ${instance.stats.findings} findings`;
}

/** Well-formed batches whose records say what is not so. */
async function contradictions(loaded: LoadedModule, seed: number): Promise<string> {
  const instance = await ModuleInstance.create(loaded);
  let batches = 0;
  let state = seed >>> 0 || 1;
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const batch of batchesFrom(randomFrames(seed + round, FRAMES))) {
      const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
      const count = view.getUint32(BATCH.count, true);
      const offsets = [0, 13, 14, 34, 65_535];
      for (let i = 0; i < count; i++) {
        const at = BATCH.records + i * BATCH.stride;
        const length = view.getUint32(at + RECORD.dataLen, true);
        if (below(2) === 0) view.setUint32(at + RECORD.dataLen, below(length + 1), true);
        const left = view.getUint32(at + RECORD.dataLen, true);
        for (const field of [RECORD.l3, RECORD.l4, RECORD.payload]) {
          const value = below(3) === 0 ? (offsets[below(offsets.length)] ?? 0) : below(left + 1);
          view.setUint16(at + field, value > left ? 65_535 : value, true);
        }
        view.setUint8(at + RECORD.family, [0, 4, 6][below(3)] ?? 0);
        view.setUint8(at + RECORD.proto, [0, 1, 6, 17, 58, 132][below(6)] ?? 0);
        view.setUint8(at + RECORD.kind, 1 + below(3));
        view.setUint8(at + RECORD.direction, below(3));
        view.setUint16(at + RECORD.flags, below(32), true);
      }
      try {
        instance.inspect(batch, 1);
        batches++;
      } catch (error) {
        // What the host refuses never comes to a module.
        if (!(error instanceof Error) || error.name !== "AbiError") throw error;
      }
    }
  }
  if (batches === 0) throw new Error("the host refused every batch: nothing was tried");
  return `${batches} batches`;
}

/** Frames of the self-test that finds most, or random ones. */
function framesOfTests(loaded: LoadedModule): Uint8Array[] {
  const [most] = [...loaded.selfTests].sort((a, b) => b.rules.length - a.rules.length);
  if (most === undefined) return randomFrames(1, FRAMES);
  const bytes = Buffer.from(most.batch, "hex");
  const payload = bytes.readUInt32LE(BATCH.payloadAt);
  return Array.from({ length: bytes.readUInt32LE(BATCH.count) }, (_, i) => {
    const at = BATCH.records + i * BATCH.stride;
    const from = payload + bytes.readUInt32LE(at + RECORD.dataOffset);
    return Uint8Array.from(bytes.subarray(from, from + bytes.readUInt32LE(at + RECORD.dataLen)));
  });
}

async function full(loaded: LoadedModule): Promise<string> {
  const frames = framesOfTests(loaded);
  const many = Array.from({ length: MANY }, (_, i) => frames[i % frames.length] ?? new Uint8Array(60));
  const instance = await ModuleInstance.create(loaded);
  let batches = 0;
  for (const batch of batchesFrom(many)) {
    instance.inspect(batch, 1);
    batches++;
  }
  const { findings, findingsDropped, recordsSkipped, calls } = instance.stats;
  if (recordsSkipped > 0) throw new Error(`${recordsSkipped} packets were skipped: not even one record's findings fit into the output`);
  if (findingsDropped > 0) throw new Error(`${findingsDropped} of ${findings + findingsDropped} findings were dropped: stop before the output is full, and say OUTPUT_FULL`);
  return `${findings} findings in ${batches} batches and ${calls} calls`;
}

async function findingsOf(loaded: LoadedModule, batches: readonly Uint8Array[]): Promise<string> {
  const instance = await ModuleInstance.create(loaded);
  return batches.flatMap((batch) => instance.inspect(batch, 1)).map(({ ruleId, severity }) => `${ruleId}/${severity}`).join();
}

async function repeatable(loaded: LoadedModule, seed: number): Promise<string> {
  const frames = [...framesOfTests(loaded), ...randomFrames(seed, FRAMES)];
  const whole = await findingsOf(loaded, batchesFrom(frames));
  if ((await findingsOf(loaded, batchesFrom(frames))) !== whole) throw new Error("a second run finds something else: is there something random, or a clock?");
  // Times must be the same: one batch is cut into its records.
  const cut = batchesFrom(frames).flatMap((batch) => singles(batch));
  if ((await findingsOf(loaded, cut)) !== whole) throw new Error("packets one by one find something else than in one batch");
  return whole === "" ? "nothing found" : `${whole.split(",").length} findings`;
}

/** Each record of a batch as a batch. */
function singles(batch: Uint8Array): Uint8Array[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  return Array.from({ length: view.getUint32(BATCH.count, true) }, (_, i) => {
    const at = BATCH.records + i * BATCH.stride;
    const length = view.getUint32(at + RECORD.dataLen, true);
    const from = view.getUint32(BATCH.payloadAt, true) + view.getUint32(at + RECORD.dataOffset, true);
    const one = new Uint8Array(BATCH.records + BATCH.stride + Math.ceil(length / 8) * 8);
    one.set(batch.subarray(0, BATCH.records));
    one.set(batch.subarray(at, at + BATCH.stride), BATCH.records);
    one.set(batch.subarray(from, from + length), BATCH.records + BATCH.stride);
    const out = new DataView(one.buffer);
    out.setUint32(BATCH.count, 1, true);
    out.setUint32(BATCH.payloadAt, BATCH.records + BATCH.stride, true);
    out.setUint32(BATCH.payloadLen, one.length - BATCH.records - BATCH.stride, true);
    out.setUint32(BATCH.records + RECORD.dataOffset, 0, true);
    return one;
  });
}

async function memory(loaded: LoadedModule, seed: number): Promise<string> {
  const instance = await ModuleInstance.create(loaded);
  const load = (round: number): void => {
    for (const batch of batchesFrom([...framesOfTests(loaded), ...randomFrames(seed + round, FRAMES)])) instance.inspect(batch, 1);
  };
  // Tables may fill at first.
  for (let round = 0; round < ROUNDS; round++) load(round);
  const before = instance.memory.bytes;
  for (let round = ROUNDS; round < 3 * ROUNDS; round++) load(round);
  const { bytes, maxBytes } = instance.memory;
  if (bytes > before * 1.5) throw new Error(`it grew from ${before} to ${bytes} bytes: what is taken per packet must be given back`);
  return `${Math.round(bytes / 1024)} of ${Math.round(maxBytes / 1024)} KiB`;
}

async function capture(loaded: LoadedModule, path: string): Promise<string> {
  const instance = await ModuleInstance.create(loaded);
  const found = new Map<number, number>();
  let packets = 0;
  for (const { bytes, packets: list } of batchesOf(readCapture(chunksOfFile(path)))) {
    packets += list.length;
    for (const { ruleId } of instance.inspect(bytes, 1)) found.set(ruleId, (found.get(ruleId) ?? 0) + 1);
  }
  for (const { ruleId } of instance.flush()) found.set(ruleId, (found.get(ruleId) ?? 0) + 1);
  const rules = [...found].sort(([a], [b]) => a - b).map(([rule, times]) => `${rule} (${times} times)`).join(", ");
  return `${packets} packets, ${found.size === 0 ? "nothing found" : `rules ${rules}`}`;
}
