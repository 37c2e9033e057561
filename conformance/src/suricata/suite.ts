import { readFileSync } from "node:fs";
import { loadModule } from "@secuxflow/module-host";
import { modulePath } from "@secuxflow/wasm";
import { dataFolder, filesBelow, nameIn } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";
import { runCase } from "./run-case.js";
import type { CaseResult } from "./run-case.js";
import { readTestCase } from "./test-case.js";

/** Runs the folder's tests one after the other, each in a fresh instance of the module. */
export async function runSuricataVerify({ data, filter }: SuiteOptions): Promise<Outcome[]> {
  const folder = dataFolder("suricata-verify", data);
  const module = loadModule(readFileSync(process.env.SECUXFLOW_IPS_MODULE ?? modulePath("ips")));
  const outcomes: Outcome[] = [];
  for (const file of filesBelow(folder, "test.yaml")) {
    const id = nameIn(folder, file).replace(/\/?test\.yaml$/, "").replace(/^tests\//, "");
    if (filter !== undefined && !id.includes(filter)) continue;
    let result: CaseResult;
    try {
      result = await runCase(readTestCase(file), module);
    } catch (error) {
      result = { result: "failed", reason: String(error) };
    }
    const reason = result.result === "passed" ? "" : result.reason;
    outcomes.push({ id, result: result.result, reason, part: id.startsWith("http-evader/") ? "HTTP Evader" : "others" });
  }
  return outcomes;
}
