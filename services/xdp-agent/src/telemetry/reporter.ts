import type { AgentStats} from "@secuxflow/contracts";
import { AgentStatus, BUCKETS, subjects, type PolicyState } from "@secuxflow/contracts";
import { publishJson, StatusBucket, type NatsLink } from "@secuxflow/nats";
import type { XdpAttachments } from "../attachment/xdp-attachments.js";
import type { DataPlane } from "../dataplane/application/data-plane.js";
import { TOTAL } from "../dataplane/domain/layout.js";
import type { FrameAssembler } from "../sampling/application/frame-assembler.js";
import type { Problems } from "./problems.js";
import { agentStats } from "./stats.js";

export interface ReporterOptions {
  readonly link: NatsLink;
  readonly agentId: string;
  readonly policy: string;
  readonly host: string;
  readonly version: string;
  readonly kernel: string;
  readonly capacity: AgentStatus["capacity"];
  readonly plane: DataPlane;
  readonly policyState: () => PolicyState;
  readonly attachments: XdpAttachments;
  readonly problems: Problems;
  readonly sampling: FrameAssembler;
  readonly wallMinusMonotonic: () => bigint;
  readonly intervalMs: number;
  readonly log: { debug(object: object, message: string): void };
}

/** Tells what the agent does: status on every change and in intervals (bucket), counters in intervals (core NATS). */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #bucket: StatusBucket<AgentStatus>;
  readonly #startedAt = new Date().toISOString();
  #timer: NodeJS.Timeout | undefined;
  #putting: Promise<void> | undefined;
  #again = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#bucket = new StatusBucket(options.link, BUCKETS.agents, AgentStatus);
  }

  start(): void {
    const tick = (): void => {
      this.reportStatus();
      publishJson(this.#options.link, subjects.agentStats(this.#options.agentId), this.stats());
    };
    this.#timer = setInterval(tick, this.#options.intervalMs);
    tick();
  }

  /** Takes the agent off the list: it stopped on purpose, nobody should wait for it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#again = false;
    await this.#putting;
    await this.#bucket.delete(this.#options.agentId).catch(() => undefined);
  }

  /** Writes the status now. While one is being written, one more follows with the newest values. */
  reportStatus(): void {
    if (this.#options.link.state() !== "connected") return;
    this.#again = true;
    this.#putting ??= this.#putAll().finally(() => {
      this.#putting = undefined;
    });
  }

  status(): AgentStatus {
    const { attachments, plane, problems, policyState } = this.#options;
    const all = [...problems.list(), ...attachments.problems];
    const state = policyState();
    return {
      agentId: this.#options.agentId, policy: this.#options.policy, host: this.#options.host, version: this.#options.version, pid: process.pid,
      startedAt: this.#startedAt, at: new Date().toISOString(), revision: plane.revision, state: all.length === 0 ? "ok" : "degraded", problems: all,
      interfaces: attachments.interfaces, rules: state.rules.size, forwards: state.forwards.size, kernel: this.#options.kernel, capacity: this.#options.capacity,
    };
  }

  stats(): AgentStats {
    const { plane, sampling, wallMinusMonotonic } = this.#options;
    return agentStats({
      agentId: this.#options.agentId, nowMs: Date.now(), wallMinusMonotonic: wallMinusMonotonic(), totals: plane.totals(Object.values(TOTAL)),
      rules: plane.ruleCounters(), forwards: plane.forwardCounters(),
      sampling: { packetsSent: sampling.packetsSent, packetsDropped: sampling.packetsDropped, framesSent: sampling.framesSent },
    });
  }

  async #putAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#bucket.put(this.#options.agentId, this.status());
      } catch (error) {
        this.#options.log.debug({ err: error }, "the status could not be written; the next one will be");
      }
    }
  }
}
