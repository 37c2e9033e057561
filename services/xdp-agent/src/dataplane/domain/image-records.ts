import { DETAIL, ENTRY, IMAGE_HEAD, RECORD, RULE } from "./layout.js";

/**
 * Takes over an image that an earlier run left: gives the record of each rule that lives at `sequence`, as an overlay would
 * hold it (in one piece of memory, used again and again), and revives those that were declared dead for a later generation,
 * which never came into force.
 */
export function* liveRecords(image: Uint8Array, sequence: number): Generator<Uint8Array> {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const first = view.getUint32(IMAGE_HEAD.record_base, true);
  const end = first + view.getUint32(IMAGE_HEAD.records, true) * RECORD.size;
  const entry = new Uint8Array(ENTRY.size);
  for (let at = first; at < Math.min(end, image.length - RECORD.size + 1); at += RECORD.size) {
    const deadFrom = view.getUint32(at + RULE.dead_from, true);
    if (deadFrom !== 0 && deadFrom <= sequence) continue;
    if (deadFrom !== 0) view.setUint32(at + RULE.dead_from, 0, true);
    entry.set(image.subarray(at, at + RULE.size), ENTRY.rule);
    entry.set(image.subarray(at + RECORD.detail, at + RECORD.detail + DETAIL.size), ENTRY.detail);
    yield entry;
  }
}
