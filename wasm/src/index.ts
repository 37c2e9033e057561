import { fileURLToPath } from "node:url";

/** Modules that come with SecuXFlow. */
export const builtinModules = ["ips", "waf"] as const;

export type BuiltinModule = (typeof builtinModules)[number];

/** Where `node wasm/build.mjs` puts a module; its description `{ id, version, sha256, bytes }` is beside it as `.json`. */
export const modulePath = (id: BuiltinModule): string => fileURLToPath(new URL(`../dist/${id}.wasm`, import.meta.url));

// For the fuzzer: parts of the engine on their own, and a conversation of each protocol to start from.
export { compileEntry, entryBinary } from "./compiler/compile.js";
export type { Compiled } from "./compiler/compile.js";
export { SESSIONS } from "./sessions/packets.js";

export { compileWafRules } from "./waf-rules.js";
