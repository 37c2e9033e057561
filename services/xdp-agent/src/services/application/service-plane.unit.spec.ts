import { parseAddress } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BACKEND, BACKEND_FLAG, CONTROL, HOP, MATCH_FLAG, NO_TABLE, SERVICE, SERVICE_LIMITS, TABLE_BYTES } from "../domain/layout.js";
import type { PlannedBackend, PlannedService } from "../domain/plan.js";
import { FakeServiceKernel } from "../testing/fake-service-kernel.js";
import { ServicePlane } from "./service-plane.js";

const mac = (n: number): Uint8Array => Uint8Array.from([2, 0, 0, 0, n >> 8, n & 0xff]);

const backend = (address: string, port: number, more: Partial<PlannedBackend> = {}): PlannedBackend =>
  ({ name: `${address}:${port}`, address: parseAddress(address), port, weight: 1, up: true, ...more });
const service = (address: string, port: number, backends: readonly PlannedBackend[], more: Partial<PlannedService> = {}): PlannedService =>
  ({ name: `${address}:${port}`, address: parseAddress(address), port, proto: port === 0 ? 0 : 6, translated: true, backends, modules: 0, snaplen: 0, ...more });

const at = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const words = (address: Uint8Array): [bigint, bigint] => [at(address).getBigUint64(0), at(address).getBigUint64(8)];

/** What the program would do, read from the kernel's bytes: which backends get new flows, and which service an answer is of. */
class Model {
  constructor(readonly kernel: FakeServiceKernel) {}

  #match(address: Uint8Array, port: number, proto: number, answers: boolean): number {
    const value = (keyPort: number, keyProto: number): DataView | undefined => {
      const key = Buffer.alloc(24);
      const [hi, lo] = words(address);
      key.writeBigUInt64LE(hi, 0);
      key.writeBigUInt64LE(lo, 8);
      key.writeUInt16LE(keyPort, 16);
      key.writeUInt8(keyProto, 18);
      key.writeUInt8(answers ? 1 : 0, 19);
      const held = this.kernel.keys.held.get(key.toString("hex"));
      return held && at(held);
    };
    const whole = value(0, 0);
    if (!whole) return 0;
    const flags = whole.getUint32(4, true);
    const exact = (flags & MATCH_FLAG.ports) !== 0 && port !== 0 ? value(port, proto) : undefined;
    const general = (flags & MATCH_FLAG.protocols) !== 0 ? value(0, proto) : undefined;
    return (exact ?? general ?? whole).getUint32(0, true);
  }

  /** Index of the service for a destination, or undefined. */
  serviceOf(address: Uint8Array, port: number, proto: number): number | undefined {
    const target = this.#match(address, port, proto, false);
    return target === 0 ? undefined : Math.floor((target - 1) / SERVICE_LIMITS.backends);
  }

  /** Slot (over all services) that answers from there. */
  answering(address: Uint8Array, port: number, proto: number): number | undefined {
    const target = this.#match(address, port, proto, true);
    return target === 0 ? undefined : target - 1;
  }

  slot(index: number): { address: [bigint, bigint]; port: number; generation: number; flags: number; hop: number } {
    const view = at(this.kernel.backends.subarray(index * BACKEND.size, (index + 1) * BACKEND.size));
    return {
      address: [view.getBigUint64(BACKEND.hi, true), view.getBigUint64(BACKEND.lo, true)], port: view.getUint16(BACKEND.port, true),
      generation: view.getUint16(BACKEND.generation, true), flags: view.getUint32(BACKEND.flags, true), hop: view.getUint32(BACKEND.hop, true),
    };
  }

  /** Slots within the service that new flows go to. */
  choices(index: number): Set<number> {
    const view = at(this.kernel.services.subarray(index * SERVICE.size, (index + 1) * SERVICE.size));
    const table = view.getUint32(SERVICE.table, true);
    if (table !== NO_TABLE) return new Set(this.kernel.tables.subarray(table * TABLE_BYTES, table * TABLE_BYTES + SERVICE_LIMITS.maglevEntries));
    const one = view.getUint32(SERVICE.backend, true);
    return new Set(one < SERVICE_LIMITS.backends ? [one] : []);
  }
}

const same = (a: [bigint, bigint], b: Uint8Array): boolean => a[0] === words(b)[0] && a[1] === words(b)[1];

function expectInForce(kernel: FakeServiceKernel, wanted: readonly PlannedService[]): void {
  const model = new Model(kernel);
  expect(at(kernel.control).getUint32(CONTROL.services, true)).toBe(wanted.length);
  for (const one of wanted) {
    const index = model.serviceOf(one.address, one.port, one.proto);
    if (index === undefined) throw new Error(`${one.name} is not found`);
    const expected = one.backends.filter(({ up }) => up).map(({ name }) => name).sort();
    const slots = [...model.choices(index)].map((slot) => model.slot(index * SERVICE_LIMITS.backends + slot));
    const chosen = slots.map((slot) => one.backends.find(({ address, port }) => same(slot.address, address) && port === slot.port)?.name).sort();
    expect(chosen).toEqual(expected);
    for (const { address, port, up, hop } of one.backends) {
      const answering = model.answering(address, port, one.proto);
      if (answering === undefined) throw new Error("an answer is not known");
      expect(Math.floor(answering / SERVICE_LIMITS.backends)).toBe(index);
      const slot = model.slot(answering);
      expect(slot.flags).toBe(BACKEND_FLAG.used | (up ? BACKEND_FLAG.up : 0));
      expect(slot.generation).toBeGreaterThan(0);
      if (!hop) expect(slot.hop).toBe(0);
      else expect([...kernel.hops.subarray((slot.hop - 1) * HOP.size + HOP.dmac, (slot.hop - 1) * HOP.size + HOP.dmac + 6)]).toEqual([...hop.dmac]);
    }
  }
}

describe("ServicePlane", () => {
  /** Services of some addresses, whose backends (never shared) come, go, fail and move. */
  const policy = fc.uniqueArray(fc.tuple(fc.nat(3), fc.constantFrom(0, 80, 443)), { selector: (pair) => pair.join(), maxLength: 6 }).chain((ends) =>
    fc.tuple(...ends.map(([host, port]) => fc.uniqueArray(fc.record({ n: fc.nat(5), up: fc.boolean(), hop: fc.option(fc.nat(3), { nil: undefined }) }), { selector: ({ n }) => n, minLength: 1, maxLength: 5 })
      .map((backends) => service(`203.0.113.${host}`, port, backends.map(({ n, up, hop }) => backend(`10.${host}.${port % 250}.${n}`, port, {
        up, ...(hop === undefined ? {} : { hop: { ifindex: hop + 1, mtu: 1500, dmac: mac(hop), smac: mac(99) } }),
      })))))));

  it("brings any policy into force after any other; what stays keeps its place, what is new is told from what was there", async () => {
    await fc.assert(fc.asyncProperty(fc.array(policy, { minLength: 2, maxLength: 5 }), async (policies) => {
      const kernel = new FakeServiceKernel();
      let plane = new ServicePlane(kernel);
      let places = new Map<string, string>();
      for (const [turn, wanted] of policies.entries()) {
        if (turn % 2 === 1) plane = new ServicePlane(kernel); // the agent was restarted
        expect([...(await plane.apply(wanted))]).toEqual([]);
        expectInForce(kernel, wanted);
        const model = new Model(kernel);
        const now = new Map<string, string>();
        for (const one of wanted) {
          expect(plane.indices.get(one.name)).toBe(model.serviceOf(one.address, one.port, one.proto));
          for (const { name, address, port } of one.backends) {
            const slot = model.answering(address, port, one.proto) ?? -1;
            now.set(`${one.name} ${name}`, `${slot} ${model.slot(slot).generation}`);
          }
        }
        for (const [key, place] of now) if (places.has(key)) expect(place).toBe(places.get(key));
        const before = new Set(places.values());
        for (const [key, place] of now) if (!places.has(key)) expect(before.has(place)).toBe(false);
        places = now;
      }
      await plane.apply([]);
      expect(kernel.keys.held.size).toBe(0);
    }), { numRuns: 60 });
  });

  it("never writes what packets may read: tables and next hops in force stay as they are until others are", async () => {
    const kernel = new FakeServiceKernel();
    const plane = new ServicePlane(kernel);
    const hop = (n: number) => ({ hop: { ifindex: n, mtu: 1500, dmac: mac(n), smac: mac(0) } });
    const wanted = (n: number) => [service("203.0.113.1", 80, [backend("10.0.0.1", 80, hop(n)), backend("10.0.0.2", 80, { up: n % 2 === 0 }), backend("10.0.0.3", 80)])];
    await plane.apply(wanted(2));
    const table = at(kernel.services).getUint32(SERVICE.table, true);
    const bytes = Uint8Array.from(kernel.tables.subarray(table * TABLE_BYTES, (table + 1) * TABLE_BYTES));
    const firstHop = at(kernel.backends).getUint32(BACKEND.hop, true) - 1;
    const hopBytes = Uint8Array.from(kernel.hops.subarray(firstHop * HOP.size, (firstHop + 1) * HOP.size));
    await plane.apply(wanted(3));
    expect(at(kernel.services).getUint32(SERVICE.table, true)).not.toBe(table);
    expect(kernel.tables.subarray(table * TABLE_BYTES, (table + 1) * TABLE_BYTES)).toEqual(bytes);
    expect(kernel.hops.subarray(firstHop * HOP.size, (firstHop + 1) * HOP.size)).toEqual(hopBytes);
  });

  it("holds 256 services with 64 backends each, and replaces all of them", async () => {
    const kernel = new FakeServiceKernel();
    const plane = new ServicePlane(kernel);
    const all = (net: number) => Array.from({ length: SERVICE_LIMITS.services }, (_, i) =>
      service(`203.0.113.${i}`, 80, Array.from({ length: i < 2 ? SERVICE_LIMITS.backends : 2 }, (_b, n) => backend(`10.${net}.${i}.${n}`, 80))));
    for (const net of [0, 1]) {
      expect([...(await plane.apply(all(net)))]).toEqual([]);
      expectInForce(kernel, all(net));
    }
  });

  it("adopts what an earlier run left, without touching it, and gives others an index without packets", async () => {
    const kernel = new FakeServiceKernel();
    const left = [service("203.0.113.1", 80, [backend("10.0.0.1", 80), backend("10.0.0.2", 80)])];
    await new ServicePlane(kernel).apply(left);
    const plane = new ServicePlane(kernel);
    const fresh = service("203.0.113.2", 80, [backend("10.0.0.3", 80)]);
    plane.adopt([service("203.0.113.1", 80, []), fresh]);
    expect([...plane.indices.values()]).toEqual([0, 1]);
    expectInForce(kernel, left);
    expect(new Model(kernel).choices(1).size).toBe(0);
    await plane.apply([...left, fresh]);
    expectInForce(kernel, [...left, fresh]);
    expect(kernel.zeroed).toEqual([0, 1]);
  });

  it("keeps its hash key over restarts, and syncs interfaces", async () => {
    const kernel = new FakeServiceKernel();
    new ServicePlane(kernel);
    const key = Buffer.from(kernel.control.subarray(0, 16)).toString("hex");
    expect(key).not.toBe("0".repeat(32));
    const plane = new ServicePlane(kernel);
    expect(Buffer.from(kernel.control.subarray(0, 16)).toString("hex")).toBe(key);
    plane.applyInterfaces([{ ifindex: 1, routerIfindex: 2, routerMac: mac(1) }, { ifindex: 1, vlan: 7, routerIfindex: 3, routerMac: mac(1) }], [{ ifindex: 1, through: 1 }]);
    expect([kernel.ports.held.size, kernel.exits.held.size]).toEqual([2, 1]);
    new ServicePlane(kernel).applyInterfaces([{ ifindex: 1, routerIfindex: 2, routerMac: mac(1) }], []);
    expect([kernel.ports.held.size, kernel.exits.held.size]).toEqual([1, 0]);
    await plane.apply([]);
  });
});
