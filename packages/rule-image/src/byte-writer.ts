/** A place that is written down before it is known. */
export type Label = number & { readonly __label: never };

/**
 * Bytes that grow: little-endian numbers, alignment, and labels whose positions are filled in by {@link ByteWriter.finish}.
 * Positions count from the start of this writer.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  readonly #places: number[] = [];
  readonly #fixups: { at: number; label: Label }[] = [];

  /** @param capacity bytes to start with; more are taken when needed */
  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(Math.max(16, capacity));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Where the next byte goes. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
    return this;
  }
  u16(value: number): this {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(value: number): this {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
    return this;
  }
  i32(value: number): this {
    const at = this.#take(4);
    this.#view.setInt32(at, value, true);
    return this;
  }
  u64(value: bigint): this {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }
  f64(value: number): this {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
    return this;
  }
  bytes(value: Uint8Array): this {
    const at = this.#take(value.length);
    this.#bytes.set(value, at);
    return this;
  }
  zeros(count: number): this {
    this.#take(count);
    return this;
  }
  /** Pads with zeros to a multiple of `to`. */
  align(to: number): this {
    const over = this.#length % to;
    return over === 0 ? this : this.zeros(to - over);
  }

  /** A label without a place yet. */
  label(): Label {
    return (this.#places.push(-1) - 1) as Label;
  }
  /** Puts the label here. */
  place(label: Label): this {
    this.#places[label] = this.#length;
    return this;
  }
  /** Writes the position of a label as u32, now or once it is placed. */
  u32Label(label: Label): this {
    this.#fixups.push({ at: this.#length, label });
    return this.u32(0);
  }
  /** Overwrites four bytes that are there already. */
  patchU32(at: number, value: number): this {
    if (at + 4 > this.#length) throw new RangeError(`cannot patch at ${at}: only ${this.#length} bytes are written`);
    this.#view.setUint32(at, value, true);
    return this;
  }
  /** Overwrites one byte that is there already. */
  patchU8(at: number, value: number): this {
    if (at >= this.#length) throw new RangeError(`cannot patch at ${at}: only ${this.#length} bytes are written`);
    this.#view.setUint8(at, value);
    return this;
  }

  /**
   * The bytes, with all labels filled in; a copy of exactly that length.
   * @throws Error when a label that was written is nowhere
   */
  finish(): Uint8Array {
    for (const { at, label } of this.#fixups) {
      const place = this.#places[label] ?? -1;
      if (place < 0) throw new Error(`label ${label}, written at ${at}, was never placed`);
      this.#view.setUint32(at, place, true);
    }
    return this.#bytes.slice(0, this.#length);
  }

  #take(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return at;
  }
}
