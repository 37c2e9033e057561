import { FRAME_PARTITIONS, subjects } from "@secuxflow/contracts";
import type { NatsLink } from "../connection/link.js";

export interface FramePublisherOptions {
  /** Bytes handed to the client that the server has not read yet, at most; default 32 MiB. */
  readonly maxOutstandingBytes?: number;
}

export interface FramePublisherCounts {
  readonly frames: number;
  readonly bytes: number;
  /** Dropped because NATS was away. */
  readonly droppedAway: number;
  /** Dropped because the server did not keep up. */
  readonly droppedBehind: number;
  /** Bytes the server has not confirmed to have read. */
  readonly outstandingBytes: number;
}

/**
 * Publishes frames on core NATS, at most once, with a bound on what is under way. The bound is measured end to end: a
 * PING follows the frames, and its PONG tells that the server has read all that was sent before it.
 */
export class FramePublisher {
  readonly #maxOutstanding: number;
  readonly #subjects = new Map<string, readonly string[]>();
  #outstanding = 0;
  #pinging = false;
  #frames = 0;
  #bytes = 0;
  #droppedAway = 0;
  #droppedBehind = 0;

  constructor(
    private readonly link: NatsLink,
    options: FramePublisherOptions = {},
  ) {
    this.#maxOutstanding = options.maxOutstandingBytes ?? 32 * 1024 * 1024;
  }

  /**
   * Sends one frame. The bytes are not copied here: leave them alone until the current event-loop turn is over.
   * @returns false when the frame was dropped, and counted
   * @throws RangeError for a partition outside 0..63 or a frame beyond the server's max_payload
   */
  publish(pool: string, partition: number, bytes: Uint8Array): boolean {
    const subject = this.#subject(pool, partition);
    if (this.link.state() !== "connected") {
      this.#droppedAway += 1;
      return false;
    }
    if (this.#outstanding + bytes.length > this.#maxOutstanding) {
      this.#droppedBehind += 1;
      return false;
    }
    const nc = this.link.connection("publishing frames");
    const limit = nc.info?.max_payload ?? Infinity;
    if (bytes.length > limit)
      throw new RangeError(`a frame of ${bytes.length} bytes exceeds the server's max_payload of ${limit}: make smaller batches`);
    nc.publish(subject, bytes);
    this.#frames += 1;
    this.#bytes += bytes.length;
    this.#outstanding += bytes.length;
    if (!this.#pinging) void this.#confirm();
    return true;
  }

  counts(): FramePublisherCounts {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      droppedAway: this.#droppedAway,
      droppedBehind: this.#droppedBehind,
      outstandingBytes: this.#outstanding,
    };
  }

  /** One PING at a time; what was sent before it is off the account when its PONG comes. */
  async #confirm(): Promise<void> {
    this.#pinging = true;
    while (this.#outstanding > 0) {
      const covered = this.#outstanding;
      try {
        await this.link.connection("publishing frames").flush();
        this.#outstanding -= covered;
      } catch {
        // The connection broke and took its buffers with it.
        this.#outstanding = 0;
      }
    }
    this.#pinging = false;
  }

  #subject(pool: string, partition: number): string {
    let all = this.#subjects.get(pool);
    if (all === undefined) {
      all = Array.from({ length: FRAME_PARTITIONS }, (_, index) => subjects.frames(pool, index));
      this.#subjects.set(pool, all);
    }
    const subject = all[partition];
    if (subject === undefined)
      throw new RangeError(`there is no partition ${partition}: partitions are 0 to ${FRAME_PARTITIONS - 1}`);
    return subject;
  }
}
