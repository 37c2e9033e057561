// What rules ask of a value.

import { findByte, isWord } from "../../sdk/assembly/bytes";
import { findLiteral } from "../detect/literal";
import { literalFirstEnd, literalHits, literalScan } from "../match/literals";
import { REGEX_NONE, regexCapture, regexEnd, regexGroupEnd, regexGroupStart, regexMatch, regexStart,
  regexTest } from "../regex/regex";
import { addressOf, inNetworks } from "./address";
import * as OP from "./ids";
import { detectSqli, detectXss, fingerprint, fingerprintLen } from "./injection";
import { CAPTURES, K_A, K_ARG_KIND, K_B, K_FLAGS, K_NUMBER, K_OP, LINK_CAPTURE } from "./layout";
import { expand, expanded, expandedLen } from "./macro";
import { validCard, validCpf, validNid, validSsn, validSvnr } from "./numbers";
import { phraseLength, phraseSetAt, regexAt, regexMinimum, rules } from "./program";
import { SLOT_UNSET, Transaction, numberOf, setSlotText, slotOf, txCopy } from "./transaction";
import { invalidUtf8 } from "./utf8";

/** What the last match was, for TX.0: a piece of the value or a fingerprint; 0 when the operator does not say. */
export let hitAt: usize = 0;
export let hitLen: u32 = 0;
let hitProgram: usize = 0;

/** Finds the place of the last match, if it is not known yet. */
export function locateHit(data: usize, len: u32): void {
  if (hitProgram == 0 || !regexMatch(hitProgram, data, len, 0)) return;
  hitAt = data + regexStart();
  hitLen = regexEnd() - regexStart();
}

/** Whether the value is what the link's operator asks for, negation left out. Sets TX.0 to TX.9 when the link captures. */
export function operate(tx: Transaction, link: usize, data: usize, len: u32): bool {
  hitAt = 0;
  hitLen = 0;
  hitProgram = 0;
  const op = load<u32>(link, K_OP);
  const capture = (load<u32>(link, K_FLAGS) & LINK_CAPTURE) != 0;
  if (op == OP.OP_RX) return rx(tx, link, data, len, capture);
  if (op == OP.OP_PM) return pm(tx, link, data, len, capture);
  switch (op) {
    case OP.OP_VALIDATEBYTERANGE:
      return outsideRange(rules + load<u32>(link, K_A), data, len);
    case OP.OP_VALIDATEURLENCODING:
      return invalidUrlEncoding(data, len);
    case OP.OP_VALIDATEUTF8ENCODING:
      return invalidUtf8(data, len);
    case OP.OP_IPMATCH:
      return addressOf(data, len) && inNetworks(rules + load<u32>(link, K_A), load<u32>(link, K_B));
    case OP.OP_DETECTSQLI: {
      if (!detectSqli(data, len)) return false;
      if (capture) captureText(tx, fingerprint(), fingerprintLen());
      return true;
    }
    case OP.OP_DETECTXSS: {
      if (!detectXss(data, len)) return false;
      if (capture) captureText(tx, data, len);
      return true;
    }
    case OP.OP_UNCONDITIONALMATCH:
      return true;
    case OP.OP_NOMATCH:
      return false;
    case OP.OP_VERIFYCC:
    case OP.OP_VERIFYCPF:
    case OP.OP_VERIFYSSN:
    case OP.OP_VERIFYSVNR:
    case OP.OP_VALIDATENID:
      return verify(tx, link, op, data, len, capture);
    default:
      return compare(tx, link, op, data, len);
  }
}

function compare(tx: Transaction, link: usize, op: u32, data: usize, len: u32): bool {
  let argument: usize;
  let n: u32;
  let number: i32;
  if (load<u32>(link, K_ARG_KIND) == 0) {
    argument = rules + load<u32>(link, K_A);
    n = load<u32>(link, K_B);
    number = load<i32>(link, K_NUMBER);
  } else {
    expand(tx, load<u32>(link, K_A));
    argument = expanded;
    n = expandedLen;
    number = numberOf(argument, n);
  }
  switch (op) {
    case OP.OP_EQ:
      return numberOf(data, len) == number;
    case OP.OP_LT:
      return numberOf(data, len) < number;
    case OP.OP_LE:
      return numberOf(data, len) <= number;
    case OP.OP_GT:
      return numberOf(data, len) > number;
    case OP.OP_GE:
      return numberOf(data, len) >= number;
    case OP.OP_STREQ:
      return len == n && memory.compare(data, argument, n) == 0;
    case OP.OP_WITHIN:
      return len == 0 || findLiteral(argument, n, data, len, false, 0) >= 0;
    case OP.OP_CONTAINS:
    case OP.OP_STRMATCH:
      return n == 0 || findLiteral(data, len, argument, n, false, 0) >= 0;
    case OP.OP_CONTAINSWORD:
      return containsWord(data, len, argument, n);
    case OP.OP_BEGINSWITH:
      return n <= len && memory.compare(data, argument, n) == 0;
    case OP.OP_ENDSWITH:
      return n <= len && memory.compare(data + len - n, argument, n) == 0;
    default:
      return false;
  }
}

function rx(tx: Transaction, link: usize, data: usize, len: u32, capture: bool): bool {
  const index = load<u32>(link, K_A);
  if (len < regexMinimum(index)) return false;
  const program = regexAt(index);
  if (!capture) {
    if (!regexTest(program, data, len, 0)) return false;
    // Where it is costs more than whether: only findings ask.
    hitProgram = program;
    return true;
  }
  // A limit that was reached says nothing: what is not known to match does not.
  if (!regexCapture(program, data, len, 0)) return false;
  for (let n: u32 = 0; n < CAPTURES; n++) {
    const start = regexGroupStart(n);
    if (start == REGEX_NONE) {
      slotOf(tx, n).kind = SLOT_UNSET;
      continue;
    }
    const length = regexGroupEnd(n) - start;
    setSlotText(tx, n, data + start, length);
    if (n == 0) {
      hitAt = data + start;
      hitLen = length;
    }
  }
  return true;
}

function pm(tx: Transaction, link: usize, data: usize, len: u32, capture: bool): bool {
  const index = load<u32>(link, K_A);
  const hits = literalScan(phraseSetAt(index), data, len);
  if (hits == 0) return false;
  const list = literalHits();
  let best: u32 = 0;
  let end: u32 = u32.MAX_VALUE;
  for (let i: u32 = 0; i < hits; i++) {
    const phrase = load<u32>(list + i * 4);
    const at = literalFirstEnd(phrase);
    const length = phraseLength(index, phrase);
    if (at < end || (at == end && length > best)) {
      end = at;
      best = length;
    }
  }
  if (end <= len && best <= end) {
    hitAt = data + end - best;
    hitLen = best;
    if (capture) captureText(tx, hitAt, hitLen);
  }
  return true;
}

/** Sets TX.0 and unsets the rest. */
function captureText(tx: Transaction, ptr: usize, len: u32): void {
  const at = txCopy(tx, ptr, len);
  if (at != 0) setSlotText(tx, 0, at, len);
  for (let n: u32 = 1; n < CAPTURES; n++) slotOf(tx, n).kind = SLOT_UNSET;
  hitAt = at;
  hitLen = len;
}

function outsideRange(bits: usize, data: usize, len: u32): bool {
  for (let i: u32 = 0; i < len; i++) {
    const c = <u32>load<u8>(data + i);
    if ((load<u8>(bits + (c >> 3)) >> <u8>(c & 7) & 1) == 0) {
      hitAt = data + i;
      hitLen = 1;
      return true;
    }
  }
  return false;
}

function invalidUrlEncoding(data: usize, len: u32): bool {
  let at = findByte(data, len, 37, 0);
  while (at >= 0) {
    const i = <u32>at;
    if (i + 3 > len || !isHex(load<u8>(data + i + 1)) || !isHex(load<u8>(data + i + 2))) return true;
    at = findByte(data, len, 37, i + 3);
  }
  return false;
}

function isHex(c: u32): bool {
  return c - 48 < 10 || (c | 32) - 97 < 6;
}

function containsWord(data: usize, len: u32, argument: usize, n: u32): bool {
  if (n == 0) return true;
  let at = findLiteral(data, len, argument, n, false, 0);
  while (at >= 0) {
    const i = <u32>at;
    if ((i == 0 || !isWord(load<u8>(data + i - 1))) && (i + n == len || !isWord(load<u8>(data + i + n)))) return true;
    at = findLiteral(data, len, argument, n, false, i + 1);
  }
  return false;
}

/** Numbers that a regular expression finds and a check digit confirms. */
function verify(tx: Transaction, link: usize, op: u32, data: usize, len: u32, capture: bool): bool {
  const program = regexAt(load<u32>(link, K_A));
  let from: u32 = 0;
  for (let tries = 0; tries < 64 && from <= len && regexMatch(program, data, len, from); tries++) {
    const start = regexStart();
    const end = regexEnd();
    if (isNumber(link, op, data + start, end - start)) {
      hitAt = data + start;
      hitLen = end - start;
      if (capture) captureText(tx, hitAt, hitLen);
      return true;
    }
    from = max<u32>(end, start + 1);
  }
  return false;
}

function isNumber(link: usize, op: u32, data: usize, len: u32): bool {
  if (op == OP.OP_VERIFYCC) return validCard(data, len);
  if (op == OP.OP_VERIFYCPF) return validCpf(data, len);
  if (op == OP.OP_VERIFYSSN) return validSsn(data, len);
  if (op == OP.OP_VERIFYSVNR) return validSvnr(data, len);
  return validNid(data, len, load<u32>(link, K_NUMBER));
}
