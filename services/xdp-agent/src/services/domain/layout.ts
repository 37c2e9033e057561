/**
 * Offsets of the structures in bpf/include/{service,maglev,redirect}.h, in bytes, little-endian. A test compares them with
 * the BTF of the compiled program.
 */
export const SERVICE_LIMITS = {
  services: 256, backends: 64, hops: 4_096, tables: 320, maglevEntries: 16_381, flowLines: 16_384, ports: 4_096, keys: 65_536,
} as const;

export const SERVICE_KEY = { size: 24, hi: 0, lo: 8, port: 16, proto: 18, answers: 19 } as const;
export const SERVICE_MATCH = { size: 8, target: 0, flags: 4 } as const;
export const SERVICE = { size: 40, hi: 0, lo: 8, port: 16, proto: 18, family: 19, flags: 20, table: 24, backend: 28, modules: 32, snaplen: 36 } as const;
export const BACKEND = { size: 32, hi: 0, lo: 8, port: 16, generation: 18, flags: 20, hop: 24 } as const;
export const HOP = { size: 24, ifindex: 0, mtu: 4, vlan: 6, dmac: 8, smac: 14 } as const;
export const CONTROL = { size: 24, key: 0, services: 16, diverted: 20 } as const;
export const PORT_KEY = { size: 8, ifindex: 0, vlan: 4 } as const;
export const PORT = { size: 12, l3_ifindex: 0, mac: 4 } as const;
export const EXIT = { size: 8, ifindex: 0, vlan: 4 } as const;
/** A Maglev table in its map. */
export const TABLE_BYTES = 16_384;

export const NO_TABLE = 0xffff_ffff;
export const VLAN_NONE = 0x1000;
export const MATCH_FLAG = { ports: 1, protocols: 2 } as const;
export const SERVICE_FLAG = { translated: 1, tracked: 2 } as const;
export const BACKEND_FLAG = { used: 1, up: 2 } as const;

/** Elements of `service_counters` for each service (enum service_count). */
export const SERVICE_COUNT = { redirected: 0, stack: 1, returned: 2, flows: 3, count: 4 } as const;

/** Elements of `service_results` (enum forward_result). */
export const FORWARD_RESULT = [
  "to-service", "from-service", "unknown-port", "no-backend", "odd", "ttl", "too-long", "no-neighbour", "no-route", "no-exit", "local",
  "learned", "no-room",
] as const;
export type ForwardResult = (typeof FORWARD_RESULT)[number];
