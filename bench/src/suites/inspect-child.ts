// A process that does nothing but inspect, so that its memory and time are those of inspection: reads a job from its arguments,
// writes one line of JSON.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { openRuleSet } from "@secuxflow/rule-image";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";

/** What to measure. */
export interface InspectJob {
  readonly module: string;
  readonly image: string;
  /** Batches, each behind its length in a u32. */
  readonly traffic: string;
  readonly rounds: number;
}

export interface InspectMeasurement {
  /** Milliseconds from the bytes of module and image to the first batch. */
  readonly startMs: number;
  readonly rounds: readonly { readonly inspectMs: number; readonly swapMs: number; readonly findings: number }[];
  readonly rssMb: number;
  readonly wasmMb: number;
}

function* batchesIn(file: string): Generator<Uint8Array> {
  const fd = openSync(file, "r");
  const length = Buffer.alloc(4);
  const room = Buffer.alloc(1024 * 1024);
  try {
    while (readSync(fd, length) === 4) {
      const size = length.readUInt32LE();
      readSync(fd, room, 0, size, null);
      yield room.subarray(0, size);
    }
  } finally {
    closeSync(fd);
  }
}

async function main(job: InspectJob): Promise<InspectMeasurement> {
  const started = performance.now();
  const loaded = loadModule(readFileSync(job.module));
  const rules = openRuleSet(readFileSync(job.image));
  const fresh = (): Promise<ModuleInstance> => ModuleInstance.create(loaded, { configure: "checksum=0\n", rules });
  let instance = await fresh();
  const startMs = performance.now() - started;
  const rounds: { inspectMs: number; swapMs: number; findings: number }[] = [];
  let wasmMb = 0;
  for (let round = 0; round < job.rounds; round++) {
    if (round > 0) instance = await fresh();
    let [inspectMs, findings] = [0, 0];
    for (const batch of batchesIn(job.traffic)) {
      const before = performance.now();
      const found = instance.inspect(batch, 1);
      inspectMs += performance.now() - before;
      findings += found.length;
    }
    // The flows of the traffic are in the module now; they must survive the new rules.
    const before = performance.now();
    instance.loadRules(rules);
    rounds.push({ inspectMs, swapMs: performance.now() - before, findings });
    wasmMb = instance.memory.bytes / 2 ** 20;
  }
  return { startMs, rounds, rssMb: process.resourceUsage().maxRSS / 1024, wasmMb };
}

const [text = "{}"] = process.argv.slice(2);
main(JSON.parse(text) as InspectJob).then(
  (result) => console.log(JSON.stringify(result)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
