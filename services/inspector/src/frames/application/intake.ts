import type { FramePositions } from "@secuxflow/contracts";
import { AbiError, BatchReader, RECORD_MODULES, SequenceTracker } from "@secuxflow/inspect-abi";

/** Publishers that one partition remembers; the oldest is forgotten first, which only hides a gap. */
const PUBLISHERS = 256;

export interface IntakeSinks {
  /** Sums flows up. */
  account(batch: BatchReader): void;
  inspect(partition: number, frame: Uint8Array, mask: number, layout: BatchReader["layout"], gap: boolean): void;
  /** A frame that is no valid batch; called for the first and then for every thousandth. */
  onMalformed(partition: number, reason: string, total: number): void;
}

const LOG_EVERY = 1_000;

/** Where frames come in: checks each, looks for gaps, and hands it on. It keeps no reference to the bytes. */
export class Intake {
  readonly #trackers = new Map<number, SequenceTracker>();
  received = 0;
  malformed = 0;
  lostInTransit = 0;

  constructor(private readonly sinks: IntakeSinks) {}

  /**
   * The partition is owned from now on: what was published before is not missed here.
   * @param from where its last owner had come to, by publisher, when that one died: what was published since counts as lost, at
   * most; what it had inspected after its last word is among it
   */
  begin(partition: number, from: ReadonlyMap<bigint, bigint> = new Map()): void {
    const tracker = new SequenceTracker(PUBLISHERS);
    for (const [publisher, sequence] of from) tracker.observe({ publisher, partition, sequence, count: 0 });
    this.#trackers.set(partition, tracker);
  }

  /** Where each partition that is owned, or one of them, has come to. */
  positions(partition?: number): FramePositions["positions"] {
    const trackers = partition === undefined ? [...this.#trackers.values()] : [this.#trackers.get(partition)];
    return trackers.flatMap((tracker) => [...(tracker?.positions() ?? [])])
      .map(({ partition: of, publisher, next }) => ({ partition: of, publisher: publisher.toString(16), next: next.toString() }));
  }

  end(partition: number): void {
    this.#trackers.delete(partition);
  }

  /** Takes a frame of a partition. Frames of partitions that are not owned are left to their owner. */
  receive(frame: Uint8Array, partition: number): void {
    const tracker = this.#trackers.get(partition);
    if (tracker === undefined) return;
    this.received += 1;
    let batch: BatchReader;
    try {
      batch = new BatchReader(frame);
    } catch (error) {
      if (!(error instanceof AbiError)) throw error;
      return this.#malformed(partition, error.message);
    }
    const header = batch.header;
    const { publisher, sequence } = header;
    if (header.partition !== partition) {
      return this.#malformed(partition, `a batch of partition ${header.partition} on the subject of ${partition}`);
    }
    const gap = Number(tracker.observe({ publisher, partition, sequence, count: batch.count }));
    this.lostInTransit += Math.min(gap, Number.MAX_SAFE_INTEGER - this.lostInTransit);
    if (batch.count === 0) return;
    this.sinks.account(batch);
    this.sinks.inspect(partition, frame, maskOf(batch), batch.layout, gap > 0);
  }

  #malformed(partition: number, reason: string): void {
    if (this.malformed % LOG_EVERY === 0) this.sinks.onMalformed(partition, reason, this.malformed + 1);
    this.malformed += 1;
  }
}

/** OR of the module masks of all records. */
function maskOf(batch: BatchReader): number {
  const { count, headerLen, recordLen } = batch.layout;
  let mask = 0;
  for (let i = 0, at = headerLen + RECORD_MODULES; i < count; i++, at += recordLen) mask |= batch.view.getUint32(at, true);
  return mask >>> 0;
}
