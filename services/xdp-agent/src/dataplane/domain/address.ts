import { parsePrefix } from "@secuxflow/contracts";

/** A prefix in four host-order words, most significant first; IPv4 as ::ffff:a.b.c.d with 96 added to its length. */
export interface PrefixWords {
  readonly words: Uint32Array;
  length: number;
  family: 4 | 6;
}

/** One to read into again and again: 100,000 rules must not make 200,000 objects. */
export const prefixWords = (): PrefixWords => ({ words: new Uint32Array(4), length: 0, family: 4 });

const DOT = 46;
const SLASH = 47;
const ZERO = 48;

/** Canonical IPv4 text, which most rules have: digits and dots, no checks beyond what keeps a wrong text from passing. */
function readV4(text: string, into: PrefixWords): boolean {
  let address = 0;
  let parts = 0;
  let value = -1;
  let at = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= ZERO + 9) {
      value = (value < 0 ? 0 : value * 10) + code - ZERO;
      if (value > 255) return false;
    } else if ((code === DOT || code === SLASH) && value >= 0 && parts < 4) {
      address = address * 256 + value;
      parts += 1;
      value = -1;
      if (code === SLASH) break;
    } else return false;
  }
  let length = 32;
  if (at < text.length) {
    length = Number(text.slice(at + 1));
    if (text.length - at > 3 || !(length >= 0 && length <= 32) || text.length === at + 1) return false;
  } else if (value >= 0) {
    address = address * 256 + value;
    parts += 1;
  }
  if (parts !== 4 || (length < 32 && address % 2 ** (32 - length) !== 0)) return false;
  into.words[0] = 0;
  into.words[1] = 0;
  into.words[2] = 0xffff;
  into.words[3] = address;
  into.length = 96 + length;
  into.family = 4;
  return true;
}

/** Reads a prefix or address in canonical text. Throws AddressError. */
export function readPrefix(text: string, into: PrefixWords): void {
  if (readV4(text, into)) return;
  const { bytes, family, length } = parsePrefix(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let word = 0; word < 4; word++) into.words[word] = view.getUint32(word * 4);
  into.length = family === 4 ? 96 + length : length;
  into.family = family;
}
