import { formatAddress } from "@secuxflow/contracts";
import { TALKER, TALKER_TABLE, TALKERS } from "./layout.js";

/** What an address sent or received in one window, estimated from one of 64 packets. */
export interface Talker {
  readonly address: string;
  readonly packets: number;
  readonly bytes: number;
}

/** An address in one table: the estimate, and what of it may have been other addresses'. */
export interface TalkerEstimate {
  readonly weight: number;
  readonly inherited: number;
}

/** The window (of about 8.6 s) that a time of CLOCK_MONOTONIC lies in, as the program numbers it. */
export const talkerWindow = (nowNs: bigint): number => Number((nowNs >> BigInt(TALKERS.windowShift)) & 0xffff_ffffn);

export const TALKER_WINDOW_MS = Math.round(2 ** TALKERS.windowShift / 1e6);

/** First element of a table in the map `talkers`, in the half that a window writes. */
export const firstTalkerSet = (table: number, window: number): number => ((window & 1) * TALKERS.tables + table) * TALKERS.sets;

/**
 * One table of one window: estimates by address (32 hexadecimal digits), CPUs added up.
 *
 * Error. With n of an address's N packets sampled, 64 n has mean N and standard deviation 8 sqrt(N) (10,000 packets: 8 %;
 * a million: 0.8 %); bytes vary a little more where packet sizes do. An address that came later than the table was full
 * took over the smallest of four counters with the probability that makes its expected value right (RAP); `inherited`
 * tells how much of its weight that was, and its true weight lies between `weight - inherited` and what it sent. With
 * 1,024 lines a CPU, an address with more than a thousandth of the traffic has little of it.
 *
 * @param elements elements of the map `talkers` one after the other, each with the values of all CPUs
 */
export function readTalkers(elements: Uint8Array, window: number): Map<string, TalkerEstimate> {
  const view = new DataView(elements.buffer, elements.byteOffset, elements.byteLength);
  const found = new Map<string, TalkerEstimate>();
  for (let at = 0; at + TALKER.size <= elements.byteLength; at += TALKER.size) {
    if (view.getUint32(at + TALKER.window, true) !== window) continue;
    const weight = Number(view.getBigUint64(at + TALKER.weight, true)) * TALKERS.sample;
    if (weight === 0) continue;
    const hex = (offset: number): string => view.getBigUint64(at + offset, true).toString(16).padStart(16, "0");
    const address = hex(TALKER.hi) + hex(TALKER.lo);
    const before = found.get(address);
    const inherited = view.getUint32(at + TALKER.inherited, true) * TALKERS.sample;
    found.set(address, { weight: weight + (before?.weight ?? 0), inherited: inherited + (before?.inherited ?? 0) });
  }
  return found;
}

/**
 * The `limit` largest by packets and the `limit` largest by bytes, in one list by packets. An address that has kept a
 * place in one of the two tables only has 0 in the other: it is small there.
 */
export function topTalkers(packets: ReadonlyMap<string, TalkerEstimate>, bytes: ReadonlyMap<string, TalkerEstimate>, limit: number): Talker[] {
  const largest = (table: ReadonlyMap<string, TalkerEstimate>): string[] =>
    [...table].sort(([, a], [, b]) => b.weight - a.weight).slice(0, limit).map(([address]) => address);
  return [...new Set([...largest(packets), ...largest(bytes)])]
    .map((address) => ({
      address: formatAddress(Buffer.from(address, "hex")), packets: packets.get(address)?.weight ?? 0, bytes: bytes.get(address)?.weight ?? 0,
    }))
    .sort((a, b) => b.packets - a.packets || b.bytes - a.bytes);
}

/** The tables of one direction. */
export const TALKER_TABLES = {
  sources: [TALKER_TABLE.sourcePackets, TALKER_TABLE.sourceBytes],
  targets: [TALKER_TABLE.targetPackets, TALKER_TABLE.targetBytes],
} as const;
