export { compileProgram, compileSecLang, type CompiledSecLang, type CompileOptions } from "./compile.js";
export { SecLangError, type Position } from "./errors.js";
export { EXCLUSION_IDS, freeExclusionId, pathOf, renderExclusions, suggestedExclusions } from "./exclusions.js";
export type { Exclusion as RuleExclusion, ExclusionGroup } from "./exclusions.js";
export type * from "./ir.js";
export { parseSecLang, type FileReader, type SourceFile } from "./parse.js";
export { readOperator } from "./operators.js";
/** Numbers that images and the engine share; a test compares them with the engine's. */
export * as numbers from "./numbers.js";
