import type { InspectorModule, InspectorStatus, ModuleBinding } from "@secuxflow/contracts";
import { moduleKey, type PolicyReader, type PolicyView, type ReaderLog } from "../../policy/application/policy-reader.js";
import type { PolicyService } from "../../policy/application/policy-service.js";
import type { LiveRegistry } from "../../telemetry/application/live-registry.js";

const RETRY_MS = 1_000;

/**
 * The announcements that the policy should take up.
 * A version that was never registered is taken at once: that is how an upgrade begins. One that was registered before and
 * replaced since (a rollback) is taken only when no live inspector offers the present one any more: while two versions run side
 * by side, they must not take turns for ever.
 */
export function newModules(view: PolicyView, live: readonly InspectorStatus[]): Omit<ModuleBinding, "bit">[] {
  const offered = live.flatMap(({ modules }) => modules);
  const offeredKeys = new Set(offered.map(moduleKey));
  const wanted = new Map<string, InspectorModule>();
  for (const module of offered) {
    if (module.digest === "") continue; // nothing of it was taken there
    // A version that was pushed is registered by the command that enables it.
    if (view.state.controls.get(module.name)?.active.version !== undefined) continue;
    const bound = view.state.modules.get(module.name);
    if (bound && moduleKey(bound) === moduleKey(module)) continue;
    const isNew = !view.registered.has(moduleKey(module));
    const isRollback = bound !== undefined && !offeredKeys.has(moduleKey(bound));
    // Of several new versions at once the last one stands, and the others are new the next time.
    if (isNew || isRollback) wanted.set(module.name, module);
  }
  return [...wanted.values()].map(({ name, version, digest, title }) => ({ name, version, digest, title }));
}

/** Makes modules of the policy from what inspectors announce. */
export class ModuleRegistrar {
  readonly #refused = new Map<string, string>();
  readonly #stops: (() => void)[] = [];
  #busy = false;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly inspectors: LiveRegistry<InspectorStatus>,
    private readonly reader: PolicyReader,
    private readonly service: Pick<PolicyService, "execute">,
    private readonly log: ReaderLog,
  ) {}

  /** Announcements that were refused, in words. */
  get problems(): string[] {
    return [...this.#refused.values()];
  }

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
    if (this.#stopped) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#again = false;
        await this.#register();
      } while (this.#again);
    } catch (error) {
      this.log.warn({ err: error }, "a module could not be registered yet");
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), RETRY_MS);
    } finally {
      this.#busy = false;
    }
  }

  async #register(): Promise<void> {
    const { view } = this.reader;
    if (!view) return;
    // One that is only known from before may be long gone: it has no say.
    const live = this.inspectors
      .live()
      .filter(({ provisional }) => !provisional)
      .map(({ status }) => status);
    for (const module of newModules(view, live)) {
      const key = moduleKey(module);
      if (this.#refused.has(key)) continue;
      try {
        const result = await this.service.execute(
          { type: "register_module", module },
          {
            actor: "system:rule-api",
            commandId: `module:${module.name}:${view.revision}:${module.digest.slice(-16)}:${module.version}`,
          },
        );
        await this.reader.reached(result.revision, RETRY_MS);
      } catch (error) {
        if (!isLimit(error)) throw error;
        if (this.#refused.size < 64)
          this.#refused.set(key, `module ${module.name} ${module.version} was refused: ${error.message}`);
        this.log.warn({ module }, error.message);
      }
    }
  }
}

const isLimit = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && "code" in error && error.code === "limit_reached";
