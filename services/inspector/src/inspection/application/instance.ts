import type { LoadedModule } from "@secuxflow/module-host";
import type { RuleSet } from "@secuxflow/rule-image";
import type { RulesBundle } from "./rules-bundle.js";

/** What an instance of a module is made of. */
export interface InstanceSpec {
  readonly name: string;
  readonly loaded: LoadedModule;
  /** Instead of the rules that the module brings along. */
  readonly rules?: RulesBundle | undefined;
  /** `key=value` lines. */
  readonly configure: string;
}

export const digestOf = ({ loaded }: Pick<InstanceSpec, "loaded">): string => `sha256:${loaded.sha256}`;

/** The digest of the published rules, where it has any. */
export const rulesOf = ({ rules }: Pick<InstanceSpec, "rules">): string | undefined => (rules && `sha256:${rules.digest}`);

/** How many rules there are. */
export const countOf = (rules: RuleSet | RulesBundle): number => ("ids" in rules ? rules.ids.length : rules.texts.size);

/** Whether two run the same binary in the same way, whatever their rules. */
export const sameProgram = (a: InstanceSpec, b: InstanceSpec): boolean =>
  a.loaded.sha256 === b.loaded.sha256 && a.configure === b.configure;

export const sameInstance = (a: InstanceSpec | undefined, b: InstanceSpec | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameProgram(a, b) && rulesOf(a) === rulesOf(b));

/** Whether an instance of `from` can become one of `to` by loading rules alone. */
export const canSwap = (from: InstanceSpec, to: InstanceSpec): boolean =>
  sameProgram(from, to) && (to.rules !== undefined || to.loaded.builtinRules !== undefined);

/** Why something that the policy wants does not run here. */
export interface Refusal {
  /** Digests of what was refused, where it was published. */
  readonly version?: string | undefined;
  readonly rules?: string | undefined;
  /**
   * `untrusted`: no signature of a trusted key. `missing`: its bytes cannot be had. `settings`: it does not take its settings.
   * `rejected`: it does not work; rule-api takes that back in the whole pool, and the others not.
   */
  readonly kind: "untrusted" | "missing" | "settings" | "rejected";
  readonly problem: string;
}

/** What should run under a name. */
export interface Wanted {
  /** Undefined: nothing. */
  readonly base: InstanceSpec | undefined;
  /** Takes a share of the flows, hundredths of a percent. */
  readonly canary?: { readonly spec: InstanceSpec; readonly share: number } | undefined;
  /** Why nothing should run; undefined where nothing can. */
  readonly off?: "disabled" | "quarantined" | undefined;
  readonly refused?: Refusal | undefined;
  readonly canaryRefused?: (Refusal & { readonly share: number }) | undefined;
}
