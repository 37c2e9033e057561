import { MODULE_LIMITS, sameChoice, uncontrolled, type ModuleChoice, type ModuleControl } from "./control.js";
import type { ModuleEvent } from "./events.js";

/** The newest ones, and those in use. */
const kept = <T extends { readonly digest: string }>(items: readonly T[], inUse: ReadonlySet<string | undefined>): T[] =>
  items.filter(({ digest }, index) => inUse.has(digest) || index >= items.length - MODULE_LIMITS.kept);

const trimmed = (control: ModuleControl): ModuleControl => {
  const choices = [control.active, ...control.previous, ...(control.canary ? [control.canary.choice] : [])];
  return {
    ...control,
    versions: kept(control.versions, new Set(choices.map(({ version }) => version))),
    ruleSets: kept(control.ruleSets, new Set(choices.map(({ rules }) => rules))),
  };
};

/** `active` from now on; what ran until now is where a rollback goes to. */
const activated = (control: ModuleControl, active: ModuleChoice): ModuleControl => {
  const { canary: _, ...ended } = control;
  if (sameChoice(control.active, active)) return ended;
  // What was cut off was another version, or had other rules.
  const { quarantine: _q, ...rest } = ended;
  // Before a pushed module was enabled for the first time nothing ran that one could go back to.
  const ran = control.enabled || control.active.version !== undefined || control.previous.length > 0;
  const previous = ran ? [...control.previous, control.active].slice(-MODULE_LIMITS.kept) : control.previous;
  return trimmed({ ...rest, active, previous });
};

/** What is known of a module after one event. Pure; never fails. @param before undefined where nothing was decided on it */
export function evolveModule(before: ModuleControl | undefined, event: ModuleEvent): ModuleControl {
  const { name } = event.data;
  // What comes by a push runs when it is enabled, not before; what lies in the folders runs unless it is disabled.
  const control = before ?? { ...uncontrolled(name), enabled: event.type !== "module.published" };
  switch (event.type) {
    case "module.published": {
      const { module } = event.data;
      return trimmed({ ...control, versions: [...control.versions.filter(({ digest }) => digest !== module.digest), module] });
    }
    case "module.ruleset-published": {
      const { ruleSet } = event.data;
      return trimmed({ ...control, ruleSets: [...control.ruleSets.filter(({ digest }) => digest !== ruleSet.digest), ruleSet] });
    }
    case "module.configured":
      return { ...control, settings: event.data.settings, failMode: event.data.failMode };
    case "module.enabled":
      return { ...activated(control, event.data.active), enabled: true };
    case "module.disabled":
      return { ...control, enabled: false };
    case "module.canary-started": {
      const { choice, share, at } = event.data;
      return { ...control, canary: { choice, share, startedAt: at } };
    }
    case "module.canary-promoted":
      return control.canary ? activated(control, control.canary.choice) : control;
    case "module.rolled-back": {
      const { active, reason, at } = event.data;
      const { canary: _, quarantine, ...rest } = control;
      const same = sameChoice(control.active, active);
      const last = control.previous.findLastIndex((choice) => sameChoice(choice, active));
      const back = same || last < 0 ? control.previous : control.previous.slice(0, last);
      return trimmed({ ...rest, active, previous: back, rolledBack: { reason, at }, ...(same && quarantine && { quarantine }) });
    }
    case "module.quarantined":
      return { ...control, quarantine: event.data.quarantine };
    case "module.released": {
      const { quarantine: _, ...rest } = control;
      return rest;
    }
  }
}

/** A folder has another file under the name: what was cut off is gone with the old one. */
export function moduleReplaced(control: ModuleControl, digest: string): ModuleControl {
  if (control.quarantine?.digest === undefined || control.quarantine.digest === digest) return control;
  const { quarantine: _, ...rest } = control;
  return rest;
}

/** Whether agents have to drop what forwarding rules send to a module: it fails closed, should run, and is cut off. */
export const failsClosed = (control: ModuleControl | undefined): boolean =>
  control?.failMode === "closed" && control.enabled && control.quarantine !== undefined;
