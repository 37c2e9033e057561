import { setTimeout } from "node:timers/promises";
import { rcuGracePeriod, type BpfMap } from "libbpf-ts";
import type { MatchFields } from "@secuxflow/contracts";
import type { CounterBlock, CounterMap, CounterValue, KernelPort } from "../application/kernel-port.js";
import { RuleEncoder } from "../domain/encode.js";
import { EMPTY_HEAD, FIRST_RECORD, writeHead } from "../domain/generation.js";
import { CONTROL, COUNTER, ENTRY, KERNEL_LIMITS, LAYOUT_VERSION, POLICY_VALUE_BYTES } from "../domain/layout.js";
import { NO_NAMES } from "../domain/names.js";
import type { PinnedMaps } from "./pinned-object.js";

const FALLBACK_GRACE_MS = 1_000;
const COUNTER_MAPS = { rules: "rule_counters", forwards: "forward_counters", totals: "totals" } as const;
/** Elements of one system call: some hundred microseconds. */
const BLOCK = 2_048;
const TWO_32 = 2 ** 32;

const mapped = (maps: readonly BpfMap[]): Uint8Array[] => maps.map((map) => new Uint8Array(map.mmap()));

/** The maps of the XDP program as memory and counters. */
export class BpfKernel implements KernelPort {
  readonly generations: readonly Uint8Array[];
  readonly images: readonly Uint8Array[];
  readonly setImages: readonly Uint8Array[];
  readonly #control: Int32Array;
  readonly #maps: PinnedMaps;

  constructor(maps: PinnedMaps) {
    this.#maps = maps;
    this.generations = mapped(maps.generations);
    this.images = mapped(maps.images);
    this.setImages = mapped(maps.setImages);
    this.#control = new Int32Array(maps.control.mmap());
    Atomics.store(this.#control, CONTROL.layout_version / 4, LAYOUT_VERSION);
  }

  active(): number {
    return Atomics.load(this.#control, CONTROL.active / 4);
  }

  activate(generation: number): void {
    Atomics.store(this.#control, CONTROL.active / 4, generation);
  }

  /** Never rejects: where the kernel offers no grace period to user space, a second is far longer than any packet takes. */
  gracePeriod(): Promise<void> {
    return rcuGracePeriod().catch(() => setTimeout(FALLBACK_GRACE_MS));
  }

  zeroCounters(map: "rules" | "forwards", slots: readonly number[]): void {
    const counters = this.#maps[COUNTER_MAPS[map]];
    const values = new Uint8Array(Math.min(slots.length, BLOCK) * counters.elementSize);
    for (let at = 0; at < slots.length; at += BLOCK) {
      const keys = Uint32Array.from(slots.slice(at, at + BLOCK));
      counters.updateBatch(new Uint8Array(keys.buffer), values.subarray(0, keys.length * counters.elementSize));
    }
  }

  readCounters(map: CounterMap, slots: readonly number[]): CounterValue[] {
    const counters = this.#maps[COUNTER_MAPS[map]];
    const bytes = new Uint8Array(counters.elementSize);
    const sums = new Sums(bytes, counters.elementSize, 1);
    return slots.map((slot) => {
      if (!counters.lookupInto(slot, bytes)) return { packets: 0, bytes: 0, lastNs: 0 };
      sums.add(1);
      return { packets: sums.packets[0] ?? 0, bytes: sums.bytes[0] ?? 0, lastNs: sums.lastNs[0] ?? 0 };
    });
  }

  *ruleCounterBlocks(end: number): Generator<CounterBlock> {
    const counters = this.#maps.rule_counters;
    const reader = counters.lookupBatch({ size: BLOCK });
    const sums = new Sums(reader.values, counters.elementSize, BLOCK);
    for (let first = 0; first < end; ) {
      const count = reader.next();
      if (count === 0) return;
      sums.add(count);
      yield { first, count: Math.min(count, end - first), packets: sums.packets, bytes: sums.bytes, lastNs: sums.lastNs };
      first += count;
    }
  }

  monotonicNs(): bigint {
    // Node's hrtime is CLOCK_MONOTONIC (libuv uv_hrtime on Linux), the clock of bpf_ktime_get_ns.
    return process.hrtime.bigint();
  }

  /** Writes the management allow-list: entries first, then the head that makes them count. Throws RangeError beyond the limit. */
  writeAllowList(entries: readonly MatchFields[]): void {
    const encoder = new RuleEncoder(NO_NAMES, () => 0n);
    const records = entries.map((entry, index) => encoder.bytesOf(encoder.allow(entry, index)).slice());
    const bytes = Buffer.concat([new Uint8Array(FIRST_RECORD), ...records]);
    const count = bytes.length / ENTRY.size - 1;
    if (count > KERNEL_LIMITS.allowed) throw new RangeError(`the allow-list needs ${count} records; the program holds ${KERNEL_LIMITS.allowed}`);
    writeHead(bytes, { ...EMPTY_HEAD, rules: count });
    for (let index = count; index >= 0; index--) {
      this.#maps.allowed.update(index, bytes.subarray(index * POLICY_VALUE_BYTES, (index + 1) * POLICY_VALUE_BYTES));
    }
  }
}

/** Sums of counters over CPUs. As 64-bit floats: exact to 2^53, and many times faster than bigints. */
class Sums {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly lastNs: Float64Array;
  readonly #words: Uint32Array;
  readonly #stride: number;

  /** Of `elements` elements of `elementSize` bytes at the start of `values`, each a run of `struct counter`. */
  constructor(values: Uint8Array, elementSize: number, elements: number) {
    this.#words = new Uint32Array(values.buffer, values.byteOffset, (elements * elementSize) / 4);
    this.#stride = elementSize / 4;
    this.packets = new Float64Array(elements);
    this.bytes = new Float64Array(elements);
    this.lastNs = new Float64Array(elements);
  }

  add(count: number): void {
    const words = this.#words;
    const u64 = (at: number): number => (words[at] ?? 0) + (words[at + 1] ?? 0) * TWO_32;
    for (let element = 0; element < count; element++) {
      let packets = 0;
      let bytes = 0;
      let last = 0;
      const end = (element + 1) * this.#stride;
      for (let at = element * this.#stride; at < end; at += COUNTER.size / 4) {
        packets += u64(at + COUNTER.packets / 4);
        bytes += u64(at + COUNTER.bytes / 4);
        last = Math.max(last, u64(at + COUNTER.last_ns / 4));
      }
      this.packets[element] = packets;
      this.bytes[element] = bytes;
      this.lastNs[element] = last;
    }
  }
}
