// Text with variables in it, such as messages and what setvar assigns.

import { Buffer, bufferAppend } from "../core/buffer";
import { PART_BYTES, PART_SLOT, PART_TEXT } from "./layout";
import { rules } from "./program";
import { collect, foundAt, foundCount } from "./targets";
import { Transaction, slotOf, slotText, txCopy } from "./transaction";

/** Longest expanded text. */
const LIMIT: u32 = 16384;

const scratch = memory.data(32, 16);
/** A target record for looking a variable up. */
const target = memory.data(16, 16);

export let expanded: usize = 0;
export let expandedLen: u32 = 0;

/** Expands a macro (offset in the rules, 0 is empty): the text is at {@link expanded} until the next one. */
export function expand(tx: Transaction, macro: u32): void {
  const buffer = changetype<Buffer>(scratch);
  buffer.len = 0;
  if (macro != 0) {
    const count = load<u32>(rules + macro);
    let part = rules + macro + 4;
    for (let i: u32 = 0; i < count; i++, part += PART_BYTES) {
      const kind = load<u32>(part);
      if (kind == PART_TEXT) append(rules + load<u32>(part, 8), load<u32>(part, 12));
      else if (kind == PART_SLOT) {
        const index = load<u32>(part, 8);
        if (slotText(tx, index)) append(slotOf(tx, index).data, slotOf(tx, index).len);
      } else appendVariable(tx, part);
    }
  }
  expanded = buffer.ptr;
  expandedLen = buffer.len;
}

/** The text in the transaction's memory, {@link expandedLen} long; 0 when memory is short. */
export function expandCopy(tx: Transaction, macro: u32): usize {
  expand(tx, macro);
  return txCopy(tx, expanded, expandedLen);
}

function append(ptr: usize, len: u32): void {
  const buffer = changetype<Buffer>(scratch);
  bufferAppend(buffer, ptr, min<u32>(len, LIMIT - buffer.len), LIMIT);
}

/** The first value that the variable has. */
function appendVariable(tx: Transaction, part: usize): void {
  const len = load<u32>(part, 12);
  store<u8>(target, <u8>load<u32>(part, 4));
  store<u8>(target, 0, 1);
  store<u8>(target, len == 0 ? 0 : 1, 2);
  store<u32>(target, load<u32>(part, 8), 4);
  store<u32>(target, len, 8);
  store<u32>(target, load<u32>(part, 16), 12);
  collect(tx, target);
  if (foundCount == 0) return;
  const value = foundAt(0);
  append(value.data, value.len);
}
