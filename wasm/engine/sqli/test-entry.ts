// What the tests of this room call.
import { fold, tokenAt } from "./fold";
import { beginText, nextToken } from "./lexer";
import { isKnownFingerprint, keywordType } from "./lookup";
import { detectSqli, sqliFingerprint, sqliFingerprintLen } from "./sqli";
import { closeOf, countOf, lengthOf, openOf, typeOf } from "./token";

export { beginText, detectSqli, fold, isKnownFingerprint, keywordType, nextToken, sqliFingerprint, sqliFingerprintLen, tokenAt };

export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}
export function tokenType(token: usize): u32 {
  return typeOf(token);
}
export function tokenLength(token: usize): u32 {
  return lengthOf(token);
}
export function tokenOpen(token: usize): u32 {
  return openOf(token);
}
export function tokenClose(token: usize): u32 {
  return closeOf(token);
}
export function tokenAts(token: usize): u32 {
  return countOf(token);
}
