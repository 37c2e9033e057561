import { readFileSync } from "node:fs";
import { compileSuricata } from "@secuxflow/suricata-rules";
import { dataFolder, filesBelow, nameIn } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";

/** Compiles all rule files of the folder as one rule set, as an import does. Rules that are commented out do not count. */
export function runEtOpen({ data, filter }: SuiteOptions): Outcome[] {
  const folder = dataFolder("etopen-2025", data);
  const files = filesBelow(folder, ".rules").map((file) => ({ name: nameIn(folder, file), text: readFileSync(file, "utf8") }));
  const { rules, refused } = compileSuricata(files, {});
  const outcomes: Outcome[] = rules.map(({ sid }) => ({ id: String(sid), result: "passed", reason: "" }));
  for (const { sid, file, line, column, reason } of refused) {
    const at = `${file}:${line}:${column}`;
    outcomes.push({ id: sid === undefined ? at : String(sid), result: "failed", reason: `${at}: ${reason}` });
  }
  return filter === undefined ? outcomes : outcomes.filter(({ id }) => id.includes(filter));
}
