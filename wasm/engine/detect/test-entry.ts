// What the tests of this room call: single conditions on a buffer, without packets.

import { takeImage, useRules } from "./rules";
import { clearVariables, inspectBuffer, inspectionsCut } from "./inspect";
import { findLiteral } from "./literal";
import { readText, readValue } from "./numbers";
import { INSPECTION_BYTES, INSPECTION_MATCHES, INSPECTION_MATCH_FIRST, RULE_INSPECTION_FIRST } from "./layout";
import { inspectionsAt, ruleRecord } from "./rules";

export function room(bytes: u32): usize {
  return takeImage(bytes);
}
export function use(ptr: usize, len: u32): bool {
  return useRules(ptr, len);
}
/** Whether the first inspection of rule `rule` holds on the bytes. */
export function holds(rule: u32, ptr: usize, len: u32, skipped: u32): bool {
  const at = inspectionsAt + <usize>load<u32>(ruleRecord(rule) + RULE_INSPECTION_FIRST) * INSPECTION_BYTES;
  clearVariables();
  return inspectBuffer(load<u32>(at + INSPECTION_MATCH_FIRST), load<u32>(at + INSPECTION_MATCHES), ptr, len, skipped);
}
export function cut(): u32 {
  return inspectionsCut;
}
export function find(hay: usize, len: u32, needle: usize, n: u32, nocase: bool, from: u32): i32 {
  return findLiteral(hay, len, needle, n, nocase, from);
}
/** The number, or -1 when there is none. */
export function number(ptr: usize, len: u32, n: u32, base: u32): f64 {
  return readText(ptr, len, n, base) ? <f64>readValue : -1;
}
