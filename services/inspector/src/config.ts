import { DEFAULT_POLICY, DEFAULT_POOL, TOKEN_PATTERN } from "@secuxflow/contracts";
import { natsSettings } from "@secuxflow/nats";
import { durationMs, serviceSchema } from "@secuxflow/service-kit";
import { z } from "zod";

const MIB = 1024 * 1024;
const name = () => z.string().regex(TOKEN_PATTERN, "Expected 1 to 64 letters, digits, _ or -");

/** Everything that can be configured. `--help` and README list it. `instance` is the inspector's id in its pool. */
export const InspectorConfig = serviceSchema({
  policy: name().default(DEFAULT_POLICY).describe("the policy that says which modules are known"),
  pool: name().default(DEFAULT_POOL).describe("the pool whose frames are inspected"),
  nats: natsSettings.prefault({}),
  modules: z.object({
    dir: z.string().min(1).default("wasm/dist").describe("folder with the modules (*.wasm)"),
    names: z.array(name()).max(32).default([]).describe("modules to run; without any, all in the folder"),
    rescan: durationMs({ min: 100, max: 3_600_000 }).prefault("5s")
      .describe("how often the folder is looked at for new versions"),
    trustedKeys: z.array(z.string().min(1)).max(64).default([])
      .describe("PEM files, or folders of them, with the Ed25519 keys whose pushed modules and rules are run; without any, no pushed module is"),
    drain: durationMs({ min: 0, max: 3_600_000 }).prefault("60s")
      .describe("how long flows stay with the version of a module that they began with when a new one comes"),
  }).prefault({}),
  workers: z.int().min(1).max(32).default(1).describe("threads that run modules; partitions are divided among them"),
  limits: z.object({
    callTime: durationMs({ min: 10, max: 60_000 }).prefault("250ms").describe("longest call of a module"),
    loadTime: durationMs({ min: 100, max: 600_000 }).prefault("10s").describe("longest start of a module, self-test included"),
    memoryMb: z.int().min(1).max(4_096).default(256).describe("memory of one module in one thread, MiB"),
    strikes: z.int().min(1).max(100).default(3).describe("faults of a module until it is quarantined"),
    queueBytes: z.int().min(MIB).max(4_096 * MIB).default(64 * MIB).describe("bytes of frames that wait for one thread"),
    queuePackets: z.int().min(1).max(100_000_000).default(500_000).describe("packets that wait for one thread"),
    flows: z.int().min(16).max(1_048_576).default(65_536).describe("flows that are summed up in one reporting interval"),
  }).prefault({}),
  leases: z.object({
    ttl: durationMs({ min: 300, max: 60_000 }).prefault("1500ms")
      .describe("a member silent for so long has lost its partitions; the same in the whole pool"),
  }).prefault({}),
  stats: z.object({
    interval: durationMs({ min: 100, max: 60_000 }).prefault("1s")
      .describe("time between two reports of counters, status and flows"),
  }).prefault({}),
});
export type InspectorConfig = z.output<typeof InspectorConfig>;
