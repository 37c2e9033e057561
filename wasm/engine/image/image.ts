// Rule images: the container that packages/rule-image writes (its docstring has the layout). Checked once at load, then used in
// place.

import { crc32 } from "../codec/crc32";

export const IMAGE_SURICATA: u32 = 1;
export const IMAGE_SECLANG: u32 = 2;

const MAGIC: u32 = 0x49525853;
const FORMAT: u32 = 1;
const HEADER: u32 = 32;
const ENTRY: u32 = 16;
const MAX_SECTIONS: u32 = 256;

let image: usize = 0;
let found: u32 = 0;

/**
 * Whether the bytes are an undamaged image of the kind: bounds and checksums of everything. They must be 16-aligned and stay
 * where
 * they are. From then on {@link imageSection} and {@link imageVersion} are about them; a refused image changes nothing.
 */
export function imageOpen(ptr: usize, len: u32, kind: u32): bool {
  if ((ptr & 15) != 0 || len < HEADER) return false;
  if (load<u32>(ptr) != MAGIC || <u32>load<u16>(ptr, 4) != FORMAT || <u32>load<u16>(ptr, 6) != kind) return false;
  const count = load<u32>(ptr, 12);
  if (load<u32>(ptr, 8) != len || count > MAX_SECTIONS) return false;
  const table = HEADER + ENTRY * count;
  if (table > len || !headIntact(ptr, table)) return false;
  let free = (table + 15) & ~15;
  for (let i: u32 = 0; i < count; i++) {
    const entry = ptr + HEADER + ENTRY * i;
    const offset = load<u32>(entry, 4);
    const length = load<u32>(entry, 8);
    if (offset != free || offset > len || length > len - offset) return false;
    if (crc32(ptr + offset, length, 0) != load<u32>(entry, 12)) return false;
    free = (offset + length + 15) & ~15;
  }
  image = ptr;
  return true;
}

/** Header and table against their checksum, which counts as zero in it. */
function headIntact(ptr: usize, table: u32): bool {
  let crc = crc32(ptr, 20, 0);
  crc = crc32(ZERO, 4, crc);
  return crc32(ptr + 24, table - 24, crc) == load<u32>(ptr, 20);
}

const ZERO = memory.data(8);

/** Layout version of the sections. */
export function imageVersion(): u32 {
  return image == 0 ? 0 : load<u32>(image, 16);
}

/** Start of a section, 16-aligned, or 0; `tag` is its four characters, such as "RULE". See {@link imageSectionLength}. */
export function imageSection(tag: string): usize {
  found = 0;
  if (image == 0) return 0;
  const text = changetype<usize>(tag);
  const wanted = <u32>load<u16>(text) | (<u32>load<u16>(text, 2) << 8) | (<u32>load<u16>(text, 4) << 16)
    | (<u32>load<u16>(text, 6) << 24);
  return sectionByTag(wanted);
}

/** The same by the tag's four bytes as a little-endian number. */
export function sectionByTag(wanted: u32): usize {
  found = 0;
  if (image == 0) return 0;
  const count = load<u32>(image, 12);
  for (let i: u32 = 0; i < count; i++) {
    const entry = image + HEADER + ENTRY * i;
    if (load<u32>(entry) == wanted) {
      found = load<u32>(entry, 8);
      return image + load<u32>(entry, 4);
    }
  }
  return 0;
}

/** Bytes of the section that was asked for last; 0 when there was none. */
export function imageSectionLength(): u32 {
  return found;
}
