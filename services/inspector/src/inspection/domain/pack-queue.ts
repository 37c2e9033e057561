import { PackWriter, packedBytes, type Pack } from "./pack.js";

export interface QueueBounds {
  /** Bytes of frames that wait at most. */
  readonly maxBytes: number;
  /** Packets that wait at most. */
  readonly maxPackets: number;
  /** Bytes of one pack; a longer frame gets a pack of its own. */
  readonly packBytes: number;
}

/** Frames that wait for a worker, oldest first, already copied into packs. Over its bounds it refuses whole frames. */
export class PackQueue {
  readonly #full: Pack[] = [];
  readonly #spare: ArrayBuffer[] = [];
  #filling: PackWriter | undefined;
  #bytes = 0;
  #packets = 0;

  constructor(private readonly bounds: QueueBounds) {}

  get bytes(): number {
    return this.#bytes;
  }

  get packets(): number {
    return this.#packets;
  }

  get empty(): boolean {
    return this.#full.length === 0 && this.#filling === undefined;
  }

  /**
   * Copies a frame into the queue.
   * @param edit gets the copy, to change it before it is sent
   * @returns false when a bound would be passed; nothing was taken then
   */
  push(frame: Uint8Array, mask: number, packets: number, edit?: (copy: Uint8Array) => void): boolean {
    const { maxBytes, maxPackets } = this.bounds;
    if (this.#bytes + frame.byteLength > maxBytes || this.#packets + packets > maxPackets) return false;
    let at = this.#filling?.add(frame, mask, packets) ?? -1;
    if (at < 0) {
      this.#close();
      this.#filling = new PackWriter(this.#buffer(packedBytes(frame.byteLength)));
      at = this.#filling.add(frame, mask, packets);
    }
    this.#bytes += frame.byteLength;
    this.#packets += packets;
    if (edit && this.#filling) edit(new Uint8Array(this.#filling.buffer, at, frame.byteLength));
    return true;
  }

  /** The oldest pack, even if it is not full. */
  take(): Pack | undefined {
    if (this.#full.length === 0) this.#close();
    const pack = this.#full.shift();
    if (pack === undefined) return undefined;
    this.#bytes -= pack.frameBytes;
    this.#packets -= pack.packets;
    return pack;
  }

  /** Gives a buffer back for further frames. */
  recycle(buffer: ArrayBuffer): void {
    const most = Math.ceil(this.bounds.maxBytes / this.bounds.packBytes);
    if (buffer.byteLength === this.bounds.packBytes && this.#spare.length < most) this.#spare.push(buffer);
  }

  #close(): void {
    if (this.#filling !== undefined) this.#full.push(this.#filling.finish());
    this.#filling = undefined;
  }

  #buffer(least: number): ArrayBuffer {
    if (least > this.bounds.packBytes) return new ArrayBuffer(least);
    return this.#spare.pop() ?? new ArrayBuffer(this.bounds.packBytes);
  }
}
