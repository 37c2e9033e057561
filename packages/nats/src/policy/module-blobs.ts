import { type BlobRef } from "@secuxflow/contracts";
import { StoreUnavailable } from "@secuxflow/event-store";
import { NatsUnavailable } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { PolicyBodies } from "./bodies.js";

const CONNECT_MS = 1_500;
const HEADER_ROOM = 2_048;

/**
 * Modules and rule images, which are too large for events: stored compressed beside the policy's stream before the event that
 * names them, and kept as long as that event. What no event came to name is swept like the bodies of aborted appends.
 */
export class ModuleBlobs {
  readonly #bodies: PolicyBodies;

  constructor(private readonly link: NatsLink) {
    this.#bodies = new PolicyBodies(link);
  }

  /** Stores bytes. @throws StoreUnavailable | MessageTooLarge | PublishRefused, the signal's reason */
  async put(policy: string, bytes: Uint8Array, signal?: AbortSignal): Promise<BlobRef> {
    const what = `storing ${bytes.length} bytes for policy "${policy}"`;
    try {
      await this.link.connected({ what, timeoutMs: CONNECT_MS, ...(signal !== undefined && { signal }) });
      const most = (this.link.connection(what).info?.max_payload ?? Infinity) - HEADER_ROOM;
      return (await this.#bodies.put(policy, bytes, most, signal)).claim;
    } catch (error) {
      if (error instanceof NatsUnavailable) throw new StoreUnavailable(what, error.reason, "no", { cause: error });
      throw error;
    }
  }

  /** The bytes of a blob, as they were stored. @throws UnreadablePolicyMessage when they are missing or damaged, StoreUnavailable */
  async get(policy: string, blob: BlobRef, signal?: AbortSignal): Promise<Uint8Array> {
    try {
      return await this.#bodies.get(policy, blob, signal);
    } catch (error) {
      if (error instanceof NatsUnavailable) throw new StoreUnavailable(`reading blob ${blob.id}`, error.reason, "no", { cause: error });
      throw error;
    }
  }
}
