// The one place that touches the regular expression compiler.

import { type CompiledRegex, compileRegex, RegexSyntaxError } from "@secuxflow/regex";
import { RuleError } from "./errors.js";

export type { CompiledRegex } from "@secuxflow/regex";

/**
 * Programs by flags and pattern: rule sets repeat many of theirs. Belongs to one compilation, so that nothing is kept after it.
 */
export class RegexCache {
  readonly #programs = new Map<string, CompiledRegex>();

  /** Compiles, or finds, a pattern. @throws RuleError with the reason of the regular expression compiler */
  compile(source: string, flags: string, at: number): CompiledRegex {
    const key = `${flags}/${source}`;
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    try {
      const program = compileRegex(source, flags);
      this.#programs.set(key, program);
      return program;
    } catch (error) {
      if (error instanceof RegexSyntaxError) throw new RuleError("unsupported", at + error.position, `pcre: ${error.message}`);
      throw error;
    }
  }
}
