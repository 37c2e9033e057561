import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openRuleSet } from "@secuxflow/rule-image";
import type { Finding } from "@secuxflow/inspect-abi";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";
import { compileSecLang } from "@secuxflow/seclang";
import { modulePath } from "@secuxflow/wasm";
import { dataFolder, filesBelow, nameIn } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";
import { answerTo } from "./backend.js";
import { requestOf } from "./request.js";
import { PacketSession } from "./session.js";
import { crsSetup } from "./setup.js";
import { readCrsTests } from "./test-file.js";
import type { CrsTest, Output } from "./test-file.js";

/** CRS's regression tests: each request and the backend's answer as packets through the waf module. */
export async function runCrs({ data, filter, paranoia = 4 }: SuiteOptions): Promise<Outcome[]> {
  const folder = dataFolder("crs-v4.28", data);
  const session = new PacketSession(await moduleWith(folder, paranoia));
  const outcomes: Outcome[] = [];
  for (const file of filesBelow(join(folder, "tests"), ".yaml")) {
    for (const test of readCrsTests(file)) {
      if (filter !== undefined && !test.id.includes(filter)) continue;
      outcomes.push(runTest(test, session, nameIn(folder, file)));
    }
  }
  return outcomes;
}

async function moduleWith(folder: string, paranoia: number): Promise<ModuleInstance> {
  const module = loadModule(readFileSync(process.env.SECUXFLOW_WAF_MODULE ?? modulePath("waf")));
  const rules = join(folder, "rules");
  const files = [
    { name: "setup.conf", text: crsSetup(paranoia) },
    ...[join(folder, "crs-setup.conf.example"), ...filesBelow(rules, ".conf")].map((file) => ({
      name: basename(file),
      text: readFileSync(file, "utf8"),
    })),
  ];
  const compiled = compileSecLang(files, { read: (name: string) => readFileSync(join(rules, basename(name))) });
  const [refused] = compiled.refused;
  if (refused !== undefined) {
    const at = `${refused.file}:${refused.line}:${refused.column}`;
    throw new Error(`${compiled.refused.length} rules of ${dirname(rules)} do not compile, first ${at}: ${refused.reason}`);
  }
  return ModuleInstance.create(module, { configure: "checksum=0\n", rules: openRuleSet(compiled.image) });
}

function runTest({ id, stages }: CrsTest, session: PacketSession, file: string): Outcome {
  const misses: string[] = [];
  for (const { input, output } of stages) {
    const request = requestOf(input);
    misses.push(...missesOf(output, session.exchange(request, answerTo(request))));
  }
  return { id, result: misses.length === 0 ? "passed" : "failed", reason: misses.join("; "), part: file.split("/")[1] ?? file };
}

/** A finding as ModSecurity's log would have it, as far as the tests look at it. */
function logLine({ ruleId, attributes }: Finding): string {
  const text = (value: string | number | undefined): string => String(value ?? "");
  return `[id "${ruleId}"] [msg "${text(attributes.message)}"] [data "${text(attributes["match.log"])}"]`;
}

function missesOf({ log, log_contains, no_log_contains }: Output, findings: readonly Finding[]): string[] {
  const ids = new Set(findings.map(({ ruleId }) => ruleId));
  const lines = findings.map(logLine).join("\n");
  const seen = [...ids].sort((a, b) => a - b).join(" ");
  const misses = [
    ...(log?.expect_ids ?? []).filter((id) => !ids.has(id)).map((id) => `no ${id}`),
    ...(log?.no_expect_ids ?? []).filter((id) => ids.has(id)).map((id) => `${id} although it must not`),
  ];
  const given = (...patterns: (string | null | undefined)[]): string[] => patterns.map((pattern) => pattern ?? "").filter(Boolean);
  for (const pattern of given(log?.match_regex, log_contains)) if (!new RegExp(pattern).test(lines)) misses.push(`no log like /${pattern}/`);
  for (const pattern of given(log?.no_match_regex, no_log_contains)) if (new RegExp(pattern).test(lines)) misses.push(`a log like /${pattern}/`);
  return misses.length === 0 ? [] : [`${misses.join(", ")} (found ${seen === "" ? "nothing" : seen})`];
}
