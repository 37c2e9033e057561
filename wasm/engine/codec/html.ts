// HTML entities (HTML standard, 13.2.5.72 to 80): numeric ones, and the names that stand for ASCII or Latin-1 characters. In
// place.

import { firstOf, hex, put, putUtf8 } from "./in-place";

/** Names that need a semicolon. */
const NAMES = "Tab NewLine excl num dollar percnt apos lpar rpar ast midast plus comma period sol colon semi equals quest commat "
  + "lsqb lbrack bsol rsqb rbrack Hat lowbar UnderBar grave DiacriticalGrave lcub lbrace verbar vert VerticalLine rcub rbrace "
  + "NonBreakingSpace ";
const CODES: usize = memory.data<u8>([
  9, 10, 33, 35, 36, 37, 39, 40, 41, 42, 42, 43, 44, 46, 47, 58, 59, 61, 63, 64, 91, 91, 92, 93, 93, 94, 95, 95, 96, 96, 123, 123,
  124, 124, 124, 125, 125, 160,
]);

/** Names that do not: those of old; from the tenth on in the order of Latin-1. */
const OLD = "amp AMP lt LT gt GT quot QUOT COPY REG "
  + "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para "
  + "middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute "
  + "Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute "
  + "THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde "
  + "ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml ";
const OLD_CODES: usize = memory.data<u8>([38, 38, 60, 60, 62, 62, 34, 34, 169, 174]);

/** What Windows-1252 has from 128 to 159; the standard asks for it. */
const WINDOWS: usize = memory.data<u16>([
  0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
  0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
]);

const LONGEST: u32 = 17;

let code: u32 = 0;

/** Decodes entities into UTF-8; what is none stays. Gives the new length. */
export function htmlEntityDecode(p: usize, len: u32): u32 {
  let i = firstOf(p, len, 0x26, 0x26);
  let o = i;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    const used = c == 0x26 ? entity(p + i, len - i) : 0;
    if (used == 0) {
      put(p + o, c);
      o++;
      i++;
    } else {
      o += putUtf8(p + o, code);
      i += used;
    }
  }
  return o;
}

/** Bytes of the entity at `p`, whose character is then in `code`; 0: none. */
function entity(p: usize, left: u32): u32 {
  if (left < 3) return 0;
  return load<u8>(p, 1) == 0x23 ? numeric(p, left) : named(p, left);
}

function numeric(p: usize, left: u32): u32 {
  const base: u32 = left > 3 && (<u32>load<u8>(p, 2) | 32) == 0x78 ? 16 : 10;
  const first: u32 = base == 16 ? 3 : 2;
  let i = first;
  let value: u32 = 0;
  while (i < left) {
    const digit = hex(load<u8>(p + i));
    if (digit >= base) break;
    value = min<u32>(value * base + digit, 0x110000);
    i++;
  }
  if (i == first) return 0;
  if (i < left && load<u8>(p + i) == 0x3b) i++;
  code = value == 0 ? 0xfffd : value - 128 < 32 ? <u32>load<u16>(WINDOWS + ((value - 128) << 1)) : value;
  return i;
}

function named(p: usize, left: u32): u32 {
  let n: u32 = 0;
  const most = min<u32>(left - 1, LONGEST);
  while (n < most && isAlnum(load<u8>(p + 1 + n))) n++;
  if (n < 2) return 0;
  const closed = n + 1 < left && load<u8>(p + 1 + n) == 0x3b;
  if (closed) {
    const place = find(NAMES, namesIndex, p + 1, n);
    if (place >= 0) {
      code = load<u8>(CODES + place);
      return n + 2;
    }
  }
  // The longest of the old names that it starts with.
  for (let k = min<u32>(n, 6); k >= 2; k--) {
    const place = find(OLD, oldIndex, p + 1, k);
    if (place < 0) continue;
    code = place < 10 ? <u32>load<u8>(OLD_CODES + place) : <u32>place + 150;
    return k + 1 + (closed && k == n ? 1 : 0);
  }
  return 0;
}

function isAlnum(c: u32): bool {
  return (c | 32) - 97 < 26 || c - 48 < 10;
}

// Words by hash: for each list, a table of 256 numbers (from 1, 0 is empty) and where each word starts.
const TABLE: u32 = 256;
const namesIndex: usize = memory.data(256 + 2 * 128, 16);
const oldIndex: usize = memory.data(256 + 2 * 128, 16);
let indexed = false;

function buildIndexes(): void {
  indexed = true;
  buildIndex(NAMES, namesIndex);
  buildIndex(OLD, oldIndex);
}

function buildIndex(list: string, index: usize): void {
  const text = changetype<usize>(list);
  const length = <u32>list.length;
  let number: u32 = 0;
  let start: u32 = 0;
  let hash: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const c = <u32>load<u16>(text + (i << 1));
    if (c != 32) {
      hash = mixed(hash, c);
      continue;
    }
    let place = placeOf(hash);
    while (load<u8>(index + place) != 0) place = (place + 1) & (TABLE - 1);
    store<u8>(index + place, <u8>(number + 1));
    store<u16>(index + TABLE + (number << 1), <u16>start);
    number++;
    start = i + 1;
    hash = 0;
  }
}

// @ts-ignore: decorator
@inline function mixed(hash: u32, c: u32): u32 {
  return (hash ^ c) * 0x9e3779b1;
}

// @ts-ignore: decorator
@inline function placeOf(hash: u32): u32 {
  return hash >>> 24;
}

/** Number of the word in a list, or -1. */
function find(list: string, index: usize, p: usize, n: u32): i32 {
  if (!indexed) buildIndexes();
  let hash: u32 = 0;
  for (let i: u32 = 0; i < n; i++) hash = mixed(hash, load<u8>(p + i));
  const text = changetype<usize>(list);
  let place = placeOf(hash);
  let number = <u32>load<u8>(index + place);
  while (number != 0) {
    const word = text + (<usize>load<u16>(index + TABLE + ((number - 1) << 1)) << 1);
    let k: u32 = 0;
    while (k < n && load<u16>(word + (k << 1)) == <u16>load<u8>(p + k)) k++;
    if (k == n && load<u16>(word + (k << 1)) == 32) return <i32>number - 1;
    place = (place + 1) & (TABLE - 1);
    number = <u32>load<u8>(index + place);
  }
  return -1;
}
