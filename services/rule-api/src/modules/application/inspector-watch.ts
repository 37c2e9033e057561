import type { InspectorStatus, ModuleEnforcement } from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import type { LiveRegistry } from "../../telemetry/application/live-registry.js";

/** Waits until the live inspectors follow a revision. It reacts to what they report and never asks them. */
export class InspectorWatch {
  constructor(
    private readonly inspectors: LiveRegistry<InspectorStatus>,
    private readonly clock: Clock,
  ) {}

  live(): InspectorStatus[] {
    return this.inspectors.live().filter(({ provisional }) => !provisional).map(({ status }) => status);
  }

  /** Resolves when no live inspector is behind, or after `waitMs`. Never rejects. */
  async wait(revision: number, waitMs: number): Promise<ModuleEnforcement> {
    const start = this.clock.monotonicMs();
    const result = (): ModuleEnforcement => {
      const live = this.live();
      const pending = live.filter((status) => (status.revision ?? 0) < revision).map(({ inspectorId }) => inspectorId);
      const waitedMs = Math.round((this.clock.monotonicMs() - start) * 1_000) / 1_000;
      return { revision, inspectors: live.length, active: live.length - pending.length, pending, waitedMs };
    };
    const first = result();
    if (first.pending.length === 0 || waitMs === 0) return first;
    return new Promise((resolve) => {
      const finish = (enforcement: ModuleEnforcement) => {
        stop();
        clearTimeout(deadline);
        resolve(enforcement);
      };
      const stop = this.inspectors.onChange(() => {
        const now = result();
        if (now.pending.length === 0) finish(now);
      });
      const deadline = setTimeout(() => finish(result()), waitMs);
    });
  }
}
