import { buildImage, buildSetImage } from "../../classifier/index.js";
import type { CompiledImage, EncodedSet } from "../application/image-compiler.js";
import { DETAIL, ENTRY } from "../domain/layout.js";

/** Moves records with an id to the front; returns their number. */
function compact(rows: Uint8Array): number {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let count = 0;
  for (let at = 0; at < rows.length; at += ENTRY.size) {
    if (view.getUint32(at + ENTRY.detail + DETAIL.id, true) === 0) continue;
    if (at !== count * ENTRY.size) rows.copyWithin(count * ENTRY.size, at, at + ENTRY.size);
    count += 1;
  }
  return count;
}

/** Compiles a rule image. Throws what the classifier throws. */
export function compileRules(rows: Uint8Array, capacity: number): CompiledImage & { readonly bytes: Uint8Array<ArrayBuffer> } {
  const target = new Uint8Array(capacity);
  const { bytes, milliseconds } = buildImage({ bytes: rows, count: compact(rows) }, target);
  return { bytes: target.subarray(0, bytes), milliseconds };
}

/** Compiles an image of address sets. */
export function compileSets(sets: readonly EncodedSet[], capacity: number): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(capacity);
  return target.subarray(0, buildSetImage(sets, target));
}
