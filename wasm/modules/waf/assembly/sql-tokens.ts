// Reads text as SQL tokens: what every database understands, and the comments of all of them.

import { equalsFold, findByte, inWords, isAlpha, isDigit, isSpace, isWord, reserve } from "../../../sdk/assembly/bytes";

export const END: u32 = 0;
export const NUMBER: u32 = 1;
export const STRING: u32 = 2;
export const NAME: u32 = 3;
export const LOGIC: u32 = 4;
export const COMPARE: u32 = 5;
export const ARITH: u32 = 6;
export const OPEN: u32 = 7;
export const CLOSE: u32 = 8;
export const COMMA: u32 = 9;
export const SEMI: u32 = 10;
export const COMMENT: u32 = 11;
export const UNION: u32 = 12;
export const SELECT: u32 = 13;
export const VERB: u32 = 14;
export const FROM: u32 = 15;
export const WHERE: u32 = 16;
export const ORDER: u32 = 17;
export const BY: u32 = 18;
export const HAVING: u32 = 19;
export const ALL: u32 = 21;
export const LITERAL: u32 = 22;
export const VARIABLE: u32 = 23;
export const FUNCTION: u32 = 24;
export const INTO: u32 = 25;
export const SET: u32 = 26;
export const OTHER: u32 = 27;
export const NOT: u32 = 29;
export const OBJECT: u32 = 30;
export const STAR: u32 = 31;
export const DOT: u32 = 32;

/** Tokens read of one value; later ones are not seen. */
const MAX_TOKENS: u32 = 4096;

const kinds = reserve(MAX_TOKENS + 16);
const starts = reserve((MAX_TOKENS + 16) * 4);
const lengths = reserve((MAX_TOKENS + 16) * 4);
export let count: u32 = 0;
export let text: usize = 0;
export let textLen: u32 = 0;
/** The text begins right behind a quote that ends a string. */
export let broken: bool = false;

// @ts-ignore: decorator
@inline export function kind(i: u32): u32 {
  return i < count ? load<u8>(kinds + i) : END;
}

// @ts-ignore: decorator
@inline export function start(i: u32): u32 {
  return load<u32>(starts + i * 4);
}

// @ts-ignore: decorator
@inline export function size(i: u32): u32 {
  return load<u32>(lengths + i * 4);
}

function push(k: u32, at: u32, len: u32): void {
  if (count == MAX_TOKENS) return;
  store<u8>(kinds + count, <u8>k);
  store<u32>(starts + count * 4, at);
  store<u32>(lengths + count * 4, len);
  count++;
}

function classify(ptr: usize, len: u32): u32 {
  switch (len) {
    case 2:
      if (equalsFold(ptr, len, "or")) return LOGIC;
      if (equalsFold(ptr, len, "by")) return BY;
      if (inWords(ptr, len, "in is")) return COMPARE;
      return NAME;
    case 3:
      if (inWords(ptr, len, "and xor")) return LOGIC;
      if (equalsFold(ptr, len, "all")) return ALL;
      if (equalsFold(ptr, len, "set")) return SET;
      if (equalsFold(ptr, len, "not")) return NOT;
      if (inWords(ptr, len, "div mod")) return ARITH;
      return NAME;
    case 4:
      if (equalsFold(ptr, len, "like")) return COMPARE;
      if (equalsFold(ptr, len, "from")) return FROM;
      if (equalsFold(ptr, len, "into")) return INTO;
      if (inWords(ptr, len, "null true")) return LITERAL;
      if (inWords(ptr, len, "drop exec call")) return VERB;
      if (inWords(ptr, len, "view user role")) return OBJECT;
      return NAME;
    case 5:
      if (equalsFold(ptr, len, "union")) return UNION;
      if (equalsFold(ptr, len, "where")) return WHERE;
      if (inWords(ptr, len, "order group")) return ORDER;
      if (inWords(ptr, len, "alter grant merge")) return VERB;
      if (equalsFold(ptr, len, "rlike")) return COMPARE;
      if (equalsFold(ptr, len, "false")) return LITERAL;
      if (inWords(ptr, len, "table index")) return OBJECT;
      return NAME;
    case 6:
      if (equalsFold(ptr, len, "select")) return SELECT;
      if (inWords(ptr, len, "insert update delete create")) return VERB;
      if (equalsFold(ptr, len, "having")) return HAVING;
      if (equalsFold(ptr, len, "regexp")) return COMPARE;
      if (equalsFold(ptr, len, "schema")) return OBJECT;
      return NAME;
    case 7:
      if (inWords(ptr, len, "execute declare")) return VERB;
      if (equalsFold(ptr, len, "between")) return COMPARE;
      if (equalsFold(ptr, len, "trigger")) return OBJECT;
      return NAME;
    case 8:
      if (inWords(ptr, len, "truncate shutdown")) return VERB;
      if (inWords(ptr, len, "database function")) return OBJECT;
      if (equalsFold(ptr, len, "distinct")) return ALL;
      return NAME;
    case 9:
      return equalsFold(ptr, len, "procedure") ? OBJECT : NAME;
    default:
      return NAME;
  }
}

/**
 * Cuts a value into tokens.
 * @param from where to begin; behind a quote, `afterQuote` says so
 */
export function tokenize(ptr: usize, len: u32, from: u32, afterQuote: bool): void {
  text = ptr;
  textLen = len;
  broken = afterQuote;
  count = 0;
  let i = from;
  while (i < textLen && count < MAX_TOKENS) {
    const p = text + i;
    const c: u32 = load<u8>(p);
    const d: u32 = i + 1 < textLen ? load<u8>(p + 1) : 0;
    if (isSpace(c) || c == 0) {
      i++;
      continue;
    }
    if (c == 47 && d == 42) {
      const bang = i + 2 < textLen && load<u8>(p + 2) == 33;
      if (bang) {
        // MySQL runs what is inside.
        i += 3;
        while (i < textLen && isDigit(load<u8>(text + i))) i++;
        continue;
      }
      let k = i + 2;
      while (k + 1 < textLen && !(load<u8>(text + k) == 42 && load<u8>(text + k + 1) == 47)) k++;
      if (k + 1 >= textLen) {
        push(COMMENT, i, textLen - i);
        return;
      }
      i = k + 2;
      continue;
    }
    if (c == 42 && d == 47) {
      i += 2;
      continue;
    }
    if (c == 45 && d == 45) {
      const e: u32 = i + 2 < textLen ? load<u8>(p + 2) : 32;
      if (!isWord(e) || count > 0) {
        const lf = findByte(text, textLen, 10, i);
        const end: u32 = lf < 0 ? textLen : <u32>lf;
        push(COMMENT, i, end - i);
        i = end;
        continue;
      }
    }
    if (
      c == 35 &&
      (broken || kind(count - 1) == NUMBER || kind(count - 1) == CLOSE || kind(count - 1) == STRING || kind(count - 1) == LITERAL)
    ) {
      push(COMMENT, i, textLen - i);
      return;
    }
    if (c == 39 || c == 34 || c == 96) {
      let k = i + 1;
      while (k < textLen) {
        const q: u32 = load<u8>(text + k);
        if (q == 92) {
          k += 2;
          continue;
        }
        if (q == c) break;
        k++;
      }
      const end = min(k, textLen);
      push(c == 96 ? NAME : STRING, i + 1, end > i + 1 ? end - i - 1 : 0);
      i = end + 1;
      continue;
    }
    if (isDigit(c) || (c == 46 && isDigit(d))) {
      let k = i;
      if (c == 48 && (d | 32) == 120) {
        k += 2;
        while (k < textLen && isWord(load<u8>(text + k))) k++;
      } else {
        while (k < textLen && (isDigit(load<u8>(text + k)) || load<u8>(text + k) == 46)) k++;
        if (k + 1 < textLen && (load<u8>(text + k) | 32) == 101 && isDigit(load<u8>(text + k + 1))) {
          k++;
          while (k < textLen && isDigit(load<u8>(text + k))) k++;
        }
      }
      push(NUMBER, i, k - i);
      i = k;
      continue;
    }
    if (isAlpha(c) || c == 95 || c >= 0x80) {
      let k = i;
      while (k < textLen && (isWord(load<u8>(text + k)) || load<u8>(text + k) >= 0x80) && load<u8>(text + k) != 0xa0) k++;
      let what = classify(p, k - i);
      if (what == NAME) {
        let n = k;
        while (n < textLen && load<u8>(text + n) == 32) n++;
        if (n < textLen && load<u8>(text + n) == 40) what = FUNCTION;
      }
      push(what, i, k - i);
      i = k;
      continue;
    }
    if (c == 64) {
      let k = i + 1;
      while (k < textLen && (load<u8>(text + k) == 64 || isWord(load<u8>(text + k)))) k++;
      push(k > i + 1 ? VARIABLE : OTHER, i, k - i);
      i = k;
      continue;
    }
    let what = OTHER;
    let n: u32 = 1;
    switch (c) {
      case 40:
        what = OPEN;
        break;
      case 41:
        what = CLOSE;
        break;
      case 44:
        what = COMMA;
        break;
      case 59:
        what = SEMI;
        break;
      case 46:
        what = DOT;
        break;
      case 42:
        what = STAR;
        break;
      case 43:
      case 45:
      case 37:
      case 94:
      case 126:
      case 47:
        what = ARITH;
        break;
      case 61:
      case 60:
      case 62:
        what = COMPARE;
        while (i + n < textLen && n < 3 && (load<u8>(p + n) == 61 || load<u8>(p + n) == 62)) n++;
        break;
      case 33:
        what = NOT;
        if (d == 61) {
          what = COMPARE;
          n = 2;
        }
        break;
      case 38:
        if (d == 38) {
          what = LOGIC;
          n = 2;
        } else {
          what = ARITH;
        }
        break;
      case 124:
        if (d == 124) {
          what = LOGIC;
          n = 2;
        } else {
          what = ARITH;
        }
        break;
    }
    push(what, i, n);
    i += n;
  }
}
