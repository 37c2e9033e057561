// A token: its kind, as fingerprints have it, and the beginning of its text.

/** Kept of a token's text, and a NUL. */
const TEXT: u32 = 32;
const LENGTH: usize = 32;
const TYPE: usize = 36;
const OPEN: usize = 40;
const CLOSE: usize = 41;
const COUNT: usize = 42;
export const TOKEN_BYTES: u32 = 48;

export const NONE: u32 = 0;
export const KEYWORD: u32 = 0x6b; // k
export const UNION: u32 = 0x55; // U
export const GROUP: u32 = 0x42; // B
export const EXPRESSION: u32 = 0x45; // E
export const SQL_TYPE: u32 = 0x74; // t
export const FUNCTION: u32 = 0x66; // f
export const BAREWORD: u32 = 0x6e; // n
export const NUMBER: u32 = 0x31; // 1
export const VARIABLE: u32 = 0x76; // v
export const STRING: u32 = 0x73; // s
export const OPERATOR: u32 = 0x6f; // o
export const LOGIC: u32 = 0x26; // &
export const COMMENT: u32 = 0x63; // c
export const COLLATE: u32 = 0x41; // A
export const TSQL: u32 = 0x54; // T
export const UNKNOWN: u32 = 0x3f; // ?
export const EVIL: u32 = 0x58; // X
export const LEFT_PAREN: u32 = 0x28;
export const RIGHT_PAREN: u32 = 0x29;
export const LEFT_BRACE: u32 = 0x7b;
export const RIGHT_BRACE: u32 = 0x7d;
export const DOT: u32 = 0x2e;
export const COMMA: u32 = 0x2c;
export const COLON: u32 = 0x3a;
export const SEMICOLON: u32 = 0x3b;
export const BACKSLASH: u32 = 0x5c;

// @ts-ignore: decorator
@inline export function typeOf(token: usize): u32 {
  return load<u32>(token, TYPE);
}
// @ts-ignore: decorator
@inline export function setType(token: usize, type: u32): void {
  store<u32>(token, type, TYPE);
}
// @ts-ignore: decorator
@inline export function lengthOf(token: usize): u32 {
  return load<u32>(token, LENGTH);
}
/** 0 from the end of its text on. */
// @ts-ignore: decorator
@inline export function charOf(token: usize, n: u32): u32 {
  return n < lengthOf(token) ? load<u8>(token + n) : 0;
}
/** Quote that opened a string, as a character; 0: none. */
// @ts-ignore: decorator
@inline export function openOf(token: usize): u32 {
  return load<u8>(token, OPEN);
}
// @ts-ignore: decorator
@inline export function closeOf(token: usize): u32 {
  return load<u8>(token, CLOSE);
}
// @ts-ignore: decorator
@inline export function setQuotes(token: usize, open: u32, close: u32): void {
  store<u8>(token, open, OPEN);
  store<u8>(token, close, CLOSE);
}
/** How many @ a variable has. */
// @ts-ignore: decorator
@inline export function countOf(token: usize): u32 {
  return load<u8>(token, COUNT);
}
// @ts-ignore: decorator
@inline export function setCount(token: usize, count: u32): void {
  store<u8>(token, count, COUNT);
}

// @ts-ignore: decorator
@inline export function clearToken(token: usize): void {
  store<u8>(token, 0);
  v128.store(token, i32x4.splat(0), LENGTH);
}

// @ts-ignore: decorator
@inline export function copyToken(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
}

/** Sets type and text (of which the first 31 bytes are kept), not the quotes. Bytes up to `end` may be read. */
export function assign(token: usize, type: u32, ptr: usize, len: u32, end: usize): void {
  const kept = min(len, TEXT - 1);
  if (ptr + TEXT <= end) {
    v128.store(token, v128.load(ptr));
    v128.store(token, v128.load(ptr, 16), 16);
  } else {
    for (let n: u32 = 0; n < kept; n++) store<u8>(token + n, load<u8>(ptr + n));
  }
  store<u8>(token + kept, 0);
  store<u32>(token, kept, LENGTH);
  setType(token, type);
}

/** Sets a token of one character. */
// @ts-ignore: decorator
@inline export function assignChar(token: usize, type: u32, char: u32): void {
  store<u16>(token, char);
  store<u32>(token, 1, LENGTH);
  setType(token, type);
}

/** Whether the token's text is this word, whatever its case. `capitals`: ASCII without small letters. */
export function isWord(token: usize, capitals: string): bool {
  return lengthOf(token) == <u32>capitals.length && startsWith(token, capitals);
}

/** Whether the token's text begins so. */
export function startsWith(token: usize, capitals: string): bool {
  const len = <u32>capitals.length;
  if (lengthOf(token) < len) return false;
  for (let n: u32 = 0; n < len; n++) {
    const char = <u32>load<u8>(token + n);
    const capital = char - 97 < 26 ? char - 32 : char;
    if (capital != <u32>load<u16>(changetype<usize>(capitals) + (n << 1))) return false;
  }
  return true;
}

export function isArithmetic(token: usize): bool {
  if (typeOf(token) != OPERATOR || lengthOf(token) != 1) return false;
  const char = <u32>load<u8>(token);
  return char == 0x2a || char == 0x2f || char == 0x2d || char == 0x2b || char == 0x25; // * / - + %
}

/** + - ! ~ !! NOT */
export function isUnary(token: usize): bool {
  if (typeOf(token) != OPERATOR) return false;
  const len = lengthOf(token);
  const char = <u32>load<u8>(token);
  if (len == 1) return char == 0x2b || char == 0x2d || char == 0x21 || char == 0x7e;
  if (len == 2) return char == 0x21 && load<u8>(token, 1) == 0x21;
  return len == 3 && isWord(token, "NOT");
}
