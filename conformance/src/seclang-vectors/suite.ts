import { basename, dirname } from "node:path";
import { dataFolder, filesBelow, nameIn } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";
import { operatorRunner } from "./operators.js";
import { transformationRunner } from "./transformations.js";
import { readVectors } from "./vector.js";

/** Coraza's vectors of SecLang's operators and transformations. */
export async function runSecLangVectors({ data, filter }: SuiteOptions): Promise<Outcome[]> {
  const folder = dataFolder("seclang-vectors", data);
  const outcomes: Outcome[] = [];
  const runners = new Map<string, Awaited<ReturnType<typeof operatorRunner>>>();
  for (const file of filesBelow(folder, ".json")) {
    const home = dirname(file);
    const kind = basename(home);
    if (kind !== "operators" && kind !== "transformations") continue;
    if (filter !== undefined && !nameIn(folder, file).includes(filter)) continue;
    const runner = runners.get(home) ?? (await (kind === "operators" ? operatorRunner(home) : transformationRunner()));
    runners.set(home, runner);
    outcomes.push(...runner(basename(file, ".json"), readVectors(file)));
  }
  return outcomes;
}
