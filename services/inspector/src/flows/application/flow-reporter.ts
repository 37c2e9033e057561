import { parseProtocol, type Detection, type FlowReport } from "@secuxflow/contracts";
import { parseAddress, type BatchReader } from "@secuxflow/inspect-abi";
import { FlowTable } from "../domain/flow-table.js";

/** Flows in one report: about 300 KB of JSON, well within NATS' usual limit of 1 MiB. */
const FLOWS_PER_REPORT = 1_000;

export interface FlowReporterOptions {
  readonly inspectorId: string;
  readonly capacity: number;
  /** Begins the ids of reports; unique for this process. */
  readonly nonce: string;
  readonly salt: number;
  readonly publish: (report: FlowReport) => boolean;
  /** Calls back when the event loop had its turn. */
  readonly later: (callback: () => void) => void;
}

/**
 * Sums flows up and reports them. Two tables take turns: while one is written out, a report at a time with the event loop in
 * between, the other is filled. A table that is full before its time is written out early, so the oldest flows leave first; when
 * both are full, packets of new flows are inspected but not summed up, and counted in `untracked`.
 */
export class FlowReporter {
  #active: FlowTable;
  #draining: FlowTable;
  #drained = 0;
  #idle = true;
  #reports = 0;
  untracked = 0;

  constructor(private readonly options: FlowReporterOptions) {
    this.#active = new FlowTable(options.capacity, options.salt);
    this.#draining = new FlowTable(options.capacity, options.salt);
  }

  /** Flows of the present interval. */
  get size(): number {
    return this.#active.size;
  }

  account(batch: BatchReader): void {
    for (let from = 0; from < batch.count; ) {
      from = this.#active.account(batch, from);
      if (from < batch.count && !this.report()) {
        // One record has no room; those of known flows behind it still count.
        this.untracked += 1;
        from += 1;
      }
    }
  }

  detected({ flowId, flow, direction, time }: Detection): void {
    const proto = parseProtocol(flow.proto);
    if (typeof proto !== "number") return;
    const back = direction === "to_client";
    const identity = {
      idHigh: parseInt(flowId.slice(0, 8), 16), idLow: parseInt(flowId.slice(8), 16),
      client: parseAddress(back ? flow.dst : flow.src), server: parseAddress(back ? flow.src : flow.dst),
      clientPort: back ? flow.dport : flow.sport, serverPort: back ? flow.sport : flow.dport, proto,
    };
    const timeUs = Date.parse(time) * 1_000;
    if (this.#active.detected(identity, timeUs)) return;
    if (!this.report() || !this.#active.detected(identity, timeUs)) this.untracked += 1;
  }

  /** Begins to write out what was summed up. @returns false while the last time is not through */
  report(): boolean {
    if (!this.#idle) return false;
    if (this.#active.size === 0) return true;
    [this.#active, this.#draining] = [this.#draining, this.#active];
    this.#drained = 0;
    this.#idle = false;
    this.options.later(() => this.#next());
    return true;
  }

  /** Writes out everything at once. */
  flush(): void {
    while (!this.#idle) this.#writeOne();
    this.report();
    while (!this.#idle) this.#writeOne();
  }

  #next(): void {
    if (this.#idle) return;
    this.#writeOne();
    if (!this.#idle) this.options.later(() => this.#next());
  }

  #writeOne(): void {
    const to = this.#drained + FLOWS_PER_REPORT;
    const flows = this.#draining.summaries(this.options.inspectorId, this.#drained, to);
    this.#reports += 1;
    this.options.publish({ id: `${this.options.nonce}-${this.#reports}`, flows });
    this.#drained = to;
    if (to < this.#draining.size) return;
    this.#draining.clear();
    this.#idle = true;
  }
}
