import { writeFileSync } from "node:fs";
import { DataMissing } from "./data.js";
import { parseCommandLine, UsageError } from "./options.js";
import { reportOf, textOf } from "./report.js";
import type { SuiteReport } from "./report.js";
import { SUITES, USAGE } from "./suites.js";

async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.help) {
    console.log(USAGE);
    return 0;
  }
  const suite = SUITES[command.suite];
  if (suite === undefined) throw new UsageError(`there is no suite ${JSON.stringify(command.suite)}`);
  let report: SuiteReport;
  try {
    report = reportOf(command.suite, await suite.run(command));
  } catch (error) {
    // Without data nothing was tested. That is said, and is only right when nobody asked for these data.
    if (!(error instanceof DataMissing) || command.data !== undefined) throw error;
    report = reportOf(command.suite, [{ id: command.suite, result: "skipped", reason: error.message }]);
  }
  console.log(textOf(report));
  if (command.json !== undefined) writeFileSync(command.json, `${JSON.stringify(report, null, 2)}\n`);
  return report.failed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
    else console.error(error instanceof DataMissing ? error.message : error);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
