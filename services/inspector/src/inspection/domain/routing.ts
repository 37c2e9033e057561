import {
  RECORD_DATA_LEN, RECORD_FLOW_ID, RECORD_L4_OFFSET, RECORD_MODULES, RECORD_PROTO, type BatchReader,
} from "@secuxflow/inspect-abi";
import type { FlowMemory } from "./flow-memory.js";

/** Shares are hundredths of a percent. */
export const ALL = 10_000;

/** How the flows of one module are divided between the instance that was there and the one that comes. */
export interface Division {
  /** Bits of the two in the masks of records. */
  readonly bit: number;
  readonly nextBit: number;
  /** Flows that began in this generation or later go by `share`; those from before, until `settled`, by `before`. */
  readonly generation: number;
  readonly share: number;
  readonly before: number;
  readonly settled: boolean;
}

const TCP = 6;
const FLAGS_AT = 13;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Where a flow falls among all: 0 to 9,999. Other bits of the id than those that choose the partition. */
export const placeOf = (idLow: number, idHigh: number): number =>
  (Math.imul(idHigh ^ (idLow >>> 7), 0x9e37_79b1) >>> 8) % ALL;

/** Notes the flows of a batch. */
export function noteFlows(batch: BatchReader, memory: FlowMemory, nowS: number): void {
  const { count, headerLen, recordLen } = batch.layout;
  const { view } = batch;
  for (let i = 0, at = headerLen; i < count; i++, at += recordLen) {
    memory.note(view.getUint32(at + RECORD_FLOW_ID, true), view.getUint32(at + RECORD_FLOW_ID + 4, true), nowS);
  }
}

/**
 * Notes the flows of a batch and gives each record to one of the two instances, by rewriting its mask.
 * @returns how many records go to each
 */
export function divide(batch: BatchReader, memory: FlowMemory, nowS: number, division: Division): { base: number; next: number } {
  const { count, headerLen, recordLen } = batch.layout;
  const { view } = batch;
  const bit = (1 << division.bit) >>> 0;
  const nextBit = (1 << division.nextBit) >>> 0;
  let base = 0;
  let next = 0;
  for (let i = 0, at = headerLen; i < count; i++, at += recordLen) {
    const idLow = view.getUint32(at + RECORD_FLOW_ID, true);
    const idHigh = view.getUint32(at + RECORD_FLOW_ID + 4, true);
    const flow = memory.note(idLow, idHigh, nowS);
    noteLife(batch, i, at, memory, flow);
    const mask = view.getUint32(at + RECORD_MODULES, true);
    if ((mask & bit) === 0) continue;
    const old = !division.settled && memory.generationOf(flow) < division.generation;
    if (placeOf(idLow, idHigh) < (old ? division.before : division.share)) {
      view.setUint32(at + RECORD_MODULES, ((mask & ~bit) | nextBit) >>> 0, true);
      next += 1;
    } else base += 1;
  }
  return { base, next };
}

/** A TCP connection that is opened is a new flow, whatever was under its addresses; one that is closed is soon gone. */
function noteLife(batch: BatchReader, index: number, at: number, memory: FlowMemory, flow: number): void {
  const { view } = batch;
  if (view.getUint8(at + RECORD_PROTO) !== TCP) return;
  const l4 = view.getUint16(at + RECORD_L4_OFFSET, true);
  if (l4 + FLAGS_AT >= view.getUint32(at + RECORD_DATA_LEN, true)) return;
  const flags = batch.data(index)[l4 + FLAGS_AT] ?? 0;
  if ((flags & (SYN | ACK)) === SYN) memory.begin(flow);
  else if ((flags & (FIN | RST)) !== 0) memory.close(flow);
}
