import { MalformedMessage, readDetection, suppressedRow } from "../domain/detection-row.js";
import type { FloodGate } from "../domain/flood.js";
import type { IngestMeter, Log, QueueMessage, StoredRow, StoredWatch, TouchedGroup } from "./ports.js";
import { InsertAborted, type StubbornInsert } from "./stubborn-insert.js";

export interface DetectionIngestOptions {
  readonly inserter: StubbornInsert;
  readonly gate: FloodGate;
  /** The aggregation window. */
  readonly windowMs: number;
  readonly meter: IngestMeter;
  readonly log: Log;
  /** Told around each insert. Must not throw. */
  readonly watch: StoredWatch;
}

/** Stores batches of the detections stream: read, insert once, then acknowledge. */
export class DetectionIngest {
  constructor(private readonly options: DetectionIngestOptions) {}

  /** Resolves when each message is acknowledged, ended, or (told to stop) given back. Never rejects for bad messages. */
  async handle(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    const { inserter, meter, watch } = this.options;
    meter.received(messages.length);
    const pairs: { message: QueueMessage; stored: StoredRow }[] = [];
    const groups = new Map<string, TouchedGroup>();
    let suppressed = 0;
    for (const message of messages) {
      const read = this.#read(message);
      if (read === undefined) continue;
      const full = this.options.gate.admit(read.row.gkey, read.time, read.row.severity);
      if (!full) suppressed++;
      const group = { bucket: read.bucket, gkey: read.row.gkey };
      groups.set(`${group.bucket} ${group.gkey}`, group);
      const row = full ? read.row : suppressedRow(read.row);
      pairs.push({ message, stored: { group, row, time: read.time } });
    }
    watch.inserting([...groups.values()]);
    let refused: Set<StoredRow["row"]>;
    try {
      refused = new Set(
        await inserter.insert(
          pairs.map((pair) => pair.stored.row),
          signal,
        ),
      );
    } catch (error) {
      watch.failed([...groups.values()]);
      for (const { message } of pairs) message.nak();
      if (error instanceof InsertAborted) return;
      throw error;
    }
    for (const { message, stored } of pairs) {
      if (refused.has(stored.row)) message.term();
      else message.ack();
    }
    meter.suppressed(suppressed);
    watch.stored(pairs.map((pair) => pair.stored).filter((stored) => !refused.has(stored.row)));
  }

  #read(message: QueueMessage) {
    try {
      return readDetection(message.data, message.seq, this.options.windowMs);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      refuse(message, error, this.options);
      return undefined;
    }
  }
}

/** Counts and logs a message that holds nothing, and ends it, so that it never blocks the queue. It stays in the stream. */
export function refuse(message: QueueMessage, error: MalformedMessage, { meter, log }: { meter: IngestMeter; log: Log }): void {
  meter.malformed(1);
  log.warn(
    { seq: message.seq, bytes: message.data.length, reason: error.message.slice(0, 300) },
    "malformed message; it is skipped and stays in the stream",
  );
  message.term();
}
