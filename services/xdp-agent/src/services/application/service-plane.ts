import { randomFillSync } from "node:crypto";
import { backendIdentity, encodeExits, encodeHop, encodeKeys, encodePorts, serviceFlags, serviceIdentity, type ServiceEnd, type ServiceExit, type ServicePort } from "../domain/encode.js";
import { BACKEND, BACKEND_FLAG, CONTROL, HOP, NO_TABLE, SERVICE, SERVICE_LIMITS, TABLE_BYTES } from "../domain/layout.js";
import { maglevTable } from "./maglev.js";
import type { PlannedBackend, PlannedService } from "../domain/plan.js";
import type { PacketCount, ServiceKernel } from "./service-kernel.js";
import { SyncedTable, tableKey } from "./sync-table.js";

const { backends: BACKENDS, services: SERVICES, maglevEntries } = SERVICE_LIMITS;

/** What the kernel has no room for. */
class NoRoomError extends Error {
  override readonly name = "NoRoomError";
}

/** Bytes of the kernel that a packet may read at any moment: numbers are stored whole. */
class Shared {
  readonly bytes: Buffer;
  readonly #words: Uint32Array;

  constructor(memory: Uint8Array) {
    this.bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
    this.#words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength >> 2);
  }

  word(at: number): number {
    return this.#words[at >> 2] ?? 0;
  }

  store(at: number, value: number): void {
    if (this.word(at) !== value >>> 0) Atomics.store(this.#words, at >> 2, value >>> 0);
  }
}

/**
 * Writes the services into the kernel, and finds what an earlier run left there: the kernel's memory is the only state. A
 * service keeps its index (and its counters) while its address, port and protocol stay; a backend its slot; so that
 * connections go on over changes and restarts. One call at a time.
 */
export class ServicePlane {
  readonly #kernel: ServiceKernel;
  readonly #services: Shared;
  readonly #backends: Shared;
  readonly #hops: Shared;
  readonly #control: Shared;
  readonly #keys: SyncedTable;
  readonly #ports: SyncedTable;
  readonly #exits: SyncedTable;
  #indices = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();
  readonly #hopsHeld = new Map<string, number>();
  #hopsFree: number[] = [];
  /** Maglev tables that packets may still be reading. */
  readonly #tablesLeft = new Set<number>();

  constructor(kernel: ServiceKernel) {
    this.#kernel = kernel;
    this.#services = new Shared(kernel.services);
    this.#backends = new Shared(kernel.backends);
    this.#hops = new Shared(kernel.hops);
    this.#control = new Shared(kernel.control);
    this.#keys = new SyncedTable(kernel.keys);
    this.#ports = new SyncedTable(kernel.ports);
    this.#exits = new SyncedTable(kernel.exits);
    const key = this.#control.bytes.subarray(CONTROL.key, CONTROL.key + 16);
    if (key.every((byte) => byte === 0)) randomFillSync(key);
  }

  /** Index of each service that is in the kernel, by name: a redirecting rule's target is one more. */
  get indices(): ReadonlyMap<string, number> {
    return this.#indices;
  }

  /** The interfaces that packets for services come and go by. */
  applyInterfaces(ports: Iterable<ServicePort>, exits: Iterable<ServiceExit>): void {
    const wantedPorts = encodePorts(ports), wantedExits = encodeExits(exits);
    this.#ports.put(wantedPorts);
    this.#exits.put(wantedExits);
    this.#ports.keepOnly(wantedPorts);
    this.#exits.keepOnly(wantedExits);
  }

  /** Resolves when the services are in force and what they replaced is free again, with those that had no room (and why). */
  apply(services: readonly PlannedService[]): Promise<ReadonlyMap<string, string>> {
    const done = this.#last.then(() => this.#apply(services));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /**
   * Finds the services that an earlier run left in the kernel and leaves them as they are; the others get an index, and no
   * packets yet. For a start, before the first `apply`: it is not yet known which containers are there.
   */
  adopt(services: readonly PlannedService[]): void {
    const standing = this.#standing();
    const indices = new Map<string, number>();
    for (const service of services) {
      const identity = serviceIdentity(service);
      let index = standing.get(tableKey(identity));
      if (index === undefined) {
        index = this.#freeIndex(standing);
        if (index === undefined) continue;
        standing.set(tableKey(identity), index);
        this.#enter(index, identity);
        this.#services.store(index * SERVICE.size + SERVICE.table, NO_TABLE);
        this.#services.store(index * SERVICE.size + SERVICE.backend, BACKENDS);
      }
      indices.set(service.name, index);
    }
    this.#indices = indices;
  }

  /** Counters of a service in the order of SERVICE_COUNT; undefined where it is not in the kernel. */
  counts(name: string): PacketCount[] | undefined {
    const index = this.#indices.get(name);
    return index === undefined ? undefined : this.#kernel.readCounts(index);
  }

  /** Index of each service in the kernel, by its identity. */
  #standing(): Map<string, number> {
    const standing = new Map<string, number>();
    for (let index = 0; index < SERVICES; index++) {
      const at = index * SERVICE.size;
      if (this.#services.bytes[at + SERVICE.family] !== 0) standing.set(tableKey(this.#services.bytes.subarray(at, at + SERVICE.flags)), index);
    }
    return standing;
  }

  /** A service begins at an index: with no counts of another one. */
  #enter(index: number, identity: Uint8Array): void {
    this.#kernel.zeroCounts(index);
    this.#services.bytes.set(identity, index * SERVICE.size);
  }

  async #apply(services: readonly PlannedService[]): Promise<ReadonlyMap<string, string>> {
    const standing = this.#standing();
    const wanted = new Map(services.map((service) => [tableKey(serviceIdentity(service)), service]));
    const stale = [...standing].filter(([identity]) => !wanted.has(identity));
    if (stale.length > 0) await this.#remove(stale.map(([, index]) => index), standing, wanted);
    this.#readHops();
    const ends: ServiceEnd[] = [];
    const indices = new Map<string, number>();
    const gone: number[] = [];
    const refused = new Map<string, string>();
    for (const [identity, service] of wanted) {
      const known = standing.has(identity);
      const index = standing.get(identity) ?? this.#freeIndex(standing);
      if (index === undefined) {
        refused.set(service.name, `the kernel holds ${SERVICES} services at most`);
        continue;
      }
      standing.set(identity, index);
      let slots: Map<PlannedBackend, number>;
      try {
        slots = await this.#applyBackends(index, service, gone);
        await this.#applyService(index, service, slots, known);
      } catch (error) {
        if (!(error instanceof NoRoomError)) throw error;
        refused.set(service.name, error.message);
        continue;
      }
      indices.set(service.name, index);
      ends.push({ address: service.address, port: service.port, proto: service.proto, answers: false, service: index, backend: 0 });
      for (const [backend, slot] of slots) {
        ends.push({ address: backend.address, port: backend.port, proto: service.proto, answers: true, service: index, backend: slot });
      }
    }
    const keys = encodeKeys(ends);
    // Answers stay translated while their backend goes; only then a new one may have its slot.
    this.#keys.put(keys);
    this.#control.store(CONTROL.services, indices.size);
    this.#indices = indices;
    this.#keys.keepOnly(keys);
    for (const at of gone) this.#backends.store(at + BACKEND.flags, 0);
    await this.#kernel.gracePeriod();
    this.#tablesLeft.clear();
    return refused;
  }

  /** Takes services out: first no packet finds them, then their place is free. */
  async #remove(indices: readonly number[], standing: Map<string, number>, wanted: ReadonlyMap<string, PlannedService>): Promise<void> {
    const left = new Set([...standing].filter(([identity]) => wanted.has(identity)).map(([, index]) => index));
    const keys = new Map<string, Uint8Array>();
    for (const [key, value] of this.#kernel.keys.entries()) {
      const target = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, true);
      if (target === 0 || left.has(Math.floor((target - 1) / BACKENDS))) keys.set(tableKey(key), value);
    }
    this.#keys.keepOnly(keys);
    await this.#kernel.gracePeriod();
    for (const index of indices) {
      for (let slot = 0; slot < BACKENDS; slot++) this.#backends.store((index * BACKENDS + slot) * BACKEND.size + BACKEND.flags, 0);
      this.#services.bytes.fill(0, index * SERVICE.size, (index + 1) * SERVICE.size);
    }
    for (const [identity, index] of [...standing]) if (indices.includes(index)) standing.delete(identity);
  }

  #freeIndex(standing: ReadonlyMap<string, number>): number | undefined {
    const used = new Set(standing.values());
    return Array.from({ length: SERVICES }, (_, index) => index).find((index) => !used.has(index));
  }

  /** Puts the backends of a service into slots; answers which. What has to go is added to `gone`. */
  async #applyBackends(index: number, service: PlannedService, gone: number[]): Promise<Map<PlannedBackend, number>> {
    const at = (slot: number): number => (index * BACKENDS + slot) * BACKEND.size;
    const held = new Map<string, number>();
    for (let slot = 0; slot < BACKENDS; slot++) {
      if ((this.#backends.word(at(slot) + BACKEND.flags) & BACKEND_FLAG.used) === 0) continue;
      held.set(tableKey(this.#backends.bytes.subarray(at(slot), at(slot) + BACKEND.generation)), slot);
    }
    const slots = new Map<PlannedBackend, number>();
    const taken = new Set(held.values());
    const staying = new Set(service.backends.map((backend) => tableKey(backendIdentity(backend))));
    for (const backend of service.backends) {
      const identity = backendIdentity(backend);
      let slot = held.get(tableKey(identity));
      if (slot === undefined) {
        slot = Array.from({ length: BACKENDS }, (_, i) => i).find((i) => !taken.has(i));
        if (slot === undefined) {
          // More than the spare places are replaced at once: those that go leave now, with their connections.
          const leaving = [...held].filter(([name]) => !staying.has(name));
          for (const [name, one] of leaving) {
            this.#backends.store(at(one) + BACKEND.flags, 0);
            held.delete(name);
            taken.delete(one);
          }
          await this.#kernel.gracePeriod();
          slot = leaving[0]?.[1];
        }
        if (slot === undefined) throw new NoRoomError(`service ${service.name} has more than ${BACKENDS} backends`);
        taken.add(slot);
        const generation = (this.#backends.bytes.readUInt16LE(at(slot) + BACKEND.generation) % 0xffff) + 1;
        this.#backends.bytes.set(identity, at(slot));
        this.#backends.bytes.writeUInt16LE(generation, at(slot) + BACKEND.generation);
        this.#backends.store(at(slot) + BACKEND.hop, 0);
      } else {
        held.delete(tableKey(identity));
      }
      slots.set(backend, slot);
      this.#backends.store(at(slot) + BACKEND.hop, backend.hop ? this.#hop(encodeHop(backend.hop)) + 1 : 0);
      this.#backends.store(at(slot) + BACKEND.flags, BACKEND_FLAG.used | (backend.up ? BACKEND_FLAG.up : 0));
    }
    gone.push(...Array.from(held.values(), at));
    return slots;
  }

  async #applyService(index: number, service: PlannedService, slots: ReadonlyMap<PlannedBackend, number>, known: boolean): Promise<void> {
    const at = index * SERVICE.size;
    const up = [...slots].filter(([backend]) => backend.up);
    const table = up.length > 1 ? maglevTable(up.map(([{ name, weight }, slot]) => ({ name, weight, slot })), maglevEntries) : undefined;
    const tableIndex = table ? await this.#table(table, this.#services.word(at + SERVICE.table), known) : NO_TABLE;
    if (!known) this.#enter(index, serviceIdentity(service));
    this.#services.store(at + SERVICE.backend, up[0]?.[1] ?? BACKENDS);
    this.#services.store(at + SERVICE.table, tableIndex);
    this.#services.store(at + SERVICE.flags, serviceFlags(service));
    this.#services.store(at + SERVICE.snaplen, service.snaplen);
    this.#services.store(at + SERVICE.modules, service.modules);
  }

  /** Next hops in use, by content, and those that no packet reads. */
  #readHops(): void {
    this.#hopsHeld.clear();
    const used = new Set<number>();
    for (let i = 0; i < SERVICES * BACKENDS; i++) {
      if ((this.#backends.word(i * BACKEND.size + BACKEND.flags) & BACKEND_FLAG.used) === 0) continue;
      const held = this.#backends.word(i * BACKEND.size + BACKEND.hop);
      if (held > 0) used.add(held - 1);
    }
    for (const i of used) this.#hopsHeld.set(tableKey(this.#hops.bytes.subarray(i * HOP.size, (i + 1) * HOP.size)), i);
    this.#hopsFree = Array.from({ length: SERVICE_LIMITS.hops }, (_, i) => i).filter((i) => !used.has(i));
  }

  /** Index of a next hop with this content: one that is there, or a spare one. */
  #hop(hop: Uint8Array): number {
    const content = tableKey(hop);
    const index = this.#hopsHeld.get(content) ?? this.#hopsFree.pop();
    if (index === undefined) throw new NoRoomError(`more than ${SERVICE_LIMITS.hops} containers are reached by services`);
    if (!this.#hopsHeld.has(content)) {
      this.#hops.bytes.set(hop, index * HOP.size);
      this.#hopsHeld.set(content, index);
    }
    return index;
  }

  /** Index of a Maglev table with this content: the service's own where it has not changed, else a spare one. */
  async #table(table: Uint8Array, current: number, known: boolean): Promise<number> {
    const memory = (index: number): Buffer => Buffer.from(this.#kernel.tables.buffer, this.#kernel.tables.byteOffset + index * TABLE_BYTES, maglevEntries);
    if (known && current < SERVICE_LIMITS.tables && memory(current).equals(table)) return current;
    for (let attempt = 0; attempt < 2; attempt++) {
      const used = new Set<number>(this.#tablesLeft);
      for (let i = 0; i < SERVICES; i++) if (this.#services.bytes[i * SERVICE.size + SERVICE.family] !== 0) used.add(this.#services.word(i * SERVICE.size + SERVICE.table));
      const free = Array.from({ length: SERVICE_LIMITS.tables }, (_, i) => i).find((i) => !used.has(i));
      if (free !== undefined) {
        if (known && current < SERVICE_LIMITS.tables) this.#tablesLeft.add(current);
        memory(free).set(table);
        return free;
      }
      await this.#kernel.gracePeriod();
      this.#tablesLeft.clear();
    }
    throw new NoRoomError("no spare Maglev table");
  }
}
