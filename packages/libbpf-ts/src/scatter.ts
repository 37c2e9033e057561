/**
 * Sorting ring-buffer records into groups: heads (a fixed part) one after the other, data behind a line of its own, as a
 * columnar batch wants them. {@link RingBuffer.scatterInto} does it natively; `scatterRecords` is the same in TypeScript for
 * records that are already in a buffer.
 */
import { ArgumentError } from "./errors.js";
import { walkRecords } from "./records.js";

/** Where things are in a record: a head of `headBytes`, then data. Offsets are in bytes from the head's start, little-endian. */
export interface ScatterLayout {
  readonly headBytes: number;
  /** u32 whose lowest bits are the group: there are a power of two of them. */
  readonly group: number;
  /** u32: bytes of data behind the head. */
  readonly dataLength: number;
  /** u32, written: where the data went, from `dataStart`. */
  readonly dataOffset: number;
  /** u64, a time; zeroed. */
  readonly time: number;
  /** u32, written: the time less that of the group's first record, at least 0. */
  readonly timeDelta: number;
  /** u16 offsets into the data: those past its end become 0xffff. At most 4. */
  readonly clip: readonly number[];
  /** Where heads and data begin in a group's buffer, and how many heads fit; multiples of 8. */
  readonly headsStart: number;
  readonly dataStart: number;
  readonly maxRecords: number;
}

/** The buffers, and how far they are filled. Reset a group (`counts`, `ends`) when it was taken. */
export interface ScatterTarget {
  readonly layout: ScatterLayout;
  /** One of the same size for each group. */
  readonly groups: readonly Uint8Array[];
  /** Records in each group. */
  readonly counts: Uint32Array;
  /** End of the data in each group's buffer, a multiple of 8; `dataStart` while it is empty. */
  readonly ends: Uint32Array;
  /** Time of each group's first record. */
  readonly timeBases: BigUint64Array;
}

export interface ScatterResult {
  /** Records that were sorted. */
  records: number;
  /** Records that were passed over: shorter than they claim, or larger than a whole group. */
  malformed: number;
  /** The group that has no room for the next record, or -1. Take it, and call again. */
  full: number;
}

const U32 = 0x1_0000_0000;

/** Numbers of a layout in the order the addon wants them. @throws {ArgumentError} it makes no sense */
export function layoutWords(layout: ScatterLayout, groupBytes: number, groups: number): Uint32Array {
  const { headBytes, clip, headsStart, dataStart, maxRecords } = layout;
  const inHead = (offset: number, size: number): boolean => Number.isInteger(offset) && offset >= 0 && offset + size <= headBytes;
  if (headBytes % 8 !== 0 || headBytes <= 0) throw new ArgumentError("headBytes", "must be a positive multiple of 8");
  for (const [name, size] of [["group", 4], ["dataLength", 4], ["dataOffset", 4], ["time", 8], ["timeDelta", 4]] as const) {
    if (!inHead(layout[name], size)) throw new ArgumentError(name, `must lie in the ${headBytes} bytes of the head`);
  }
  if (clip.length > 4 || !clip.every((offset) => inHead(offset, 2))) throw new ArgumentError("clip", "at most 4 offsets in the head");
  if (groups === 0 || (groups & (groups - 1)) !== 0) throw new ArgumentError("groups", "must be a power of two");
  if (headsStart % 8 !== 0 || dataStart % 8 !== 0 || maxRecords < 1 || headsStart + maxRecords * headBytes > dataStart || dataStart > groupBytes) {
    throw new ArgumentError("layout", `${maxRecords} heads from ${headsStart} and data from ${dataStart} do not fit ${groupBytes} bytes`);
  }
  return Uint32Array.of(headBytes, layout.group, layout.dataLength, layout.dataOffset, layout.time, layout.timeDelta,
    headsStart, dataStart, maxRecords, clip.length, ...clip);
}

/**
 * Sorts the records of a batch (see {@link walkRecords}) into groups.
 * @param from records to pass over, done in an earlier call
 * @returns as scatterInto answers; `records + malformed` is what to add to `from` before the next call
 */
export function scatterRecords(batch: Uint8Array, bytes: number, target: ScatterTarget, from = 0): ScatterResult {
  const result: ScatterResult = { records: 0, malformed: 0, full: -1 };
  let index = 0;
  walkRecords(batch, bytes, (offset, length) => {
    if (index++ < from || result.full >= 0) return;
    const group = scatterOne(batch, offset, length, target);
    if (group === "sorted") result.records++;
    else if (group === "malformed") result.malformed++;
    else result.full = group;
  });
  return result;
}

function scatterOne(batch: Uint8Array, offset: number, length: number, target: ScatterTarget): "sorted" | "malformed" | number {
  const { layout, groups, counts, ends, timeBases } = target;
  const head = batch.slice(offset, offset + layout.headBytes);
  const view = new DataView(head.buffer);
  const dataLength = length < layout.headBytes ? U32 : view.getUint32(layout.dataLength, true);
  if (dataLength > length - layout.headBytes) return "malformed";
  const group = view.getUint32(layout.group, true) & (groups.length - 1);
  const buffer = groups[group] ?? new Uint8Array();
  const count = counts[group] ?? 0;
  const end = count === 0 ? layout.dataStart : (ends[group] ?? 0);
  if (count === 0 && layout.dataStart + dataLength > buffer.length) return "malformed";
  const time = view.getBigUint64(layout.time, true);
  if (count === 0) timeBases[group] = time;
  const delta = Number(BigInt.asIntN(64, time - (timeBases[group] ?? 0n)));
  if (count === layout.maxRecords || end + dataLength > buffer.length || delta >= U32) return group;
  view.setBigUint64(layout.time, 0n, true);
  view.setUint32(layout.timeDelta, Math.max(0, delta), true);
  view.setUint32(layout.dataOffset, end - layout.dataStart, true);
  for (const at of layout.clip) if (view.getUint16(at, true) > dataLength) view.setUint16(at, 0xffff, true);
  buffer.set(head, layout.headsStart + count * layout.headBytes);
  buffer.set(batch.subarray(offset + layout.headBytes, offset + layout.headBytes + dataLength), end);
  const aligned = Math.min((end + dataLength + 7) & ~7, buffer.length);
  buffer.fill(0, end + dataLength, aligned);
  counts[group] = count + 1;
  ends[group] = aligned;
  return "sorted";
}
