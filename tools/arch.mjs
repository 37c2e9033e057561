#!/usr/bin/env node
// Checks that dependencies point one way.
import "./lib/node-version.mjs";
import { checkArchitecture } from "./lib/cruise.mjs";
import { parseOptions } from "./lib/options.mjs";
import { ROOT } from "./lib/paths.mjs";

const USAGE = "Usage: npm run arch -- [--self-test]\n\n  --self-test   plants one violation of each rule in a small copy and checks that it is found";
const { values } = parseOptions(USAGE, { "self-test": { type: "boolean" } });
if (values["self-test"]) {
  const { selfTest } = await import("./lib/arch-self-test.mjs");
  process.exitCode = (await selfTest()) ? 0 : 1;
} else {
  const { problems, modules, dependencies } = await checkArchitecture(ROOT);
  for (const problem of problems) console.error(`✗ ${problem}`);
  console.log(`architecture: ${modules} modules, ${dependencies} dependencies, ${problems.length} violations`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
