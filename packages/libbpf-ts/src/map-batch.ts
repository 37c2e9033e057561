/** Many elements with one system call, or one by one where the kernel has no batches for the map type. */
import { integer } from "./arguments.js";
import { checkHandle } from "./call.js";
import { Errno } from "./errno.js";
import { ArgumentError, BatchError, NotSupportedError } from "./errors.js";
import type { BpfMap } from "./map.js";
import { native } from "./native.js";

export interface BatchOptions {
  /** Elements a call, at most 2^20; by default 4096, less for large elements. */
  size?: number;
  /** Takes the elements out (hash maps only). */
  andDelete?: boolean;
}

/** Batches of one system call, in bytes of keys or values, by default. */
const DEFAULT_BYTES = 1 << 20;
const MAXIMUM_SIZE = 1 << 20;

/** Whether a code says that the map type, or the kernel (before 5.6: EINVAL), has no batches. */
function noBatches(code: number): boolean {
  return code === -Errno.ENOTSUPP || code === -Errno.EOPNOTSUPP || code === -Errno.EINVAL;
}

/**
 * Walks a map in batches:
 * `for (let n = reader.next(); n > 0; n = reader.next()) { ... reader.keys, reader.values ... }`.
 * The buffers are overwritten by the next call, and replaced by larger ones when a hash bucket does not fit.
 */
export class BatchReader {
  readonly #map: BpfMap;
  readonly #andDelete: boolean;
  readonly #out = new Uint32Array(1);
  #size: number;
  #keys: Buffer;
  #values: Buffer;
  #cursor: Buffer | null = null;
  #single: Iterator<[Buffer, Buffer]> | undefined;
  #done = false;

  /** Internal: use {@link BpfMap.lookupBatch}. */
  constructor(map: BpfMap, options: BatchOptions) {
    this.#map = map;
    if (map.keySize === 0) throw new ArgumentError("map", `${map.label} (${map.type}) has no keys to walk`);
    this.#andDelete = options.andDelete ?? false;
    const fit = Math.max(1, Math.floor(DEFAULT_BYTES / Math.max(map.keySize, map.elementSize)));
    this.#size = integer(options.size ?? Math.min(4096, fit, Math.max(1, map.maxEntries)), "size", 1, MAXIMUM_SIZE);
    this.#keys = Buffer.allocUnsafe(this.#size * map.keySize);
    this.#values = Buffer.allocUnsafe(this.#size * map.elementSize);
  }

  /** Keys of the last batch, keySize bytes each. */
  get keys(): Buffer { return this.#keys; }
  /** Values of the last batch, elementSize bytes each. */
  get values(): Buffer { return this.#values; }

  /** Reads the next batch. @returns the number of elements in the buffers; 0 at the end */
  next(): number {
    if (this.#done) return 0;
    if (this.#single !== undefined) return this.#nextSingle(this.#single);
    for (;;) {
      const cursor = Buffer.alloc(Math.max(this.#map.keySize, 8));
      const code = native().mapLookupBatch(
        this.#map.handle, this.#cursor, cursor, this.#keys, this.#values, this.#size, this.#andDelete, this.#out);
      if (code === -Errno.ENOSPC && this.#size < MAXIMUM_SIZE) {
        this.#grow(); // a hash bucket holds more elements than a batch
        continue;
      }
      if (this.#cursor === null && noBatches(code)) {
        this.#single = this.#singles();
        return this.#nextSingle(this.#single);
      }
      const count = this.#out[0] ?? 0;
      this.#cursor = cursor;
      if (code === -Errno.ENOENT) this.#done = true;
      else checkHandle(this.#map.handle, code, "map lookup batch", this.#map.label);
      if (count > 0 || this.#done) return count;
    }
  }

  #grow(): void {
    this.#size = Math.min(this.#size * 2, MAXIMUM_SIZE);
    this.#keys = Buffer.allocUnsafe(this.#size * this.#map.keySize);
    this.#values = Buffer.allocUnsafe(this.#size * this.#map.elementSize);
  }

  *#singles(): Generator<[Buffer, Buffer]> {
    if (!this.#andDelete) {
      yield* this.#map.entries();
      return;
    }
    for (const key of [...this.#map.keys()]) {
      const value = this.#map.lookup(key);
      if (value !== undefined && this.#map.delete(key)) yield [key, value];
    }
  }

  #nextSingle(entries: Iterator<[Buffer, Buffer]>): number {
    let count = 0;
    for (; count < this.#size; count++) {
      const entry = entries.next();
      if (entry.done === true) {
        this.#done = true;
        break;
      }
      this.#keys.set(entry.value[0], count * this.#map.keySize);
      this.#values.set(entry.value[1], count * this.#map.elementSize);
    }
    return count;
  }
}

function elementCount(map: BpfMap, keys: Uint8Array): number {
  if (!(keys instanceof Uint8Array)) throw new ArgumentError("keys", "must be a Buffer or Uint8Array");
  if (map.keySize === 0) throw new ArgumentError("map", `${map.label} (${map.type}) has no keys`);
  if (keys.length % map.keySize !== 0) {
    throw new ArgumentError("keys", `have ${keys.length} bytes, which is no multiple of ${map.keySize}`);
  }
  return keys.length / map.keySize;
}

/** See {@link BpfMap.updateBatch}. */
export function updateBatch(map: BpfMap, keys: Uint8Array, values: Uint8Array, flags: number): void {
  const count = elementCount(map, keys);
  if (!(values instanceof Uint8Array) || values.length !== count * map.elementSize) {
    throw new ArgumentError("values", `must have ${count * map.elementSize} bytes for ${count} keys`);
  }
  if (count === 0) return;
  const out = new Uint32Array(1);
  const code = native().mapUpdateBatch(map.handle, keys, values, count, flags, out);
  if (code === 0) return;
  if (out[0] === 0 && noBatches(code)) {
    each(map, count, "map update batch", (index) => native().mapUpdate(
      map.handle, slice(keys, index, map.keySize), slice(values, index, map.elementSize), flags));
    return;
  }
  fail(map, code, "map update batch", out[0] ?? 0);
}

/** See {@link BpfMap.deleteBatch}. */
export function deleteBatch(map: BpfMap, keys: Uint8Array): void {
  const count = elementCount(map, keys);
  if (count === 0) return;
  const out = new Uint32Array(1);
  const code = native().mapDeleteBatch(map.handle, keys, count, out);
  if (code === 0) return;
  if (out[0] === 0 && noBatches(code)) {
    each(map, count, "map delete batch", (index) => native().mapDelete(map.handle, slice(keys, index, map.keySize)));
    return;
  }
  fail(map, code, "map delete batch", out[0] ?? 0);
}

function slice(bytes: Uint8Array, index: number, size: number): Uint8Array {
  return bytes.subarray(index * size, (index + 1) * size);
}

function each(map: BpfMap, count: number, operation: string, one: (index: number) => number): void {
  for (let index = 0; index < count; index++) {
    const code = one(index);
    if (code < 0) fail(map, code, operation, index);
  }
}

function fail(map: BpfMap, code: number, operation: string, completed: number): never {
  if (code === -Errno.EBADF) checkHandle(map.handle, code, operation, map.label);
  const details = { errno: -code, operation, operand: map.label };
  if (completed === 0 && noBatches(code) && code !== -Errno.EINVAL) throw new NotSupportedError(details);
  throw new BatchError(details, completed);
}
