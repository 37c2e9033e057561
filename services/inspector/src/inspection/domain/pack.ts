/**
 * A pack is a buffer of frames on its way to a worker, so that a thousand small frames cost one message. Each frame has a head of
 * 16 bytes (frame length, OR of its records' module masks, packets, 0; u32 little-endian) and is padded to 8 bytes.
 */
const HEAD_BYTES = 16;

export interface Pack {
  readonly buffer: ArrayBuffer;
  /** Bytes in use. */
  readonly bytes: number;
  readonly frames: number;
  readonly packets: number;
  /** Bytes of the frames themselves. */
  readonly frameBytes: number;
}

const padded = (bytes: number): number => (bytes + 7) & ~7;

/** Bytes that a frame takes in a pack. */
export const packedBytes = (frameBytes: number): number => HEAD_BYTES + padded(frameBytes);

/** Fills one buffer with frames. */
export class PackWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #used = 0;
  #frames = 0;
  #packets = 0;
  #frameBytes = 0;

  constructor(readonly buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  get frames(): number {
    return this.#frames;
  }

  /** Copies a frame in. @returns where it lies in the buffer, or -1 when it does not fit */
  add(frame: Uint8Array, mask: number, packets: number): number {
    const at = this.#used;
    if (at + packedBytes(frame.byteLength) > this.#bytes.byteLength) return -1;
    this.#view.setUint32(at, frame.byteLength, true);
    this.#view.setUint32(at + 4, mask, true);
    this.#view.setUint32(at + 8, packets, true);
    this.#view.setUint32(at + 12, 0, true);
    this.#bytes.set(frame, at + HEAD_BYTES);
    this.#used += packedBytes(frame.byteLength);
    this.#frames += 1;
    this.#packets += packets;
    this.#frameBytes += frame.byteLength;
    return at + HEAD_BYTES;
  }

  finish(): Pack {
    return { buffer: this.buffer, bytes: this.#used, frames: this.#frames, packets: this.#packets, frameBytes: this.#frameBytes };
  }
}

/** The frames of a pack, as views into it. */
export function* readPack(buffer: ArrayBuffer, bytes: number): Generator<{ frame: Uint8Array; mask: number; packets: number }> {
  const view = new DataView(buffer);
  for (let at = 0; at < bytes; ) {
    const length = view.getUint32(at, true);
    yield { frame: new Uint8Array(buffer, at + HEAD_BYTES, length), mask: view.getUint32(at + 4, true),
      packets: view.getUint32(at + 8, true) };
    at += packedBytes(length);
  }
}
