import { sameChoice, type InspectorModule, type InspectorStatus, type ModuleControl } from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import type { PolicyReader, PolicyView, ReaderLog } from "../../policy/application/policy-reader.js";
import type { PolicyService } from "../../policy/application/policy-service.js";
import type { ModuleCommand } from "../../policy/domain/index.js";
import type { LiveRegistry } from "../../telemetry/application/live-registry.js";

const RETRY_MS = 1_000;

/**
 * What inspectors report of a module that the whole pool has to know: one that was cut off by one of them is cut off everywhere, a
 * canary or an upgrade that does not work is taken back. Words from before the last decision on a module have no say, and what was
 * refused for want of a trusted key or of its bytes is that inspector's own trouble.
 * @param now ISO 8601 UTC
 */
export function measures(view: PolicyView, live: readonly InspectorStatus[], now: string): ModuleCommand[] {
  const wanted = new Map<string, ModuleCommand>();
  for (const { inspectorId, revision = -1, modules } of live) {
    for (const module of modules) {
      const { name } = module;
      if (revision < (view.since.modules.get(name) ?? 0) || wanted.has(name)) continue;
      const measure = measureFor(module, view.state.controls.get(name), inspectorId, now);
      if (measure) wanted.set(name, measure);
    }
  }
  return [...wanted.values()];
}

const REJECTED = "rejected:";

function measureFor(module: InspectorModule, control: ModuleControl | undefined, inspector: string, now: string): ModuleCommand | undefined {
  const { name, canary, refused } = module;
  const back = (problem: string, only: ModuleControl["active"]): ModuleCommand =>
    ({ type: "rollback_module", name, reason: `inspector ${inspector}: ${problem}`, now, only });
  if (control?.canary && canary?.state === "failed" && canary.problem?.startsWith(REJECTED) === true) return back(canary.problem, control.canary.choice);
  const isChoice = refused?.version !== undefined || refused?.rules !== undefined;
  if (control && !control.canary && isChoice && refused.problem.startsWith(REJECTED) && control.previous.length > 0) {
    const choice = { ...(control.active.version !== undefined && { version: refused.version }), ...(refused.rules !== undefined && { rules: refused.rules }) };
    if (sameChoice(choice, control.active)) return back(refused.problem, control.active);
  }
  if (module.state !== "quarantined" || module.strikes === 0 || control?.quarantine || control?.enabled === false) return undefined;
  if (control?.active.version !== undefined && control.active.version !== module.digest) return undefined;
  const reason = `it failed ${module.strikes} times`;
  return { type: "quarantine_module", name, quarantine: { reason, strikes: module.strikes, inspector, digest: module.digest, at: now } };
}

/** Takes these measures as inspectors report. */
export class ModuleGuard {
  readonly #stops: (() => void)[] = [];
  #busy = false;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly inspectors: LiveRegistry<InspectorStatus>,
    private readonly reader: PolicyReader,
    private readonly service: Pick<PolicyService, "execute">,
    private readonly clock: Clock,
    private readonly log: ReaderLog,
  ) {}

  start(): void {
    this.#stops.push(
      this.inspectors.onChange(() => void this.#look()),
      this.reader.onChange(() => void this.#look()),
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
  }

  async #look(): Promise<void> {
    this.#again = true;
    if (this.#stopped || this.#busy) return;
    this.#busy = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#act();
      }
    } catch (error) {
      this.log.warn({ err: error }, "a module in trouble could not be dealt with yet");
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), RETRY_MS);
    } finally {
      this.#busy = false;
    }
  }

  async #act(): Promise<void> {
    const { view } = this.reader;
    if (!view) return;
    const live = this.inspectors.live().filter(({ provisional }) => !provisional).map(({ status }) => status);
    for (const command of measures(view, live, this.clock.now().toISOString())) {
      const since = view.since.modules.get(command.name) ?? 0;
      this.log.warn({ module: command.name, measure: command.type }, "a module is in trouble");
      const result = await this.service.execute(command, { actor: "system:rule-api", commandId: `guard:${command.name}:${command.type}:${since}` });
      await this.reader.reached(result.revision, RETRY_MS);
    }
  }
}
