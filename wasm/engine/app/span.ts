// How accessors return bytes: the pointer as the result (0: there is none), the length here.

/** Length of the bytes that the last accessor returned. */
export let spanLen: u32 = 0;

// @ts-ignore: decorator
@inline export function span(ptr: usize, len: u32): usize {
  spanLen = len;
  return ptr;
}

/** No such bytes. */
// @ts-ignore: decorator
@inline export function noSpan(): usize {
  spanLen = 0;
  return 0;
}
