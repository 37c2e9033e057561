import { perCpuValues, rcuGracePeriod, type BpfMap } from "libbpf-ts";
import { FORWARD_RESULT, SERVICE_COUNT, type ForwardResult } from "../domain/layout.js";
import type { KernelTable, PacketCount, ServiceKernel } from "../application/service-kernel.js";

/** The maps of bpf/include/{service,maglev,redirect}.h that outlive the agent. */
export const SERVICE_MAPS = [
  "service_tables", "service_flows", "service_keys", "services", "service_backends", "service_hops", "service_control", "service_counters",
  "service_results", "service_ports", "service_exits", "service_diversions", "service_neighbours",
] as const;
export type ServiceMaps = Readonly<Record<(typeof SERVICE_MAPS)[number], BpfMap>>;

const COUNTER = { packets: 0, bytes: 8, lastNs: 16 } as const;

const tableOf = (map: BpfMap): KernelTable => ({
  entries: () => map.entries(),
  set: (key, value) => { map.update(key, value); },
  delete: (key) => { map.delete(key); },
});

/** The services' maps as the service plane uses them. */
export class BpfServiceKernel implements ServiceKernel {
  readonly services: Uint8Array;
  readonly backends: Uint8Array;
  readonly hops: Uint8Array;
  readonly tables: Uint8Array;
  readonly control: Uint8Array;
  readonly keys: KernelTable;
  readonly ports: KernelTable;
  readonly exits: KernelTable;
  readonly #maps: ServiceMaps;

  constructor(maps: ServiceMaps) {
    this.#maps = maps;
    this.services = new Uint8Array(maps.services.mmap());
    this.backends = new Uint8Array(maps.service_backends.mmap());
    this.hops = new Uint8Array(maps.service_hops.mmap());
    this.tables = new Uint8Array(maps.service_tables.mmap());
    this.control = new Uint8Array(maps.service_control.mmap());
    this.keys = tableOf(maps.service_keys);
    this.ports = tableOf(maps.service_ports);
    this.exits = tableOf(maps.service_exits);
  }

  gracePeriod(): Promise<void> {
    return rcuGracePeriod();
  }

  readCounts(service: number): PacketCount[] {
    return Array.from({ length: SERVICE_COUNT.count }, (_, what) => sum(this.#maps.service_counters, service * SERVICE_COUNT.count + what));
  }

  zeroCounts(service: number): void {
    const zero = Buffer.alloc(this.#maps.service_counters.elementSize);
    for (let what = 0; what < SERVICE_COUNT.count; what++) this.#maps.service_counters.update(service * SERVICE_COUNT.count + what, zero);
  }

  readResults(): Record<ForwardResult, PacketCount> {
    const counts = FORWARD_RESULT.map((result, index) => [result, sum(this.#maps.service_results, index)] as const);
    return Object.fromEntries(counts) as Record<ForwardResult, PacketCount>;
  }
}

function sum(map: BpfMap, index: number): PacketCount {
  let packets = 0, bytes = 0, lastNs = 0n;
  const element = map.lookup(index);
  for (const value of element ? perCpuValues(map, element) : []) {
    const at = new DataView(value.buffer, value.byteOffset, value.byteLength);
    packets += Number(at.getBigUint64(COUNTER.packets, true));
    bytes += Number(at.getBigUint64(COUNTER.bytes, true));
    const last = at.getBigUint64(COUNTER.lastNs, true);
    if (last > lastNs) lastNs = last;
  }
  return { packets, bytes, lastNs };
}
