import { BatchBuilder, Limit, RECORD_BYTES, RECORD_DATA_LEN, RECORD_DATA_OFFSET, RECORD_FLOW_ID, RECORD_L3_OFFSET, RECORD_L4_OFFSET, RECORD_PAYLOAD_OFFSET, RECORD_STREAM_OFFSET, RECORD_TIME_DELTA_NS } from "@secuxflow/inspect-abi";
import type { ScatterTarget } from "libbpf-ts";

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
 * One batch a partition, whose records the ring's reader sorts into place (`target`; bpf/include/layout.h: an ABI record
 * with the packet's time where the ABI wants a stream offset, and its data). Nothing is done or allocated for a packet
 * here. A dropped frame leaves a gap in the sequence of its partition, so that readers count it too.
 */
export class FrameAssembler {
  readonly target: ScatterTarget;
  readonly #builders: readonly BatchBuilder[];
  readonly #options: AssemblerOptions;
  packetsSent = 0;
  packetsDropped = 0;
  framesSent = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    const { publisher, maxFrameBytes: maxBytes } = options;
    this.#builders = Array.from({ length: Limit.PARTITIONS }, (_, partition) => new BatchBuilder({ publisher, partition, maxBytes }));
    const rooms = this.#builders.map((builder) => builder.room);
    const { recordsStart = 0, payloadStart = 0, maxRecords = 0 } = rooms[0] ?? {};
    this.target = {
      layout: {
        headBytes: RECORD_BYTES, group: RECORD_FLOW_ID, dataLength: RECORD_DATA_LEN, dataOffset: RECORD_DATA_OFFSET,
        time: RECORD_STREAM_OFFSET, timeDelta: RECORD_TIME_DELTA_NS, clip: [RECORD_L3_OFFSET, RECORD_L4_OFFSET, RECORD_PAYLOAD_OFFSET],
        headsStart: recordsStart, dataStart: payloadStart, maxRecords,
      },
      groups: rooms.map((room) => room.bytes),
      counts: new Uint32Array(Limit.PARTITIONS),
      ends: new Uint32Array(Limit.PARTITIONS),
      timeBases: new BigUint64Array(Limit.PARTITIONS),
    };
  }

  /** Sends what a partition holds. */
  send(partition: number): void {
    const { counts, ends, timeBases } = this.target;
    const packets = counts[partition] ?? 0;
    const builder = this.#builders[partition];
    if (packets === 0 || builder === undefined) return;
    builder.setTimeBase((timeBases[partition] ?? 0n) + this.#options.wallMinusMonotonic());
    builder.adopt(packets, ends[partition] ?? 0);
    counts[partition] = 0;
    if (this.#options.sink(partition, builder.finish(), packets)) {
      this.packetsSent += packets;
      this.framesSent += 1;
    } else {
      this.packetsDropped += packets;
    }
  }

  /** Sends every batch that holds something. */
  flush(): void {
    for (let partition = 0; partition < Limit.PARTITIONS; partition++) this.send(partition);
  }
}
