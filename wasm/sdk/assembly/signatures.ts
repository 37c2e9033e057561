// Rules and patterns as data: one image, built from a module's rules.json, becomes one Aho-Corasick automaton. Which patterns
// count depends on where one looks: each has a mask of places.
//
// Image: u32 rules, u32 patterns; rules of 16 bytes (u32 id, u8 severity, u8 verdict, u8 confidence, u8 score, u32 group, u32 0);
// patterns of u16 length, bytes, u16 rule number, u16 0, u32 places.

import { Aho, buildAho } from "./aho";
import { reserve } from "./bytes";

let rules: usize = 0;
let ruleCount: u32 = 0;
let patternCount: u32 = 0;
/** Per pattern: u32 places, u16 rule number, u16 length. */
let patterns: usize = 0;

/** The automaton over all patterns. */
export let automaton: Aho = changetype<Aho>(0);

const RULE_BYTES: usize = 16;
const PATTERN_TAIL: u32 = 8;

/** Takes the image; call it once at start-up. */
export function loadSignatures(image: usize): void {
  ruleCount = load<u32>(image);
  patternCount = load<u32>(image, 4);
  rules = image + 8;
  const list = rules + ruleCount * RULE_BYTES;
  patterns = reserve(<usize>patternCount * 8 + 8);
  let at = list;
  for (let i: u32 = 0; i < patternCount; i++) {
    const len: u32 = load<u16>(at);
    const tail = at + 2 + len;
    store<u32>(patterns + i * 8, load<u32>(tail, 4));
    store<u16>(patterns + i * 8, load<u16>(tail), 4);
    store<u16>(patterns + i * 8, <u16>len, 6);
    at = tail + PATTERN_TAIL;
  }
  automaton = buildAho(list, patternCount, PATTERN_TAIL);
}

/** Places of a pattern. */
// @ts-ignore: decorator
@inline export function patternPlaces(pattern: u32): u32 {
  return load<u32>(patterns + pattern * 8);
}

/** Number of the rule of a pattern. */
// @ts-ignore: decorator
@inline export function patternRule(pattern: u32): u32 {
  return load<u16>(patterns + pattern * 8, 4);
}

/** Bytes of a pattern. */
// @ts-ignore: decorator
@inline export function patternLen(pattern: u32): u32 {
  return load<u16>(patterns + pattern * 8, 6);
}

export function rulesCount(): u32 {
  return ruleCount;
}
export function ruleId(rule: u32): u32 {
  return load<u32>(rules + rule * RULE_BYTES);
}
export function ruleSeverity(rule: u32): u8 {
  return load<u8>(rules + rule * RULE_BYTES, 4);
}
export function ruleVerdict(rule: u32): u8 {
  return load<u8>(rules + rule * RULE_BYTES, 5);
}
export function ruleConfidence(rule: u32): u8 {
  return load<u8>(rules + rule * RULE_BYTES, 6);
}
export function ruleScore(rule: u32): u8 {
  return load<u8>(rules + rule * RULE_BYTES, 7);
}
