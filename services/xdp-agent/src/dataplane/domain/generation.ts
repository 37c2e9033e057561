import { DETAIL, ENTRY, HEAD, KERNEL_LIMITS, NO_IMAGE, POLICY_VALUE_BYTES } from "./layout.js";

/** The head of a generation: which image stands behind its records, and what holds for the whole policy. */
export interface GenerationHead {
  readonly revision: number;
  /** Records of rules and of forwarding rules that follow the head. */
  readonly rules: number;
  readonly forwards: number;
  readonly image: number;
  readonly sets: number;
  readonly sequence: number;
  readonly flags: number;
}

/** A policy of nothing. Sequence 0 is what memory says that was never written. */
export const EMPTY_HEAD: GenerationHead = { revision: 0, rules: 0, forwards: 0, image: NO_IMAGE, sets: NO_IMAGE, sequence: 1, flags: 0 };

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the records of rules begin. */
export const FIRST_RECORD = POLICY_VALUE_BYTES;

/** Writes the head; the records are written before. */
export function writeHead(target: Uint8Array, head: GenerationHead): void {
  const view = viewOf(target);
  view.setBigUint64(HEAD.revision, BigInt(head.revision), true);
  view.setUint32(HEAD.rules, head.rules, true);
  view.setUint32(HEAD.forwards, head.forwards, true);
  view.setUint32(HEAD.image, head.image, true);
  view.setUint32(HEAD.sets, head.sets, true);
  view.setUint32(HEAD.sequence, head.sequence, true);
  view.setUint32(HEAD.flags, head.flags, true);
}

/** Reads a head. Undefined where it was never written, or its counts do not fit the map. */
export function readHead(source: Uint8Array): GenerationHead | undefined {
  const view = viewOf(source);
  const head = {
    revision: Number(view.getBigUint64(HEAD.revision, true)),
    rules: view.getUint32(HEAD.rules, true), forwards: view.getUint32(HEAD.forwards, true),
    image: view.getUint32(HEAD.image, true), sets: view.getUint32(HEAD.sets, true),
    sequence: view.getUint32(HEAD.sequence, true), flags: view.getUint32(HEAD.flags, true),
  };
  const fits = (index: number): boolean => index === NO_IMAGE || index < KERNEL_LIMITS.images;
  if (head.sequence === 0) return undefined;
  if (head.rules > KERNEL_LIMITS.overlay || head.forwards > KERNEL_LIMITS.forwards || !fits(head.image) || !fits(head.sets)) return undefined;
  return POLICY_VALUE_BYTES * (1 + head.rules + head.forwards) > source.length ? undefined : head;
}

/** A record in memory, by the rule it is of. */
export interface FoundRecord {
  readonly id: number;
  readonly slot: number;
  readonly bytes: Uint8Array;
}

/** Reads `count` records from `first` (an index, the head is 0). */
export function* readRecords(source: Uint8Array, first: number, count: number): Generator<FoundRecord> {
  const view = viewOf(source);
  for (let index = first; index < first + count; index++) {
    const at = index * ENTRY.size;
    yield {
      id: view.getUint32(at + ENTRY.detail + DETAIL.id, true), slot: view.getUint32(at + ENTRY.detail + DETAIL.slot, true),
      bytes: source.subarray(at, at + ENTRY.size),
    };
  }
}
