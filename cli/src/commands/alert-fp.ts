import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { routes, type AlertShown } from "@secuxflow/contracts";
import type { CommandSpec, Options } from "../command.js";
import { Values, type Context } from "../context.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { printDocument } from "../output/format.js";
import { text } from "./common.js";

const ALERTS_MS = 3_000;

export const FP: CommandSpec = {
  name: "fp",
  summary: "write the exclusion that silences a false alarm of the waf module",
  description:
    "Write the exclusion that silences a false alarm of the waf module, as SecLang: the rules that found something keep from looking at that parameter, " +
    "on that path, until it expires. It stands before the rules that it is about: give its file first to module rules import.",
  options: [
    ["--ttl <duration>", "how long it holds", { default: "30d" }],
    ["--path <path>", "the path that it is for", { default: "the request's own" }],
    ["--file <file>", "add it to this file; otherwise it is printed"],
    ["--note <text>", "why"],
  ],
  argument: { name: "id", description: "number of the alert", complete: "alerts" },
  examples: [
    ["alert fp 17", "what would silence alert 17 for 30 days"],
    ["alert fp 17 --ttl 7d --file exclusions.conf", "keep it; then: module rules import exclusions.conf rules/ --module waf"],
  ],
  run: writeExclusion,
};

async function writeExclusion(context: Context, options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const id = values.id("<id>", argument);
  const ttlMs = values.duration("--ttl", text(options, "ttl"), { least: "1m", most: "366d" }) ?? 30 * 86_400_000;
  const givenPath = text(options, "path");
  if (givenPath !== undefined && !givenPath.startsWith("/")) values.fault("--path", "a path begins with /");
  values.check();
  const shown = await context.api.call("Alert", { path: routes.alert(id), extraMs: ALERTS_MS });
  const { freeExclusionId, pathOf, renderExclusions, suggestedExclusions } = await import("@secuxflow/seclang");
  const { directives, uri } = suggestionOf(shown);
  const exclusions = suggestedExclusions(directives);
  if (exclusions.length === 0) throw notOfWaf(id);
  const path = givenPath ?? pathOf(uri);
  const expires = Math.floor((context.env.now() + ttlMs) / 1000);
  const note = [`alert ${id}, ${shown.alert.rule.name}`, text(options, "note")].filter((part) => part !== undefined).join(": ");
  const file = text(options, "file");
  const before = file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : "";
  const rules = renderExclusions({ exclusions, path, expires, note }, freeExclusionId(before));
  if (file !== undefined) appendFileSync(file, `${before === "" || before.endsWith("\n") ? "" : "\n"}${rules}`);
  const document = {
    apiVersion: "secuxflow/v1", kind: "Exclusion", alertId: id, path, expires: new Date(expires * 1000).toISOString(), exclusions, rules, ...(file !== undefined && { file }),
  };
  await printDocument(context.out, context.format, document, () =>
    file === undefined
      ? rules.trimEnd().split("\n").map((line) => [line])
      : [[`added to ${file}; in force with: secuxflow-cli module rules import ${file} RULES... --module ${shown.alert.module}`]]);
  return EXIT.done;
}

/** What the newest detection that suggests something says, and the address of its request. @throws CliError when none does */
function suggestionOf({ alert, detections }: AlertShown): { readonly directives: string; readonly uri: string } {
  for (const { attributes } of detections) {
    const directives = attributes.exclusion;
    const uri = attributes["http.uri"];
    if (typeof directives === "string" && typeof uri === "string") return { directives, uri };
  }
  throw notOfWaf(alert.id);
}

const notOfWaf = (id: number): CliError =>
  new CliError(`alert ${id} suggests no exclusion`, {
    next: `only alerts of the waf module do, while their detections are kept; secuxflow-cli alert dismiss ${id} marks it as a false alarm`,
  });
