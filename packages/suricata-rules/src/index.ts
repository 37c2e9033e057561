// Suricata rules: text to checked rules, and checked rules to images.

export { BUFFERS, bufferById, bufferByName, PAYLOAD } from "./buffers.js";
export type { BufferDefinition, Stage } from "./buffers.js";
export { compileRules } from "./compile.js";
export type { Compilation, CompileOptions, RuleFile } from "./compile.js";
export type { ConfigFile } from "./configuration.js";
export { compileSuricata, encodeSuricata } from "./image/index.js";
export type { EncodeOptions, SuricataImage } from "./image/index.js";
export { APP_EVENTS, DECODE_EVENTS, STREAM_EVENT_BASE, STREAM_EVENTS } from "./events.js";
export type * from "./ir.js";
export { protocolByName, PROTOCOLS } from "./protocols.js";
export type { Protocol } from "./protocols.js";
export type { Variables } from "./variables.js";
