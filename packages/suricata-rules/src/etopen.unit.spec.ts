import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileRules } from "./compile.js";

const folder = join(
  process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../shared/conformance"),
  "etopen-2025",
);

describe.skipIf(!existsSync(folder))("Emerging Threats Open", () => {
  it("compiles, but for what is refused by name", () => {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith(".rules"))
      .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
    const { rules, refused } = compileRules(files);
    const reasons = new Map<string, number>();
    // The same sid and rev twice is one rule.
    for (const { kind, reason } of refused) if (kind !== "duplicate") reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const bad = [...reasons.values()].reduce((sum, count) => sum + count, 0);
    if (bad > 0) console.info("refused", [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 20));
    expect(rules.length).toBeGreaterThan(13_000);
    expect(bad / (rules.length + bad)).toBeLessThanOrEqual(0.01);
  }, 60_000);
});
