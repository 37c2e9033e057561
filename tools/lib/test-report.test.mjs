import assert from "node:assert/strict";
import { test } from "node:test";
import { countTap, countVitest, formatReport, refuseEmpty, summaryLine, totals } from "./test-report.mjs";

const one = (status, title, more = {}) => ({ status, title, ancestorTitles: ["suite"], fullName: `suite ${title}`, ...more });
const file = (name, status, ...assertionResults) => ({ name, status, message: "cannot import\nmore", assertionResults });

test("counts passed, failed and skipped tests, and takes the reason of a skip from its title", () => {
  const report = {
    testResults: [
      file("a.spec.ts", "failed", one("passed", "x"), one("failed", "y", { failureMessages: ["Error: no\n at z"] })),
      file("b.spec.ts", "passed", one("skipped", "drops [skipped: needs root]"), one("todo", "later"), one("pending", "never")),
    ],
  };
  const { skips, failures, ...counts } = countVitest(report, 1);
  assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 3 });
  assert.deepEqual(failures, [{ name: "a.spec.ts: suite > y", message: "Error: no" }]);
  assert.deepEqual(skips.map((skip) => skip.reason), ["needs root", "no reason in its title", "no reason in its title"]);
});

test("counts a file that cannot be imported as a failure", () => {
  assert.equal(countVitest({ testResults: [file("a", "failed")] }, 1).failed, 1);
  assert.equal(countVitest({ testResults: [file("a", "failed", one("passed", "x"))] }, 1).failed, 1);
});

test("counts an error outside of tests as a failure", () => {
  assert.equal(countVitest({ testResults: [file("a", "passed", one("passed", "x"))] }, 1).failed, 1);
});

test("does not count what a filter left out", () => {
  const report = { testResults: [file("a", "passed", one("passed", "wanted"), one("skipped", "other"), one("skipped", "wanted too"))] };
  const { passed, skipped } = countVitest(report, 0, /wanted/);
  assert.deepEqual({ passed, skipped }, { passed: 1, skipped: 1 });
});

test("refuses a stage in which nothing ran, also when there is no report", () => {
  assert.equal(refuseEmpty("unit", countVitest(undefined, 1)).failed, 1);
  assert.equal(refuseEmpty("unit", countVitest({ testResults: [] }, 0)).failed, 1);
  assert.equal(refuseEmpty("tools", countTap("", 0)).failed, 1);
});

test("counts TAP", () => {
  const text = "not ok 3 - third\n# tests 6\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n";
  const { passed, failed, skipped, failures } = countTap(text, 1);
  assert.deepEqual({ passed, failed, skipped }, { passed: 2, failed: 2, skipped: 2 });
  assert.equal(failures[0].name, "third");
  assert.equal(countTap("# pass 2\n# fail 0\n", 1).failed, 1);
});

test("prints a table, what failed, and what was skipped grouped by reason", () => {
  const results = [
    { stage: "unit", passed: 5, failed: 1, skipped: 0, seconds: 1, skips: [], failures: [{ name: "a: b", message: "no" }] },
    { stage: "e2e", passed: 0, failed: 0, skipped: 1, seconds: 2, failures: [], skips: [{ name: "s [skipped: needs root] > t", reason: "needs root" }] },
  ];
  const text = formatReport(results);
  assert.match(text, /unit +5 +1 +0 +1\.0\n/);
  assert.match(text, /all +5 +1 +1 +3\.0\n/);
  assert.match(text, /failed:\n {2}unit: a: b\n {6}no/);
  assert.match(text, /skipped:\n {2}needs root\n {4}e2e: s > t/);
  assert.equal(summaryLine(totals(results)), "5 passed, 1 failed, 1 skipped");
});
