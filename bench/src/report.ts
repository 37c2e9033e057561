import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { repoRoot } from "@secuxflow/testkit";
import type { Metric } from "./statistics.js";

/** What a suite measured. `notes` say what limits the numbers, for people. */
export interface SuiteResult {
  readonly metrics: readonly Metric[];
  readonly notes: readonly string[];
}

/** The commit that was measured, with `+` where the tree differs from it. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: repoRoot(), encoding: "utf8" }).trim();
  return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
}

const shown = (value: number): string => (Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en-US") : Number(value.toPrecision(4)).toString());

/** A table for people. */
export function table(suite: string, { metrics, notes }: SuiteResult): string {
  const rows = [["metric", "unit", "median", "min", "max", "n"], ...metrics.map((m) => [m.name, m.unit, shown(m.median), shown(m.min), shown(m.max), String(m.n)])];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ").trimEnd());
  return [`${suite} at ${commit()}`, "", ...lines, "", ...notes.map((note) => `- ${note}`)].join("\n");
}

/** The document for machines. */
export function writeJson(file: string, suite: string, { metrics }: SuiteResult): void {
  writeFileSync(file, `${JSON.stringify({ suite, commit: commit(), metrics }, null, 2)}\n`);
}
