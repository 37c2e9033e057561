import type { ModuleChanged, ModuleDetail } from "@secuxflow/contracts";
import { warn } from "../command.js";
import type { Context } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { printDocument } from "../output/format.js";
import { styled, type Span } from "../output/printer.js";
import { pairs, table, type Column } from "../output/table.js";
import { counted, formatBytes, formatCount } from "../text/numbers.js";
import { relative } from "../text/time.js";

const DIGITS = 12;

/** A digest as people compare it; as long as commands take it. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, DIGITS);
export const shortRules = (rules: string | undefined): string => (rules === undefined || rules === "builtin" ? (rules ?? "") : shortDigest(rules));

/** A share in hundredths of a percent. */
export const percent = (share: number): string => `${share / 100}%`;

type On = ModuleDetail["on"][number];
const ON: readonly Column<On>[] = [
  { title: "INSPECTOR", value: ({ inspectorId }) => inspectorId },
  { title: "VERSION", value: ({ version }) => version },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => (state === "running" ? "green" : state === "waiting" ? "yellow" : "red") },
  { title: "STRIKES", value: ({ strikes }) => String(strikes), align: "right" },
  { title: "RULES", value: ({ rules }) => shortRules(rules), optional: 1 },
  { title: "CANARY", value: ({ canary }) => canary ?? "", optional: 2 },
  { title: "PROBLEM", value: ({ problem }) => problem ?? "", shrinkTo: 20, style: () => "red", optional: 3 },
];

/** What something published is used for. */
function use(digest: string, of: "version" | "rules", { active, canary, previous }: ModuleDetail): string {
  if (active[of] === digest) return "active";
  if (canary?.choice[of] === digest) return "canary";
  return previous.at(-1)?.[of] === digest ? "before" : "";
}

/** One module for people. */
export function moduleLines(module: ModuleDetail, { out, env }: Pick<Context, "out" | "env">): Span[][] {
  const { canary, quarantine, rolledBack } = module;
  const now = env.now();
  const settings = Object.entries(module.settings).map(([key, value]) => `${key}=${value}`).join(" ");
  const part = (title: string, lines: Span[][]): Span[][] => (lines.length > 1 ? [[], [{ text: title, style: "bold" }], ...lines] : []);
  const ago = (time: string) => relative(time, now);
  return [
    [{ text: module.name, style: "bold" }, `${module.version === undefined ? "" : ` ${module.version}`}  ${module.title}`],
    ...pairs([
      ["state", styled(module.state, module.state === "running" ? "green" : module.state === "quarantined" ? "red" : "yellow")],
      ["fail mode", module.failMode ?? "open"],
      ["rules", module.rules === undefined ? "none" : shortRules(module.rules)],
      settings === "" ? undefined : ["settings", settings],
      canary && ["canary", `${percent(canary.share)} since ${ago(canary.startedAt)}: ${[
        canary.choice.version && `version ${module.versions.find(({ digest }) => digest === canary.choice.version)?.version ?? shortDigest(canary.choice.version)}`,
        canary.choice.rules && `rules ${shortDigest(canary.choice.rules)}`,
      ].filter(Boolean).join(", ")}`],
      quarantine && ["quarantine", styled(`${quarantine.reason} (${ago(quarantine.at)}${quarantine.inspector === undefined ? "" : `, ${quarantine.inspector}`})`, "red")],
      rolledBack && ["rolled back", `${ago(rolledBack.at)}: ${rolledBack.reason}`],
    ]),
    ...part("runs on", table(ON, module.on, out.width)),
    ...part("versions", table([
      { title: "VERSION", value: ({ version }) => version },
      { title: "DIGEST", value: ({ digest }) => shortDigest(digest) },
      { title: "SIZE", value: ({ bytes }) => formatBytes(bytes), align: "right" },
      { title: "SIGNED BY", value: ({ signature }) => signature?.keyId ?? "nobody" },
      { title: "PUSHED", value: ({ publishedAt }) => ago(publishedAt) },
      { title: "USE", value: ({ digest }) => use(digest, "version", module) },
    ], [...module.versions].reverse(), out.width)),
    ...part("rule sets", ruleSetLines(module, out.width, now)),
  ];
}

/** The published rule sets of a module, newest first. */
export function ruleSetLines(module: ModuleDetail, width: number, now: number): Span[][] {
  return table([
    { title: "DIGEST", value: ({ digest }) => shortDigest(digest) },
    { title: "RULES", value: ({ rules }) => formatCount(rules), align: "right" },
    { title: "REFUSED", value: ({ refused }) => formatCount(refused), align: "right" },
    { title: "LANGUAGE", value: ({ language }) => language },
    { title: "SIZE", value: ({ bytes }) => formatBytes(bytes), align: "right" },
    { title: "SIGNED BY", value: ({ signature }) => signature?.keyId ?? "nobody" },
    { title: "PUSHED", value: ({ publishedAt }) => relative(publishedAt, now) },
    { title: "USE", value: ({ digest }) => use(digest, "rules", module) },
    { title: "COMMENT", value: ({ comment }) => comment ?? "", shrinkTo: 10, optional: 1 },
  ], [...module.ruleSets].reverse(), width);
}

/** Prints the answer to a command on a module. Exit code 4 when it is not in force on every inspector. */
export async function printModuleChange(context: Context, changed: ModuleChanged, done: string): Promise<ExitCode> {
  const { out, err, format } = context;
  const { revision, inspectors, active, pending, waitedMs } = changed.enforcement;
  const where = inspectors === 0 ? "on no inspector" : `on ${active} of ${counted(inspectors, "inspector")}`;
  const refusing = changed.module.on.some(({ problem }) => problem !== undefined);
  await printDocument(out, format, changed, () => [[`${done} ${where} (revision ${revision}, ${Math.round(waitedMs)} ms)`]]);
  for (const warning of changed.warnings) warn(err, warning);
  if (inspectors > 0 && pending.length === 0 && !refusing) return EXIT.done;
  if (pending.length > 0) warn(err, `it is stored, but not yet in force on ${counted(pending.length, "inspector")}: ${pending.join(", ")}`);
  err.line(`next: secuxflow-cli module show ${changed.name}`);
  return EXIT.notEverywhere;
}
