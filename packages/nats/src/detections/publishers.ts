import { subjects, type Detection, type FlowReport } from "@secuxflow/contracts";
import type { NatsLink } from "../connection/link.js";
import { QueuedPublisher, type QueuedPublisherCounts, type QueuedPublisherOptions } from "../jetstream/queued-publisher.js";

/** Publishes detections, each until it is stored; a detection published twice is stored once. */
export class DetectionPublisher {
  readonly #queue: QueuedPublisher;

  constructor(link: NatsLink, options: QueuedPublisherOptions = {}) {
    this.#queue = new QueuedPublisher(link, "publishing detections", options);
  }

  /** @returns false when it was dropped, and counted, because too many wait. @throws RangeError for a bad module name */
  publish(detection: Detection): boolean {
    return this.#queue.publish(subjects.detections(detection.module.name), detection.id, encode(detection));
  }

  counts(): QueuedPublisherCounts {
    return this.#queue.counts();
  }

  /** Waits for what is pending, at most `timeoutMs` (default 5,000), and takes nothing more. */
  async close(timeoutMs?: number): Promise<void> {
    await this.#queue.close(timeoutMs);
  }
}

/** Publishes flow reports of one inspector, each until it is stored. */
export class FlowReportPublisher {
  readonly #queue: QueuedPublisher;
  readonly #subject: string;

  /** @throws RangeError for an inspector id that cannot be part of a subject */
  constructor(link: NatsLink, inspectorId: string, options: QueuedPublisherOptions = {}) {
    this.#subject = subjects.flows(inspectorId);
    this.#queue = new QueuedPublisher(link, "publishing flow reports", { maxPending: 256, ...options });
  }

  /** @returns false when it was dropped, and counted, because too many wait */
  publish(report: FlowReport): boolean {
    return this.#queue.publish(this.#subject, report.id, encode(report));
  }

  counts(): QueuedPublisherCounts {
    return this.#queue.counts();
  }

  /** Waits for what is pending, at most `timeoutMs` (default 5,000), and takes nothing more. */
  async close(timeoutMs?: number): Promise<void> {
    await this.#queue.close(timeoutMs);
  }
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
