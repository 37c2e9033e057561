import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compileProgram, parseSecLang, readOperator } from "@secuxflow/seclang";
import type { Rule } from "@secuxflow/seclang";
import type { Outcome } from "../report.js";
import { RuleEngine } from "./rule-engine.js";
import { operatorInput } from "./vector.js";
import type { Vector } from "./vector.js";

/** So many vectors are tried in one transaction. */
const BATCH = 500;

type Read = (name: string) => string;

/** Tries operators. @returns a function that judges the vectors of a file; `folder`: where op/ with data files is */
export async function operatorRunner(folder: string): Promise<(name: string, vectors: readonly Vector[]) => Outcome[]> {
  const engine = await RuleEngine.create();
  const read: Read = (name) => readFileSync(join(folder, "op", basename(name)), "latin1");
  return (name, vectors) => {
    const outcomes: Outcome[] = [];
    for (let from = 0; from < vectors.length; from += BATCH) {
      outcomes.push(...runBatch(engine, vectors.slice(from, from + BATCH), read, (n) => `operators/${name}#${from + n}`));
    }
    return outcomes;
  };
}

/** One rule for each vector, each on a header of its own. */
function runBatch(engine: RuleEngine, vectors: readonly Vector[], read: Read, idOf: (n: number) => string): Outcome[] {
  const text = vectors.map((_, n) => `SecRule REQUEST_HEADERS:v${n} "@noMatch" "id:${n + 1},phase:1,pass"`).join("\n");
  const program = parseSecLang([{ name: "vectors", text }]);
  const refused = new Map<number, string>();
  const items = program.items.map((item, n) => {
    const rule = item as Rule;
    const { name, param } = vectors[n] ?? { name: "", param: "" };
    try {
      const operator = readOperator(`@${name} ${Buffer.from(param, "utf8").toString("latin1")}`, read);
      return { ...rule, links: rule.links.map((link) => ({ ...link, operator })) };
    } catch (error) {
      refused.set(n, error instanceof Error ? error.message : String(error));
      return rule;
    }
  });
  const compiled = compileProgram({ ...program, items });
  const matched = engine.matches(compiled.image, vectors.map(({ input }, n) => [`v${n}`, operatorInput(input)]));
  return vectors.map(({ name, param, input, ret }, n) => {
    const why = refused.get(n);
    if (why !== undefined) return { id: idOf(n), result: "skipped", reason: why };
    if (matched.has(n + 1) === (ret === 1)) return { id: idOf(n), result: "passed", reason: "", part: "operators" };
    const verb = matched.has(n + 1) ? "matches" : "does not match";
    return { id: idOf(n), result: "failed", reason: `@${name} ${param} ${verb} ${JSON.stringify(input)}`, part: "operators" };
  });
}
