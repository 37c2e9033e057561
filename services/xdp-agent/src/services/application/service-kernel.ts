import type { ForwardResult } from "../domain/layout.js";

/** A hash map of the kernel. Keys and values are whole elements. */
export interface KernelTable {
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  set(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

export interface PacketCount {
  readonly packets: number;
  readonly bytes: number;
  /** CLOCK_MONOTONIC in ns, 0 for never. */
  readonly lastNs: bigint;
}

/** The kernel as services need it: mapped arrays, hash maps, counters and grace periods. */
export interface ServiceKernel {
  readonly services: Uint8Array;
  readonly backends: Uint8Array;
  readonly hops: Uint8Array;
  readonly tables: Uint8Array;
  readonly control: Uint8Array;
  readonly keys: KernelTable;
  readonly ports: KernelTable;
  readonly exits: KernelTable;
  /** Resolves when no packet that began before the call is still on its way through the program. */
  gracePeriod(): Promise<void>;
  /** The counters of a service (enum service_count), summed over CPUs. */
  readCounts(service: number): PacketCount[];
  zeroCounts(service: number): void;
  /** What became of packets to and from services, all together. */
  readResults(): Record<ForwardResult, PacketCount>;
}
