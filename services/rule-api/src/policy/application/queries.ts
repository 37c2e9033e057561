import { API_VERSION, rulesInOrder, type ForwardList, type RuleList } from "@secuxflow/contracts";
import type { Stats } from "../../telemetry/application/stats.js";
import type { EnforcementWatch } from "./enforcement.js";
import type { PolicyService } from "./policy-service.js";

const NO_HITS = { packets: 0, bytes: 0 };

/** What is shown of the policy: each rule with its effect. */
export class PolicyQueries {
  constructor(
    private readonly service: Pick<PolicyService, "view">,
    private readonly stats: Stats,
    private readonly enforcement: EnforcementWatch,
  ) {}

  /** Rules in the order they are tried. */
  rules(): RuleList {
    const view = this.service.view();
    const hits = this.stats.ruleHits();
    const activeOn = this.#activeOn();
    return {
      apiVersion: API_VERSION,
      kind: "RuleList",
      revision: view.revision,
      items: rulesInOrder(view.state).map((rule) => ({
        ...rule,
        ...(hits.get(rule.id) ?? NO_HITS),
        ...activeOn(view.ruleSince.get(rule.id)),
      })),
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
        .map((forward) => ({ ...forward, ...(hits.get(forward.id) ?? NO_HITS), ...activeOn(view.forwardSince.get(forward.id)) })),
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
