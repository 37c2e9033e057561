import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import { runEvader } from "./evader.js";

const DATA = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const FOLDER = join(DATA, "suricata-verify/tests/http-evader");

describe.skipIf(!existsSync(FOLDER))("HTTP Evader", () => {
  it("finds in every capture what a browser would see", async () => {
    const results = runEvader(FOLDER, await compileEntry("engine/http/test-entry.ts"));
    const failures = results.filter(({ reason }) => reason !== "");
    console.log(`HTTP Evader: ${results.length - failures.length} of ${results.length}`);
    expect(failures).toEqual([]);
  });
});
