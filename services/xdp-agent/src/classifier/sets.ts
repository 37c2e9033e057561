import { BitSets } from "./bit-sets.js";
import { IMAGE_MAGIC, SETS_HEAD } from "./layout.js";
import { writeTrie } from "./trie.js";
import { PREFIX_BYTES, type SetEntries } from "./types.js";
import { ImageWriter } from "./writer.js";

/**
 * Compiles address sets into a set image (bpf/include/image.h): for each address the 64-bit mask of the sets that hold it.
 * `target` as for buildImage.
 * @returns bytes used
 * @throws {ImageTooLarge} `target` is too small; it holds garbage then
 * @throws {RangeError} a bit or a prefix length that does not exist
 */
export function buildSetImage(entries: readonly SetEntries[], target: Uint8Array): number {
  for (const { bit } of entries) if (!Number.isInteger(bit) || bit < 0 || bit > 63) throw new RangeError(`an address set has a bit from 0 to 63, not ${bit}`);
  const writer = new ImageWriter(target, "address set image");
  const head = writer.take(SETS_HEAD.size, 64) / 4;
  const masks = new BitSets(2);
  const roots = [true, false].map((ipv4) => writeFamily(entries, ipv4, masks, writer));
  const offset = writer.take(masks.words.byteLength, 64);
  writer.u32.set(masks.words, offset / 4);
  writer.u32.set([IMAGE_MAGIC, writer.end, ...roots, offset], head);
  return writer.end;
}

/** IPv4 prefixes are those within ::ffff:0:0/96. */
const isIpv4 = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + 16]! >= 96 && bytes[at + 10] === 0xff && bytes[at + 11] === 0xff && bytes.subarray(at, at + 10).every((byte) => byte === 0);

function writeFamily(entries: readonly SetEntries[], ipv4: boolean, masks: BitSets, writer: ImageWriter): number {
  const total = entries.reduce((sum, { count }) => sum + count, 0);
  const words = Array.from({ length: ipv4 ? 1 : 4 }, () => new Uint32Array(total));
  const lengths = new Uint8Array(total);
  const sets = new Uint32Array(total);
  let count = 0;
  for (const { bit, prefixes, count: members } of entries) {
    const mask = new Uint32Array(2);
    mask[bit >>> 5] = 1 << (bit & 31);
    const set = masks.intern(mask);
    const view = new DataView(prefixes.buffer, prefixes.byteOffset, members * PREFIX_BYTES);
    for (let at = 0; at < members * PREFIX_BYTES; at += PREFIX_BYTES) {
      if (prefixes[at + 16]! > 128) throw new RangeError(`a prefix has at most 128 bits, not ${prefixes[at + 16]}`);
      if (isIpv4(prefixes, at) !== ipv4) continue;
      for (const [i, word] of words.entries()) word[count] = view.getUint32(at + (ipv4 ? 12 : i * 4));
      lengths[count] = prefixes[at + 16]! - (ipv4 ? 96 : 0);
      sets[count++] = set;
    }
  }
  return writeTrie({ count, words: words.map((word) => word.subarray(0, count)), lengths, sets }, "compares", masks, writer);
}
