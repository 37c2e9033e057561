import { parseArgs } from "node:util";
import { table, writeJson, type SuiteResult } from "./report.js";
import { loop } from "./suites/loop.js";
import { sampling } from "./suites/sampling.js";

const SUITES: Readonly<Record<string, { title: string; run: (options: { rounds: number; seconds: number }) => Promise<SuiteResult> }>> = {
  loop: { title: "rule add → in force in the kernel; attack packet → alert stored", run: ({ rounds }) => loop(rounds) },
  sampling: { title: "packets per second from the ring buffer over NATS to a module's answer", run: ({ seconds }) => sampling(seconds) },
};

const USAGE = `usage: npm run bench -- SUITE [--json FILE] [--rounds N (500)] [--seconds N (5)]
${Object.entries(SUITES).map(([name, { title }]) => `  ${name.padEnd(10)} ${title}`).join("\n")}`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "string" }, rounds: { type: "string", default: "500" }, seconds: { type: "string", default: "5" }, help: { type: "boolean" } },
  });
  const [name = ""] = positionals;
  const suite = SUITES[name];
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (!suite || !Number.isInteger(rounds) || rounds < 1 || !(seconds > 0)) {
    console.error(suite ? "rounds and seconds are positive numbers" : `there is no suite ${JSON.stringify(name)}`);
    console.error(USAGE);
    return 2;
  }
  const result = await suite.run({ rounds, seconds });
  console.log(table(name, result));
  if (values.json !== undefined) writeJson(values.json, name, result);
  return 0;
}

main().then((code) => process.exit(code), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
