import { AgentStatus, BUCKETS, subjects, type AgentStats, type PolicyState } from "@secuxflow/contracts";
import { publishJson, StatusBucket, type NatsLink } from "@secuxflow/nats";
import type { XdpAttachments } from "../attachment/xdp-attachments.js";
import type { DataPlane } from "../dataplane/application/data-plane.js";
import { TOTAL } from "../dataplane/domain/layout.js";
import type { Defence } from "../defence/application/defence.js";
import type { FrameAssembler } from "../sampling/application/frame-assembler.js";
import type { Problems } from "./problems.js";
import { RuleCounterReader, type RuleCounters } from "./rule-counters.js";
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
  /** Services as they stand on this host. */
  readonly services: () => NonNullable<AgentStatus["services"]>;
  readonly attachments: XdpAttachments;
  readonly problems: Problems;
  readonly defence: Pick<Defence, "status" | "topSources">;
  readonly sampling: FrameAssembler;
  readonly wallMinusMonotonic: () => bigint;
  readonly intervalMs: number;
  readonly log: { debug(object: object, message: string): void };
}

/** Top talkers in a status. */
const TOP_SOURCES = 50;

/** Tells what the agent does: status on every change and in intervals (bucket), counters in intervals (core NATS). */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #bucket: StatusBucket<AgentStatus>;
  readonly #startedAt = new Date().toISOString();
  #timer: NodeJS.Timeout | undefined;
  #putting: Promise<void> | undefined;
  #again = false;
  #counting: Promise<void> | undefined;
  readonly #counters: RuleCounterReader;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#counters = new RuleCounterReader(options.plane, (ns) => this.#toIso(ns));
    this.#bucket = new StatusBucket(options.link, BUCKETS.agents, AgentStatus);
  }

  start(): void {
    const tick = (): void => {
      this.reportStatus();
      // A report that takes longer than the interval takes the place of the next one.
      this.#counting ??= this.#publishCounters().finally(() => {
        this.#counting = undefined;
      });
    };
    this.#timer = setInterval(tick, this.#options.intervalMs);
    tick();
  }

  /** Takes the agent off the list: it stopped on purpose, nobody should wait for it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#again = false;
    await this.#counting;
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
    const { attachments, defence, plane, problems, policyState } = this.#options;
    const all = [...problems.list(), ...attachments.problems];
    const state = policyState();
    const services = this.#options.services();
    return {
      agentId: this.#options.agentId, policy: this.#options.policy, host: this.#options.host, version: this.#options.version, pid: process.pid,
      startedAt: this.#startedAt, at: new Date().toISOString(), revision: plane.revision, state: all.length === 0 ? "ok" : "degraded", problems: all,
      interfaces: attachments.interfaces, rules: plane.standing.rules, forwards: state.forwards.size, kernel: this.#options.kernel, capacity: this.#options.capacity,
      ...(services.length === 0 ? {} : { services }),
      protection: defence.status(), top: defence.topSources(TOP_SOURCES),
      ...(state.sets.size === 0 ? {} : { sets: [...state.sets.values()].map(({ name, entries }) => ({ name, entries: entries.size })) }),
    };
  }

  /** The totals, with the counters of some rules. */
  stats(rules: RuleCounters = { rules: [], partial: true }): AgentStats {
    const { plane, sampling } = this.#options;
    return agentStats({
      agentId: this.#options.agentId, nowMs: Date.now(), toIso: (ns) => this.#toIso(ns), totals: plane.totals(Object.values(TOTAL)),
      rules, forwards: plane.forwardCounters(),
      sampling: { packetsSent: sampling.packetsSent, packetsDropped: sampling.packetsDropped, framesSent: sampling.framesSent },
    });
  }

  async #publishCounters(): Promise<void> {
    try {
      for (const rules of await this.#counters.read()) publishJson(this.#options.link, subjects.agentStats(this.#options.agentId), this.stats(rules));
    } catch (error) {
      this.#options.log.debug({ err: error }, "the counters could not be published; the next ones will be");
    }
  }

  #toIso(monotonicNs: number): string {
    return new Date((monotonicNs + Number(this.#options.wallMinusMonotonic())) / 1_000_000).toISOString();
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
