import { ByteWriter } from "@secuxflow/rule-image";
import { HEADER_BYTES } from "./layout.js";

/** Bytes that records point at: contents, programs, lists of names. Offsets count from the start of the section. */
export class Pool {
  readonly #out = new ByteWriter(1 << 20);
  readonly #known = new Map<string, number>();

  constructor() {
    this.#out.zeros(HEADER_BYTES);
  }

  /** Adds the bytes, or finds them. */
  add(bytes: Uint8Array, align = 1): number {
    const key = `${align}:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.append(bytes, align);
    this.#known.set(key, at);
    return at;
  }

  /** Adds the bytes without looking for equal ones. */
  append(bytes: Uint8Array, align = 1): number {
    this.#out.align(align);
    const at = this.#out.length;
    this.#out.bytes(bytes);
    return at;
  }

  /** Adds 32-bit numbers, or finds them. */
  words(values: readonly number[]): number {
    return this.add(bytesOfWords(values), 4);
  }

  finish(): Uint8Array {
    return this.#out.align(16).finish();
  }
}

/** Numbers as little-endian u32. */
export function bytesOfWords(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(i * 4, value >>> 0, true);
  });
  return bytes;
}

/** Records of equal size, as words with 64-bit numbers where needed. */
export class Records {
  readonly #bytes: number;
  readonly #out: ByteWriter;
  count = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#out = new ByteWriter(bytes * 1024);
  }

  /** Adds a record; `long` are 64-bit numbers by word index (they take two words). */
  add(words: readonly number[], long: Readonly<Record<number, bigint>> = {}): number {
    const start = this.#out.length;
    const total = this.#bytes / 4;
    for (let i = 0; i < total; i++) {
      const wide = long[i];
      if (wide === undefined) this.#out.u32((words[i] ?? 0) >>> 0);
      else {
        this.#out.u64(BigInt.asUintN(64, wide));
        i++;
      }
    }
    if (this.#out.length - start !== this.#bytes) throw new RangeError("a record came out with another size");
    return this.count++;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }
}
