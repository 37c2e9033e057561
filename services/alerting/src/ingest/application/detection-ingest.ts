import type { Micros } from "../../storage/domain/timestamp.js";
import { MalformedMessage, readDetection, suppressedRow, type DetectionRow } from "../domain/detection-row.js";
import type { FloodGate } from "../domain/flood.js";
import type { IngestMeter, Log, QueueMessage } from "./ports.js";
import { InsertAborted, type StubbornInsert } from "./stubborn-insert.js";

/** One alert that got new detections. */
export interface TouchedGroup {
  readonly bucket: Micros;
  readonly gkey: string;
}

export interface DetectionIngestOptions {
  readonly inserter: StubbornInsert;
  readonly gate: FloodGate;
  /** The aggregation window. */
  readonly windowMs: number;
  readonly meter: IngestMeter;
  readonly log: Log;
  /** Told after the rows are stored and acknowledged. Must not throw. */
  readonly onStored: (groups: readonly TouchedGroup[]) => void;
}

/** Stores batches of the detections stream: read, insert once, then acknowledge. */
export class DetectionIngest {
  constructor(private readonly options: DetectionIngestOptions) {}

  /** Resolves when each message is acknowledged, ended, or (told to stop) given back. Never rejects for bad messages. */
  async handle(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    const { inserter, meter, onStored } = this.options;
    meter.received(messages.length);
    const groups = new Map<string, TouchedGroup>();
    const pairs: { message: QueueMessage; row: DetectionRow; group: string }[] = [];
    let suppressed = 0;
    for (const message of messages) {
      const read = this.#read(message);
      if (read === undefined) continue;
      const group = `${read.bucket} ${read.row.gkey}`;
      groups.set(group, { bucket: read.bucket, gkey: read.row.gkey });
      const full = this.options.gate.admit(read.row.gkey, read.time, read.row.severity);
      if (!full) suppressed++;
      pairs.push({ message, row: full ? read.row : suppressedRow(read.row), group });
    }
    let refused: Set<DetectionRow>;
    try {
      refused = new Set(
        await inserter.insert(
          pairs.map((pair) => pair.row),
          signal,
        ),
      );
    } catch (error) {
      for (const { message } of pairs) message.nak();
      if (error instanceof InsertAborted) return;
      throw error;
    }
    const stored = new Map<string, TouchedGroup>();
    for (const { message, row, group } of pairs) {
      if (refused.has(row)) message.term();
      else {
        message.ack();
        const touched = groups.get(group);
        if (touched) stored.set(group, touched);
      }
    }
    meter.suppressed(suppressed);
    if (stored.size > 0) onStored([...stored.values()]);
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
