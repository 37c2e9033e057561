import { MalformedMessage } from "../domain/detection-row.js";
import { readFlowReport, type FlowRow } from "../domain/flow-row.js";
import { refuse } from "./detection-ingest.js";
import type { IngestMeter, Log, QueueMessage } from "./ports.js";
import { InsertAborted, type StubbornInsert } from "./stubborn-insert.js";

export interface FlowIngestOptions {
  readonly inserter: StubbornInsert;
  readonly meter: IngestMeter;
  readonly log: Log;
}

/** Stores batches of the flows stream. A report that is sent twice has the same rows, which replace each other. */
export class FlowIngest {
  constructor(private readonly options: FlowIngestOptions) {}

  /** Resolves when each message is acknowledged, ended, or (told to stop) given back. */
  async handle(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    this.options.meter.received(messages.length);
    const readable: QueueMessage[] = [];
    const rows: FlowRow[] = [];
    for (const message of messages) {
      try {
        rows.push(...readFlowReport(message.data));
        readable.push(message);
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error;
        refuse(message, error, this.options);
      }
    }
    try {
      // A refused row is counted and logged; the rest of its report is of use, so the message is done with.
      await this.options.inserter.insert(rows, signal);
      for (const message of readable) message.ack();
    } catch (error) {
      for (const message of readable) message.nak();
      if (!(error instanceof InsertAborted)) throw error;
    }
  }
}
