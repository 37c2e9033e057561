// Where the specs look for it; the fuzzer uses it as well, so it is no test itself.
export { compileEntry } from "../compiler/compile.js";
export type { Compiled } from "../compiler/compile.js";
