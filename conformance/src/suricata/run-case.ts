import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { JsonObject } from "@secuxflow/eve";
import { chunksOfFile, inspectCapture } from "@secuxflow/inspect-offline";
import { openRuleSet } from "@secuxflow/rule-image";
import type { LoadedModule } from "@secuxflow/module-host";
import { CaptureError, readCapture } from "@secuxflow/pcap";
import { compileSuricata } from "@secuxflow/suricata-rules";
import { atFlowStart } from "./drop-log.js";
import { withForwarded } from "./forwarded-for.js";
import { matches } from "./match.js";
import { unmet } from "./requirements.js";
import { settingsOf } from "./settings.js";
import type { Check, TestCase } from "./test-case.js";

export type CaseResult =
  | { readonly result: "passed" }
  | { readonly result: "failed" | "skipped"; readonly reason: string };

const skipped = (reason: string): CaseResult => ({ result: "skipped", reason });

/** Options of Suricata's command line that take a value. */
const WITH_VALUE: ReadonlySet<string> = new Set(["-k", "-S", "-s", "-c", "-l", "-r", "--set", "--runmode", "--pcap-file-continuous"]);
/** Options that a test may have without being out of our reach. */
const KNOWN = /^(-k|-S|-s|--set|--runmode(=.*)?|--simulate-ips|--simulate-packet-(flow|defrag)-memcap=\d+|-v+)$/;

function strangeArgument(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (!KNOWN.test(arg)) return arg;
    if (WITH_VALUE.has(arg)) i++;
  }
  return undefined;
}

/** Why this test cannot run here; undefined when it can. */
export function notRunnable(test: TestCase): string | undefined {
  if (test.checks.length === 0) return "it checks no alerts or drops";
  const missing = unmet(test.requires);
  if (missing !== undefined) return missing;
  if (test.pcap === undefined) return "it has no capture";
  if (test.rules.length === 0) return "it has no rules";
  if (test.rules.some((file) => basename(file) === "firewall.rules")) return "it needs Suricata's firewall mode: filtering is XDP's work here";
  const strange = strangeArgument(test.args);
  if (strange !== undefined) return `it runs Suricata with ${strange}`;
  const { unknown } = settingsOf(test.settings, test.args);
  return unknown.length > 0 ? `it sets ${unknown.join(", ")}, which has no counterpart here` : undefined;
}

/** Runs a test's capture through the module and looks at the alerts and drops. */
export async function runCase(test: TestCase, module: LoadedModule): Promise<CaseResult> {
  const reason = notRunnable(test);
  if (reason !== undefined) return skipped(reason);
  const { configure, vars, actionOrder, everyDrop, forwardedFor } = settingsOf(test.settings, test.args);
  const compiled = compileSuricata(test.rules.map((file) => ({ name: basename(file), text: readFileSync(file, "utf8") })), {
    vars,
    ...(actionOrder !== undefined && { actionOrder }),
    ...(test.thresholds !== undefined && { thresholds: { name: "threshold.config", text: test.thresholds } }),
  });
  const refusals = compiled.refused.map((refused) => `rule ${refused.sid ?? `in line ${refused.line}`} refused: ${refused.reason}`);
  const events: JsonObject[] = [];
  try {
    const packets = readCapture(chunksOfFile(test.pcap ?? ""));
    const rules = openRuleSet(compiled.image);
    for await (const event of inspectCapture(packets, { module, rules, configure })) {
      events.push(forwardedFor === undefined ? event : withForwarded(event, forwardedFor));
    }
  } catch (error) {
    // A capture that breaks off is one of the things tested.
    if (!(error instanceof CaptureError)) return { result: "failed", reason: [...refusals, String(error)].join("; ") };
  }
  const logged = everyDrop ? events : atFlowStart(events);
  const misses = test.checks.filter(({ requires }) => unmet(requires) === undefined).flatMap((check) => missOf(check, logged));
  if (misses.length === 0) return { result: "passed" };
  return { result: "failed", reason: [...refusals, ...misses].join("; ") };
}

function missOf({ count, atLeast, match }: Check, events: readonly JsonObject[]): string[] {
  const found = events.filter((event) => matches(event, match)).length;
  if (atLeast ? found >= count : found === count) return [];
  const { event_type: type, ...rest } = match;
  return [`${found} instead of ${atLeast ? "at least " : ""}${count} ${String(type)} events with ${JSON.stringify(rest)}`];
}
