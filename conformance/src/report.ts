/** What every suite tells, as `--json` writes it. */
export interface SuiteReport {
  readonly suite: string;
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  /** Not runnable here; each is in `failures` as well, with its reason. */
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** Shares of the total that are of interest by themselves. */
  readonly parts?: Readonly<Record<string, { readonly total: number; readonly passed: number }>>;
}

export interface Failure {
  readonly id: string;
  readonly reason: string;
  /** Absent for a failure. */
  readonly skipped?: true;
}

/** One test of a suite. */
export interface Outcome {
  readonly id: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why not; empty when it passed. */
  readonly reason: string;
  readonly part?: string;
}

/** Counts outcomes. */
export function reportOf(suite: string, outcomes: readonly Outcome[]): SuiteReport {
  const count = (result: Outcome["result"]): number => outcomes.filter((outcome) => outcome.result === result).length;
  const parts: Record<string, { total: number; passed: number }> = {};
  for (const { part, result } of outcomes) {
    if (part === undefined || result === "skipped") continue;
    const sum = (parts[part] ??= { total: 0, passed: 0 });
    sum.total++;
    if (result === "passed") sum.passed++;
  }
  return {
    suite,
    total: outcomes.length,
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    failures: outcomes
      .filter(({ result }) => result !== "passed")
      .map(({ id, reason, result }) => ({ id, reason, ...(result === "skipped" && { skipped: true as const }) })),
    ...(Object.keys(parts).length > 0 && { parts }),
  };
}

const percent = (part: number, whole: number): string => (whole === 0 ? "—" : `${((100 * part) / whole).toFixed(2)} %`);

/** The report for people: the failures, then the counts. */
export function textOf({ suite, total, passed, failed, skipped, failures, parts = {} }: SuiteReport): string {
  const lines = failures.map(({ id, reason, skipped: notRun }) => `${notRun === true ? "- skipped" : "✗ failed "} ${id}: ${reason}`);
  for (const [name, part] of Object.entries(parts)) lines.push(`${name}: ${part.passed} of ${part.total}`);
  lines.push(
    `${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped of ${total}; ${percent(passed, total - skipped)} of those that ran`,
  );
  return lines.join("\n");
}
