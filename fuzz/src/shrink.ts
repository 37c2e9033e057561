/** Makes a failing case smaller as long as it fails: fewer frames, policies, rules and conditions, shorter frames. */
import type { Case } from "./case.js";
import type { ForwardFields, PolicyFields, RuleFields } from "./model/filter.js";

/** Whether a case still fails. */
export type Fails = (smaller: Case) => Promise<boolean>;

const ETHERNET = 14;
const REQUIRED = new Set(["id", "src", "dst", "proto", "action", "priority"]);
/** Fields that others hang on go with them. */
const NEEDS_PROTO = ["port", "sport", "tcpFlags", "icmpType", "icmpCode"];

class Budget {
  #left: number;

  constructor(runs: number) {
    this.#left = runs;
  }

  take(): boolean {
    return this.#left-- > 0;
  }
}

/** As few elements as fail: drops halves, then quarters, … then single ones (ddmin, Zeller and Hildebrandt 2002). */
async function fewest<T>(all: readonly T[], fails: (kept: readonly T[]) => Promise<boolean>, budget: Budget): Promise<readonly T[]> {
  let kept = all;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (!budget.take()) return kept;
      if (await fails(fewer)) kept = fewer;
      else at += size;
    }
  }
  return kept;
}

/** The same rule with one condition less, in every way. */
function simpler<T extends RuleFields | ForwardFields>(rule: T): T[] {
  const variants: T[] = [];
  for (const field of Object.keys(rule)) {
    if (REQUIRED.has(field) || (field === "limit" && "action" in rule && rule.action === "limit")) continue;
    const { [field as keyof T]: _, ...rest } = rule;
    variants.push(rest as T);
  }
  if (rule.src !== "any") variants.push({ ...rule, src: "any" });
  if (rule.dst !== "any") variants.push({ ...rule, dst: "any" });
  if (rule.proto !== "any" && !NEEDS_PROTO.some((field) => field in rule)) variants.push({ ...rule, proto: "any" });
  return variants;
}

/** Frames of which all keep failing: cut at the end, then with bytes that are zero. */
function shorter(frame: Uint8Array): Uint8Array[] {
  const cuts = [64, 16, 4, 1].filter((bytes) => frame.length - bytes >= ETHERNET).map((bytes) => frame.slice(0, frame.length - bytes));
  const zeroed = Array.from(frame, (byte, at) => ({ byte, at })).filter(({ byte, at }) => byte !== 0 && at >= ETHERNET).map(({ at }) => {
    const copy = frame.slice();
    copy[at] = 0;
    return copy;
  });
  return [...cuts, ...zeroed];
}

/**
 * Shrinks within a number of replays. The result fails as the case did, though maybe with other words.
 * @param index the frame that failed
 */
export async function shrink(failing: Case, index: number, fails: Fails, runs = 600): Promise<Case> {
  const budget = new Budget(runs);
  let best = failing;
  const attempt = async (candidate: Case): Promise<boolean> => {
    if (!budget.take() || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  const policies = (change: (policy: PolicyFields) => PolicyFields): Case => ({ ...best, before: best.before.map(change), policy: change(best.policy) });

  const frame = best.frames[index];
  if (!(frame && (await attempt({ ...best, frames: [frame] })))) {
    await attempt({ ...best, frames: best.frames.slice(0, index + 1) });
    const frames = await fewest(best.frames, (kept) => fails({ ...best, frames: kept }), budget);
    best = { ...best, frames };
  }
  const before = await fewest(best.before, (kept) => fails({ ...best, before: kept }), budget);
  best = { ...best, before };
  const ids = [...new Set([...best.before, best.policy].flatMap(({ rules }) => rules.map(({ id }) => id)))];
  const only = (kept: ReadonlySet<number>) => (policy: PolicyFields): PolicyFields => ({ ...policy, rules: policy.rules.filter(({ id }) => kept.has(id)) });
  const kept = await fewest(ids, (some) => fails(policies(only(new Set(some)))), budget);
  best = policies(only(new Set(kept)));
  await attempt(policies((policy) => ({ ...policy, forwards: [] })));
  await attempt(policies((policy) => ({ ...policy, allow: [] })));
  await shrinkConditions(() => best, policies, attempt);
  await shrinkSets(() => best, policies, fails, budget, (found) => { best = found; });
  await shrinkFrames(() => best, attempt);
  return best;
}

type Policies = (change: (policy: PolicyFields) => PolicyFields) => Case;

async function shrinkConditions(best: () => Case, policies: Policies, attempt: Fails): Promise<void> {
  for (const id of best().policy.rules.map((rule) => rule.id)) {
    for (let again = true; again;) {
      again = false;
      const rule = best().policy.rules.find((one) => one.id === id);
      for (const variant of rule ? simpler(rule) : []) {
        if (await attempt(policies((policy) => ({ ...policy, rules: policy.rules.map((one) => (one.id === id ? variant : one)) })))) {
          again = true;
          break;
        }
      }
    }
  }
}

async function shrinkSets(best: () => Case, policies: Policies, fails: Fails, budget: Budget, found: (smaller: Case) => void): Promise<void> {
  for (const name of best().policy.sets.keys()) {
    const used = best().policy.rules.some(({ src, dst }) => src === `@${name}` || dst === `@${name}`);
    const without = policies((policy) => ({ ...policy, sets: new Map([...policy.sets].filter(([other]) => other !== name)) }));
    if (!used && budget.take() && (await fails(without).catch(() => false))) {
      found(without);
      continue;
    }
    const withEntries = (entries: readonly string[]): Case => ({ ...best(), policy: { ...best().policy, sets: new Map([...best().policy.sets, [name, entries]]) } });
    found(withEntries(await fewest(best().policy.sets.get(name) ?? [], (entries) => fails(withEntries(entries)), budget)));
  }
}

async function shrinkFrames(best: () => Case, attempt: Fails): Promise<void> {
  for (const at of best().frames.keys()) {
    for (let again = true; again;) {
      again = false;
      for (const variant of shorter(best().frames[at] ?? new Uint8Array())) {
        if (await attempt({ ...best(), frames: best().frames.map((frame, i) => (i === at ? variant : frame)) })) {
          again = true;
          break;
        }
      }
    }
  }
}
