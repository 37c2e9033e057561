import type {
  Deleted,
  PolicyEvent,
  ProtectionChange,
  ProtectionChanged,
  ServiceAdded,
  ServiceSpec,
  SetAdded,
  SetChange,
  SetEntriesChanged,
  SetSpec,
} from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import type { CommandContext, CommandOptions, PolicyService, Result } from "./policy-service.js";
import { keyUsedTwice } from "./problems.js";

type Answer<D> = Omit<D, "apiVersion" | "kind">;
type EventOf<T extends PolicyEvent["type"]> = Extract<PolicyEvent, { type: T }>;
type Named = Extract<PolicyEvent, { data: { name: string } }>;

/**
 * The event that a command led to; undefined where there was nothing to do.
 * @throws ProblemError conflict when the events are those of another command, whose key was used again
 */
function eventOf<T extends PolicyEvent["type"]>({ events }: Result, type: T): EventOf<T> | undefined {
  const [event] = events;
  if (event === undefined) return undefined;
  if (event.type !== type) throw keyUsedTwice();
  return event as EventOf<T>;
}

function eventNamed<T extends Named["type"]>(result: Result, type: T, name: string): Extract<Named, { type: T }> | undefined {
  const event = eventOf<Named["type"]>(result, type);
  if (event && event.data.name !== name) throw keyUsedTwice();
  return event as Extract<Named, { type: T }> | undefined;
}

/** Address sets, services and protection: what an administrator does with them, and where it is in force. */
export class NamedThings {
  constructor(
    private readonly policy: Pick<PolicyService, "execute" | "enforced" | "surroundings">,
    private readonly clock: Clock,
  ) {}

  async createSet(set: SetSpec, context: CommandContext, options: CommandOptions): Promise<Answer<SetAdded>> {
    const result = await this.policy.execute({ type: "create_set", set }, context, options);
    const event = eventNamed(result, "set.created", set.name);
    if (event?.data.entries.length !== set.entries.length) throw keyUsedTwice();
    return { name: set.name, entries: set.entries.length, ...(await this.policy.enforced(result.revision, options)) };
  }

  async changeSet(
    name: string,
    { add, remove }: SetChange,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<Answer<SetEntriesChanged>> {
    const { confirm } = options;
    const surroundings = this.policy.surroundings(context);
    const result = await this.policy.execute({ type: "change_set", name, add, remove, confirm, surroundings }, context, options);
    const { data } = eventNamed(result, "set.changed", name) ?? {};
    return this.#changed(name, result, options, { added: data?.add.length ?? 0, removed: data?.remove.length ?? 0 });
  }

  async replaceSet(
    name: string,
    entries: readonly string[],
    context: CommandContext,
    options: CommandOptions,
  ): Promise<Answer<SetEntriesChanged>> {
    const { confirm } = options;
    const surroundings = this.policy.surroundings(context);
    const result = await this.policy.execute({ type: "replace_set", name, entries, confirm, surroundings }, context, options);
    const event = eventNamed(result, "set.replaced", name);
    const before = result.before?.sets.get(name)?.entries;
    if (!event || !before) return this.#changed(name, result, options, { added: 0, removed: 0 });
    const added = entries.filter((entry) => !before.has(entry)).length;
    return this.#changed(name, result, options, { added, removed: before.size - (entries.length - added) });
  }

  async deleteSet(name: string, context: CommandContext, options: Omit<CommandOptions, "confirm">): Promise<Answer<Deleted>> {
    const result = await this.policy.execute({ type: "delete_set", name }, context, options);
    eventNamed(result, "set.deleted", name);
    return this.#deleted("set", name, result, options);
  }

  async addService(
    service: ServiceSpec,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<Answer<ServiceAdded>> {
    const result = await this.policy.execute({ type: "add_service", service, now: this.clock.now().toISOString() }, context, options);
    const added = eventOf(result, "service.added")?.data.service;
    if (added?.name !== service.name || added.address !== service.address) throw keyUsedTwice();
    return { service: added, ...(await this.policy.enforced(result.revision, options)) };
  }

  async deleteService(name: string, context: CommandContext, options: Omit<CommandOptions, "confirm">): Promise<Answer<Deleted>> {
    const result = await this.policy.execute({ type: "delete_service", name }, context, options);
    eventNamed(result, "service.deleted", name);
    return this.#deleted("service", name, result, options);
  }

  async changeProtection(
    change: ProtectionChange,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<Answer<ProtectionChanged>> {
    const { confirm } = options;
    const result = await this.policy.execute({ type: "change_protection", change, confirm }, context, options);
    const event = eventOf(result, "protection.changed");
    const protection = event?.data.protection ?? result.state.protection;
    return { protection, ...(await this.policy.enforced(result.revision, options)) };
  }

  async #deleted(
    what: Deleted["what"],
    name: string,
    result: Result,
    options: Omit<CommandOptions, "confirm">,
  ): Promise<Answer<Deleted>> {
    const { enforcement } = await this.policy.enforced(result.revision, options);
    return { what, name, enforcement };
  }

  async #changed(
    name: string,
    result: Result,
    options: CommandOptions,
    counts: { added: number; removed: number },
  ): Promise<Answer<SetEntriesChanged>> {
    const entries = result.state.sets.get(name)?.entries.size ?? 0;
    return { name, ...counts, entries, ...(await this.policy.enforced(result.revision, options)) };
  }
}
