import { beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError, BatchError, BpfError, BpfMap, BpfObject, ClosedError, MapFlag, type MapTypeName, NotSupportedError, perCpuValues,
  possibleCpus, UpdateFlag,
} from "./index.js";
import { compileFixture, KERNEL, kernelReady } from "./testing/fixtures.js";

const packet = Buffer.alloc(64);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Flat keys 0..n-1 and values key*3 in elements of this size. */
function flat(count: number, elementSize: number): { keys: Buffer; values: Buffer } {
  const keys = Buffer.alloc(count * 4);
  const values = Buffer.alloc(count * elementSize);
  for (let i = 0; i < count; i++) {
    keys.writeUInt32LE(i, i * 4);
    values.writeUInt32LE(i * 3, i * elementSize);
  }
  return { keys, values };
}

describe.skipIf(!kernelReady)(`BpfMap (${KERNEL})`, () => {
  let file = "";
  beforeAll(() => { file = compileFixture("basic"); });

  it("looks up, updates, deletes and walks a hash", () => {
    const map = BpfMap.create({ type: "hash", name: "plain", keySize: 4, valueSize: 12, maxEntries: 4 });
    expect(map.info()).toMatchObject({ name: "plain", type: "hash", keySize: 4, valueSize: 12, maxEntries: 4, flags: 0 });
    expect(map.lookup(u32(1))).toBeUndefined();
    expect(map.delete(1)).toBe(false);
    map.update(1, Buffer.from("hello world!"), UpdateFlag.NOEXIST);
    expect(map.lookup(1)?.toString()).toBe("hello world!");
    expect(() => { map.update(1, Buffer.alloc(12), UpdateFlag.NOEXIST); }).toThrow(/EEXIST/);
    expect(() => { map.update(2, Buffer.alloc(12), UpdateFlag.EXIST); }).toThrow(/ENOENT/);
    for (const key of [2, 3, 4]) map.update(key, Buffer.alloc(12));
    expect(() => { map.update(5, Buffer.alloc(12)); }).toThrow(/E2BIG.*map "plain"|map "plain".*E2BIG/);
    expect([...map.keys()].map((key) => key.readUInt32LE()).sort()).toEqual([1, 2, 3, 4]);
    expect([...map.entries()].length).toBe(4);
    expect(map.lookupAndDelete(1)?.toString()).toBe("hello world!");
    expect(map.delete(2)).toBe(true);
    expect([...map.keys()].length).toBe(2);
    map.close();
  });

  it("refuses wrong sizes before the kernel sees them, and closed maps", () => {
    const map = BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 4 });
    expect(() => map.lookup(u32(1))).toThrow(ArgumentError);
    expect(() => map.lookup(1)).toThrow(/cannot be a number/);
    expect(() => { map.update(Buffer.alloc(8), Buffer.alloc(7)); }).toThrow(/8 bytes, has 7/);
    expect(() => { map.update(undefined, Buffer.alloc(8)); }).toThrow(/key of map/);
    expect(() => { map.update(Buffer.alloc(8), Buffer.alloc(8), -1); }).toThrow(ArgumentError);
    expect(() => map.lookupInto(Buffer.alloc(8), Buffer.alloc(9))).toThrow(ArgumentError);
    expect(() => map.lookup("12345678" as unknown as Buffer)).toThrow(ArgumentError);
    map.close();
    map.close();
    expect(map.closed).toBe(true);
    expect(() => map.lookup(Buffer.alloc(8))).toThrow(ClosedError);
    expect(() => map.info()).toThrow(ClosedError);
    expect(() => map.fd).toThrow(ClosedError);
    expect(() => [...map.keys()]).toThrow(ClosedError);
    expect(() => map.readAll()).toThrow(ClosedError);
  });

  it("refuses what the kernel has not", () => {
    expect(() => BpfMap.create({ type: 9999 })).toThrow(BpfError);
    expect(() => BpfMap.create({ type: "nothing" as MapTypeName })).toThrow(/not a map type/);
    expect(() => BpfMap.create({ type: "hash", name: "a name with spaces" })).toThrow(ArgumentError);
    expect(() => BpfMap.create({ type: "hash", keySize: 4, valueSize: 4, maxEntries: 0 })).toThrow(/EINVAL/);
    expect(() => BpfMap.fromId(0xfffffff0)).toThrow(/ENOENT/);
  });

  it.each([
    ["hash", 0], ["array", 0], ["lru_hash", 0], ["percpu_hash", 0], ["percpu_array", 0], ["lru_percpu_hash", 0],
  ] as [MapTypeName, number][])("reads and writes %s in batches", (type) => {
    const count = 1000;
    const map = BpfMap.create({ type, keySize: 4, valueSize: 4, maxEntries: type.startsWith("lru") ? 4096 : count });
    const { keys, values } = flat(count, map.elementSize);
    map.updateBatch(keys, values);
    expect(map.lookup(999)?.readUInt32LE()).toBe(2997);
    for (const size of [1000, 64, 7]) {
      const seen = new Map<number, number>();
      const reader = map.lookupBatch({ size });
      for (let n = reader.next(); n > 0; n = reader.next()) {
        for (let i = 0; i < n; i++) seen.set(reader.keys.readUInt32LE(i * 4), reader.values.readUInt32LE(i * map.elementSize));
      }
      expect(reader.next()).toBe(0);
      expect(seen.size).toBe(count);
      expect([...seen].every(([key, value]) => value === key * 3)).toBe(true);
    }
    expect(map.readAll().count).toBe(count);
    if (type.endsWith("array")) {
      expect(() => { map.deleteBatch(keys); }).toThrow(BpfError);
    } else {
      map.deleteBatch(keys.subarray(0, 4 * 400));
      expect(map.readAll().count).toBe(600);
      const reader = map.lookupBatch({ size: 64, andDelete: true });
      let taken = 0;
      for (let n = reader.next(); n > 0; n = reader.next()) taken += n;
      expect(taken).toBe(600);
      expect(map.readAll().count).toBe(0);
    }
    map.close();
  });

  it("falls back to single operations where the kernel has no batches", () => {
    const map = BpfMap.create({ type: "devmap_hash", keySize: 4, valueSize: 4, maxEntries: 16 });
    const keys = Buffer.concat([u32(5), u32(6)]);
    map.updateBatch(keys, Buffer.concat([u32(1), u32(1)])); // interface 1 is the loopback
    const all = map.readAll();
    expect(all.count).toBe(2);
    expect([all.keys.readUInt32LE(0), all.keys.readUInt32LE(4)].sort()).toEqual([5, 6]);
    map.deleteBatch(keys);
    expect(map.readAll().count).toBe(0);
    map.close();
  });

  it("says how far a failed batch came", () => {
    const map = BpfMap.create({ type: "hash", keySize: 4, valueSize: 4, maxEntries: 10 });
    const { keys, values } = flat(20, 4);
    let error: unknown;
    try {
      map.updateBatch(keys, values);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(BatchError);
    expect((error as BatchError).code).toBe("E2BIG");
    expect((error as BatchError).completed).toBe(map.readAll().count);
    expect(() => { map.updateBatch(keys.subarray(0, 7), values); }).toThrow(ArgumentError);
    expect(() => { map.updateBatch(keys, values.subarray(4)); }).toThrow(ArgumentError);
    map.close();
  });

  it("keeps the values of all CPUs in one buffer", () => {
    const object = BpfObject.open(file);
    object.setAutoload("generation", false);
    object.reuseMap("pinned", BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 8 }));
    object.load();
    const map = object.map("per_cpu");
    expect(map.elementSize).toBe(16 * possibleCpus());
    const value = Buffer.alloc(map.elementSize);
    for (let cpu = 0; cpu < possibleCpus(); cpu++) value.writeUInt8(cpu + 1, cpu * 16);
    map.update(2, value);
    expect(perCpuValues(map, map.lookup(2) ?? Buffer.alloc(0)).map((one) => [one.length, one[0]]))
      .toEqual(Array.from({ length: possibleCpus() }, (_, cpu) => [12, cpu + 1]));
    object.program("count_keys").testRun({ data: packet, repeat: 10 });
    const counted = perCpuValues(map, map.lookup(0) ?? Buffer.alloc(0)).reduce((sum, one) => sum + (one[0] ?? 0), 0);
    expect(counted).toBe(10);
    expect(() => { map.update(2, Buffer.alloc(12)); }).toThrow(ArgumentError);
    expect(() => perCpuValues(object.map("by_key"), Buffer.alloc(80))).toThrow(/not a per-CPU map/);
    object.close();
  });

  it("swaps inner maps under a program in one step", () => {
    const object = BpfObject.open(file).reuseMap("pinned", BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 8 }));
    object.load();
    const outer = object.map("generations");
    const run = (): number => object.program("generation").testRun({ data: packet }).retval;
    object.map("first").update(0, u32(11));
    expect(run()).toBe(11);
    // BPF_F_INNER_MAP: the new generation may be larger than the declared one.
    const next = BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 64, flags: MapFlag.INNER_MAP });
    next.update(0, u32(22));
    outer.update(0, next);
    expect(run()).toBe(22);
    const nextId = next.id;
    next.close();
    expect(run()).toBe(22);
    const inner = outer.lookupInner(0);
    expect(inner?.id).toBe(nextId);
    expect(inner?.lookup(0)).toEqual(u32(22));
    const wrong = BpfMap.create({ type: "hash", keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(() => { outer.update(0, wrong); }).toThrow(/EINVAL/);
    expect(run()).toBe(22);
    expect(() => { outer.update(0, next); }).toThrow(ClosedError);
    expect(() => { object.map("mapped").update(0, wrong); }).toThrow(/no descriptor/);
    inner?.close();
    object.close();
  });

  it("makes maps of maps", () => {
    const template = BpfMap.create({ type: "hash", keySize: 4, valueSize: 4, maxEntries: 3 });
    const outer = BpfMap.create({ type: "hash_of_maps", keySize: 8, valueSize: 4, maxEntries: 2, innerMap: template });
    const key = Buffer.alloc(8, 7);
    outer.update(key, template);
    expect(outer.lookup(key)?.readUInt32LE()).toBe(template.id);
    expect(outer.delete(key)).toBe(true);
    expect(outer.lookupInner(key)).toBeUndefined();
    outer.close();
    template.close();
  });

  it("shares memory with the kernel", () => {
    const map = BpfMap.create({ type: "array", keySize: 4, valueSize: 12, maxEntries: 700, flags: MapFlag.MMAPABLE });
    expect(map.mmapable).toBe(true);
    const memory = Buffer.from(map.mmap());
    expect(memory.length).toBe(16 * 700);
    map.update(699, Buffer.from("from syscall"));
    expect(memory.subarray(16 * 699, 16 * 699 + 12).toString()).toBe("from syscall");
    memory.write("from memory.", 16 * 5);
    expect(map.lookup(5)?.toString()).toBe("from memory.");
    map.close();
    expect(memory.subarray(16 * 5, 16 * 5 + 12).toString()).toBe("from memory.");
    const plain = BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(() => plain.mmap()).toThrow(NotSupportedError);
    plain.close();
    expect(() => plain.mmap()).toThrow(ClosedError);
  });

  it("freezes", () => {
    const map = BpfMap.create({ type: "array", keySize: 4, valueSize: 8, maxEntries: 2, flags: MapFlag.MMAPABLE });
    map.update(0, Buffer.alloc(8, 1));
    map.freeze();
    expect(() => { map.update(0, Buffer.alloc(8, 2)); }).toThrow(/EPERM/);
    expect(map.lookup(0)).toEqual(Buffer.alloc(8, 1));
    expect(() => map.mmap()).toThrow(/EPERM/);
    map.close();
  });

  it("pushes to and pops from queues, which have no keys", () => {
    const map = BpfMap.create({ type: "queue", valueSize: 4, maxEntries: 2 });
    map.update(undefined, u32(1));
    map.update(undefined, u32(2));
    expect(() => { map.update(undefined, u32(3)); }).toThrow(/E2BIG/);
    expect(map.lookup()?.readUInt32LE()).toBe(1);
    expect(map.lookupAndDelete()?.readUInt32LE()).toBe(1);
    expect(map.lookupAndDelete()?.readUInt32LE()).toBe(2);
    expect(map.lookupAndDelete()).toBeUndefined();
    expect(() => map.lookupBatch()).toThrow(/no keys/);
    map.close();
  });

  it("matches prefixes in an lpm_trie and walks it", () => {
    const map = BpfMap.create({ type: "lpm_trie", keySize: 8, valueSize: 4, maxEntries: 8, flags: MapFlag.NO_PREALLOC });
    const prefix = (bits: number, ...address: number[]): Buffer => Buffer.concat([u32(bits), Buffer.from(address)]);
    map.update(prefix(8, 10, 0, 0, 0), u32(1));
    map.update(prefix(24, 10, 1, 2, 0), u32(2));
    expect(map.lookup(prefix(32, 10, 1, 2, 9))).toEqual(u32(2));
    expect(map.lookup(prefix(32, 10, 9, 9, 9))).toEqual(u32(1));
    expect(map.lookup(prefix(32, 11, 0, 0, 1))).toBeUndefined();
    expect(map.readAll().count).toBe(2);
    map.close();
  });
});
