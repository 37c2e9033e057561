import { FORWARD_RESULT, BACKEND, CONTROL, HOP, SERVICE, SERVICE_COUNT, SERVICE_LIMITS, TABLE_BYTES, type ForwardResult } from "../domain/layout.js";
import type { KernelTable, PacketCount, ServiceKernel } from "../application/service-kernel.js";

/** A hash map in memory. */
export class FakeTable implements KernelTable {
  readonly held = new Map<string, Uint8Array>();

  *entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (const [key, value] of this.held) yield [Buffer.from(key, "hex"), value];
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.held.set(Buffer.from(key).toString("hex"), Uint8Array.from(value));
  }

  delete(key: Uint8Array): void {
    this.held.delete(Buffer.from(key).toString("hex"));
  }
}

const ZERO: PacketCount = { packets: 0, bytes: 0, lastNs: 0n };

/** A kernel in memory; grace periods end at once, and are told. */
export class FakeServiceKernel implements ServiceKernel {
  readonly services = new Uint8Array(SERVICE_LIMITS.services * SERVICE.size);
  readonly backends = new Uint8Array(SERVICE_LIMITS.services * SERVICE_LIMITS.backends * BACKEND.size);
  readonly hops = new Uint8Array(SERVICE_LIMITS.hops * HOP.size);
  readonly tables = new Uint8Array(SERVICE_LIMITS.tables * TABLE_BYTES);
  readonly control = new Uint8Array(CONTROL.size);
  readonly keys = new FakeTable();
  readonly ports = new FakeTable();
  readonly exits = new FakeTable();
  readonly zeroed: number[] = [];
  onGracePeriod: () => void = () => undefined;

  gracePeriod(): Promise<void> {
    this.onGracePeriod();
    return Promise.resolve();
  }

  readCounts(): PacketCount[] {
    return Array.from({ length: SERVICE_COUNT.count }, () => ZERO);
  }

  zeroCounts(service: number): void {
    this.zeroed.push(service);
  }

  readResults(): Record<ForwardResult, PacketCount> {
    return Object.fromEntries(FORWARD_RESULT.map((name) => [name, ZERO])) as Record<ForwardResult, PacketCount>;
  }
}
