/** BPF maps. All calls are synchronous system calls of about a microsecond. */
import { exactBytes, objectName, u32 } from "./arguments.js";
import { check, checkHandle, checkValue, withLog } from "./call.js";
import { Errno } from "./errno.js";
import { ArgumentError, NotSupportedError } from "./errors.js";
import { FdObject, handleFromId, handleFromPin } from "./fd-object.js";
import { BatchReader, deleteBatch, updateBatch, type BatchOptions } from "./map-batch.js";
import { type Handle, native, type NativeMapSizes } from "./native.js";
import { MapFlag, mapTypes, type MapTypeName, typeName, UpdateFlag } from "./types.js";

/** A key: its bytes, or a number for maps with 4-byte keys (arrays). */
export type MapKey = Uint8Array | number;
/** A value: its bytes; for maps of maps, program arrays and the like the map or program itself. */
export type MapValue = Uint8Array | FdObject;

export interface MapCreateOptions {
  type: MapTypeName | number;
  /** Up to 15 letters, digits, "_" or ".". */
  name?: string;
  keySize?: number;
  valueSize?: number;
  maxEntries?: number;
  /** MapFlag.* */
  flags?: number;
  /** For array_of_maps and hash_of_maps: a map of the kind that will be put in. */
  innerMap?: BpfMap;
  mapExtra?: bigint;
}

export interface MapInfo {
  id: number;
  name: string;
  type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  ifindex: number;
  btfId: number;
  mapExtra: bigint;
}

export class BpfMap extends FdObject {
  readonly #sizes: NativeMapSizes;
  readonly #name: string;

  /** Internal: use {@link create}, {@link fromPin}, {@link fromId} or an object's `maps`. */
  constructor(handle: Handle, name: string) {
    super(handle);
    this.#sizes = native().mapSizes(handle);
    this.#name = name;
  }

  /** Makes a map of its own. @throws {BpfError} the kernel refused; {@link NotSupportedError} type or flags unknown to it */
  static create(options: MapCreateOptions): BpfMap {
    const name = objectName(options.name ?? "");
    const type = typeof options.type === "number" ? u32(options.type, "type") : mapTypes.indexOf(options.type);
    if (type < 1) throw new ArgumentError("type", `is not a map type: ${String(options.type)}`);
    const { result, log } = withLog(() => native().mapCreate(
      type, name, u32(options.keySize ?? 0, "keySize"), u32(options.valueSize ?? 0, "valueSize"),
      u32(options.maxEntries ?? 0, "maxEntries"), u32(options.flags ?? 0, "flags"), options.innerMap?.handle ?? null,
      options.mapExtra ?? 0n));
    return new BpfMap(checkValue(result, "create map", `"${name}" (${typeName(mapTypes, type)})`, log), name);
  }

  /** Opens a pinned map. @throws {BpfError} ENOENT; EPROTOTYPE: it is no map */
  static fromPin(path: string): BpfMap {
    const map = new BpfMap(handleFromPin("map", path), path);
    map.rememberPin(path);
    return map;
  }

  /** Opens a map by its id. @throws {BpfError} ENOENT; EPERM: needs CAP_SYS_ADMIN */
  static fromId(id: number): BpfMap {
    return new BpfMap(handleFromId("map", id), `id ${id}`);
  }

  /** The name it was asked for by; `info().name` is the kernel's (at most 15 characters). */
  get name(): string { return this.#name; }
  get label(): string { return `map "${this.#name}"`; }
  get type(): string { return typeName(mapTypes, this.#sizes.type); }
  get keySize(): number { return this.#sizes.keySize; }
  /** Size of one value; of a per-CPU map: for one CPU. */
  get valueSize(): number { return this.#sizes.valueSize; }
  /**
   * Bytes of a value in {@link lookup} and {@link update}: valueSize, or for per-CPU maps possibleCpus() values with a
   * stride of valueSize rounded up to 8.
   */
  get elementSize(): number { return this.#sizes.elementSize; }
  get maxEntries(): number { return this.#sizes.maxEntries; }
  get flags(): number { return this.#sizes.flags; }
  get id(): number { return this.info().id; }

  /** What the kernel says about the map now. */
  info(): MapInfo {
    const info = native().mapInfo(this.handle);
    if (typeof info === "number") {
      checkHandle(this.handle, info, "map info", this.label);
      throw new Error("unreachable");
    }
    return { ...info, type: typeName(mapTypes, info.type) };
  }

  /** The value of a key in a new Buffer; undefined when there is none. */
  lookup(key?: MapKey): Buffer | undefined {
    const value = Buffer.allocUnsafe(this.elementSize);
    return this.lookupInto(key, value) ? value : undefined;
  }

  /** As {@link lookup}, into a buffer of elementSize bytes. @returns whether there is such a key */
  lookupInto(key: MapKey | undefined, value: Uint8Array): boolean {
    const code = native().mapLookup(this.handle, this.#key(key), exactBytes(value, "value", this.elementSize), 0);
    if (code === -Errno.ENOENT) return false;
    checkHandle(this.handle, code, "map lookup", this.label);
    return true;
  }

  /** Takes an element out: of queues and stacks (no key), and of hash maps (kernel 5.14). */
  lookupAndDelete(key?: MapKey): Buffer | undefined {
    const value = Buffer.allocUnsafe(this.elementSize);
    const code = native().mapLookupAndDelete(this.handle, this.#key(key), value, 0);
    if (code === -Errno.ENOENT) return undefined;
    checkHandle(this.handle, code, "map lookup and delete", this.label);
    return value;
  }

  /**
   * Writes a value.
   * @param key undefined for queues and stacks, which push
   * @param flags UpdateFlag.*: NOEXIST fails with EEXIST, EXIST with ENOENT
   */
  update(key: MapKey | undefined, value: MapValue, flags: number = UpdateFlag.ANY): void {
    const code = native().mapUpdate(this.handle, this.#key(key), this.#value(value), u32(flags, "flags"));
    checkHandle(this.handle, code, "map update", this.label);
  }

  /** Deletes a key. @returns whether there was one */
  delete(key: MapKey): boolean {
    const code = native().mapDelete(this.handle, this.#requiredKey(key));
    if (code === -Errno.ENOENT) return false;
    checkHandle(this.handle, code, "map delete", this.label);
    return true;
  }

  /**
   * All keys, each in a Buffer of its own. While somebody changes a hash map, keys may be passed over or, when the current
   * one is deleted, come again from the start; at most maxEntries + 1024 keys are given.
   */
  *keys(): Generator<Buffer> {
    let previous: Buffer | null = null;
    for (let count = 0; count < this.maxEntries + 1024; count++) {
      const next: Buffer = Buffer.allocUnsafe(this.keySize);
      const code = native().mapNextKey(this.handle, previous, next);
      if (code === -Errno.ENOENT) return;
      checkHandle(this.handle, code, "map next key", this.label);
      yield Buffer.from(next); // the caller may change its copy
      previous = next;
    }
  }

  /** Keys and values; see {@link keys}. */
  *entries(): Generator<[key: Buffer, value: Buffer]> {
    for (const key of this.keys()) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /**
   * Reads the map in batches into two flat buffers that are used again and again; see {@link BatchReader}. Where the kernel
   * has no batches for the map type, single lookups fill the buffers.
   */
  lookupBatch(options: BatchOptions = {}): BatchReader {
    return new BatchReader(this, options);
  }

  /** The whole map in two flat buffers: `count` keys of keySize bytes, and as many values of elementSize bytes. */
  readAll(): { count: number; keys: Buffer; values: Buffer } {
    const reader = this.lookupBatch();
    const keys: Buffer[] = [];
    const values: Buffer[] = [];
    let count = 0;
    for (let read = reader.next(); read > 0; read = reader.next()) {
      keys.push(Buffer.from(reader.keys.subarray(0, read * this.keySize)));
      values.push(Buffer.from(reader.values.subarray(0, read * this.elementSize)));
      count += read;
    }
    return { count, keys: Buffer.concat(keys), values: Buffer.concat(values) };
  }

  /**
   * Writes many elements: keys and values one after the other in flat buffers.
   * @throws {BatchError} with the number of elements written before the failure
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, flags: number = UpdateFlag.ANY): void {
    updateBatch(this, keys, values, u32(flags, "flags"));
  }

  /** Deletes many keys. @throws {BatchError} with the number of keys deleted before the failure (a missing key is one) */
  deleteBatch(keys: Uint8Array): void {
    deleteBatch(this, keys);
  }

  /** The map that a key of an array_of_maps or hash_of_maps leads to (needs CAP_SYS_ADMIN). */
  lookupInner(key: MapKey): BpfMap | undefined {
    const id = this.lookup(key)?.readUInt32LE();
    return id === undefined ? undefined : BpfMap.fromId(id);
  }

  /**
   * The memory of an array with MapFlag.MMAPABLE, shared with the kernel: reads and writes without system calls.
   * Element i lies at i * (valueSize rounded up to 8). The memory stays valid after {@link close}, until the ArrayBuffer
   * is collected. It is always writable.
   * @throws {NotSupportedError} no mmapable array
   * @throws {BpfError} EPERM: the map is frozen or read-only
   */
  mmap(): ArrayBuffer {
    const memory = native().mapMmap(this.handle);
    if (typeof memory !== "number") return memory;
    checkHandle(this.handle, memory === -Errno.EOPNOTSUPP ? 0 : memory, "mmap", this.label);
    throw new NotSupportedError({
      errno: Errno.EOPNOTSUPP, operation: "mmap", operand: this.label,
      advice: "Only arrays created with MapFlag.MMAPABLE (BPF_F_MMAPABLE) can be mapped.",
    });
  }

  /** Whether {@link mmap} can work. */
  get mmapable(): boolean {
    return this.type === "array" && (this.flags & MapFlag.MMAPABLE) !== 0;
  }

  /** Makes the map read-only for system calls, for ever. */
  freeze(): void {
    checkHandle(this.handle, native().mapFreeze(this.handle), "map freeze", this.label);
  }

  #key(key: MapKey | undefined): Uint8Array | null {
    if (key === undefined) {
      if (this.keySize !== 0) throw new ArgumentError("key", `of ${this.label} is missing (${this.keySize} bytes)`);
      return null;
    }
    return this.#requiredKey(key);
  }

  #requiredKey(key: MapKey): Uint8Array {
    if (typeof key !== "number") return exactBytes(key, "key", this.keySize);
    if (this.keySize !== 4) throw new ArgumentError("key", `of ${this.label} has ${this.keySize} bytes and cannot be a number`);
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32LE(u32(key, "key"));
    return bytes;
  }

  #value(value: MapValue): Uint8Array {
    if (!(value instanceof FdObject)) return exactBytes(value, "value", this.elementSize);
    if (this.valueSize !== 4) throw new ArgumentError("value", `of ${this.label} has ${this.valueSize} bytes and is no descriptor`);
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32LE(value.fd);
    return bytes;
  }
}

/** Number of possible CPUs, which is the number of values of an element of a per-CPU map. */
export function possibleCpus(): number {
  return check(native().possibleCpus(), "count", "possible CPUs");
}

/** The values of a per-CPU element, one view for each CPU. */
export function perCpuValues(map: BpfMap, element: Uint8Array): Uint8Array[] {
  exactBytes(element, "element", map.elementSize);
  const stride = (map.valueSize + 7) & ~7;
  if (stride === 0 || !map.type.includes("percpu")) throw new ArgumentError("map", `${map.label} is not a per-CPU map`);
  return Array.from({ length: map.elementSize / stride }, (_, cpu) =>
    element.subarray(cpu * stride, cpu * stride + map.valueSize));
}


