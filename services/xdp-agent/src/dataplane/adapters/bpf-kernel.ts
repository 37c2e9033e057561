import { setTimeout } from "node:timers/promises";
import { rcuGracePeriod } from "libbpf-ts";
import type { CounterMap, CounterValue, KernelPort } from "../application/kernel-port.js";
import { encodeAllowList, type MatchFields } from "../domain/encode.js";
import { CONTROL, COUNTER, KERNEL_LIMITS, LAYOUT_VERSION, POLICY_VALUE_BYTES } from "../domain/layout.js";
import type { PinnedMaps } from "./pinned-object.js";

const FALLBACK_GRACE_MS = 1_000;
const COUNTER_MAPS = { rules: "rule_counters", forwards: "forward_counters", totals: "totals" } as const;

/** The maps of the XDP program as memory and counters. */
export class BpfKernel implements KernelPort {
  readonly generations: readonly Uint8Array[];
  readonly #control: Int32Array;
  readonly #maps: PinnedMaps;

  constructor(maps: PinnedMaps) {
    this.#maps = maps;
    this.generations = maps.generations.map((map) => new Uint8Array(map.mmap()));
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
    const zero = new Uint8Array(counters.elementSize);
    for (const slot of slots) counters.update(slot, zero);
  }

  readCounters(map: CounterMap, slots: readonly number[]): CounterValue[] {
    const counters = this.#maps[COUNTER_MAPS[map]];
    const bytes = Buffer.alloc(counters.elementSize);
    return slots.map((slot) => (counters.lookupInto(slot, bytes) ? sumOverCpus(bytes) : { packets: 0, bytes: 0, lastNs: 0n }));
  }

  monotonicNs(): bigint {
    // Node's hrtime is CLOCK_MONOTONIC (libuv uv_hrtime on Linux), the clock of bpf_ktime_get_ns.
    return process.hrtime.bigint();
  }

  /** Writes the management allow-list: entries first, then the head that makes them count. Throws RangeError beyond the limit. */
  writeAllowList(entries: readonly MatchFields[]): void {
    if (entries.length > KERNEL_LIMITS.allowed) throw new RangeError(`${entries.length} allow-list entries; the program holds ${KERNEL_LIMITS.allowed}`);
    const bytes = encodeAllowList(entries);
    for (let index = entries.length; index >= 0; index--) {
      this.#maps.allowed.update(index, bytes.subarray(index * POLICY_VALUE_BYTES, (index + 1) * POLICY_VALUE_BYTES));
    }
  }
}

function sumOverCpus(values: Buffer): CounterValue {
  let packets = 0n;
  let bytes = 0n;
  let lastNs = 0n;
  for (let at = 0; at < values.length; at += COUNTER.size) {
    packets += values.readBigUInt64LE(at + COUNTER.packets);
    bytes += values.readBigUInt64LE(at + COUNTER.bytes);
    const last = values.readBigUInt64LE(at + COUNTER.last_ns);
    if (last > lastNs) lastNs = last;
  }
  return { packets: Number(packets), bytes: Number(bytes), lastNs };
}
