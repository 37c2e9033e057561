import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compileSecLang } from "@secuxflow/seclang";
import type { CompiledSecLang, CompileOptions } from "@secuxflow/seclang";

const FOLDER = join(import.meta.dirname, "../modules/waf/rules");

/**
 * Compiles the waf module's own rules (modules/waf/rules), for requests where the Core Rule Set is not there.
 * @throws Error when one of them does not compile, saying where
 */
export function compileWafRules(options: Omit<CompileOptions, "read"> = {}): CompiledSecLang {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".conf")).sort();
  const files = names.map((name) => ({ name, text: readFileSync(join(FOLDER, name)) }));
  const compiled = compileSecLang(files, { ...options, read: (name) => readFileSync(join(FOLDER, basename(name))) });
  const [refused] = compiled.refused;
  if (refused !== undefined) throw new Error(`${refused.file}:${refused.line}:${refused.column}: ${refused.reason}`);
  return compiled;
}
