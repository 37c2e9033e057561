// Regular expressions of the image in use. A limit that was reached is counted; Suricata takes it for "no match" as well.

import { regexEnd, regexMatch, regexStart } from "../regex/regex";

let section: usize = 0;

/** Bounds of the match that was found last. */
export let regexMatchStart: u32 = 0;
export let regexMatchEnd: u32 = 0;

export function usePatterns(base: usize): void {
  section = base;
}

/** The first match at or after `from`; `program` is where the expression is in the section. */
export function regexFind(program: u32, ptr: usize, len: u32, from: u32): bool {
  if (!regexMatch(section + program, ptr, len, from)) return false;
  regexMatchStart = regexStart();
  regexMatchEnd = regexEnd();
  return true;
}
