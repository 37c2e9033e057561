import {
  uncontrolled, type InspectorStatus, type ModuleChoice, type ModuleControl, type ModuleDetail, type ModuleList, type PolicyState,
} from "@secuxflow/contracts";
import { missing } from "../../policy/domain/index.js";

type View = ModuleList["items"][number];
type State = View["state"];
type On = ModuleDetail["on"][number];

const ORDER = ["running", "quarantined", "waiting", "refused", "disabled"] as const;

/** Offers of a module by the live inspectors. */
function offersOf(name: string, live: readonly InspectorStatus[]) {
  return live.flatMap(({ inspectorId, modules }) => modules.filter((module) => module.name === name).map((module) => ({ inspectorId, module })));
}
type Offers = ReturnType<typeof offersOf>;

function stateOf(control: ModuleControl | undefined, offers: Offers): State {
  if (control?.enabled === false) return control.previous.length === 0 && control.active.version === undefined && control.versions.length > 0
    ? "published" : "disabled";
  if (control?.quarantine) return "quarantined";
  const states = offers.map(({ module }) => module.state);
  return ORDER.find((each) => states.includes(each)) ?? "absent";
}

const rulesName = (choice: ModuleChoice | undefined, offers: Offers): string | undefined =>
  choice?.rules ?? (offers.some(({ module }) => module.rules?.builtin === true) ? "builtin" : undefined);

function common(name: string, state: PolicyState, live: readonly InspectorStatus[]) {
  const control = state.controls.get(name);
  const offers = offersOf(name, live);
  const rules = rulesName(control?.active, offers);
  const ruleLanguage = control?.versions.find(({ digest }) => digest === control.active.version)?.ruleLanguage
    ?? offers.find(({ module }) => module.ruleLanguage)?.module.ruleLanguage ?? control?.versions.at(-1)?.ruleLanguage;
  return {
    offers,
    view: {
      inspectors: offers.length,
      forwards: [...state.forwards.values()].filter((forward) => forward.module === name).length,
      state: stateOf(control, offers),
      ...(control && control.failMode !== "open" && { failMode: control.failMode }),
      ...(rules !== undefined && { rules }),
      ...(ruleLanguage !== undefined && { ruleLanguage }),
      ...(control?.canary && { canaryShare: control.canary.share }),
    },
  };
}

/** All modules: those that have a bit, by it, then those that were only pushed. */
export function moduleItems(state: PolicyState, live: readonly InspectorStatus[]): View[] {
  const bound = [...state.modules.values()].sort((a, b) => a.bit - b.bit).map((module) => ({ ...module, ...common(module.name, state, live).view }));
  const pushed = [...state.controls.values()].filter(({ name }) => !state.modules.has(name)).map((control): View => {
    const newest = control.versions.at(-1);
    return {
      name: control.name, version: newest?.version ?? "", digest: newest?.digest ?? `sha256:${"0".repeat(64)}`, title: newest?.title ?? "", bit: -1,
      ...common(control.name, state, live).view,
    };
  });
  return [...bound, ...pushed];
}

const on = ({ inspectorId, module }: Offers[number]): On => {
  const { version, digest, state, strikes, rules, canary, refused } = module;
  const problem = refused?.problem ?? canary?.problem;
  return {
    inspectorId, version, digest, state, strikes,
    ...(rules && { rules: rules.builtin ? "builtin" : rules.digest }),
    ...(canary && { canary: canary.state }),
    ...(problem !== undefined && { problem }),
  };
};

/** One module with all that is known of it. @throws ProblemError not_found */
export function moduleDetail(name: string, state: PolicyState, live: readonly InspectorStatus[]): ModuleDetail {
  const binding = state.modules.get(name);
  const known = state.controls.get(name);
  if (!binding && !known) throw missing("module", name);
  const control = known ?? uncontrolled(name);
  const { offers, view } = common(name, state, live);
  const { enabled, active, previous, canary, settings, quarantine, rolledBack } = control;
  return {
    name,
    title: binding?.title ?? control.versions.at(-1)?.title ?? "",
    ...(binding && { bit: binding.bit, version: binding.version, digest: binding.digest }),
    ...view,
    enabled, active, previous: [...previous], settings: { ...settings },
    ...(canary && { canary }), ...(quarantine && { quarantine }), ...(rolledBack && { rolledBack }),
    versions: control.versions.map(({ blob, ...version }) => ({ ...version, bytes: blob.size })),
    ruleSets: control.ruleSets.map(({ blob, ...ruleSet }) => ({ ...ruleSet, bytes: blob.size })),
    on: offers.map(on),
  };
}
