import { CaptureError } from "./errors.js";

/** Bytes of a file that comes in pieces, taken in order. */
export class ByteSource {
  private readonly chunks: Iterator<Uint8Array>;
  private current = new Uint8Array();
  private at = 0;
  /** Bytes taken so far. */
  offset = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.chunks = chunks[Symbol.iterator]();
  }

  private get left(): number {
    return this.current.byteLength - this.at;
  }

  /** Whether everything was taken. */
  get ended(): boolean {
    while (this.left === 0) {
      const next = this.chunks.next();
      if (next.done === true) return true;
      this.current = next.value as Uint8Array<ArrayBuffer>;
      this.at = 0;
    }
    return false;
  }

  /**
   * The next `count` bytes: a view, good until the next call.
   * @param what names them in the error
   * @throws CaptureError when the file ends within them
   */
  take(count: number, what: string): Uint8Array {
    if (this.left < count) this.gather(count, what);
    const taken = this.current.subarray(this.at, this.at + count);
    this.at += count;
    this.offset += count;
    return taken;
  }

  private gather(count: number, what: string): void {
    const joined = new Uint8Array(count);
    let filled = this.left;
    joined.set(this.current.subarray(this.at));
    while (filled < count) {
      const next = this.chunks.next();
      if (next.done === true) {
        throw new CaptureError(`the file ends after ${filled} of ${count} bytes of ${what}: it was cut off`, this.offset);
      }
      const rest = next.value.subarray(0, count - filled);
      joined.set(rest, filled);
      filled += rest.byteLength;
      if (filled === count) {
        // What is left of this chunk follows the joined bytes.
        const after = next.value.subarray(rest.byteLength);
        const both = new Uint8Array(count + after.byteLength);
        both.set(joined);
        both.set(after, count);
        this.current = both;
        this.at = 0;
        return;
      }
    }
    this.current = joined;
    this.at = 0;
  }
}
