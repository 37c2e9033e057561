import type { AgentStatus, Enforcement } from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import { LIVE_MS, type LiveRegistry } from "../../telemetry/application/live-registry.js";

/**
 * Waits until every live agent has a revision in its kernel. It reacts to what agents report and never asks them.
 * Who is waited for: the agents that are live when waiting begins, and those that turn up meanwhile. One that dies is named as
 * pending; one that ends in order (it deletes its status) leaves.
 */
export class EnforcementWatch {
  constructor(
    private readonly agents: LiveRegistry<AgentStatus>,
    private readonly policy: string,
    private readonly clock: Clock,
  ) {}

  /** Live agents of this policy. */
  live(): AgentStatus[] {
    return this.agents
      .live()
      .filter(({ status }) => status.policy === this.policy)
      .map(({ status }) => status);
  }

  /** Ids of the agents that are known but silent: they keep what they have until they are back. */
  silent(): string[] {
    return this.agents
      .all()
      .filter((known) => !known.live && known.status.policy === this.policy)
      .map(({ id }) => id);
  }

  /** Resolves when no agent is pending any more, or after `waitMs`. Never rejects. */
  async wait(revision: number, waitMs: number): Promise<Enforcement> {
    const start = this.clock.monotonicMs();
    const expected = new Set(this.agents.live().map(({ id }) => id));
    const result = (): Enforcement => ({
      revision,
      ...this.#look(revision, expected),
      waitedMs: Math.round((this.clock.monotonicMs() - start) * 1_000) / 1_000,
    });
    const first = result();
    if (first.pending.length === 0 || waitMs === 0) return first;
    return new Promise((resolve) => {
      const finish = (enforcement: Enforcement) => {
        stop();
        clearTimeout(deadline);
        clearTimeout(termEnd);
        resolve(enforcement);
      };
      const look = () => {
        const now = result();
        if (now.pending.length === 0) finish(now);
      };
      const stop = this.agents.onChange(look);
      const deadline = setTimeout(() => finish(result()), waitMs);
      // Those that may be long gone leave without a word when their term ends.
      const termEnd = setTimeout(look, LIVE_MS + 10);
    });
  }

  #look(revision: number, expected: ReadonlySet<string>): Pick<Enforcement, "agents" | "active" | "pending"> {
    const counted = this.agents
      .all()
      .filter(
        ({ id, status, live, provisional }) => status.policy === this.policy && (live || (expected.has(id) && !provisional)),
      );
    const pending = counted.filter(({ status }) => status.revision < revision).map(({ id }) => id);
    return { agents: counted.length, active: counted.length - pending.length, pending };
  }
}
