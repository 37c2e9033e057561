export { compileRegex } from "./compile.js";
export { anyOfLiterals } from "./literals.js";
export { LIMITS, RegexSyntaxError } from "./types.js";
export type { CompiledRegex, Literal, LiteralFormula } from "./types.js";
