import { BatchBuilder, Limit, RECORD_BYTES, RECORD_DATA_LEN, RECORD_FLOW_ID, RECORD_STREAM_OFFSET } from "@secuxflow/inspect-abi";

/** Takes a finished frame; the bytes are valid during the call only. Returns false where it was dropped. */
export type FrameSink = (partition: number, frame: Uint8Array, packets: number) => boolean;

export interface AssemblerOptions {
  /** Random number of this run of the agent. */
  readonly publisher: bigint;
  readonly maxFrameBytes: number;
  /** Unix time minus CLOCK_MONOTONIC, nanoseconds. */
  readonly wallMinusMonotonic: () => bigint;
  readonly sink: FrameSink;
}

/**
 * Sorts ring-buffer records (bpf/include/layout.h: an ABI record and its data) into one batch a partition. Nothing is
 * allocated for a packet. A dropped frame leaves a gap in the sequence of its partition, so that readers count it too.
 */
export class FrameAssembler {
  readonly #builders: (BatchBuilder | undefined)[] = Array.from({ length: Limit.PARTITIONS }, () => undefined);
  readonly #baseMonotonic: bigint[] = Array.from({ length: Limit.PARTITIONS }, () => 0n);
  readonly #touched: number[] = [];
  readonly #options: AssemblerOptions;
  packetsSent = 0;
  packetsDropped = 0;
  framesSent = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /**
   * Adds one ring-buffer record: `length` bytes at `offset` of `bytes`, with a view on the same memory.
   * A record that is shorter than it claims is counted as dropped.
   */
  add(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    const dataLen = length < RECORD_BYTES ? -1 : view.getUint32(offset + RECORD_DATA_LEN, true);
    if (dataLen < 0 || dataLen > length - RECORD_BYTES) {
      this.packetsDropped += 1;
      return;
    }
    const partition = view.getUint32(offset + RECORD_FLOW_ID, true) & (Limit.PARTITIONS - 1);
    // The kernel leaves the packet's time where the ABI wants a stream offset.
    const time = view.getBigUint64(offset + RECORD_STREAM_OFFSET, true);
    view.setBigUint64(offset + RECORD_STREAM_OFFSET, 0n, true);
    const builder = this.#builder(partition);
    if (builder.count === 0) this.#begin(partition, builder, time);
    if (this.#append(builder, bytes, offset, dataLen, partition, time)) return;
    this.#send(partition, builder);
    this.#begin(partition, builder, time);
    if (!this.#append(builder, bytes, offset, dataLen, partition, time)) this.packetsDropped += 1;
  }

  /** Sends every batch that holds something. */
  flush(): void {
    for (const partition of this.#touched) {
      const builder = this.#builders[partition];
      if (builder && builder.count > 0) this.#send(partition, builder);
    }
    this.#touched.length = 0;
  }

  #append(builder: BatchBuilder, bytes: Uint8Array, offset: number, dataLen: number, partition: number, time: bigint): boolean {
    const delta = Number(time - (this.#baseMonotonic[partition] ?? 0n));
    return builder.appendPrepared(bytes, offset, offset + RECORD_BYTES, dataLen, delta);
  }

  #begin(partition: number, builder: BatchBuilder, time: bigint): void {
    this.#baseMonotonic[partition] = time;
    builder.setTimeBase(time + this.#options.wallMinusMonotonic());
    this.#touched.push(partition);
  }

  #send(partition: number, builder: BatchBuilder): void {
    const packets = builder.count;
    if (packets === 0) return;
    if (this.#options.sink(partition, builder.finish(), packets)) {
      this.packetsSent += packets;
      this.framesSent += 1;
    } else {
      this.packetsDropped += packets;
    }
  }

  #builder(partition: number): BatchBuilder {
    return (this.#builders[partition] ??= new BatchBuilder({ publisher: this.#options.publisher, partition, maxBytes: this.#options.maxFrameBytes }));
  }
}
