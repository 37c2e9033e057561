import { setTimeout as delay } from "node:timers/promises";
import { emptyPolicy, evolve, type PolicyMessage, type PolicyState } from "@secuxflow/contracts";
import type { LastGood } from "./last-good.js";
import { kernelPolicy } from "../../dataplane/domain/kernel-policy.js";
import type { DataPlane } from "../../dataplane/application/data-plane.js";

/** A change is on disk at most so much later than it is in the kernel, and the time of the write itself. */
const SAVE_SPACING_MS = 100;

export interface ApplierPorts {
  readonly plane: Pick<DataPlane, "apply" | "revision">;
  readonly save: (lastGood: LastGood) => Promise<void>;
  /** Told after each revision that came into force. */
  readonly onApplied: (revision: number) => void;
  /** Told of a problem (undefined: it is over). */
  readonly onProblem: (kind: "policy" | "stream" | "disk", problem: string | undefined) => void;
}

/**
 * Folds policy messages and puts the newest state in force, one change at a time: while one is being applied, those that
 * arrive are folded and applied together. What cannot be applied leaves the last good policy in force and is reported.
 */
export class PolicyApplier {
  readonly #ports: ApplierPorts;
  #state: PolicyState = emptyPolicy;
  #revision = 0;
  #applying: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #unsaved: LastGood | undefined;
  #wanted = false;
  #stuck = false;

  constructor(ports: ApplierPorts) {
    this.#ports = ports;
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** The revision that has been folded; the kernel may be a moment behind. */
  get revision(): number {
    return this.#revision;
  }

  /** Starts from a kept policy, and puts it in force unless the kernel already stands there. */
  async restore(lastGood: LastGood): Promise<void> {
    this.#state = lastGood.state;
    this.#revision = lastGood.revision;
    if (this.#ports.plane.revision === lastGood.revision) return;
    this.#schedule();
    await this.idle();
  }

  /** Takes the next message of the stream. */
  take(revision: number, message: PolicyMessage): void {
    if (this.#stuck || revision <= this.#revision) return;
    this.#state = message.events.reduce(evolve, this.#state);
    this.#revision = revision;
    this.#schedule();
  }

  /** A message that this build cannot read: from here on the agent must not guess. */
  stopAt(revision: number, reason: string): void {
    this.#stuck = true;
    this.#ports.onProblem("stream", `revision ${revision} cannot be read (${reason}); revision ${this.#revision} stays in force, upgrade this agent`);
  }

  /** Resolves when everything taken so far is in force (or refused) and kept. */
  async idle(): Promise<void> {
    while (this.#applying ?? this.#saving) {
      await this.#applying;
      await this.#saving;
    }
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
      const lastGood = { revision: this.#revision, state: this.#state };
      try {
        await this.#ports.plane.apply(kernelPolicy(lastGood.state, lastGood.revision));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#ports.onProblem("policy", `revision ${lastGood.revision} is not in force: ${why}`);
        continue;
      }
      this.#ports.onProblem("policy", undefined);
      this.#ports.onApplied(lastGood.revision);
      this.#keep(lastGood);
    }
  }

  /** Saving must not hold up the kernel: only the newest state is written, after the one being written. */
  #keep(lastGood: LastGood): void {
    this.#unsaved = lastGood;
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#unsaved) {
      const next = this.#unsaved;
      this.#unsaved = undefined;
      try {
        await this.#ports.save(next);
        this.#ports.onProblem("disk", undefined);
      } catch (error) {
        this.#ports.onProblem("disk", `the last good policy cannot be kept: ${error instanceof Error ? error.message : String(error)}`);
      }
      // Each write is fsynced: a burst of changes must not become a burst of disk flushes.
      await delay(SAVE_SPACING_MS);
    }
  }
}
