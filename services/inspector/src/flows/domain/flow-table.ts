import { formatProtocol, type FlowSummary } from "@secuxflow/contracts";
import {
  BATCH_TIME_BASE_NS, Direction, formatAddress, Kind, RECORD_DIRECTION, RECORD_DPORT, RECORD_DST, RECORD_FAMILY,
  RECORD_FLOW_ID, RECORD_KIND,
  RECORD_PROTO, RECORD_SPORT, RECORD_SRC, RECORD_TIME_DELTA_NS, RECORD_WIRE_LEN, type BatchReader,
} from "@secuxflow/inspect-abi";
import { flowIdText, isoFromMicroseconds } from "./text.js";

/** A flow longer than this in the table's hash chain is not tracked: crafted collisions must not make it slow. */
const MAX_PROBES = 64;
const WORDS = 8;

/** Who talks to whom, as bytes: 16 each (IPv4 mapped). */
export interface FlowIdentity {
  readonly idLow: number;
  readonly idHigh: number;
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly proto: number;
}

/**
 * What was seen of each flow in one reporting interval, both directions together. Columns of numbers and an open hash:
 * nothing is allocated for a packet. A flow is its id and its addresses, since ids are not unique.
 */
export class FlowTable {
  readonly #buckets: Int32Array;
  readonly #mask: number;
  readonly #idLow: Uint32Array;
  readonly #idHigh: Uint32Array;
  /** Eight words a flow: client, then server. */
  readonly #addresses: Uint32Array;
  /** Client port in the high half, server port in the low one. */
  readonly #ports: Uint32Array;
  readonly #proto: Uint8Array;
  readonly #packets: Float64Array;
  readonly #bytes: Float64Array;
  readonly #detections: Uint32Array;
  /** Unix time in microseconds. */
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  readonly #key = new Uint32Array(WORDS);
  #size = 0;

  /** @param salt random for each process, so that nobody outside can aim at one hash chain */
  constructor(readonly capacity: number, private readonly salt: number) {
    // At most a quarter full: chains stay short.
    const buckets = 2 ** Math.ceil(Math.log2(capacity * 4));
    this.#buckets = new Int32Array(buckets);
    this.#mask = buckets - 1;
    this.#idLow = new Uint32Array(capacity);
    this.#idHigh = new Uint32Array(capacity);
    this.#addresses = new Uint32Array(capacity * WORDS);
    this.#ports = new Uint32Array(capacity);
    this.#proto = new Uint8Array(capacity);
    this.#packets = new Float64Array(capacity);
    this.#bytes = new Float64Array(capacity);
    this.#detections = new Uint32Array(capacity);
    this.#first = new Float64Array(capacity);
    this.#last = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Takes note of the packets of a batch, from record `from` on.
   * @returns the index of the first record that found no room, or the number of records
   */
  account(batch: BatchReader, from = 0): number {
    const { view } = batch;
    const { count, headerLen, recordLen } = batch.layout;
    const base = Number(view.getBigUint64(BATCH_TIME_BASE_NS, true) / 1_000n);
    const key = this.#key;
    for (let i = from, at = headerLen + from * recordLen; i < count; i++, at += recordLen) {
      if (view.getUint8(at + RECORD_KIND) !== Kind.PACKET || view.getUint8(at + RECORD_FAMILY) === 0) continue;
      const toClient = view.getUint8(at + RECORD_DIRECTION) === Direction.TO_CLIENT;
      const client = at + (toClient ? RECORD_DST : RECORD_SRC);
      const server = at + (toClient ? RECORD_SRC : RECORD_DST);
      for (let word = 0; word < 4; word++) {
        key[word] = view.getUint32(client + word * 4, true);
        key[word + 4] = view.getUint32(server + word * 4, true);
      }
      const sport = view.getUint16(at + RECORD_SPORT, true);
      const dport = view.getUint16(at + RECORD_DPORT, true);
      const slot = this.#slot(
        view.getUint32(at + RECORD_FLOW_ID, true), view.getUint32(at + RECORD_FLOW_ID + 4, true),
        toClient ? dport : sport, toClient ? sport : dport, view.getUint8(at + RECORD_PROTO),
      );
      if (slot < 0) return i;
      const time = base + view.getUint32(at + RECORD_TIME_DELTA_NS, true) / 1_000;
      this.#packets[slot] = (this.#packets[slot] ?? 0) + 1;
      this.#bytes[slot] = (this.#bytes[slot] ?? 0) + view.getUint32(at + RECORD_WIRE_LEN, true);
      this.#seen(slot, time);
    }
    return count;
  }

  /** Takes note of a detection; its packet was accounted before, maybe in an earlier interval. @returns false without room */
  detected(flow: FlowIdentity, timeUs: number): boolean {
    const client = new DataView(flow.client.buffer, flow.client.byteOffset, 16);
    const server = new DataView(flow.server.buffer, flow.server.byteOffset, 16);
    for (let word = 0; word < 4; word++) {
      this.#key[word] = client.getUint32(word * 4, true);
      this.#key[word + 4] = server.getUint32(word * 4, true);
    }
    const slot = this.#slot(flow.idLow, flow.idHigh, flow.clientPort, flow.serverPort, flow.proto);
    if (slot < 0) return false;
    this.#detections[slot] = (this.#detections[slot] ?? 0) + 1;
    this.#seen(slot, timeUs);
    return true;
  }

  /** Summaries of flows `from` (inclusive) to `to` (exclusive), the oldest first. */
  summaries(inspector: string, from: number, to: number): FlowSummary[] {
    const summaries: FlowSummary[] = [];
    for (let slot = from; slot < Math.min(to, this.#size); slot++) {
      const address = (at: number): string =>
        formatAddress(new Uint8Array(this.#addresses.slice(slot * WORDS + at, slot * WORDS + at + 4).buffer));
      const ports = this.#ports[slot] ?? 0;
      summaries.push({
        flowId: flowIdText(this.#idLow[slot] ?? 0, this.#idHigh[slot] ?? 0),
        inspector,
        flow: { src: address(0), dst: address(4), sport: ports >>> 16, dport: ports & 0xffff,
          proto: formatProtocol(this.#proto[slot] ?? 0) },
        first: isoFromMicroseconds(this.#first[slot] ?? 0),
        last: isoFromMicroseconds(this.#last[slot] ?? 0),
        packets: this.#packets[slot] ?? 0,
        bytes: this.#bytes[slot] ?? 0,
        detections: this.#detections[slot] ?? 0,
      });
    }
    return summaries;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#size = 0;
  }

  #seen(slot: number, time: number): void {
    if (time < (this.#first[slot] ?? 0)) this.#first[slot] = time;
    if (time > (this.#last[slot] ?? 0)) this.#last[slot] = time;
  }

  /** The flow whose addresses are in `#key`, in either direction; a new one when there is none; -1 without room. */
  #slot(idLow: number, idHigh: number, clientPort: number, serverPort: number, proto: number): number {
    let bucket = (Math.imul(idLow ^ this.salt, 0x9e3779b1) ^ Math.imul(idHigh, 0x85ebca6b)) >>> 0;
    bucket = (bucket ^ (bucket >>> 15)) & this.#mask;
    const ports = ((clientPort << 16) | serverPort) >>> 0;
    for (let probe = 0; probe < MAX_PROBES; probe++, bucket = (bucket + 1) & this.#mask) {
      const slot = (this.#buckets[bucket] ?? 0) - 1;
      if (slot < 0) return this.#insert(bucket, idLow, idHigh, ports, proto);
      if (this.#idLow[slot] !== idLow || this.#idHigh[slot] !== idHigh || this.#proto[slot] !== proto) continue;
      if (this.#same(slot, ports) || this.#reversed(slot, clientPort, serverPort)) return slot;
    }
    return -1;
  }

  #same(slot: number, ports: number): boolean {
    if (this.#ports[slot] !== ports) return false;
    for (let word = 0; word < WORDS; word++) if (this.#addresses[slot * WORDS + word] !== this.#key[word]) return false;
    return true;
  }

  #reversed(slot: number, clientPort: number, serverPort: number): boolean {
    if (this.#ports[slot] !== ((serverPort << 16) | clientPort) >>> 0) return false;
    for (let word = 0; word < WORDS; word++) if (this.#addresses[slot * WORDS + word] !== this.#key[word ^ 4]) return false;
    return true;
  }

  #insert(bucket: number, idLow: number, idHigh: number, ports: number, proto: number): number {
    if (this.#size === this.capacity) return -1;
    const slot = this.#size;
    this.#size += 1;
    this.#buckets[bucket] = slot + 1;
    this.#idLow[slot] = idLow;
    this.#idHigh[slot] = idHigh;
    this.#ports[slot] = ports;
    this.#proto[slot] = proto;
    this.#addresses.set(this.#key, slot * WORDS);
    this.#packets[slot] = this.#bytes[slot] = this.#detections[slot] = 0;
    this.#first[slot] = Infinity;
    this.#last[slot] = -Infinity;
    return slot;
  }
}
