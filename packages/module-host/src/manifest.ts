import { z } from "zod";
import { ModuleRejected } from "./errors.js";
import { summarizeWasm } from "./wasm-binary.js";
import type { WasmSummary } from "./wasm-binary.js";

/** Longest manifest or self-test section, bytes. */
const MAX_SECTION_BYTES = 16 * 1024 * 1024;

const u32 = z.number().int().min(0).max(0xffff_ffff);

export const manifestRuleSchema = z.object({
  /** Small integer, never reused. */
  id: u32.min(1),
  name: z.string().min(1).max(200),
  category: z.string().min(1).max(100),
  /** 1 critical to 4 info. */
  severity: z.number().int().min(1).max(4),
  references: z.array(z.string().max(500)).max(20).default([]),
});

/** The `secuxflow.manifest` section. Keys that a later minor version adds are ignored. */
export const manifestSchema = z.object({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens, at most 63"),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "a semantic version such as 1.2.3"),
  abi: z.object({ major: z.number().int().min(1).max(65_535), minor: z.number().int().min(0).max(65_535) }),
  title: z.string().min(1).max(200),
  description: z.string().max(2000).default(""),
  takes: z.array(z.enum(["packets", "stream-chunks", "flow-ends"])).min(1),
  /** What the module can make sense of at all; empty lists mean everything. */
  prefilter: z.object({
    protocols: z.array(z.enum(["tcp", "udp", "icmp"])).default([]),
    ports: z.array(z.number().int().min(1).max(65_535)).max(1000).default([]),
  }).prefault({}),
  /** Language of the rule images that the module takes by `rules` and `load`. */
  ruleLanguage: z.enum(["suricata", "seclang"]).optional(),
  /** Pages of 64 KiB. */
  memoryPagesMax: z.number().int().min(1).max(65_536),
  outputBytesMax: z.number().int().min(64).max(64 * 1024 * 1024),
  rules: z.array(manifestRuleSchema).max(200_000),
}).superRefine((manifest, context) => {
  const seen = new Set<number>();
  manifest.rules.forEach(({ id }, i) => {
    if (seen.has(id)) context.addIssue({ code: "custom", path: ["rules", i, "id"], message: `${id} is used twice` });
    seen.add(id);
  });
});

export type ModuleManifest = z.output<typeof manifestSchema>;
export type ManifestRule = z.output<typeof manifestRuleSchema>;

/** One self-test: a batch in hexadecimal and the rules it must report, in any order, and nothing else. */
export const selfTestSchema = z.object({
  name: z.string().min(1).max(200),
  batch: z.string().regex(/^([0-9a-f]{2})+$/),
  rules: z.array(u32),
});

export type SelfTestVector = z.output<typeof selfTestSchema>;

export const MANIFEST_SECTION = "secuxflow.manifest";
export const SELF_TEST_SECTION = "secuxflow.selftest";
/** A rule image that the module starts with, for modules that take rules. */
export const RULES_SECTION = "secuxflow.rules";

function parseSection<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  if (bytes.byteLength > MAX_SECTION_BYTES) throw new ModuleRejected("bad-manifest", `${name} has ${bytes.byteLength} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ModuleRejected("bad-manifest", `${name} is not JSON in UTF-8`, { cause });
  }
  const result = schema.safeParse(json);
  if (!result.success) throw new ModuleRejected("bad-manifest", `${name}: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** Manifest and self-tests of a binary whose sections were walked already. */
export function manifestOf(summary: WasmSummary): { manifest: ModuleManifest; selfTests: SelfTestVector[] } {
  const [section, ...more] = summary.custom.get(MANIFEST_SECTION) ?? [];
  if (section === undefined) throw new ModuleRejected("no-manifest", `there is no section ${MANIFEST_SECTION}`);
  if (more.length > 0) throw new ModuleRejected("bad-manifest", `${MANIFEST_SECTION} is there ${more.length + 1} times`);
  const manifest = parseSection(manifestSchema, section, MANIFEST_SECTION);
  const tests = (summary.custom.get(SELF_TEST_SECTION) ?? [])
    .flatMap((bytes) => parseSection(z.array(selfTestSchema).max(1000), bytes, SELF_TEST_SECTION));
  return { manifest, selfTests: tests };
}

/**
 * Reads a module's manifest without compiling or running it.
 * @throws ModuleRejected when the binary or the manifest is malformed
 */
export function readManifest(wasm: Uint8Array): ModuleManifest {
  return manifestOf(summarizeWasm(wasm)).manifest;
}
