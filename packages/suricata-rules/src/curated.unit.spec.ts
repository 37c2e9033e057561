import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileRules } from "./compile.js";

const folder = join(import.meta.dirname, "../../../wasm/modules/ips/rules");
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".rules"))
  .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

describe("the rule set of the ips module", () => {
  const { rules, refused } = compileRules(files);

  it("compiles as a whole", () => {
    expect(refused).toEqual([]);
    expect(rules.length).toBeGreaterThan(150);
  });

  it("says of each rule what it is, how bad, and keeps to its own sids", () => {
    for (const rule of rules) {
      expect(rule.sid, rule.msg).toBeGreaterThanOrEqual(9_100_000);
      expect(rule.sid, rule.msg).toBeLessThan(9_110_000);
      expect(rule.category, `${rule.sid} ${rule.classtype}`).not.toBe("");
      expect(
        rule.metadata.map(({ key }) => key),
        rule.msg,
      ).toContain("signature_severity");
      expect(rule.msg).not.toBe("");
    }
    expect(new Set(rules.map(({ msg }) => msg)).size).toBeGreaterThan(rules.length * 0.9);
  });

  it("gives a prefilter something to look for, or has conditions that are cheap", () => {
    for (const rule of rules.filter(({ kind }) => kind === "payload")) {
      const regex = rule.inspections.some(({ matches }) =>
        matches.some((match) => match.type === "pcre" && match.program.literals.kind !== "always"),
      );
      expect(rule.fastPattern !== undefined || regex, `${rule.sid} ${rule.msg}`).toBe(true);
    }
  });
});
