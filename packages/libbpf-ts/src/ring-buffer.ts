/**
 * The consumer of a BPF_MAP_TYPE_RINGBUF map. Records are copied in batches into a buffer of the caller: no object, no
 * callback and no system call for a record.
 *
 * A ring has one consumer at a time: the kernel does not keep a second one, in this process or another, from taking
 * records away. What does not fit the ring is lost in the program (bpf_ringbuf_reserve or _output fail there), which has
 * to count it; nothing is lost on this side.
 */
import { ArgumentError, bpfError, BpfError, ClosedError } from "./errors.js";
import { checkValue } from "./call.js";
import { Errno } from "./errno.js";
import type { BpfMap } from "./map.js";
import { type Handle, native } from "./native.js";
import { layoutWords, type ScatterResult, type ScatterTarget } from "./scatter.js";

export interface ConsumeResult {
  /** Bytes written to the buffer; see {@link walkRecords} for the format. */
  bytes: number;
  /** Records in them. */
  records: number;
  /** Another record is ready that did not fit: call again. */
  more: boolean;
  /** Records passed over because they are larger than the whole buffer. */
  oversized: number;
}

/** Stops, and decides whether it keeps the process alive. */
export interface RingListener {
  close(): void;
  /** Keep the event loop running for it (default). */
  ref(): this;
  /** Let the process end while it listens. */
  unref(): this;
}

export class RingBuffer {
  readonly #ring: Handle;
  readonly #label: string;
  readonly #stats = new Uint32Array(3);
  readonly #result: ConsumeResult = { bytes: 0, records: 0, more: false, oversized: 0 };
  readonly #scattered: ScatterResult = { records: 0, malformed: 0, full: -1 };
  #scatter: { target: ScatterTarget; words: Uint32Array } | undefined;
  #closed = false;
  /** Size of the data area, in bytes. */
  readonly size: number;

  /** Maps the ring of a map. The map may be closed afterwards. @throws {ArgumentError} it is no ringbuf */
  constructor(map: BpfMap) {
    if (map.type !== "ringbuf") throw new ArgumentError("map", `${map.label} is a ${map.type}, not a ringbuf`);
    this.#label = `ring buffer "${map.name}"`;
    this.#ring = checkValue(native().ringOpen(map.handle), "map", this.#label);
    this.size = map.maxEntries;
  }

  /**
   * Moves as many records as there are, or as fit, into the buffer. Call until `more` is false: only a drained ring is sure
   * to be announced again by {@link onReadable}.
   * @returns the same object at every call, overwritten by the next one
   */
  consumeInto(buffer: Uint8Array): Readonly<ConsumeResult> {
    const bytes = native().ringConsume(this.#ring, buffer, this.#stats);
    if (bytes < 0) this.#fail(bytes, "consume");
    const result = this.#result;
    result.bytes = bytes;
    result.records = this.#stats[0] ?? 0;
    result.oversized = this.#stats[1] ?? 0;
    result.more = this.#stats[2] !== 0;
    return result;
  }

  /**
   * Sorts as many records as there are into the groups of a target, until one group is full: take that one, reset it, and call
   * again. Only when no group is full is the ring drained, and sure to be announced again by {@link onReadable}.
   * @returns the same object at every call, overwritten by the next one
   * @throws {ArgumentError} the target's layout does not fit its buffers
   */
  scatterInto(target: ScatterTarget): Readonly<ScatterResult> {
    if (this.#scatter?.target !== target) {
      this.#scatter = { target, words: layoutWords(target.layout, target.groups[0]?.length ?? 0, target.groups.length) };
    }
    const { counts, ends, timeBases, groups } = target;
    const code = native().ringScatter(this.#ring, this.#scatter.words, groups, counts, ends, timeBases, this.#stats);
    if (code < 0) this.#fail(code, "scatter");
    const result = this.#scattered;
    result.records = this.#stats[0] ?? 0;
    result.malformed = this.#stats[1] ?? 0;
    result.full = (this.#stats[2] ?? 0) - 1;
    return result;
  }

  /** Bytes between producer and consumer now, headers included; records that are still being written count too. */
  pendingBytes(): number {
    const bytes = native().ringPending(this.#ring);
    if (bytes < 0) this.#fail(bytes, "pending");
    return bytes;
  }

  /**
   * Calls back on this thread's event loop whenever records are ready, until they are consumed (level-triggered). Costs
   * nothing while the ring is empty. Programs that submit with BPF_RB_NO_WAKEUP are noticed only at the next wake-up.
   * @param onError by default an error of the descriptor is thrown as an uncaught exception
   * @throws {BpfError} EEXIST: somebody listens already
   */
  onReadable(callback: () => void, onError?: (error: BpfError) => void): RingListener {
    if (typeof callback !== "function") throw new ArgumentError("callback", "must be a function");
    const code = native().ringListen(this.#ring, (status) => {
      if (status === 0) {
        callback();
        return;
      }
      const error = bpfError({ errno: -status, operation: "poll", operand: this.#label });
      listener.close();
      if (onError === undefined) throw error;
      onError(error);
    });
    if (code < 0) this.#fail(code, "listen");
    let open = true;
    const keep = (value: boolean): void => {
      if (open) native().ringRef(this.#ring, value);
    };
    const listener: RingListener = {
      close: () => {
        if (open) native().ringUnlisten(this.#ring);
        open = false;
      },
      ref: () => { keep(true); return listener; },
      unref: () => { keep(false); return listener; },
    };
    return listener;
  }

  /** Stops listening and unmaps the ring. Records left in it stay for the next consumer. May be repeated. */
  close(): void {
    this.#closed = true;
    native().ringClose(this.#ring);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fail(code: number, operation: string): never {
    if (this.#closed && code === -Errno.EBADF) throw new ClosedError(operation, this.#label);
    const advice = code === -Errno.EEXIST ? { advice: "Close the other listener of this ring first." } : {};
    throw new BpfError({ errno: -code, operation, operand: this.#label, ...advice });
  }
}
