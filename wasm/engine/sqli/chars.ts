// Sets of characters. NUL is in all but the digits: the library that defines these sets takes them for C strings, ended by one.

export const WORD_END: u32 = 1;
export const VARIABLE_END: u32 = 2;
export const HEX: u32 = 4;
export const BINARY: u32 = 8;
export const MONEY: u32 = 16;
export const LETTER: u32 = 32;
export const WHITE: u32 = 64;
export const DIGIT: u32 = 128;

const sets: usize = memory.data(256);

function add(set: u32, chars: string): void {
  for (let n = 0; n < chars.length; n++) {
    const at = sets + chars.charCodeAt(n);
    store<u8>(at, load<u8>(at) | set);
  }
}
add(WORD_END, " []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r\"\u00a0\0");
add(VARIABLE_END, " <>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r`\"\0");
add(HEX, "0123456789ABCDEFabcdef\0");
add(BINARY, "01\0");
add(MONEY, "0123456789.,\0");
add(LETTER, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\0");
add(WHITE, " \t\n\v\f\r\u00a0\0");
add(DIGIT, "0123456789");

// @ts-ignore: decorator
@inline export function isIn(set: u32, char: u32): bool {
  return (load<u8>(sets + char) & set) != 0;
}

/** Where the first character that is not in the set stands, or `end`. */
export function past(set: u32, ptr: usize, end: usize): usize {
  while (ptr < end && isIn(set, load<u8>(ptr))) ptr++;
  return ptr;
}

/** Where the first character of the set stands, or `end`. */
export function until(set: u32, ptr: usize, end: usize): usize {
  while (ptr < end && !isIn(set, load<u8>(ptr))) ptr++;
  return ptr;
}
