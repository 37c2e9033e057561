import {
  moduleStatement, ruleSetStatement, type ModuleChoice, type ModuleControl, type ModuleVersion,
} from "@secuxflow/contracts";
import type { LoadedModule } from "@secuxflow/module-host";
import { digestOf, sameInstance, type InstanceSpec, type Refusal, type Wanted } from "../../inspection/application/instance.js";
import type { ModulePolicy } from "./policy-follower.js";
import { TrialFailed, type Blobs, type Preparation, type Trust } from "./ports.js";

/** What runs modules (`Inspection`). */
export interface Runner {
  want(name: string, wanted: Wanted): void;
  bind(bindings: ModulePolicy["modules"]): void;
  release(name: string): void;
}

interface LifecycleLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface LifecycleParts {
  readonly runner: Runner;
  readonly blobs: Blobs;
  readonly trust: Trust;
  readonly preparation: Preparation;
  readonly log: LifecycleLog;
  /** Names of the modules that are wanted; empty for all. */
  readonly names: readonly string[];
  /** What could not be had is tried again after so long. */
  readonly retryMs: number;
  /** A decision is in force here. */
  readonly onApplied: () => void;
}

/** Not taken, and why. */
class Refused extends Error {
  constructor(readonly kind: Refusal["kind"], message: string) {
    super(message);
  }
}

const refusal = (choice: ModuleChoice, error: unknown): Refusal => ({
  kind: error instanceof Refused ? error.kind : error instanceof TrialFailed && error.reason === "bad-configuration" ? "settings" : "rejected",
  version: choice.version, rules: choice.rules,
  problem: error instanceof Error ? error.message : String(error),
});

const settingsText = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`).join("\n");

/**
 * Brings together what the folder offers and what the policy decided: fetches published modules and rules, checks their
 * signatures by the keys that are trusted here, tries them aside, and says what should run. What was running goes on until the
 * new is ready, and stays where the new is refused. One pass at a time; the newest policy counts.
 */
export class Lifecycle {
  #folder: ReadonlyMap<string, LoadedModule> = new Map();
  #policy: ModulePolicy | undefined;
  #revision = 0;
  #applied = 0;
  /** What was last wanted under each name: the base is known to work. */
  readonly #wanted = new Map<string, Wanted>();
  /** Trials by what was tried, done and under way. */
  readonly #trials = new Map<string, Promise<InstanceSpec>>();
  #running = false;
  #again = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly parts: LifecycleParts) {}

  /** Revision of the policy whose modules are in force here. */
  get revision(): number {
    return this.#applied;
  }

  offer(modules: readonly LoadedModule[]): void {
    const before = this.#folder;
    this.#folder = new Map(modules.map((loaded) => [loaded.manifest.id, loaded]));
    const changed = modules.some((loaded) => before.get(loaded.manifest.id)?.sha256 !== loaded.sha256);
    if (changed) this.#look();
  }

  follow(policy: ModulePolicy, revision: number): void {
    const unchanged = this.#policy?.modules === policy.modules && this.#policy.controls === policy.controls;
    this.#policy = policy;
    this.#revision = revision;
    if (!unchanged) this.#look();
    else if (!this.#running) this.#applied = revision;
  }

  release(name: string): void {
    this.#trials.clear();
    this.parts.runner.release(name);
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  #look(): void {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const { policy, revision } = { policy: this.#policy, revision: this.#revision };
      // Before the policy is known nobody can tell which version it wants.
      if (policy === undefined) break;
      this.parts.runner.bind(policy.modules);
      const names = new Set([...this.#folder.keys(), ...policy.controls.keys()]);
      await Promise.all([...names].filter((name) => this.parts.names.length === 0 || this.parts.names.includes(name))
        .map((name) => this.#one(name, policy.controls.get(name))));
      if (this.#again) continue;
      this.#applied = revision;
      this.parts.onApplied();
    }
    this.#running = false;
  }

  async #one(name: string, control: ModuleControl | undefined): Promise<void> {
    const choice = control?.active ?? {};
    const own = this.#folder.get(name);
    const before = this.#wanted.get(name);
    const offered = choice.version === undefined && own
      ? { name, loaded: own, configure: settingsText(control?.settings ?? {}) } : undefined;
    if (control?.enabled === false || cutOff(control, choice.version ?? (own && `sha256:${own.sha256}`))) {
      const off = control?.enabled === false ? "disabled" : "quarantined";
      // What never ran is not listed.
      return this.#want(name, { base: offered ?? before?.base, off });
    }
    if (offered === undefined && choice.version === undefined) return; // pushed, and not in this folder
    let wanted: Wanted;
    try {
      // The first of all starts at once; what takes the place of something that runs is tried first.
      const plain = offered !== undefined && choice.rules === undefined && (before?.base === undefined || sameInstance(before.base, offered));
      wanted = { base: plain ? offered : await this.#tried(name, choice, control) };
    } catch (error) {
      const refused = refusal(choice, error);
      this.parts.log.warn({ module: name, ...refused }, "what should run was refused; what ran before stays");
      wanted = { base: undefined, refused };
    }
    return this.#want(name, await this.#withCanary(name, control, wanted));
  }

  async #withCanary(name: string, control: ModuleControl | undefined, wanted: Wanted): Promise<Wanted> {
    const { canary } = control ?? {};
    if (canary === undefined) return wanted;
    const { share, choice } = canary;
    try {
      return { ...wanted, canary: { spec: await this.#tried(name, choice, control), share } };
    } catch (error) {
      const canaryRefused = { ...refusal(choice, error), share };
      this.parts.log.warn({ module: name, ...canaryRefused }, "the canary was refused");
      return { ...wanted, canaryRefused };
    }
  }

  #want(name: string, wanted: Wanted): void {
    if (wanted.base) this.#wanted.set(name, wanted);
    this.parts.runner.want(name, wanted);
  }

  /** What was chosen, as it was seen to work; each is tried once. @throws Refused */
  async #tried(name: string, choice: ModuleChoice, control: ModuleControl | undefined): Promise<InstanceSpec> {
    const own = this.#folder.get(name);
    const configure = settingsText(control?.settings ?? {});
    const key = [name, choice.version ?? `own ${own?.sha256 ?? ""}`, choice.rules ?? "", configure].join("\n");
    const known = this.#trials.get(key);
    if (known) return known;
    const trial = this.#try(name, choice, control, configure);
    this.#trials.set(key, trial);
    this.#forgetOld();
    trial.catch((error: unknown) => {
      // What is wrong stays wrong; what could not be had may come.
      if (!(error instanceof Refused) || error.kind !== "missing") return;
      this.#trials.delete(key);
      if (this.#stopped) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#look(), this.parts.retryMs);
    });
    return trial;
  }

  async #try(name: string, choice: ModuleChoice, control: ModuleControl | undefined, configure: string): Promise<InstanceSpec> {
    const version = control?.versions.find(({ digest }) => digest === choice.version);
    const ruleSet = control?.ruleSets.find(({ digest }) => digest === choice.rules);
    if (choice.version !== undefined && version === undefined) throw new Refused("missing", `version ${choice.version} is not published`);
    if (choice.rules !== undefined && ruleSet === undefined) throw new Refused("missing", `rules ${choice.rules} are not published`);
    const own = choice.version === undefined ? this.#folder.get(name) : undefined;
    if (version === undefined && own === undefined) throw new Refused("missing", "it is not in the module folder");
    if (version) this.#believe(moduleStatement({ name, ...version }), version.signature);
    // Rules that nobody signed are taken where no key is configured: they change what is found, and run no code.
    if (ruleSet && this.parts.trust.configured) this.#believe(ruleSetStatement({ module: name, ...ruleSet }), ruleSet.signature);
    const [wasm, image] = await Promise.all([this.#fetch(version), this.#fetch(ruleSet)]);
    this.parts.log.info({ module: name, version: version?.version ?? own?.manifest.version, rules: choice.rules }, "trying a module aside");
    const { loaded, rules } = await this.parts.preparation.prepare({ wasm, loaded: own, image, configure });
    if (version) checkIdentity(name, version, loaded);
    if (ruleSet && rules && `sha256:${rules.digest}` !== ruleSet.digest) throw new Refused("rejected", "the rules have another digest than was published");
    return { name, loaded, rules, configure };
  }

  #believe(statement: string, signature: ModuleVersion["signature"]): void {
    const problem = this.parts.trust.check(statement, signature);
    if (problem !== undefined) throw new Refused("untrusted", problem);
  }

  async #fetch(of: Pick<ModuleVersion, "blob" | "digest"> | undefined): Promise<Uint8Array | undefined> {
    if (of === undefined) return undefined;
    const { blob, digest } = of;
    try {
      return await this.parts.blobs.get(blob);
    } catch (error) {
      throw new Refused("missing", `its bytes (${digest.slice(0, 19)}) cannot be had: ${(error as Error).message}`);
    }
  }

  #forgetOld(): void {
    const [oldest] = this.#trials.keys();
    if (this.#trials.size > 64 && oldest !== undefined) this.#trials.delete(oldest);
  }
}

/** Whether the whole pool has cut off what would run. */
const cutOff = (control: ModuleControl | undefined, digest: string | undefined): boolean => {
  const { quarantine } = control ?? {};
  return quarantine !== undefined && (quarantine.digest === undefined || quarantine.digest === digest);
};

function checkIdentity(name: string, { digest, version }: ModuleVersion, loaded: LoadedModule): void {
  const { id, version: own } = loaded.manifest;
  if (digestOf({ loaded }) !== digest) throw new Refused("rejected", "the binary has another digest than was published");
  if (id !== name || own !== version) throw new Refused("rejected", `it was published as ${name} ${version}, and is ${id} ${own}`);
}
