import { BACKEND, EXIT, HOP, MATCH_FLAG, PORT, PORT_KEY, SERVICE, SERVICE_FLAG, SERVICE_KEY, SERVICE_LIMITS, SERVICE_MATCH, VLAN_NONE } from "./layout.js";
import type { NextHop, PlannedBackend, PlannedService } from "./plan.js";

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** 16 address bytes as the program has them: two words in host order. */
const writeAddress = (at: DataView, hi: number, lo: number, address: Uint8Array): void => {
  at.setBigUint64(hi, view(address).getBigUint64(0), true);
  at.setBigUint64(lo, view(address).getBigUint64(8), true);
};

/** The parts of a service that never change while it has its index. The others are `flags`, `table`, `backend`, `modules`, `snaplen`. */
export function serviceIdentity(service: PlannedService): Uint8Array {
  const bytes = new Uint8Array(SERVICE.flags);
  const at = view(bytes);
  writeAddress(at, SERVICE.hi, SERVICE.lo, service.address);
  at.setUint16(SERVICE.port, service.port, true);
  at.setUint8(SERVICE.proto, service.proto);
  at.setUint8(SERVICE.family, isIpv4(service.address) ? 4 : 6);
  return bytes;
}

export const isIpv4 = (address: Uint8Array): boolean => address.subarray(0, 12).every((byte, i) => byte === (i < 10 ? 0 : 0xff));

/** Flows are kept where several backends share a service, and where no port tells an answer from another connection. */
export const serviceFlags = (service: PlannedService): number =>
  (service.translated ? SERVICE_FLAG.translated : 0) | (service.backends.length > 1 || service.port === 0 ? SERVICE_FLAG.tracked : 0);

/** The parts of a backend that never change while it has its slot. */
export function backendIdentity(backend: PlannedBackend): Uint8Array {
  const bytes = new Uint8Array(BACKEND.generation);
  const at = view(bytes);
  writeAddress(at, BACKEND.hi, BACKEND.lo, backend.address);
  at.setUint16(BACKEND.port, backend.port, true);
  return bytes;
}

export function encodeHop(hop: NextHop): Uint8Array {
  const bytes = new Uint8Array(HOP.size);
  const at = view(bytes);
  at.setUint32(HOP.ifindex, hop.ifindex, true);
  at.setUint16(HOP.mtu, Math.min(hop.mtu, 0xffff), true);
  at.setUint16(HOP.vlan, VLAN_NONE, true);
  bytes.set(hop.dmac, HOP.dmac);
  bytes.set(hop.smac, HOP.smac);
  return bytes;
}

function serviceKey(address: Uint8Array, port: number, proto: number, answers: boolean): Uint8Array {
  const bytes = new Uint8Array(SERVICE_KEY.size);
  const at = view(bytes);
  writeAddress(at, SERVICE_KEY.hi, SERVICE_KEY.lo, address);
  at.setUint16(SERVICE_KEY.port, port, true);
  at.setUint8(SERVICE_KEY.proto, proto);
  at.setUint8(SERVICE_KEY.answers, answers ? 1 : 0);
  return bytes;
}

/** One end of traffic of a service: what clients send to, or what a backend answers from. */
export interface ServiceEnd {
  readonly address: Uint8Array;
  readonly port: number;
  readonly proto: number;
  readonly answers: boolean;
  readonly service: number;
  readonly backend: number;
}

/**
 * The elements of `service_keys`. The program looks the address up first; only where that says so, with port and protocol.
 * @returns hexadecimal key → value
 */
export function encodeKeys(ends: Iterable<ServiceEnd>): Map<string, Uint8Array> {
  const found = new Map<string, { target: number; flags: number }>();
  const element = (key: Uint8Array) => {
    const name = Buffer.from(key).toString("hex");
    const held = found.get(name) ?? { target: 0, flags: 0 };
    found.set(name, held);
    return held;
  };
  for (const { address, port, proto, answers, service, backend } of ends) {
    const target = service * SERVICE_LIMITS.backends + backend + 1;
    const whole = element(serviceKey(address, 0, 0, answers));
    if (port !== 0) whole.flags |= MATCH_FLAG.ports;
    else if (proto !== 0) whole.flags |= MATCH_FLAG.protocols;
    element(serviceKey(address, port, proto, answers)).target = target;
  }
  return new Map([...found].map(([key, { target, flags }]) => {
    const value = new Uint8Array(SERVICE_MATCH.size);
    view(value).setUint32(SERVICE_MATCH.target, target, true);
    view(value).setUint32(SERVICE_MATCH.flags, flags, true);
    return [key, value];
  }));
}

/** An interface that frames for services come in by. */
export interface ServicePort {
  readonly ifindex: number;
  /** VLAN id; absent: untagged frames. */
  readonly vlan?: number | undefined;
  /** What routes them: itself, its VLAN device or its bridge. */
  readonly routerIfindex: number;
  readonly routerMac: Uint8Array;
}

export const encodePorts = (ports: Iterable<ServicePort>): Map<string, Uint8Array> => new Map(Array.from(ports, ({ ifindex, vlan, routerIfindex, routerMac }) => {
  const key = new Uint8Array(PORT_KEY.size), value = new Uint8Array(PORT.size);
  view(key).setUint32(PORT_KEY.ifindex, ifindex, true);
  view(key).setUint16(PORT_KEY.vlan, vlan ?? VLAN_NONE, true);
  view(value).setUint32(PORT.l3_ifindex, routerIfindex, true);
  value.set(routerMac, PORT.mac);
  return [Buffer.from(key).toString("hex"), value] as const;
}));

/** An interface that the FIB may name and through which frames may leave by XDP. */
export interface ServiceExit {
  readonly ifindex: number;
  /** The one that takes the frame: itself, or the link below a VLAN device. */
  readonly through: number;
  readonly vlan?: number | undefined;
}

export const encodeExits = (exits: Iterable<ServiceExit>): Map<string, Uint8Array> => new Map(Array.from(exits, ({ ifindex, through, vlan }) => {
  const key = new Uint8Array(4), value = new Uint8Array(EXIT.size);
  view(key).setUint32(0, ifindex, true);
  view(value).setUint32(EXIT.ifindex, through, true);
  view(value).setUint16(EXIT.vlan, vlan ?? VLAN_NONE, true);
  return [Buffer.from(key).toString("hex"), value] as const;
}));
