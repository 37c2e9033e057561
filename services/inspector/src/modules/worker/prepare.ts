/** Entry of a thread that tries one module and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { loadModule, ModuleInstance, ModuleRejected, type HostLimits, type LoadedModule } from "@secuxflow/module-host";
import { openRuleSet } from "@secuxflow/rule-image";
import { bundleOf, type RulesBundle } from "../../inspection/application/rules-bundle.js";
import type { Trial } from "../application/ports.js";

export interface PrepareStart {
  readonly trial: Trial;
  readonly limits: Partial<HostLimits>;
}

/** `began` comes first, when the thread is ready: from then on the time of the module counts. */
export type PrepareAnswer =
  | { readonly began: true }
  | { readonly ok: true; readonly loaded: LoadedModule; readonly rules: RulesBundle | undefined }
  | { readonly ok: false; readonly problem: string; readonly reason: string | undefined };

async function prepare({ trial, limits }: PrepareStart): Promise<PrepareAnswer> {
  const loaded = trial.loaded ?? loadModule(trial.wasm ?? new Uint8Array(), limits);
  const { ruleLanguage } = loaded.manifest;
  const rules = trial.image && openRuleSet(trial.image);
  if (rules && rules.kind !== ruleLanguage) {
    throw new ModuleRejected("bad-rules", `the rules are written in ${rules.kind}, the module takes ${ruleLanguage ?? "none"}`);
  }
  const instance = await ModuleInstance.create(loaded, { configure: trial.configure, ...(rules && { rules }) });
  const { failures } = await instance.selfTest();
  if (failures.length > 0) {
    throw new ModuleRejected("self-test", failures.slice(0, 3).map(({ name, detail }) => `${name}: ${detail}`).join("; "));
  }
  return { ok: true, loaded, rules: rules && bundleOf(rules) };
}

const port = parentPort;
if (port === null) throw new Error("this file is run as a worker thread by the inspector");
port.postMessage({ began: true } satisfies PrepareAnswer);
const answer = await prepare(workerData as PrepareStart)
  .catch((error: unknown): PrepareAnswer => ({
    ok: false, problem: (error instanceof Error ? error.message : String(error)).slice(0, 1_000),
    reason: error instanceof ModuleRejected ? error.reason : undefined,
  }));
port.postMessage(answer);
