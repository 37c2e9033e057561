import type { PolicyEvent } from "@secuxflow/contracts";
import type { TouchedRules } from "../../dataplane/domain/policy-change.js";

/** Collects the rules that events touch, until a change with them is in force. */
export class TouchedByEvents {
  #ids = new Set<number>();
  #all = false;

  get rules(): TouchedRules {
    return this.#all ? "all" : this.#ids;
  }

  all(): void {
    this.#all = true;
    this.#ids = new Set();
  }

  add(event: PolicyEvent): void {
    if (this.#all) return;
    switch (event.type) {
      case "rule.added":
        this.#ids.add(event.data.rule.id);
        return;
      case "rules.added":
        for (const { id } of event.data.rules) this.#ids.add(id);
        return;
      case "rule.deleted":
      case "rule.expired":
        this.#ids.add(event.data.id);
        return;
      case "rules.cleared":
        for (const id of event.data.ids) this.#ids.add(id);
        return;
      case "rules.replaced":
        this.all();
        return;
      // Rules name sets, services and modules, and each is added before the rules and deleted after them. Sets and
      // forwarding rules are compared by the data plane itself.
      case "service.added":
      case "service.deleted":
      case "forward.added":
      case "forward.deleted":
      case "forwards.cleared":
      case "module.registered":
      case "set.created":
      case "set.changed":
      case "set.replaced":
      case "set.deleted":
      case "protection.changed":
      // Rules that stand for modules which fail closed are told by `addIds`.
      case "module.published":
      case "module.ruleset-published":
      case "module.configured":
      case "module.enabled":
      case "module.disabled":
      case "module.canary-started":
      case "module.canary-promoted":
      case "module.rolled-back":
      case "module.quarantined":
      case "module.released":
    }
  }

  /** Rules that the events changed in another way. */
  addIds(ids: readonly number[]): void {
    if (!this.#all) for (const id of ids) this.#ids.add(id);
  }

  /** Begins anew, and returns what was collected. */
  take(): TouchedByEvents {
    const taken = new TouchedByEvents();
    taken.#ids = this.#ids;
    taken.#all = this.#all;
    this.#ids = new Set();
    this.#all = false;
    return taken;
  }

  /** Puts back what was taken: it did not come into force. */
  giveBack({ rules }: TouchedByEvents): void {
    if (rules === "all") this.all();
    else if (!this.#all) for (const id of rules) this.#ids.add(id);
  }
}
