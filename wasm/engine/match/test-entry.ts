// What the tests of this room call.
import { domainLookup, domainsAttach, domainsDetach, domainValues } from "./domains";
import {
  comparedBytes, literalFirstEnd, literalHits, literalsAttach, literalsCheck, literalsDetach, literalScan,
} from "./literals";
import { memoryTaken, setMemoryBudget } from "../core/memory";

export { domainLookup, domainsAttach, domainsDetach, domainValues };
export { comparedBytes, literalFirstEnd, literalHits, literalsAttach, literalsCheck, literalsDetach, literalScan };
export { memoryTaken, setMemoryBudget };

export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}

/** Scans the text again and again, for measurements. */
export function repeat(set: usize, ptr: usize, len: u32, times: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < times; i++) sum += literalScan(set, ptr, len);
  return sum;
}
