// SQL injection by fingerprints: a value is read as SQL in the contexts it may be pasted into, and the kinds of its first five
// tokens are looked up among those of known injections. Method and data: libinjection 4 (NOTICE.md).

import { find, findPair } from "./find";
import { MAX_TOKENS, fold, tokenAt } from "./fold";
import { beginText, mysqlOddities, tokenCount } from "./lexer";
import { isKnownFingerprint } from "./lookup";
import {
  BAREWORD, COMMENT, EVIL, KEYWORD, LOGIC, NUMBER, OPERATOR, STRING, UNION, VARIABLE, charOf, closeOf, lengthOf, openOf, setType,
  startsWith, typeOf,
} from "./token";

const SINGLE: u32 = 0x27;
const DOUBLE: u32 = 0x22;
const DASH: u32 = 0x2d;
const SLASH: u32 = 0x2f;
const STAR: u32 = 0x2a;

const fingerprint: usize = memory.data(8, 8);
let fingerprintLen: u32 = 0;

/** Whether a value would change the meaning of an SQL statement it is pasted into, as libinjection 4 decides. */
export function detectSqli(ptr: usize, len: u32): bool {
  if (decide(ptr, len)) return true;
  fingerprintLen = 0;
  return false;
}

/** Address of the fingerprint of the last value that was found to be an injection (one character a token, at most 5). */
export function sqliFingerprint(): usize {
  return fingerprint;
}

/** Its length; 0 when the last value was not an injection. */
export function sqliFingerprintLen(): u32 {
  return fingerprintLen;
}

/** As it is, after a single quote and after a double quote; each as MySQL too where that reads it otherwise. */
function decide(ptr: usize, len: u32): bool {
  if (len == 0) return false;
  if (isInjection(ptr, len, 0, false)) return true;
  if (mysqlOddities != 0 && isInjection(ptr, len, 0, true)) return true;
  const end = ptr + len;
  if (find(ptr, end, SINGLE) < end) {
    if (isInjection(ptr, len, SINGLE, false)) return true;
    if (mysqlOddities != 0 && isInjection(ptr, len, SINGLE, true)) return true;
  }
  return find(ptr, end, DOUBLE) < end && isInjection(ptr, len, DOUBLE, true);
}

function isInjection(ptr: usize, len: u32, quote: u32, mysql: bool): bool {
  takeFingerprint(ptr, len, quote, mysql);
  return fingerprintLen > 0 && isKnownFingerprint(fingerprint, fingerprintLen) && !isHarmless(ptr, len);
}

function takeFingerprint(ptr: usize, len: u32, quote: u32, mysql: bool): void {
  beginText(ptr, len, quote, mysql);
  const count = fold();
  // PHP's MySQL takes a backtick at the end for a comment.
  if (count > 2) {
    const last = tokenAt(count - 1);
    if (typeOf(last) == BAREWORD && openOf(last) == 0x60 && closeOf(last) == 0 && lengthOf(last) == 0) setType(last, COMMENT);
  }
  fingerprintLen = count;
  for (let n: u32 = 0; n < count; n++) {
    const type = typeOf(tokenAt(n));
    store<u8>(fingerprint + n, type);
    if (type != EVIL) continue;
    store<u8>(fingerprint, EVIL);
    fingerprintLen = 1;
    return;
  }
}

/** Short fingerprints of injections which ordinary text has too, unless more speaks against it. */
function isHarmless(ptr: usize, len: u32): bool {
  const count = fingerprintLen;
  if (count < 2 || count >= MAX_TOKENS - 1) return false;
  const last = typeOf(tokenAt(count - 1));
  if (last == COMMENT && hidesFromAudit(ptr, ptr + len)) return false;
  return count == 2 ? isHarmlessPair(ptr, len) : isHarmlessThree();
}

/** SQL Server logs no statement that contains sp_password. */
function hidesFromAudit(ptr: usize, end: usize): bool {
  for (let p = findPair(ptr, end, 0x73, 0x70); p + 11 <= end; p = findPair(p + 1, end, 0x73, 0x70)) {
    if (load<u64>(p) == 0x77737361705f7073 && load<u16>(p, 8) == 0x726f && load<u8>(p, 10) == 0x64) return true;
  }
  return false;
}

function isHarmlessPair(ptr: usize, len: u32): bool {
  const first = tokenAt(0);
  const second = tokenAt(1);
  const a = typeOf(first);
  const b = typeOf(second);
  if (b == UNION) return tokenCount == 2;
  const mark = charOf(second, 0);
  if (mark == 0x23) return true; // #
  if (b == COMMENT && a == BAREWORD && mark != SLASH) return true;
  if (b == COMMENT && a == NUMBER) return mark != SLASH && tokenCount <= 2 && !isCutOff(ptr, len, lengthOf(first));
  return mark == DASH && lengthOf(second) > 2;
}

/** Whether a number at the beginning ends with white space or a comment, unlike the digits of some identifiers. */
function isCutOff(ptr: usize, len: u32, at: u32): bool {
  if (at >= len) return true;
  const char = <u32>load<u8>(ptr + at);
  if (char <= 32 || char > 127) return true;
  if (at + 1 >= len) return false;
  const next = <u32>load<u8>(ptr + at, 1);
  return (char == SLASH && next == STAR) || (char == DASH && next == DASH);
}

function isHarmlessThree(): bool {
  const first = tokenAt(0);
  const second = tokenAt(1);
  const third = tokenAt(2);
  const a = typeOf(first);
  const b = typeOf(second);
  const c = typeOf(third);
  if (a == STRING && c == STRING && (b == OPERATOR || b == LOGIC)) {
    // Two strings are an injection when each lacks its outer quote, as in  foo' + 'bar.
    return openOf(first) != 0 || closeOf(third) != 0 || closeOf(first) != openOf(third);
  }
  if (b == LOGIC && isPlain(a, c)) return tokenCount == 3;
  return b == KEYWORD && (lengthOf(second) < 5 || !startsWith(second, "INTO"));
}

/** As in 'one AND two'. */
// @ts-ignore: decorator
@inline function isPlain(a: u32, c: u32): bool {
  if (a == STRING) return c == BAREWORD;
  if (a == BAREWORD) return c == NUMBER;
  return a == NUMBER && (c == NUMBER || c == VARIABLE || c == STRING);
}
