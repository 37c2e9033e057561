import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { dataFolder, filesBelow } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";
import { Detectors } from "./detectors.js";
import { kindOf, readInjectionTest, trimEnd } from "./test-file.js";

/** libinjection's own tests: tokens, folding and fingerprints of SQL, tokens of HTML, and script injection. */
export async function runLibinjection({ data, filter }: SuiteOptions): Promise<Outcome[]> {
  const files = filesBelow(dataFolder("libinjection", data), ".txt").filter((file) => basename(file).startsWith("test-"));
  const detectors = await Detectors.create();
  return files
    .filter((file) => filter === undefined || basename(file).includes(filter))
    .map((file) => runTest(basename(file, ".txt"), readFileSync(file, "latin1"), detectors));
}

function runTest(id: string, text: string, detectors: Detectors): Outcome {
  const kind = kindOf(id);
  const test = readInjectionTest(text);
  if (kind === undefined) return { id, result: "skipped", reason: "its name does not say what is tested" };
  if (test === undefined) return { id, result: "failed", reason: "the file has not the three sections of a test", part: kind };
  const printed = trimEnd(detectors.print(kind, test.input));
  if (printed === test.expected) return { id, result: "passed", reason: "", part: kind };
  return { id, result: "failed", reason: `prints ${JSON.stringify(printed)}, not ${JSON.stringify(test.expected)}`, part: kind };
}
