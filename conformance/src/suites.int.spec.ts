import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dataFolder } from "./data.js";
import { reportOf } from "./report.js";
import { SUITES } from "./suites.js";

/** Share of the tests that ran which must pass, by suite. */
const LEAST: Readonly<Record<string, { folder: string; share: number }>> = {
  etopen: { folder: "etopen-2025", share: 0.99 },
  "suricata-verify": { folder: "suricata-verify", share: 0.95 },
  crs: { folder: "crs-v4.28", share: 0.995 },
  "seclang-vectors": { folder: "seclang-vectors", share: 1 },
  libinjection: { folder: "libinjection", share: 1 },
};

const present = (folder: string): boolean => {
  try {
    return existsSync(dataFolder(folder));
  } catch {
    return false;
  }
};

describe.each(Object.entries(LEAST))("conformance", (name, { folder, share }) => {
  it.skipIf(!present(folder))(
    `${name}: at least ${share * 100} % pass (needs the data of ${folder})`,
    async () => {
      const outcomes = (await SUITES[name]?.run({ paranoia: 4 })) ?? [];
      const report = reportOf(name, outcomes);
      expect(report.total).toBeGreaterThan(100);
      const ran = report.total - report.skipped;
      const failures = report.failures.filter(({ skipped }) => skipped === undefined).map(({ id, reason }) => `${id}: ${reason.slice(0, 200)}`);
      expect(report.passed / ran, failures.slice(0, 30).join("\n")).toBeGreaterThanOrEqual(share);
    },
    240_000,
  );
});
