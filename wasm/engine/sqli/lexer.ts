// Cuts text into SQL tokens the way all dialects together might. Each reader takes a token's first byte and gives the address of
// what follows; a token without type is none (white space). Every reader looks at the bytes it takes a fixed number of times, so
// that the whole stays linear in the input.

import { BINARY, DIGIT, HEX, LETTER, MONEY, VARIABLE_END, WHITE, WORD_END, isIn, past, until } from "./chars";
import { find, findPair } from "./find";
import { keywordType } from "./lookup";
import { READERS } from "./table";
import {
  BACKSLASH, BAREWORD, COLON, COMMENT, DOT, EVIL, FUNCTION, NONE, NUMBER, OPERATOR, STRING, UNKNOWN, VARIABLE,
  assign, assignChar, clearToken, closeOf, lengthOf, setCount, setQuotes, setType, typeOf,
} from "./token";

const SINGLE: u32 = 0x27;
const DOUBLE: u32 = 0x22;
const TICK: u32 = 0x60;
const DOLLAR: u32 = 0x24;
const STAR: u32 = 0x2a;
const SLASH: u32 = 0x2f;
const DASH: u32 = 0x2d;

/** Longest word that may be a keyword, and one more. */
const WORD: usize = 32;

let start: usize = 0;
let end: usize = 0;
let at: usize = 0;
let quote: u32 = 0;
let mysql: bool = false;

/** Tokens so far. */
export let tokenCount: u32 = 0;
/** Comments and operators so far that MySQL reads otherwise. */
export let mysqlOddities: u32 = 0;

/** Begins to read text, which stands after this quote (a character, 0: after none), as MySQL or as the others do. */
export function beginText(ptr: usize, len: u32, after: u32, asMysql: bool): void {
  start = ptr;
  end = ptr + len;
  at = ptr;
  quote = after;
  mysql = asMysql;
  tokenCount = 0;
  mysqlOddities = 0;
}

/** Reads the next token. False: there is none. */
export function nextToken(token: usize): bool {
  clearToken(token);
  if (at == start && quote != 0 && at < end) {
    at = readQuoted(token, at, quote, 0);
    tokenCount++;
    return true;
  }
  while (at < end) {
    at = readAny(token, at);
    if (typeOf(token) != NONE) {
      tokenCount++;
      return true;
    }
  }
  return false;
}

function readAny(token: usize, p: usize): usize {
  const char = <u32>load<u8>(p);
  switch (<u32>load<u8>(READERS + char)) {
    case 0: return p + 1;
    case 1: return readWord(token, p);
    case 2: return readNumber(token, p);
    case 3: return readChar(token, OPERATOR, p);
    case 4: return readOperator(token, p);
    case 5: return readChar(token, char, p);
    case 6: return readQuoted(token, p + 1, char, char);
    case 7: return readDash(token, p);
    case 8: return readSlash(token, p);
    case 9: return readHash(token, p);
    case 10: return readVariable(token, p);
    case 11: return readMoney(token, p);
    case 12: return readBackslash(token, p);
    case 13: return readTick(token, p);
    case 14: return readBracket(token, p);
    case 15: return readPrefixed(token, p);
    case 16: return p + 2 < end && load<u8>(p, 1) == SINGLE ? readPrefixed(token, p) : readDelimited(token, p, p + 1);
    case 17: return readDelimited(token, p, p);
    case 18: return readUnicode(token, p);
    case 19: return readDigits(token, p, BINARY);
    case 20: return readDigits(token, p, HEX);
    default: return readChar(token, UNKNOWN, p);
  }
}

// @ts-ignore: decorator
@inline function isQuoteAt(p: usize): bool {
  return p < end && load<u8>(p) == SINGLE;
}

// @ts-ignore: decorator
@inline function readChar(token: usize, type: u32, p: usize): usize {
  assignChar(token, type, load<u8>(p));
  return p + 1;
}

/** The token is everything up to `to`. */
// @ts-ignore: decorator
@inline function readTo(token: usize, type: u32, p: usize, to: usize): usize {
  assign(token, type, p, <u32>(to - p), end);
  return to;
}

/** A bare word, or the keyword that it is, or the keyword that stands before a dot or a backtick in it. */
function readWord(token: usize, p: usize): usize {
  const near = until(WORD_END, p, min(end, p + WORD));
  const keyed = min(near, p + WORD - 1);
  for (let q = p; q < keyed; q++) {
    const char = <u32>load<u8>(q);
    if (char != 0x2e && char != TICK) continue;
    const type = keywordType(p, <u32>(q - p));
    if (type != NONE && type != BAREWORD) return readTo(token, type, p, q);
  }
  if (near == p + WORD) return readTo(token, BAREWORD, p, until(WORD_END, near, end));
  const type = keywordType(p, <u32>(near - p));
  return readTo(token, type == NONE ? BAREWORD : type, p, near);
}

/** A string from its first character on; `open` 0: as if its quote had stood before the text. Quotes in it: \' or ''. */
function readQuoted(token: usize, p: usize, delimiter: u32, open: u32): usize {
  let q = find(p, end, delimiter);
  while (q < end) {
    if (isEscaped(q, p)) q = find(q + 1, end, delimiter);
    else if (q + 1 < end && load<u8>(q, 1) == delimiter) q = find(q + 2, end, delimiter);
    else break;
  }
  readTo(token, STRING, p, q);
  setQuotes(token, open, q < end ? delimiter : 0);
  return min(q + 1, end);
}

/** An odd number of backslashes stands before it. */
// @ts-ignore: decorator
@inline function isEscaped(q: usize, from: usize): bool {
  let p = q;
  while (p > from && load<u8>(p - 1) == BACKSLASH) p--;
  return ((q - p) & 1) != 0;
}

/** E'..' of PostgreSQL, N'..' of MySQL. */
function readPrefixed(token: usize, p: usize): usize {
  if (p + 2 >= end || load<u8>(p, 1) != SINGLE) return readWord(token, p);
  return readQuoted(token, p + 2, SINGLE, SINGLE);
}

/** U&'..' */
function readUnicode(token: usize, p: usize): usize {
  if (p + 2 >= end || load<u8>(p, 1) != 0x26 || load<u8>(p, 2) != SINGLE) return readWord(token, p);
  const next = readQuoted(token, p + 3, SINGLE, SINGLE);
  setQuotes(token, 0x75, closeOf(token) == SINGLE ? 0x75 : 0);
  return next;
}

/** Oracle's q'(..)' with any delimiter, also after an n. `q`: where the letter q has to stand. */
function readDelimited(token: usize, p: usize, q: usize): usize {
  if (q + 2 >= end || (load<u8>(q) | 32) != 0x71 || load<u8>(q, 1) != SINGLE) return readWord(token, p);
  let delimiter = <u32>load<u8>(q, 2);
  if (delimiter < 33 || delimiter > 127) return readWord(token, p);
  if (delimiter == 0x28) delimiter = 0x29;
  else if (delimiter == 0x5b || delimiter == 0x7b || delimiter == 0x3c) delimiter += 2;
  const close = findPair(q + 3, end, delimiter, SINGLE);
  readTo(token, STRING, q + 3, close);
  setQuotes(token, 0x71, close < end ? 0x71 : 0);
  return min(close + 2, end);
}

/** b'01', x'0f' */
function readDigits(token: usize, p: usize, digits: u32): usize {
  if (p + 2 >= end || load<u8>(p, 1) != SINGLE) return readWord(token, p);
  const close = past(digits, p + 2, end);
  return isQuoteAt(close) ? readTo(token, NUMBER, p, close + 1) : readWord(token, p);
}

/** [..], a name in SQL Server. */
function readBracket(token: usize, p: usize): usize {
  return readTo(token, BAREWORD, p, min(find(p, end, 0x5d) + 1, end));
}

/** `..`: a name or a function. */
function readTick(token: usize, p: usize): usize {
  const next = readQuoted(token, p + 1, TICK, TICK);
  setType(token, keywordType(token, lengthOf(token)) == FUNCTION ? FUNCTION : BAREWORD);
  return next;
}

/** @name, @@name, @`name`, @'name' */
function readVariable(token: usize, p: usize): usize {
  let q = p + 1;
  const two = q < end && load<u8>(q) == 0x40;
  if (two) q++;
  setCount(token, two ? 2 : 1);
  const char = q < end ? <u32>load<u8>(q) : 0;
  if (char == TICK || char == SINGLE || char == DOUBLE) {
    const next = char == TICK ? readTick(token, q) : readQuoted(token, q + 1, char, char);
    setType(token, VARIABLE);
    return next;
  }
  return readTo(token, VARIABLE, q, until(VARIABLE_END, q, end));
}

/** $1,000.00, $$text$$, $tag$text$tag$, or a plain $. */
function readMoney(token: usize, p: usize): usize {
  if (p + 1 == end) return readChar(token, BAREWORD, p);
  const amount = past(MONEY, p + 1, end);
  if (amount == p + 2 && load<u8>(p, 1) == 0x2e) return readWord(token, p);
  if (amount > p + 1) return readTo(token, NUMBER, p, amount);
  if (load<u8>(p, 1) == DOLLAR) return readBetween(token, p, p + 2);
  const tag = past(LETTER, p + 1, end);
  if (tag == p + 1 || tag == end || load<u8>(tag) != DOLLAR) return readChar(token, BAREWORD, p);
  return readBetween(token, p, tag + 1);
}

/** A string between two equal tags, the first of which goes from `tag` to `from`. */
function readBetween(token: usize, tag: usize, from: usize): usize {
  const len = from - tag;
  let close = end;
  // A tag has dollars only at its ends, so that no byte is compared with more than two tags.
  for (let q = find(from, end, DOLLAR); q + len <= end; q = find(q + 1, end, DOLLAR)) {
    if (memory.compare(q, tag, len) == 0) {
      close = q;
      break;
    }
  }
  readTo(token, STRING, from, close);
  setQuotes(token, DOLLAR, close < end ? DOLLAR : 0);
  return close < end ? close + len : end;
}

function readNumber(token: usize, p: usize): usize {
  let q = p;
  if (load<u8>(q) == 0x30 && q + 1 < end) {
    const kind = <u32>load<u8>(q, 1) | 32;
    if (kind == 0x78 || kind == 0x62) { // 0x, 0b
      const digits = past(kind == 0x78 ? HEX : BINARY, q + 2, end);
      return readTo(token, digits == q + 2 ? BAREWORD : NUMBER, p, digits);
    }
  }
  q = past(DIGIT, q, end);
  if (q < end && load<u8>(q) == 0x2e) {
    q = past(DIGIT, q + 1, end);
    if (q == p + 1) return readChar(token, DOT, p);
  }
  let type = NUMBER;
  if (q < end && (load<u8>(q) | 32) == 0x65) { // e
    q++;
    if (q < end && (load<u8>(q) == 0x2b || load<u8>(q) == DASH)) q++;
    const exponent = past(DIGIT, q, end);
    if (exponent == q) type = BAREWORD; // 10.e is a table in a database
    q = exponent;
  }
  if (q < end && isFloatSuffix(q)) q++;
  return readTo(token, type, p, q);
}

/** Oracle's d or f behind a number, when a number ends there; also before UNION. */
function isFloatSuffix(q: usize): bool {
  const char = <u32>load<u8>(q) | 32;
  if (char != 0x64 && char != 0x66) return false;
  if (q + 1 == end) return true;
  const next = <u32>load<u8>(q, 1);
  return isIn(WHITE, next) || next == 0x3b || (next | 32) == 0x75;
}

/** Operators of one to three characters; a colon alone is none. */
function readOperator(token: usize, p: usize): usize {
  if (p + 1 >= end) return readChar(token, OPERATOR, p);
  const char = <u32>load<u8>(p);
  if (p + 2 < end && char == 0x3c && load<u8>(p, 1) == 0x3d && load<u8>(p, 2) == 0x3e) {
    return readTo(token, OPERATOR, p, p + 3); // <=>
  }
  const type = keywordType(p, 2);
  if (type != NONE) return readTo(token, type, p, p + 2);
  return readChar(token, char == COLON ? COLON : OPERATOR, p);
}

function readLine(token: usize, p: usize): usize {
  const line = find(p, end, 10);
  readTo(token, COMMENT, p, line);
  return min(line + 1, end);
}

/** A comment in MySQL, else an operator. */
function readHash(token: usize, p: usize): usize {
  mysqlOddities++;
  return mysql ? readLine(token, p) : readChar(token, OPERATOR, p);
}

/** -- and white space is a comment everywhere, -- alone everywhere but in MySQL. */
function readDash(token: usize, p: usize): usize {
  if (p + 1 >= end || load<u8>(p, 1) != DASH) return readChar(token, OPERATOR, p);
  if (p + 2 == end || isIn(WHITE, load<u8>(p, 2))) return readLine(token, p);
  if (mysql) return readChar(token, OPERATOR, p);
  mysqlOddities++;
  return readLine(token, p);
}

/** A comment; one in another, and MySQL's conditional comment, is evil. */
function readSlash(token: usize, p: usize): usize {
  if (p + 1 >= end || load<u8>(p, 1) != STAR) return readChar(token, OPERATOR, p);
  const close = findPair(p + 2, end, STAR, SLASH);
  let evil = p + 2 < end && load<u8>(p, 2) == 0x21;
  if (close < end && !evil) evil = findPair(p + 2, close + 1, SLASH, STAR) < close + 1;
  return readTo(token, evil ? EVIL : COMMENT, p, min(close + 2, end));
}

/** \N is MySQL's NULL. */
function readBackslash(token: usize, p: usize): usize {
  if (p + 1 < end && load<u8>(p, 1) == 0x4e) return readTo(token, NUMBER, p, p + 2);
  return readChar(token, BACKSLASH, p);
}
