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
    }
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
