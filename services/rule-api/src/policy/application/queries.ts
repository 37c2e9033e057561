import {
  API_VERSION,
  EntrySet,
  ruleOrder,
  rulesInOrder,
  type AddressSet,
  type FilterRule,
  type ForwardList,
  type ProtectionShown,
  type RuleList,
  type ServiceList,
  type SetList,
  type SetShown,
  type SetView,
} from "@secuxflow/contracts";
import type { Stats } from "../../telemetry/application/stats.js";
import { missing, NO_USERS, usersOfServices, usersOfSets, type SetUsers } from "../domain/index.js";
import type { EnforcementWatch } from "./enforcement.js";
import type { PolicyView } from "./policy-reader.js";
import type { PolicyService } from "./policy-service.js";

const NO_HITS = { packets: 0, bytes: 0 };
/** Users of a set or service that are named. */
const SHOWN_USERS = 100;

/** A part of a long list. */
export interface Page<After> {
  /** What the part before ended with. */
  readonly after?: After | undefined;
  readonly limit: number;
}

/** Index of the first item whose key is beyond `after`. Items are ascending by key. */
function beyond<T, K extends number | string>(items: readonly T[], keyOf: (item: T) => K, after: K | undefined): number {
  if (after === undefined) return 0;
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle] as T) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pageOf<T, K extends number | string>(items: readonly T[], keyOf: (item: T) => K, { after, limit }: Page<K>) {
  const start = beyond(items, keyOf, after);
  const shown = items.slice(start, start + limit);
  const last = shown.at(-1);
  const isPart = shown.length < items.length;
  const next = last !== undefined && start + shown.length < items.length ? keyOf(last) : undefined;
  return { shown, isPart, next };
}

/** What is shown of the policy: each thing with its effect. */
export class PolicyQueries {
  constructor(
    private readonly service: Pick<PolicyService, "view">,
    private readonly stats: Stats,
    private readonly enforcement: EnforcementWatch,
  ) {}

  /** A part of the rules in the order they are tried. `after` and `next` are places in that order (`ruleOrder`). */
  rules(page: Page<number>): RuleList {
    const view = this.service.view();
    const activeOn = this.#activeOn();
    const all = rulesInOrder(view.state);
    const { shown, isPart, next } = pageOf<FilterRule, number>(all, ruleOrder, page);
    const hits = this.stats.ruleHits(shown.map(({ id }) => id));
    return {
      apiVersion: API_VERSION,
      kind: "RuleList",
      revision: view.revision,
      items: shown.map((rule) => ({
        ...rule,
        ...(hits.get(rule.id) ?? NO_HITS),
        ...activeOn(view.since.rules.get(rule.id)),
      })),
      ...(isPart ? { total: all.length } : {}),
      ...(next === undefined ? {} : { next }),
    };
  }

  /** Forwards by id. */
  forwards(): ForwardList {
    const view = this.service.view();
    const hits = this.stats.forwardHits();
    const activeOn = this.#activeOn();
    return {
      apiVersion: API_VERSION,
      kind: "ForwardList",
      revision: view.revision,
      items: [...view.state.forwards.values()]
        .sort((a, b) => a.id - b.id)
        .map((forward) => ({
          ...forward,
          ...(hits.get(forward.id) ?? NO_HITS),
          ...activeOn(view.since.forwards.get(forward.id)),
        })),
    };
  }

  /** Sets by name, without their entries. */
  sets(): SetList {
    const view = this.service.view();
    const users = usersOfSets(view.state);
    const items = [...view.state.sets.values()].map((set) => this.#setView(view, set, users.get(set.name)));
    return { apiVersion: API_VERSION, kind: "SetList", revision: view.revision, items };
  }

  /** One set with a part of its entries, by text. @throws ProblemError not_found */
  set(name: string, page: Page<string>): SetShown {
    const view = this.service.view();
    const set = view.state.sets.get(name);
    if (!set) throw missing("set", name);
    const { shown, next } = pageOf<string, string>(EntrySet.of(set.entries).list(), (entry) => entry, page);
    return {
      apiVersion: API_VERSION,
      kind: "Set",
      revision: view.revision,
      set: this.#setView(view, set, usersOfSets(view.state).get(name)),
      entries: shown,
      ...(next === undefined ? {} : { next }),
    };
  }

  /** Services by name, each as the live agents see it. */
  services(): ServiceList {
    const view = this.service.view();
    const users = usersOfServices(view.state);
    const agents = this.enforcement.live();
    const activeOn = this.#activeOn();
    const items = [...view.state.services.values()].map((service) => ({
      ...service,
      usedByRules: (users.get(service.name) ?? []).slice(0, SHOWN_USERS),
      on: agents.flatMap(({ agentId, services = [] }) =>
        services.filter(({ name }) => name === service.name).map(({ name: _, ...status }) => ({ agentId, ...status })),
      ),
      ...activeOn(view.since.services.get(service.name)),
    }));
    return { apiVersion: API_VERSION, kind: "ServiceList", revision: view.revision, items };
  }

  protection(): ProtectionShown {
    const { revision, state } = this.service.view();
    const on = this.enforcement
      .live()
      .flatMap(({ agentId, protection }) => (protection === undefined ? [] : [{ agentId, ...protection }]));
    return { apiVersion: API_VERSION, kind: "Protection", revision, protection: state.protection, on };
  }

  #setView(view: PolicyView, { name, comment, entries }: AddressSet, { rules, forwards }: SetUsers = NO_USERS): SetView {
    return {
      name,
      ...(comment === undefined ? {} : { comment }),
      entries: entries.size,
      usedByRules: rules.slice(0, SHOWN_USERS),
      usedByForwards: forwards.slice(0, SHOWN_USERS),
      ...this.#activeOn()(view.since.sets.get(name)),
    };
  }

  /** On how many of the live agents a revision is in force. */
  #activeOn(): (since: number | undefined) => { activeOn: number; agents: number } {
    const revisions = this.enforcement.live().map(({ revision }) => revision);
    return (since) => ({
      activeOn: revisions.filter((revision) => since !== undefined && revision >= since).length,
      agents: revisions.length,
    });
  }
}
