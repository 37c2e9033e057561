import { closedRules, emptyPolicy, evolve, withClosedModules, type PolicyMessage, type PolicyState } from "@secuxflow/contracts";
import type { DataPlane } from "../../dataplane/application/data-plane.js";
import { TouchedByEvents } from "../domain/touched.js";
import type { LastGood } from "./last-good.js";

/** A message as it was folded. */
export interface FoldedMessage {
  readonly revision: number;
  /** The revision before it. */
  readonly previous: number;
  readonly message: PolicyMessage;
}

/** A policy that came into force, and what led to it from the one before; without that it is to be kept as a whole. */
export interface InForce extends LastGood {
  readonly messages: readonly FoldedMessage[] | undefined;
}

export interface ApplierPorts {
  readonly plane: Pick<DataPlane, "apply" | "adopt" | "revision">;
  /** Told of each policy that came into force, to keep it. Must not block. */
  readonly keep: (policy: InForce) => void;
  /** Told after each revision that came into force. */
  readonly onApplied: (revision: number) => void;
  /** Told of a problem (undefined: it is over). */
  readonly onProblem: (kind: "policy" | "stream", problem: string | undefined) => void;
}

/** Messages that are remembered while no change can be put in force; beyond that the policy is kept as a whole. */
const MOST_MESSAGES = 1_000;

/**
 * Folds policy messages and puts the newest state in force, one change at a time: while one is being applied, those that
 * arrive are folded and applied together. What cannot be applied leaves the last good policy in force and is reported.
 *
 * After a restart the kernel may stand at a later revision than the kept policy: then nothing is applied before the fold
 * has reached that revision, since going back would open, or close, what had been decided.
 */
export class PolicyApplier {
  readonly #ports: ApplierPorts;
  #state: PolicyState = emptyPolicy;
  #revision = 0;
  /** The revision the kernel was left with, while what it stands for is not known. */
  #left: number | undefined;
  #touched = new TouchedByEvents();
  #messages: FoldedMessage[] | undefined = [];
  #applying: Promise<void> | undefined;
  #wanted = false;
  #stuck = false;

  constructor(ports: ApplierPorts) {
    this.#ports = ports;
    this.#left = ports.plane.revision > 0 ? ports.plane.revision : undefined;
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** The revision that has been folded; the kernel may be a moment behind. */
  get revision(): number {
    return this.#revision;
  }

  /** Starts from a kept policy, and puts it in force unless the kernel already stands there, or further on. */
  async restore(lastGood: LastGood): Promise<void> {
    this.#state = lastGood.state;
    this.#revision = lastGood.revision;
    this.#schedule();
    await this.idle();
  }

  /** Takes the next message of the stream. */
  take(revision: number, message: PolicyMessage): void {
    if (this.#stuck || revision <= this.#revision) return;
    const before = this.#state;
    this.#state = message.events.reduce(evolve, before);
    for (const event of message.events) this.#touched.add(event);
    this.#touched.addIds([...closedRules(before), ...closedRules(this.#state)].map(({ id }) => id));
    this.#remember({ revision, previous: this.#revision, message });
    this.#revision = revision;
    this.#schedule();
  }

  /** All that the stream holds has been taken. */
  caughtUp(): void {
    if (this.#left === undefined || this.#stuck) return;
    this.#ports.onProblem("stream", `the kernel stands at revision ${this.#left}, the policy stream ends at ${this.#revision}: its history went back, revision ${this.#left} stays in force`);
  }

  /** A message that this build cannot read: from here on the agent must not guess. */
  stopAt(revision: number, reason: string): void {
    this.#stuck = true;
    this.#ports.onProblem("stream", `revision ${revision} cannot be read (${reason}); revision ${this.#ports.plane.revision} stays in force, upgrade this agent`);
  }

  /** Resolves when everything taken so far is in force, or refused. */
  async idle(): Promise<void> {
    while (this.#applying) await this.#applying;
  }

  #remember(folded: FoldedMessage): void {
    if (this.#messages && this.#messages.length < MOST_MESSAGES) this.#messages.push(folded);
    else this.#messages = undefined;
  }

  #schedule(): void {
    this.#wanted = true;
    this.#applying ??= this.#run().finally(() => {
      this.#applying = undefined;
    });
  }

  async #run(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      if (this.#isAtOrBehindKernel()) continue;
      const policy: InForce = { revision: this.#revision, state: this.#state, messages: this.#messages };
      const touched = this.#touched.take();
      this.#messages = [];
      try {
        await this.#ports.plane.apply({ ...policy, state: withClosedModules(policy.state), touched: touched.rules });
      } catch (error) {
        this.#touched.giveBack(touched);
        this.#messages = this.#joined(policy.messages);
        const why = error instanceof Error ? error.message : String(error);
        this.#ports.onProblem("policy", `revision ${policy.revision} is not in force: ${why}; revision ${this.#ports.plane.revision} stays`);
        continue;
      }
      this.#ports.onProblem("policy", undefined);
      this.#ports.onApplied(policy.revision);
      this.#ports.keep(policy);
    }
  }

  #joined(before: readonly FoldedMessage[] | undefined): FoldedMessage[] | undefined {
    if (!before || !this.#messages || before.length + this.#messages.length > MOST_MESSAGES) return undefined;
    return [...before, ...this.#messages];
  }

  /** After a restart: whether the kernel needs nothing, or stands further on than what has been folded. */
  #isAtOrBehindKernel(): boolean {
    const left = this.#left;
    if (left === undefined) return false;
    if (this.#revision < left) return true;
    this.#left = undefined;
    if (this.#revision === left && this.#ports.plane.adopt(withClosedModules(this.#state))) {
      this.#touched.take();
      this.#ports.onApplied(left);
      if (this.#messages === undefined || this.#messages.length > 0) this.#ports.keep({ revision: left, state: this.#state, messages: this.#messages });
      this.#messages = [];
      return true;
    }
    this.#touched.all();
    return false;
  }
}
