// Counts what test runners report, and prints it.

/**
 * @typedef {object} StageResult
 * @property {string} stage
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} seconds
 * @property {{ name: string, reason: string }[]} skips
 * @property {{ name: string, message: string }[]} failures
 */

/**
 * Counts a report of vitest's JSON reporter.
 * @param {any} report
 * @param {number} status exit status of vitest: it is not 0 for errors outside of tests, which the report does not hold
 * @param {RegExp} [filter] tests that `--filter` left out are reported as skipped; only those that fit are counted
 * @returns {Pick<StageResult, "passed" | "failed" | "skipped" | "skips" | "failures">}
 */
export function countVitest(report, status, filter = /(?:)/) {
  const result = { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };
  const fail = (name, message) => {
    result.failed++;
    result.failures.push({ name, message: firstLine(message) });
  };
  for (const file of report?.testResults ?? []) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      const name = [...test.ancestorTitles, test.title].join(" > ");
      if (test.status === "passed") result.passed++;
      else if (test.status === "failed") {
        failedHere++;
        fail(`${file.name}: ${name}`, test.failureMessages?.[0]);
      } else if (filter.test(test.fullName ?? name)) {
        result.skipped++;
        result.skips.push({ name, reason: /\[skipped: (.*?)\]/.exec(name)?.[1] ?? "no reason in its title" });
      }
    }
    // a file that cannot be imported, or a hook that fails, has no failed test
    if (file.status === "failed" && failedHere === 0) fail(file.name, file.message);
  }
  if (status !== 0 && result.failed === 0 && countOf(result) > 0) fail("vitest", `ended with status ${status}: an error outside of the tests, see above`);
  return result;
}

/** Counts the last lines of a TAP report of `node --test`. */
export function countTap(text, status) {
  const number = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  const failed = number("fail") + number("cancelled");
  const names = [...text.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => ({ name, message: "see above" }));
  const result = { passed: number("pass"), failed, skipped: number("skipped") + number("todo"), skips: [], failures: names };
  if (status !== 0 && failed === 0) {
    result.failed = 1;
    result.failures.push({ name: "node --test", message: `ended with status ${status}` });
  }
  return result;
}

const countOf = ({ passed, failed, skipped }) => passed + failed + skipped;

/** A stage in which nothing ran has shown nothing: that is a failure. */
export function refuseEmpty(stage, result) {
  if (countOf(result) > 0) return result;
  return { ...result, failed: 1, failures: [...result.failures, { name: stage, message: "ran no test" }] };
}

/** The sums over all stages. */
export function totals(results) {
  const sum = (key) => results.reduce((all, result) => all + result[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), seconds: sum("seconds") };
}

/** The last line of a run. */
export const summaryLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** What people read at the end: a table of stages, what failed, what was skipped and why. */
export function formatReport(results) {
  const lines = ["", row("stage", "passed", "failed", "skipped", "seconds")];
  for (const result of [...results, { stage: "all", ...totals(results) }]) {
    lines.push(row(result.stage, result.passed, result.failed, result.skipped, result.seconds.toFixed(1)));
  }
  const failures = results.flatMap((result) => result.failures.map(({ name, message }) => `  ${result.stage}: ${name}\n      ${message}`));
  if (failures.length > 0) lines.push("", "failed:", ...failures);
  const skips = results.flatMap((result) => result.skips.map((skip) => ({ stage: result.stage, ...skip })));
  const reasons = [...new Set(skips.map((skip) => skip.reason))];
  if (skips.length > 0) lines.push("", "skipped:");
  for (const reason of reasons) {
    lines.push(`  ${reason}`);
    lines.push(...skips.filter((skip) => skip.reason === reason).map((skip) => `    ${skip.stage}: ${skip.name.replace(/ ?\[skipped: .*?\]/, "")}`));
  }
  return `${lines.join("\n")}\n`;
}

const row = (stage, ...cells) => stage.padEnd(10) + cells.map((cell) => String(cell).padStart(9)).join("");
const firstLine = (text) => (text ?? "no message").split("\n")[0];
