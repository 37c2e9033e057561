import { parseArgs } from "node:util";
import { parseBenchOptions, UsageError } from "./options.js";
import { table, writeJson } from "./report.js";
import { SUITES, USAGE } from "./suites.js";

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "string" }, rounds: { type: "string" }, seconds: { type: "string" }, rules: { type: "string" }, shapes: { type: "string" }, requests: { type: "string" }, help: { type: "boolean" },
    },
  });
  const [name = ""] = positionals;
  const suite = SUITES[name];
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (!suite) throw new UsageError(`there is no suite ${JSON.stringify(name)}`);
  const result = await suite.run(parseBenchOptions(values));
  console.log(table(name, result));
  if (values.json !== undefined) writeJson(values.json, name, result);
  return 0;
}

main().then((code) => process.exit(code), (error: unknown) => {
  if (!(error instanceof UsageError)) {
    console.error(error);
    process.exit(1);
  }
  console.error(error.message);
  console.error(USAGE);
  process.exit(2);
});
