import { AddressError, DEFAULT_POLICY, DEFAULT_POOL, parsePrefix, PortsText, ProtocolText, TOKEN_PATTERN } from "@secuxflow/contracts";
import { natsSettings } from "@secuxflow/nats";
import { durationMs, serviceSchema } from "@secuxflow/service-kit";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { KERNEL_LIMITS } from "./dataplane/domain/layout.js";

const token = z.string().regex(TOKEN_PATTERN, "Expected 1 to 64 letters, digits, _ or -");

const prefixOrAny = z.string().superRefine((text, context) => {
  if (text === "any") return;
  try {
    parsePrefix(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

/** An interface: its name, or an object that also names a network namespace and a mode. */
const interfaceSetting = z.union([
  z.string().min(1).max(15).transform((name) => ({ name, mode: "auto" as const, netns: undefined })),
  z.strictObject({
    name: z.string().min(1).max(15),
    netns: z.string().min(1).optional(),
    mode: z.enum(["auto", "native", "generic"]).default("auto"),
  }),
]);

const allowEntry = z.strictObject({
  src: prefixOrAny.default("any"),
  dst: prefixOrAny.default("any"),
  proto: ProtocolText.default("any"),
  sport: PortsText.optional(),
  port: PortsText.optional(),
});

const powerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n));

/** Everything that can be configured. `--help` and README list it. */
export const AgentConfig = serviceSchema({
  agentId: token.default(hostname().replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64) || "agent").describe("name of this agent in status and metrics; one running agent a name"),
  policy: token.default(DEFAULT_POLICY).describe("the policy that is put in force"),
  nats: natsSettings.prefault({}),
  interfaces: z.array(interfaceSetting).max(32).default([]).describe("interfaces to filter: a name, or {name, netns, mode}"),
  allow: z.array(allowEntry).max(KERNEL_LIMITS.allowed).default([])
    .describe("management allow-list, {src, dst, proto, sport, port}: passes before any rule, so that no rule can cut off administration or NATS"),
  bpf: z.object({
    object: z.string().min(1).default(fileURLToPath(new URL("../../../bpf/build/secuxflow.bpf.o", import.meta.url))).describe("the compiled XDP program"),
    pinFolder: z.string().regex(/^\/sys\/fs\/bpf\/.+/, "Expected a folder below /sys/fs/bpf").default("/sys/fs/bpf/secuxflow").describe("where maps and links are pinned; one running agent a folder"),
    onExit: z.enum(["keep", "detach"]).default("keep").describe("keep: go on filtering without the agent; detach: leave nothing behind"),
  }).prefault({}),
  capacity: z.object({
    imageBytes: z.int().min(2 ** 20).max(2 ** 29).refine(powerOfTwo, "Expected a power of two").default(32 * 1024 * 1024)
      .describe("memory of a compiled policy, of which there are three; about 200 bytes a rule"),
    setBytes: z.int().min(2 ** 20).max(2 ** 29).refine(powerOfTwo, "Expected a power of two").default(16 * 1024 * 1024)
      .describe("memory of all compiled address sets, three times; about 20 bytes an address"),
  }).prefault({}),
  stateDir: z.string().min(1).default("/var/lib/secuxflow-agent").describe("where the last good policy is kept, for a start without NATS"),
  sampling: z.object({
    pool: token.default(DEFAULT_POOL).describe("inspector pool that gets the forwarded packets"),
    ringBytes: z.int().min(65_536).max(2 ** 30).refine(powerOfTwo, "Expected a power of two").default(16 * 1024 * 1024).describe("ring buffer between kernel and agent"),
    frameBytes: z.int().min(16_384).max(1_048_576).default(131_072).describe("longest frame (batch of packets) sent to NATS; below the server's max_payload"),
    outstandingBytes: z.int().min(1_048_576).max(2 ** 30).default(32 * 1024 * 1024).describe("bytes that NATS may be behind before frames are dropped (and counted)"),
    hashSeed: z.int().min(0).max(2 ** 32 - 1).default(0).describe("seed of the flow hash; the same on all agents of a pool"),
  }).prefault({}),
  services: z.object({
    netns: z.string().startsWith("/").optional().describe("path of the network namespace that services are reached from; default: the agent's own"),
    docker: z.string().startsWith("/").optional().describe("socket of a Docker engine, to find containers by name or address; who may open it is root on its host"),
    snaplen: z.int().min(64).max(9_216).default(9_216).describe("bytes of a copy for modules that inspect a service"),
    interval: durationMs({ min: 100, max: 60_000 }).prefault("2s").describe("time between two looks at the host's interfaces for services"),
  }).prefault({}),
  intervals: z.object({
    status: durationMs({ min: 100, max: 10_000 }).prefault("1s").describe("time between two reports of status and counters"),
    attachment: durationMs({ min: 50, max: 2_000 }).prefault("500ms").describe("time between two looks at the interfaces"),
  }).prefault({}),
});
export type AgentConfig = z.output<typeof AgentConfig>;
