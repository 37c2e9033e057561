import { createHash } from "node:crypto";
import { ABI_MAJOR } from "@secuxflow/inspect-abi";
import { ModuleRejected } from "./errors.js";
import { openRuleSet, RuleImageError } from "@secuxflow/rule-image";
import type { RuleSet } from "@secuxflow/rule-image";
import { manifestOf, RULES_SECTION } from "./manifest.js";
import type { ModuleManifest, SelfTestVector } from "./manifest.js";
import { isAllowedWasiImport } from "./wasi.js";
import { summarizeWasm } from "./wasm-binary.js";

/** What the host grants at most; a manifest may ask for less. */
export interface HostLimits {
  readonly wasmBytesMax: number;
  /** Pages of 64 KiB that the memory section may declare. */
  readonly memoryPagesMax: number;
  /** Output of one call. */
  readonly outputBytesMax: number;
  readonly findingsPerCallMax: number;
  readonly attributeBytesMax: number;
}

export const defaultLimits: HostLimits = {
  wasmBytesMax: 32 * 1024 * 1024,
  memoryPagesMax: 4096,
  outputBytesMax: 4 * 1024 * 1024,
  findingsPerCallMax: 65_536,
  attributeBytesMax: 163_840,
};

/** A module that was checked and compiled; it can be posted to a worker as it is. */
export interface LoadedModule {
  readonly module: WebAssembly.Module;
  readonly manifest: ModuleManifest;
  readonly selfTests: readonly SelfTestVector[];
  /** Of the binary, in hexadecimal. */
  readonly sha256: string;
  readonly memoryPages: { readonly min: number; readonly max: number };
  readonly usesWasi: boolean;
  /** Rules that it brings along, in force until others are loaded. */
  readonly builtinRules?: RuleSet;
}

const plainImports: ReadonlySet<string> = new Set(["secuxflow.log", "env.abort"]);

function checkMemory(
  summary: ReturnType<typeof summarizeWasm>,
  manifest: ModuleManifest,
  limits: HostLimits,
): { min: number; max: number } {
  const { memory } = summary;
  if (memory === undefined) throw new ModuleRejected("memory", "the module defines no memory of its own");
  if (memory.shared) throw new ModuleRejected("memory", "shared memory is not allowed");
  if (memory.maxPages === undefined) throw new ModuleRejected("memory", "the memory has no declared maximum");
  const allowed = Math.min(manifest.memoryPagesMax, limits.memoryPagesMax);
  if (memory.maxPages > allowed) {
    throw new ModuleRejected(
      "memory",
      `the memory may grow to ${memory.maxPages} pages; the manifest says ${manifest.memoryPagesMax}, ` +
        `the host allows ${limits.memoryPagesMax}`,
    );
  }
  return { min: memory.minPages, max: memory.maxPages };
}

function checkImports(module: WebAssembly.Module): boolean {
  let usesWasi = false;
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const wasi = isAllowedWasiImport(from, name);
    if (kind !== "function" || !(wasi || plainImports.has(`${from}.${name}`))) {
      throw new ModuleRejected(
        "forbidden-import",
        `${kind} ${from}.${name}; allowed are secuxflow.log, env.abort and plain WASI`,
      );
    }
    usesWasi ||= wasi;
  }
  return usesWasi;
}

function checkExports(module: WebAssembly.Module): void {
  const kinds = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  const marker = `secuxflow_abi_${ABI_MAJOR}`;
  if (!kinds.has(marker)) throw new ModuleRejected("unsupported-abi", `there is no export ${marker}`);
  for (const [name, kind] of [
    ["memory", "memory"],
    ["input", "function"],
    ["inspect", "function"],
    ["output", "function"],
  ] as const) {
    if (kinds.get(name) !== kind)
      throw new ModuleRejected("missing-export", `${name} is ${kinds.get(name) ?? "not there"}, a ${kind} is needed`);
  }
  for (const name of ["configure", "rules", "load", "flush", "counters", "tick", "_initialize"]) {
    const kind = kinds.get(name);
    if (kind !== undefined && kind !== "function")
      throw new ModuleRejected("missing-export", `${name} is a ${kind}, a function is needed`);
  }
  if (kinds.has("_start")) throw new ModuleRejected("missing-export", "_start makes it a command; modules are WASI reactors");
}

/**
 * Checks everything that can be known about a module without running it (size, manifest, memory maximum, before compiling;
 * imports and exports after) and compiles it.
 * @throws ModuleRejected with the reason
 */
export function loadModule(wasm: Uint8Array, limits: Partial<HostLimits> = {}): LoadedModule {
  const all = { ...defaultLimits, ...limits };
  if (wasm.byteLength > all.wasmBytesMax) {
    throw new ModuleRejected("too-big", `${wasm.byteLength} bytes, the host allows ${all.wasmBytesMax}`);
  }
  const summary = summarizeWasm(wasm);
  const { manifest, selfTests } = manifestOf(summary);
  if (manifest.abi.major !== ABI_MAJOR) {
    throw new ModuleRejected(
      "unsupported-abi",
      `the manifest asks for ABI ${manifest.abi.major}.${manifest.abi.minor}, the host knows ${ABI_MAJOR}`,
    );
  }
  const memoryPages = checkMemory(summary, manifest, all);
  if (manifest.outputBytesMax > all.outputBytesMax) {
    throw new ModuleRejected(
      "memory",
      `the manifest asks for ${manifest.outputBytesMax} bytes of output, the host allows ${all.outputBytesMax}`,
    );
  }
  let module: WebAssembly.Module;
  try {
    // A copy with a buffer of its own, since a view of a larger one may change under the compiler.
    module = new WebAssembly.Module(Uint8Array.from(wasm));
  } catch (cause) {
    throw new ModuleRejected("malformed", cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const usesWasi = checkImports(module);
  checkExports(module);
  const builtinRules = builtinRulesOf(summary, manifest);
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  return { module, manifest, selfTests, sha256, memoryPages, usesWasi, ...(builtinRules && { builtinRules }) };
}

function builtinRulesOf(summary: ReturnType<typeof summarizeWasm>, { ruleLanguage }: ModuleManifest): RuleSet | undefined {
  const [section, ...more] = summary.custom.get(RULES_SECTION) ?? [];
  if (section === undefined) return undefined;
  if (more.length > 0) throw new ModuleRejected("bad-rules", `${RULES_SECTION} is there ${more.length + 1} times`);
  try {
    const rules = openRuleSet(section);
    if (rules.kind === ruleLanguage) return rules;
    throw new ModuleRejected("bad-rules", `its rules are ${rules.kind}, its manifest says ${ruleLanguage ?? "it takes none"}`);
  } catch (cause) {
    if (!(cause instanceof RuleImageError)) throw cause;
    throw new ModuleRejected("bad-rules", cause.message, { cause });
  }
}
