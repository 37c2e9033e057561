// What the tests of this room call.
import { beginHtml, nextHtml, tokenLen, tokenPtr, tokenType } from "./html";
import { detectXss } from "./xss";

export { beginHtml, detectXss, nextHtml };

export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}
export function htmlType(): u32 {
  return tokenType;
}
export function htmlPtr(): usize {
  return tokenPtr;
}
export function htmlLen(): u32 {
  return tokenLen;
}
