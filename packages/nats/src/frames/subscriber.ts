import { FRAME_PARTITIONS, subjects } from "@secuxflow/contracts";
import type { NatsLink } from "../connection/link.js";

export interface FrameSubscriberCounts {
  readonly frames: number;
  readonly bytes: number;
  /** Frames whose handler threw. */
  readonly failed: number;
}

/**
 * Receives frames of single partitions. Nothing is queued here: a frame is handed over as it is read from the socket, so
 * the handler must return quickly (put it into a bounded queue of its own and drop there). Give frames a link of their
 * own: nats-server cuts off a client that lags 64 MiB behind, and leases would wait behind frames in the same socket.
 */
export class FrameSubscriber {
  #frames = 0;
  #bytes = 0;
  #failed = 0;

  constructor(private readonly link: NatsLink) {}

  /**
   * @param onFrame gets the bytes without a copy: they may be kept, but their ArrayBuffer is shared with other
   *   frames and must not be transferred to another thread
   * @returns a function that ends it
   * @throws RangeError for a partition outside 0..63
   */
  subscribe(pool: string, partition: number, onFrame: (bytes: Uint8Array, partition: number) => void): () => void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= FRAME_PARTITIONS) {
      throw new RangeError(`there is no partition ${partition}: partitions are 0 to ${FRAME_PARTITIONS - 1}`);
    }
    return this.link.subscribe(subjects.frames(pool, partition), ({ data }) => {
      this.#frames += 1;
      this.#bytes += data.length;
      try {
        onFrame(data, partition);
      } catch (error) {
        if (this.#failed === 0) this.link.log.error({ pool, partition, err: error }, "a frame handler failed");
        this.#failed += 1;
      }
    });
  }

  counts(): FrameSubscriberCounts {
    return { frames: this.#frames, bytes: this.#bytes, failed: this.#failed };
  }
}
