// The regular expressions of real rule sets.
import { compileRegex, RegexSyntaxError } from "@secuxflow/regex";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";
import { Engine } from "./harness.js";

const DATA = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const CRS = join(DATA, "crs-v4.28/rules");
const ET = join(DATA, "etopen-2025");
const missing = (folder: string) => (existsSync(folder) ? "" : `: skipped, ${folder} is not there (SECUXFLOW_CONFORMANCE)`);

let make: () => Compiled;
beforeAll(async () => {
  make = await compileEntry("engine/regex/test-entry.ts");
});

function crsPatterns(): string[] {
  const found: string[] = [];
  for (const file of readdirSync(CRS).filter((name) => name.endsWith(".conf"))) {
    const text = readFileSync(join(CRS, file), "latin1").replace(/\\\n\s*/g, "");
    for (const line of text.split("\n")) {
      const rx = line.startsWith("#") ? null : /"!?@rx ((?:\\"|[^"])*)"/.exec(line);
      if (rx?.[1] !== undefined) found.push(rx[1].replaceAll('\\"', '"'));
    }
  }
  return found;
}

function etPatterns(): { pattern: string; flags: string }[] {
  const found = new Map<string, { pattern: string; flags: string }>();
  for (const file of readdirSync(ET).filter((name) => name.endsWith(".rules"))) {
    for (const line of readFileSync(join(ET, file), "latin1").split("\n")) {
      if (!/^(alert|drop|reject)/.test(line)) continue;
      for (const [, pattern = "", letters = ""] of line.matchAll(/pcre:\s*!?\s*"\/((?:\\.|[^;])*)\/([a-zA-Z]*)"\s*;/g)) {
        const flags = letters.replace(/[^ismxAEG]/g, "").replaceAll("G", "U");
        found.set(`${pattern}/${flags}`, { pattern: pattern.replace(/\\([;"])/g, "$1"), flags });
      }
    }
  }
  return [...found.values()];
}

describe.skipIf(!existsSync(CRS))(`the OWASP CRS${missing(CRS)}`, () => {
  it("compiles to linear programs, all of it, and runs in few steps on hostile text", () => {
    const engine = new Engine(make());
    const patterns = crsPatterns();
    expect(patterns.length).toBeGreaterThan(300);
    const most = { steps: 0, pattern: "" };
    for (const pattern of patterns) {
      const { at, regex } = engine.load(pattern, "s");
      expect(regex.linear, pattern).toBe(true);
      // The expression's own bytes in pseudo-random order lead deep into it.
      const own = Buffer.from(pattern, "latin1");
      let state = own.length;
      const text = Uint8Array.from({ length: 4096 }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return own[(state >>> 10) % own.length]!;
      });
      const before = engine.steps;
      engine.test(at, text);
      const steps = (engine.steps - before) / text.length;
      if (steps > most.steps) Object.assign(most, { steps, pattern });
      engine.unload(at);
    }
    // A step is a few nanoseconds: 64 KB in 10 ms are 150 ns for each byte.
    expect(most.steps, most.pattern).toBeLessThan(40);
  });
});

describe.skipIf(!existsSync(ET))(`Emerging Threats${missing(ET)}`, () => {
  it("compiles, at least 99.5 % of it, 85 % to linear programs", () => {
    const patterns = etPatterns();
    let compiled = 0;
    let linear = 0;
    for (const { pattern, flags } of patterns) {
      try {
        const regex = compileRegex(pattern, flags);
        compiled++;
        if (regex.linear) linear++;
      } catch (error) {
        if (!(error instanceof RegexSyntaxError)) throw error;
      }
    }
    expect(patterns.length).toBeGreaterThan(1000);
    expect(compiled / patterns.length).toBeGreaterThanOrEqual(0.995);
    expect(linear / patterns.length).toBeGreaterThanOrEqual(0.85);
  });
});
