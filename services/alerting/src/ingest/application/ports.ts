import type { Micros } from "../../storage/domain/timestamp.js";
import type { DetectionRow } from "../domain/detection-row.js";

/** One alert that got new detections. */
export interface TouchedGroup {
  readonly bucket: Micros;
  readonly gkey: string;
}

/** One detection that is stored. */
export interface StoredRow {
  readonly group: TouchedGroup;
  readonly row: DetectionRow;
  readonly time: Micros;
}

/** Told around each insert of detections. */
export interface StoredWatch {
  inserting(groups: readonly TouchedGroup[]): void;
  /** After the rows are stored and acknowledged. */
  stored(rows: readonly StoredRow[]): void;
  /** The insert ended otherwise; some of it may be stored. */
  failed(groups: readonly TouchedGroup[]): void;
}

/** One message of a JetStream pull consumer. */
export interface QueueMessage {
  readonly data: Uint8Array;
  /** Its sequence in the stream. */
  readonly seq: number;
  /** Stored: never send it again. */
  ack(): void;
  /** Not stored: send it again, after so many milliseconds. */
  nak(delayMs?: number): void;
  /** Can never be stored: never send it again. */
  term(): void;
}

/** What one queue tells its meter. */
export interface IngestMeter {
  /** Messages taken from the stream. */
  received(messages: number): void;
  /** Rows stored, and how long the insert took. */
  inserted(rows: number, seconds: number): void;
  retried(): void;
  suppressed(rows: number): void;
  /** Messages that hold nothing that could be stored. */
  malformed(messages: number): void;
  /** Rows that ClickHouse said no to. */
  refused(rows: number): void;
}

/** The part of the logger that is used here. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
