#!/usr/bin/env node
// npm test: the set-up where it is needed, then every check there is. It goes on after a failure, so that all are seen.
import "./lib/node-version.mjs";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { namesOf, parseOptions } from "./lib/options.mjs";
import { RESULTS, ROOT } from "./lib/paths.mjs";
import { runStage } from "./lib/run-stage.mjs";
import { setUp } from "./lib/set-up.mjs";
import { filesBelow } from "./lib/stamp.mjs";
import { countTap, countVitest, formatReport, refuseEmpty, summaryLine, totals } from "./lib/test-report.mjs";

const CHECKS = ["tools", "lint", "arch", "knip"];
const TIERS = ["unit", "int", "e2e"];
const USAGE = `Usage: npm test -- [--tier NAME,NAME] [--filter PATTERN] [FILE …]

  --tier     these stages alone: ${[...CHECKS, ...TIERS].join(", ")} (default: all; with --filter or files: ${TIERS.join(", ")})
  --filter   only tests whose full name matches this regular expression
  FILE       only test files whose path contains this

Tests that need root, the kernel, nats-server or Docker are skipped where those are missing;
SECUXFLOW_REQUIRE=kernel,nats,docker makes that a failure.`;

const { values, positionals } = parseOptions(USAGE, { tier: { type: "string", multiple: true }, filter: { type: "string", short: "t" } }, { positionals: true });
const narrowed = values.filter !== undefined || positionals.length > 0;
const stages = namesOf(values.tier, [...CHECKS, ...TIERS], "--tier", USAGE) ?? (narrowed ? TIERS : [...CHECKS, ...TIERS]);

let interrupted = false;
process.on("SIGINT", () => (interrupted = true)); // the stage gets it too and cleans up

if (!(await setUp({ quiet: true }))) {
  console.log(summaryLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(1);
}
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });
const results = [];
for (const stage of [...CHECKS, ...TIERS].filter((name) => stages.includes(name))) {
  if (interrupted) break;
  console.log(`\n== ${stage}`);
  const result = await (TIERS.includes(stage) ? runTier(stage) : runCheck(stage));
  results.push({ stage, ...result });
}
const sums = totals(results);
// A filter may fit no test of one tier, but it must fit some test.
if (narrowed && sums.passed + sums.failed + sums.skipped === 0) {
  results.push({ stage: "filter", passed: 0, failed: 1, skipped: 0, seconds: 0, skips: [], failures: [{ name: "no test", message: "nothing fits the filter" }] });
}
if (interrupted) console.log("\ninterrupted: what follows is not all");
console.log(formatReport(results));
const final = totals(results);
console.log(summaryLine(final));
process.exitCode = interrupted ? 130 : final.failed > 0 ? 1 : 0;

/** One tier of vitest. */
async function runTier(tier) {
  const report = join(RESULTS, `${tier}.json`);
  const { status, seconds } = await runStage(tier, [
    "node_modules/vitest/vitest.mjs", "run", "--project", tier,
    "--reporter=default", "--reporter=json", `--outputFile.json=${relative(ROOT, report)}`,
    ...(values.filter === undefined ? [] : ["--testNamePattern", values.filter]),
    ...(narrowed ? ["--passWithNoTests"] : []),
    ...positionals,
  ]);
  const json = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
  const counted = countVitest(json, status, values.filter === undefined ? undefined : new RegExp(values.filter));
  if (status !== 0 && counted.failed === 0) counted.failures.push({ name: "vitest", message: `ended with status ${status}` });
  return { seconds, ...(narrowed && status === 0 ? counted : refuseEmpty(tier, counted)) };
}

/** A check that counts as one, and the tools' own tests. */
async function runCheck(check) {
  if (check === "tools") {
    const tap = join(RESULTS, "tools.tap");
    const files = filesBelow(join(ROOT, "tools"), (name) => name.endsWith(".test.mjs")).map((file) => relative(ROOT, file));
    const to = (reporter, destination) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination}`];
    const { status, seconds } = await runStage(check, ["--test", ...to("spec", "stdout"), ...to("tap", tap), ...files]);
    return { seconds, ...refuseEmpty(check, countTap(existsSync(tap) ? readFileSync(tap, "utf8") : "", status)) };
  }
  const commands = {
    lint: ["node_modules/eslint/bin/eslint.js", ".", "--max-warnings", "0"],
    arch: ["tools/arch.mjs"],
    knip: ["node_modules/knip/bin/knip.js", "--no-progress"],
  };
  const { status, seconds } = await runStage(check, commands[check]);
  const failures = status === 0 ? [] : [{ name: check, message: `ended with status ${status}, see above or ${relative(ROOT, join(RESULTS, `${check}.log`))}` }];
  return { passed: status === 0 ? 1 : 0, failed: failures.length, skipped: 0, seconds, skips: [], failures };
}
