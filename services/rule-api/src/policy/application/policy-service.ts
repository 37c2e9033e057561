import {
  ProblemError,
  type Enforcement,
  type FilterRule,
  type ForwardRule,
  type ForwardSpec,
  type PolicyEvent,
  type PolicyMessage,
  type PolicyState,
  type RulesImported,
  type RuleSpec,
} from "@secuxflow/contracts";
import {
  executeCommand,
  loadState,
  RevisionConflict,
  StateCache,
  type CommandResult,
  type EventStore,
} from "@secuxflow/event-store";
import type { Clock } from "../../clock.js";
import {
  forwardWarnings,
  policyDecider,
  ruleAnswering,
  importWarnings,
  ruleWarnings,
  sameMatch,
  sameRule,
  type ImportRules,
  type PolicyCommand,
  type Session,
  type Surroundings,
} from "../domain/index.js";
import type { EnforcementWatch } from "./enforcement.js";
import type { PolicyReader, PolicyView } from "./policy-reader.js";
import { Deadline, keyUsedTwice, NATS_NEXT, stale, toProblem, unreadable } from "./problems.js";

/** Who asks, and how. */
export interface CommandContext {
  readonly actor: string;
  /** Unique; a retry of the same request carries the same one. */
  readonly commandId: string;
  readonly session?: Session | undefined;
  readonly traceparent?: string | undefined;
}

export interface CommandOptions {
  readonly confirm: boolean;
  readonly waitMs: number;
  readonly ifRevision?: number | undefined;
}

/** What is counted of commands. */
export interface CommandMetrics {
  /** `result`: ok, duplicate, or the code of the problem. */
  done(command: PolicyCommand["type"], result: string, seconds: number): void;
  conflict(): void;
  enforced(enforcement: Enforcement): void;
}

/** Whether NATS can be reached. */
export interface Connection {
  readonly connected: boolean;
}

export interface PolicyServiceParts {
  readonly store: EventStore<PolicyMessage>;
  readonly policy: string;
  readonly reader: PolicyReader;
  readonly enforcement: EnforcementWatch;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly metrics: CommandMetrics;
  /** What a rule must not cut off unasked; the session is added from the request. */
  readonly surroundings: Omit<Surroundings, "session">;
}

/** With NATS away a command is refused within this time. */
export const STORE_DEADLINE_MS = 1_500;
/** Commands with up to a million entries take their time, and so may those behind them. */
export const BULK_DEADLINE_MS = 60_000;
const READ_YOUR_WRITE_MS = 1_000;
const BULK: ReadonlySet<PolicyCommand["type"]> = new Set(["import_rules", "clear_rules", "create_set", "change_set", "replace_set"]);

const eventsOf = (message: PolicyMessage): readonly PolicyEvent[] => message.events;

/** The event that each way of taking out leads to. */
const REMOVED_BY = {
  delete_rule: "rule.deleted",
  clear_rules: "rules.cleared",
  delete_forward: "forward.deleted",
  clear_forwards: "forwards.cleared",
} as const;

export interface Result extends CommandResult<PolicyEvent, PolicyState> {
  /** The state that was decided on; undefined where the command was executed before. */
  readonly before?: PolicyState | undefined;
}

/** Executes the commands of administrators on the policy and tells where they are in force. */
export class PolicyService {
  readonly #cache = new StateCache<PolicyState>();
  #bulkRunning = 0;

  constructor(private readonly parts: PolicyServiceParts) {
    parts.reader.onRewound(() => this.#cache.forget(parts.policy));
  }

  /** Reads the policy for deciding as soon as it can be read, so that the first command need not. */
  warmUp(): void {
    const { store, policy, reader } = this.parts;
    const stop = reader.onChange(() => {
      queueMicrotask(() => stop());
      void this.#cache
        .exclusively(policy, () => loadState({ store, decider: policyDecider, stream: policy, cache: this.#cache, eventsOf }))
        .catch(() => undefined); // the first command will tell
    });
  }

  /** The policy in memory. @throws ProblemError nats_unavailable while it was never read */
  view(): PolicyView {
    const { view } = this.parts.reader;
    if (view) return view;
    throw new ProblemError(
      "nats_unavailable",
      "the policy has not been read yet: NATS was not reachable since this service started",
      { next: NATS_NEXT },
    );
  }

  async addRule(
    rule: RuleSpec,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<{ rule: FilterRule; enforcement: Enforcement; warnings: string[] }> {
    const result = await this.execute(
      {
        type: "add_rule",
        rule,
        now: this.#now(),
        confirm: options.confirm,
        surroundings: this.surroundings(context),
      },
      context,
      options,
    );
    const added = result.events.find((event) => event.type === "rule.added")?.data.rule;
    if (!added || (result.duplicate && !sameRule(added, rule))) throw keyUsedTwice();
    return this.#ruleAnswer(added, result, options);
  }

  /** Adds the rule that answers an alert, or gives the standing one that does (`existing`). */
  async approve(
    alertId: number,
    rule: RuleSpec,
    context: Omit<CommandContext, "commandId">,
    options: CommandOptions,
  ): Promise<{ rule: FilterRule; enforcement: Enforcement; warnings: string[]; existing: boolean }> {
    const now = this.#now();
    // Two who approve at once from the same revision share the id, so that a lost answer cannot make a second rule either.
    const commandId = `approve:${alertId}:${this.view().revision}`;
    const spec = { ...rule, alertId };
    const result = await this.execute(
      {
        type: "approve_alert",
        alertId,
        rule: spec,
        now,
        confirm: options.confirm,
        surroundings: this.surroundings(context),
      },
      { ...context, commandId },
      options,
    );
    const added = result.events.find((event) => event.type === "rule.added")?.data.rule;
    const standing = added ?? ruleAnswering(result.state, alertId, spec, now);
    if (!standing)
      throw new ProblemError("conflict", `the rule for alert ${alertId} was taken out while it was approved`, {
        next: "approve it again",
      });
    return { ...(await this.#ruleAnswer(standing, result, options)), existing: !added || result.duplicate };
  }

  /** Many rules, all or none. */
  async importRules(
    { mode, rules }: Pick<ImportRules, "mode" | "rules">,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<Omit<RulesImported, "apiVersion" | "kind">> {
    const { confirm } = options;
    const surroundings = this.surroundings(context);
    const command = { type: "import_rules", mode, rules, now: this.#now(), confirm, surroundings } as const;
    const result = await this.execute(command, context, options);
    const [event] = result.events;
    const wanted = mode === "replace" ? "rules.replaced" : "rules.added";
    if (event?.type !== wanted || event.data.rules.length !== rules.length) throw keyUsedTwice();
    const standing = result.before?.rules;
    const fresh = event.data.rules.filter(({ id }) => standing?.has(id) !== true);
    const kept = event.data.rules.length - fresh.length;
    const removed = mode === "replace" && standing ? standing.size - kept : 0;
    const [first] = fresh;
    const { enforcement, warnings } = await this.enforced(result.revision, options);
    return {
      added: fresh.length,
      removed,
      ...(first === undefined ? {} : { firstId: first.id }),
      enforcement,
      warnings: [
        ...(result.duplicate ? ["this was done before, by the same request: what it took out then is not counted again"] : []),
        ...importWarnings(result.state, new Set(fresh.map(({ id }) => id))),
        ...warnings,
      ],
    };
  }

  async addForward(
    forward: ForwardSpec,
    context: CommandContext,
    options: CommandOptions,
  ): Promise<{ forward: ForwardRule; enforcement: Enforcement; warnings: string[] }> {
    const result = await this.execute({ type: "add_forward", forward, now: this.#now() }, context, options);
    const added = result.events.find((event) => event.type === "forward.added")?.data.forward;
    if (!added || (result.duplicate && !(sameMatch(added, forward) && added.module === forward.module))) throw keyUsedTwice();
    const { enforcement, warnings } = await this.enforced(result.revision, options);
    return { forward: added, enforcement, warnings: [...forwardWarnings(added), ...warnings] };
  }

  /** Deletes or clears; answers with the ids that are gone. */
  async remove(
    command: Extract<PolicyCommand, { type: "delete_rule" | "clear_rules" | "delete_forward" | "clear_forwards" }>,
    context: CommandContext,
    options: Omit<CommandOptions, "confirm">,
  ): Promise<{ ids: number[]; enforcement: Enforcement }> {
    const result = await this.execute(command, context, options);
    const ids = result.events.flatMap((event) => {
      if (event.type !== REMOVED_BY[command.type]) throw keyUsedTwice(); // a duplicate's events are those of its first use
      return "ids" in event.data ? event.data.ids : "id" in event.data ? [event.data.id] : [];
    });
    if ("id" in command && ids[0] !== command.id) throw keyUsedTwice();
    const { enforcement } = await this.enforced(result.revision, options);
    return { ids, enforcement };
  }

  /**
   * Executes one command. What it decided is durable when this resolves.
   * @throws ProblemError, with every failure of the store told as one
   */
  async execute(
    command: PolicyCommand,
    context: CommandContext,
    options: { readonly ifRevision?: number | undefined } = {},
  ): Promise<Result> {
    const start = this.parts.clock.monotonicMs();
    const done = (result: string) =>
      this.parts.metrics.done(command.type, result, (this.parts.clock.monotonicMs() - start) / 1_000);
    try {
      const result = await this.#execute(command, context, options.ifRevision);
      done(result.duplicate ? "duplicate" : "ok");
      return result;
    } catch (error) {
      const problem = toProblem(error);
      done(problem.code);
      throw problem;
    }
  }

  async #execute(
    command: PolicyCommand,
    { actor, commandId, traceparent }: CommandContext,
    ifRevision: number | undefined,
  ): Promise<Result> {
    const { policy, connection, reader } = this.parts;
    if (!connection.connected)
      throw new ProblemError("nats_unavailable", "NATS cannot be reached: nothing was changed", { next: NATS_NEXT });
    const { revision } = this.view();
    if (reader.problem !== undefined) throw unreadable(reader.problem);
    if (ifRevision !== undefined && revision > ifRevision) throw stale(ifRevision, revision);
    const at = "now" in command ? command.now : this.#now(); // one time for the message and what is in it
    const bulk = BULK.has(command.type);
    this.#bulkRunning += bulk ? 1 : 0;
    const deadline = new Deadline(this.#bulkRunning > 0 ? BULK_DEADLINE_MS : STORE_DEADLINE_MS);
    let before: PolicyState | undefined;
    const decide = (asked: PolicyCommand, state: PolicyState) => {
      before = state;
      try {
        return policyDecider.decide(asked, state);
      } finally {
        deadline.restart();
      }
    };
    const executed = executeCommand({
      store: this.#store(ifRevision),
      decider: { ...policyDecider, decide },
      stream: policy,
      cache: this.#cache,
      command,
      commandId,
      eventsOf,
      toMessage: (events) => ({ actor, at, events: [...events] }),
      signal: deadline.signal,
      ...(traceparent === undefined ? {} : { traceparent }),
    }).finally(() => (this.#bulkRunning -= bulk ? 1 : 0));
    const result = await deadline.hold(executed);
    if (ifRevision !== undefined && result.events.length === 0 && result.revision !== ifRevision)
      throw stale(ifRevision, result.revision);
    return { ...result, before: result.duplicate ? undefined : before };
  }

  /** The store as one command sees it: conflicts are counted, and nothing is appended to another revision than asked for. */
  #store(ifRevision: number | undefined): EventStore<PolicyMessage> {
    const { store, metrics } = this.parts;
    return {
      read: (stream, options) => store.read(stream, options),
      follow: (stream, options) => store.follow(stream, options),
      head: (stream) => store.head(stream),
      append: async (stream, message, options) => {
        if (ifRevision !== undefined && options.expectedRevision !== ifRevision)
          throw stale(ifRevision, options.expectedRevision);
        try {
          return await store.append(stream, message, options);
        } catch (error) {
          if (error instanceof RevisionConflict) metrics.conflict();
          throw error;
        }
      },
    };
  }

  async #ruleAnswer(rule: FilterRule, result: Result, options: CommandOptions) {
    const { enforcement, warnings } = await this.enforced(result.revision, options);
    return { rule, enforcement, warnings: [...ruleWarnings(result.state, rule), ...warnings] };
  }

  /** Waits until a revision is in force, and says what there is to say of the agents. */
  async enforced(
    revision: number,
    { waitMs }: Pick<CommandOptions, "waitMs">,
  ): Promise<{ enforcement: Enforcement; warnings: string[] }> {
    // Who asks next shall see what was just done: the view follows within a moment.
    const [enforcement] = await Promise.all([
      this.parts.enforcement.wait(revision, waitMs),
      this.parts.reader.reached(revision, READ_YOUR_WRITE_MS),
    ]);
    this.parts.metrics.enforced(enforcement);
    return { enforcement, warnings: this.#agentWarnings(enforcement) };
  }

  #agentWarnings({ agents }: Enforcement): string[] {
    const silent = this.parts.enforcement.silent();
    const shown = silent.slice(0, 5).join(", ") + (silent.length > 5 ? ` and ${silent.length - 5} more` : "");
    return [
      ...(agents === 0 ? ["no agent is live: this is stored, and comes into force when one starts"] : []),
      ...(silent.length === 0
        ? []
        : [
            `${silent.length === 1 ? "agent" : "agents"} ${shown} not heard from: the rules there are those of before until it is back`,
          ]),
    ];
  }

  /** What a command of this caller must not cut off unasked. */
  surroundings({ session }: Pick<CommandContext, "session">): Surroundings {
    return { ...this.parts.surroundings, session };
  }

  #now(): string {
    return this.parts.clock.now().toISOString();
  }
}
