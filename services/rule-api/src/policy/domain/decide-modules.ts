import {
  ProblemError, sameChoice, uncontrolled, type ModuleBinding, type ModuleChoice, type ModuleControl, type ModuleEvent, type PolicyEvent,
  type PolicyState,
} from "@secuxflow/contracts";
import type { ModuleCommand } from "./commands.js";
import { missing, withinLimit } from "./refusals.js";

type Kind = ModuleCommand["type"];
type Of<T extends Kind> = Extract<ModuleCommand, { type: T }>;

const event = <T extends ModuleEvent["type"]>(type: T, data: Extract<ModuleEvent, { type: T }>["data"]): PolicyEvent =>
  ({ type, version: 1, data }) as PolicyEvent;
const conflict = (message: string, next: string): ProblemError => new ProblemError("conflict", message, { next });

/** What was decided on a module so far. @throws ProblemError not_found where neither an inspector nor a push has made it known */
function standing(state: PolicyState, name: string): ModuleControl {
  const control = state.controls.get(name);
  if (control) return control;
  if (state.modules.has(name)) return uncontrolled(name);
  throw missing("module", name);
}

const LEAST_DIGITS = 6;
const matches = (digest: string, pick: string): boolean => {
  const hex = pick.replace(/^sha256:/, "");
  return hex.length >= LEAST_DIGITS && digest.startsWith(`sha256:${hex}`);
};

/** The digest that a pick means; undefined for what is built in. @throws ProblemError invalid_input */
function picked(
  what: "version" | "rules", pick: string, items: readonly { readonly digest: string; readonly version?: string }[],
): string | undefined {
  if (pick === "builtin") return undefined;
  const found = pick === "newest" ? items.at(-1) : items.findLast(({ digest, version }) => version === pick || matches(digest, pick));
  if (found) return found.digest;
  const known = items.map(({ digest, version }) => version ?? digest.slice(7, 19)).reverse().join(", ");
  throw new ProblemError("invalid_input", `${what} ${pick} is not published${known === "" ? "" : `; there are ${known}`}`, {
    next: what === "version" ? "secuxflow-cli module push FILE.wasm --key KEY.pem" : "secuxflow-cli module rules import FILES",
    errors: [{ field: what, message: known === "" ? "none is published" : `use newest, builtin, or one of ${known}` }],
  });
}

function choose(control: ModuleControl, from: ModuleChoice, { version, rules }: { version?: string | undefined; rules?: string | undefined }): ModuleChoice {
  const chosen = {
    version: version === undefined ? from.version : picked("version", version, control.versions),
    rules: rules === undefined ? from.rules : picked("rules", rules, control.ruleSets),
  };
  return { ...(chosen.version !== undefined && { version: chosen.version }), ...(chosen.rules !== undefined && { rules: chosen.rules }) };
}

/** What the policy calls a published version from now on; none for one of the folders, which inspectors announce. */
function registered(state: PolicyState, control: ModuleControl, choice: ModuleChoice): PolicyEvent[] {
  const version = control.versions.find(({ digest }) => digest === choice.version);
  const known = state.modules.get(control.name);
  if (version === undefined || (known?.digest === version.digest && known.version === version.version)) return [];
  if (!known) withinLimit("modules", state.modules.size);
  const bit = known?.bit ?? Math.max(-1, ...[...state.modules.values()].map((binding) => binding.bit)) + 1;
  const module: ModuleBinding = { name: control.name, bit, version: version.version, digest: version.digest, title: version.title };
  return [{ type: "module.registered", version: 1, data: { module } }];
}

function publishModule({ name, module }: Of<"publish_module">, state: PolicyState): PolicyEvent[] {
  const known = state.controls.get(name)?.versions ?? [];
  if (known.some(({ digest }) => digest === module.digest)) return [];
  if (known.some(({ version }) => version === module.version)) {
    throw conflict(`version ${module.version} of ${name} is published already, with another content`, "raise the version in its manifest");
  }
  if (!state.modules.has(name)) withinLimit("modules", state.modules.size);
  return [event("module.published", { name, module })];
}

function publishRules({ name, ruleSet, activate }: Of<"publish_rules">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  const language = control.versions.find(({ digest }) => digest === control.active.version)?.ruleLanguage;
  if (language !== undefined && language !== ruleSet.language) {
    throw new ProblemError("invalid_input", `module ${name} takes rules in ${language}, these are in ${ruleSet.language}`,
      { errors: [{ field: "language", message: `use ${language}` }] });
  }
  const isKnown = control.ruleSets.some(({ digest }) => digest === ruleSet.digest);
  const active = { ...control.active, rules: ruleSet.digest };
  return [
    ...(isKnown ? [] : [event("module.ruleset-published", { name, ruleSet })]),
    ...(activate && !(control.enabled && sameChoice(active, control.active)) ? [event("module.enabled", { name, active })] : []),
  ];
}

function configure({ name, settings: change, failMode }: Of<"configure_module">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  const settings: Record<string, string> = { ...control.settings };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete settings[key];
    else settings[key] = value;
  }
  const mode = failMode ?? control.failMode;
  const same = mode === control.failMode && JSON.stringify(sorted(settings)) === JSON.stringify(sorted(control.settings));
  return same ? [] : [event("module.configured", { name, settings, failMode: mode })];
}

const sorted = (settings: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));

function enable({ name, version, rules }: Of<"enable_module">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  // What was pushed and never ran has nothing to go on with.
  const isFirst = !control.enabled && control.active.version === undefined && control.previous.length === 0 && control.versions.length > 0;
  const active = choose(control, control.active, { version: version ?? (isFirst ? "newest" : undefined), rules });
  if (control.enabled && sameChoice(active, control.active) && control.canary === undefined) return [];
  return [...registered(state, control, active), event("module.enabled", { name, active })];
}

function canary({ name, share, version, rules, now }: Of<"canary_module">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  if (!control.enabled) throw conflict(`module ${name} is not enabled: there is nothing to try another version beside`, `secuxflow-cli module enable ${name}`);
  if (control.quarantine) throw conflict(`module ${name} is quarantined`, `secuxflow-cli module release ${name}`);
  const newest = (items: readonly unknown[]) => (items.length > 0 ? "newest" : undefined);
  const asked = version === undefined && rules === undefined
    ? { version: newest(control.versions), rules: newest(control.ruleSets) } : { version, rules };
  const choice = choose(control, control.active, asked);
  if (sameChoice(choice, control.active)) {
    throw conflict(`module ${name} runs this already on all flows`, `secuxflow-cli module push FILE.wasm, or secuxflow-cli module rules import FILES --module ${name} --no-activate`);
  }
  if (control.canary?.share === share && sameChoice(control.canary.choice, choice)) return [];
  return [event("module.canary-started", { name, choice, share, at: now })];
}

function promote({ name }: { readonly name: string }, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  if (!control.canary) throw conflict(`module ${name} has no canary`, `secuxflow-cli module canary ${name} --share 10%`);
  return [...registered(state, control, control.canary.choice), event("module.canary-promoted", { name })];
}

function rollback({ name, reason, now, only }: Of<"rollback_module">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  if (only && !sameChoice(only, control.canary?.choice ?? control.active)) return []; // decided otherwise meanwhile
  const active = control.canary ? control.active : control.previous.at(-1);
  if (active === undefined) throw conflict(`module ${name} has no canary, and nothing ran before what runs now`, `secuxflow-cli module show ${name}`);
  return [...(control.canary ? [] : registered(state, control, active)), event("module.rolled-back", { name, active, reason: reason.slice(0, 500), at: now })];
}

function quarantine({ name, quarantine: by }: Of<"quarantine_module">, state: PolicyState): PolicyEvent[] {
  const control = standing(state, name);
  return control.quarantine ? [] : [event("module.quarantined", { name, quarantine: { ...by, reason: by.reason.slice(0, 500) } })];
}

/** What a command on a module means: the events to store, none when there is nothing to do. @throws ProblemError */
export function decideModule(command: ModuleCommand, state: PolicyState): PolicyEvent[] {
  switch (command.type) {
    case "publish_module":
      return publishModule(command, state);
    case "publish_rules":
      return publishRules(command, state);
    case "configure_module":
      return configure(command, state);
    case "enable_module":
      return enable(command, state);
    case "disable_module":
      return standing(state, command.name).enabled ? [event("module.disabled", { name: command.name })] : [];
    case "canary_module":
      return canary(command, state);
    case "promote_module":
      return promote(command, state);
    case "rollback_module":
      return rollback(command, state);
    case "quarantine_module":
      return quarantine(command, state);
    case "release_module":
      // Also where the policy knows of no quarantine: an inspector may have cut it off that cannot say so.
      standing(state, command.name);
      return [event("module.released", { name: command.name })];
  }
}
