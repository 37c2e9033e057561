// Cuts text into HTML tokens as browsers do, old ones too: NUL is white space, backticks quote, <% begins a comment.

import { find, findPair } from "../sqli/find";

export const TEXT: u32 = 0;
export const TAG_OPEN: u32 = 1;
export const TAG_OPEN_END: u32 = 2;
export const TAG_SELF_END: u32 = 3;
export const TAG_CLOSE: u32 = 4;
export const ATTRIBUTE_NAME: u32 = 5;
export const ATTRIBUTE_VALUE: u32 = 6;
export const COMMENT: u32 = 7;
export const DOCTYPE: u32 = 8;

/** Contexts that a value may be pasted into: states to begin with. */
export const IN_DATA: u32 = 0;
export const IN_TAG: u32 = 1;
export const IN_SINGLE: u32 = 2;
export const IN_DOUBLE: u32 = 3;
export const IN_BACKTICK: u32 = 4;

const IN_ATTRIBUTE: u32 = 5;
const AFTER_OPEN: u32 = 6;
const AFTER_CLOSE: u32 = 7;
const IN_TAG_NAME: u32 = 8;
const AT_TAG_END: u32 = 9;
const AFTER_ATTRIBUTE: u32 = 10;
const BEFORE_VALUE: u32 = 11;
const IN_PLAIN_VALUE: u32 = 12;
const AFTER_VALUE: u32 = 13;
const AFTER_SLASH: u32 = 14;
const AFTER_BANG: u32 = 15;
const IN_BOGUS: u32 = 16;
const IN_PERCENT: u32 = 17;
const IN_COMMENT: u32 = 18;
const IN_CDATA: u32 = 19;
const IN_DOCTYPE: u32 = 20;
const AT_END: u32 = 21;

/** What a state did: nothing yet, a token, or there is no more. */
const READ_ON: u32 = 0;
const MADE: u32 = 1;
const STOP: u32 = 2;

export let tokenType: u32 = 0;
export let tokenPtr: usize = 0;
export let tokenLen: u32 = 0;

let start: usize = 0;
let end: usize = 0;
let at: usize = 0;
let state: u32 = 0;
let closing: bool = false;

/** Begins to read text in a context. */
export function beginHtml(ptr: usize, len: u32, context: u32): void {
  start = ptr;
  end = ptr + len;
  at = ptr;
  state = context;
  closing = false;
}

// @ts-ignore: decorator
@inline function token(type: u32, from: usize, to: usize, next: u32): bool {
  tokenType = type;
  tokenPtr = from;
  tokenLen = <u32>(to - from);
  state = next;
  return true;
}

/** The rest is a token, the last one. */
// @ts-ignore: decorator
@inline function rest(type: u32): bool {
  return token(type, at, end, AT_END);
}

/** A token up to `to`, and `skip` bytes behind it. */
// @ts-ignore: decorator
@inline function upTo(type: u32, to: usize, skip: usize, next: u32): bool {
  token(type, at, to, next);
  at = to + skip;
  return true;
}

// @ts-ignore: decorator
@inline function isWhite(char: u32): bool {
  return char == 0x20 || char - 9 < 5 || char == 0;
}
// @ts-ignore: decorator
@inline function isLetter(char: u32): bool {
  return (char | 32) - 97 < 26;
}

/** The next character behind white space; at the end one that is none. */
function skipWhite(): u32 {
  while (at < end && isWhite(load<u8>(at))) at++;
  return at < end ? load<u8>(at) : 256;
}

/** Reads the next token. False: there is none. */
export function nextHtml(): bool {
  let made = step();
  while (made == READ_ON) made = step(); // takes a byte, or goes to a state that takes one
  return made == MADE;
}

// @ts-ignore: decorator
@inline function go(next: u32): u32 {
  state = next;
  return READ_ON;
}
/** Goes on behind this character. */
// @ts-ignore: decorator
@inline function pass(next: u32): u32 {
  at++;
  return go(next);
}

function step(): u32 {
  switch (state) {
    case IN_DATA: return data();
    case IN_TAG: return beforeAttribute();
    case IN_SINGLE: return quoted(0x27);
    case IN_DOUBLE: return quoted(0x22);
    case IN_BACKTICK: return quoted(0x60);
    case IN_ATTRIBUTE: return attribute();
    case AFTER_OPEN: return afterOpen();
    case AFTER_CLOSE: return afterClose();
    case IN_TAG_NAME: return tagName();
    case AT_TAG_END: return tagEnd();
    case AFTER_ATTRIBUTE: return afterAttribute();
    case BEFORE_VALUE: return beforeValue();
    case IN_PLAIN_VALUE: return plainValue();
    case AFTER_VALUE: return afterValue();
    case AFTER_SLASH: return afterSlash();
    case AFTER_BANG: return afterBang();
    case IN_BOGUS: return upToByte(COMMENT);
    case IN_PERCENT: return percent();
    case IN_COMMENT: return comment();
    case IN_CDATA: return cdata();
    case IN_DOCTYPE: return upToByte(DOCTYPE);
    default: return STOP;
  }
}

function data(): u32 {
  const open = find(at, end, 0x3c);
  if (open == end) return rest(TEXT) && tokenLen > 0 ? MADE : STOP;
  upTo(TEXT, open, 1, AFTER_OPEN);
  return tokenLen > 0 ? MADE : READ_ON;
}

function afterOpen(): u32 {
  if (at >= end) return STOP;
  const char = <u32>load<u8>(at);
  if (char == 0x21) return pass(AFTER_BANG);
  if (char == 0x2f) {
    closing = true;
    return pass(AFTER_CLOSE);
  }
  if (char == 0x3f) return pass(IN_BOGUS);
  if (char == 0x25) return pass(IN_PERCENT);
  if (isLetter(char) || char == 0) return go(IN_TAG_NAME);
  token(TEXT, at - 1, at, IN_DATA);
  return MADE;
}

function afterClose(): u32 {
  if (at >= end) return STOP;
  const char = <u32>load<u8>(at);
  if (char == 0x3e) return go(IN_DATA);
  if (isLetter(char)) return go(IN_TAG_NAME);
  closing = false;
  return go(IN_BOGUS);
}

function tagName(): u32 {
  let p = at;
  let char: u32 = 256;
  for (; p < end; p++) {
    char = load<u8>(p);
    if (char == 0x3e || char == 0x2f || (char != 0 && isWhite(char))) break;
  }
  if (p == end) return rest(TAG_OPEN) ? MADE : STOP;
  if (char == 0x2f) upTo(TAG_OPEN, p, 1, AFTER_SLASH);
  else if (char != 0x3e) upTo(TAG_OPEN, p, 1, IN_TAG);
  else if (closing) upTo(TAG_CLOSE, p, 1, IN_DATA);
  else upTo(TAG_OPEN, p, 0, AT_TAG_END);
  if (char == 0x3e) closing = false;
  return MADE;
}

function tagEnd(): u32 {
  closing = false;
  token(TAG_OPEN_END, at, at + 1, at + 1 < end ? IN_DATA : AT_END);
  at++;
  return MADE;
}

function beforeAttribute(): u32 {
  const char = skipWhite();
  if (char == 256) return STOP;
  if (char == 0x2f) return pass(AFTER_SLASH);
  return char == 0x3e ? endOfTag() : go(IN_ATTRIBUTE);
}

/** The > of a tag that had attributes; unlike tagEnd it leaves `closing`. */
function endOfTag(): u32 {
  token(TAG_OPEN_END, at, at + 1, IN_DATA);
  at++;
  return MADE;
}

function attribute(): u32 {
  for (let p = at + 1; p < end; p++) {
    const char = <u32>load<u8>(p);
    if (char > 0x3e) continue;
    if (char == 0x3d) upTo(ATTRIBUTE_NAME, p, 1, BEFORE_VALUE);
    else if (char == 0x3e) upTo(ATTRIBUTE_NAME, p, 0, AT_TAG_END);
    else if (char == 0x2f) upTo(ATTRIBUTE_NAME, p, 1, AFTER_SLASH);
    else if (isWhite(char)) upTo(ATTRIBUTE_NAME, p, 1, AFTER_ATTRIBUTE);
    else continue;
    return MADE;
  }
  return rest(ATTRIBUTE_NAME) ? MADE : STOP;
}

function afterAttribute(): u32 {
  const char = skipWhite();
  if (char == 256) return STOP;
  if (char == 0x2f) return pass(AFTER_SLASH);
  if (char == 0x3d) return pass(BEFORE_VALUE);
  return go(char == 0x3e ? AT_TAG_END : IN_ATTRIBUTE);
}

function beforeValue(): u32 {
  const char = skipWhite();
  if (char == 256) return go(AT_END);
  if (char == 0x22) return go(IN_DOUBLE);
  if (char == 0x27) return go(IN_SINGLE);
  return go(char == 0x60 ? IN_BACKTICK : IN_PLAIN_VALUE);
}

function quoted(quote: u32): u32 {
  if (at > start) at++; // at the start the quote is thought to be before the text
  const close = find(at, end, quote);
  if (close == end) rest(ATTRIBUTE_VALUE);
  else upTo(ATTRIBUTE_VALUE, close, 1, AFTER_VALUE);
  return MADE;
}

function plainValue(): u32 {
  for (let p = at; p < end; p++) {
    const char = <u32>load<u8>(p);
    if (char == 0x3e) upTo(ATTRIBUTE_VALUE, p, 0, AT_TAG_END);
    else if (isWhite(char)) upTo(ATTRIBUTE_VALUE, p, 1, IN_TAG);
    else continue;
    return MADE;
  }
  return rest(ATTRIBUTE_VALUE) ? MADE : STOP;
}

function afterValue(): u32 {
  if (at >= end) return STOP;
  const char = <u32>load<u8>(at);
  if (char == 0x2f) return pass(AFTER_SLASH);
  if (char == 0x3e) return endOfTag();
  return go(IN_TAG);
}

function afterSlash(): u32 {
  if (at >= end) return STOP;
  if (load<u8>(at) != 0x3e) return go(IN_TAG);
  token(TAG_SELF_END, at - 1, at + 1, IN_DATA);
  at++;
  return MADE;
}

function afterBang(): u32 {
  const left = end - at;
  if (left >= 7 && isDoctype(at)) return go(IN_DOCTYPE);
  if (left >= 7 && load<u32>(at) == 0x4144435b && (load<u32>(at, 3) == 0x5b415441)) { // [CDATA[
    at += 7;
    return go(IN_CDATA);
  }
  if (left >= 2 && load<u16>(at) == 0x2d2d) {
    at += 2;
    return go(IN_COMMENT);
  }
  return go(IN_BOGUS);
}

function isDoctype(p: usize): bool {
  return (load<u32>(p) | 0x20202020) == 0x74636f64 && (load<u32>(p, 3) | 0x20202020) == 0x65707974;
}

/** Up to the next > or the end. */
function upToByte(type: u32): u32 {
  const close = find(at, end, 0x3e);
  if (close == end) rest(type);
  else upTo(type, close, 1, IN_DATA);
  return MADE;
}

function percent(): u32 {
  const close = findPair(at, end, 0x25, 0x3e);
  if (close == end) rest(COMMENT);
  else upTo(COMMENT, close, 2, IN_DATA);
  return MADE;
}

function cdata(): u32 {
  for (let p = find(at, end, 0x5d); p + 3 <= end; p = find(p + 1, end, 0x5d)) {
    if (load<u8>(p, 1) != 0x5d || load<u8>(p, 2) != 0x3e) continue;
    upTo(TEXT, p, 3, IN_DATA);
    return MADE;
  }
  return rest(TEXT) ? MADE : STOP;
}

/** Ends at --> or -!>, with NULs behind the first dash. */
function comment(): u32 {
  for (let p = find(at, end, 0x2d); p + 3 <= end; p = find(p + 1, end, 0x2d)) {
    let q = p + 1;
    while (q < end && load<u8>(q) == 0) q++;
    if (q == end) break;
    const char = <u32>load<u8>(q);
    if (char != 0x2d && char != 0x21) continue;
    if (q + 1 == end) break;
    if (load<u8>(q, 1) != 0x3e) continue;
    token(COMMENT, at, p, IN_DATA);
    at = q + 2;
    return MADE;
  }
  return rest(COMMENT) ? MADE : STOP;
}
