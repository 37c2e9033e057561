// Loaded only for who inspects a capture: the module host and the compilers take their time.
import { CaptureError, chunksOfFile, inspectCapture, readCapture, type JsonObject, type OfflineStats } from "@secuxflow/inspect-offline";
import { loadModule, ModuleLied, ModuleRejected, ModuleTrapped, type LoadedModule } from "@secuxflow/module-host";
import { openRuleSet, type RuleSet } from "@secuxflow/rule-image";
import type { InspectRequest } from "../commands/inspect.js";
import type { Context } from "../context.js";
import { CliError, Interrupted } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { findModule } from "../input/module-file.js";
import { compileRuleFiles, refusalLine, type RefusedRule } from "../input/rule-files.js";
import { printDocument } from "../output/format.js";
import { counted } from "../text/numbers.js";
import { Summary } from "./summary.js";

/** Most events that one document holds; `-o eve` prints any number. */
const MOST_EVENTS = 100_000;
/** More refusals than anybody reads: most likely the files are no rules of this language. */
const MOST_REFUSALS = 1_000;

/** Runs a capture through a module and prints what it finds. @throws CliError */
export async function inspect(context: Context, request: InspectRequest): Promise<ExitCode> {
  const { env, out, err } = context;
  const { path, bytes } = findModule(env, request.module);
  const module = guarded(path, () => loadModule(bytes));
  const { rules, refused } = await rulesFor(context, module, request.rules);
  const loaded = (rules ?? module.builtinRules)?.texts.size ?? module.manifest.rules.length;
  if (rules === undefined && context.format === "table") err.line(`${counted(loaded, "rule")} loaded, the module's own`);
  const stats: OfflineStats = { packets: 0, bytes: 0, flows: 0, findingsDropped: 0 };
  const summary = new Summary();
  const events: JsonObject[] = [];
  let leftOut = 0;
  let failure: unknown;
  try {
    const found = inspectCapture(readCapture(chunksOfFile(request.pcap)), {
      module,
      configure: request.configure.join("\n"),
      ...(rules && { rules }),
      eve: { bytes: request.bytes },
      signal: env.signal,
      onProgress: (now) => Object.assign(stats, now),
    });
    for await (const event of found) {
      if (context.eve) out.json(event, 0);
      else if (context.format === "table") summary.add(event);
      else if (events.length < MOST_EVENTS) events.push(event);
      else leftOut++;
      if (context.format !== "table" || context.eve) summary.count(event);
    }
  } catch (error) {
    failure = error;
  }
  if (env.signal.aborted) throw new Interrupted("interrupted before the end of the capture");
  if (!context.eve && (failure === undefined || stats.packets > 0)) {
    await printDocument(
      out,
      context.format,
      {
        apiVersion: API_VERSION,
        kind: "Inspection",
        module: { name: module.manifest.id, version: module.manifest.version },
        packets: stats.packets,
        bytes: stats.bytes,
        flows: stats.flows,
        alerts: summary.alerts,
        drops: summary.drops,
        rules: { loaded, refused },
        events,
        ...(leftOut > 0 && { eventsLeftOut: leftOut }),
      },
      () => summary.lines(stats, out.width),
    );
  }
  if (stats.findingsDropped > 0) err.line(`${counted(stats.findingsDropped, "finding")} had no room in the module's output and are missing`);
  if (failure !== undefined) throw failureOf(failure, path, request.pcap);
  return EXIT.done;
}

async function rulesFor(
  { err }: Context,
  module: LoadedModule,
  paths: readonly string[],
): Promise<{ rules?: RuleSet; refused: readonly RefusedRule[] }> {
  if (paths.length === 0) return { refused: [] };
  const { id, ruleLanguage } = module.manifest;
  if (ruleLanguage === undefined)
    throw new CliError(`--rules: the module ${id} takes no rules`, { exit: EXIT.usage, next: "leave --rules out, or take another module" });
  const compiled = await compileRuleFiles(ruleLanguage, paths);
  for (const rule of compiled.refused.slice(0, MOST_REFUSALS)) err.line(refusalLine(rule));
  if (compiled.refused.length > MOST_REFUSALS) err.line(`… and ${compiled.refused.length - MOST_REFUSALS} more are refused`);
  err.line(`${counted(compiled.loaded, "rule")} loaded, ${compiled.refused.length} refused`);
  if (compiled.loaded === 0)
    throw new CliError("no rule can be executed", { next: `are these ${ruleLanguage} rules? the module ${id} takes no others` });
  return { rules: openRuleSet(compiled.image), refused: compiled.refused };
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failureOf(error, path, "");
  }
}

function failureOf(error: unknown, module: string, pcap: string): unknown {
  if (error instanceof CaptureError)
    return new CliError(`${pcap}: ${error.message}`, { next: "what is printed was found before that place", cause: error });
  if (error instanceof ModuleRejected) return new CliError(`${module} is refused: ${error.message}`, { cause: error });
  if (error instanceof ModuleTrapped || error instanceof ModuleLied)
    return new CliError(`${module} failed: ${error.message}`, { next: "what is printed was found before; live, it would be in quarantine", cause: error });
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === "string" && /^E[A-Z]+$/.test(code))
    return new CliError(`${pcap} cannot be read (${code})`, { exit: EXIT.usage, next: "check the name, or give - and the capture on stdin" });
  return error;
}
