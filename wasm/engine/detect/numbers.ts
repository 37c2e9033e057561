// Numbers out of a buffer, for byte_test, byte_jump, byte_extract and byte_math.

/** What the last read took: the value, and how many bytes. */
export let readValue: u64 = 0;
export let readBytes: u32 = 0;

/** Reads `n` (1 to 8) bytes; false when they are not there. */
export function readBinary(ptr: usize, len: u32, n: u32, little: bool): bool {
  if (n == 0 || n > 8 || n > len) return false;
  let value: u64 = 0;
  if (little) {
    for (let i = n; i > 0; i--) value = (value << 8) | load<u8>(ptr + i - 1);
  } else {
    for (let i: u32 = 0; i < n; i++) value = (value << 8) | load<u8>(ptr + i);
  }
  readValue = value;
  readBytes = n;
  return true;
}

/**
 * Reads a number written in up to `n` characters, as C's strtoull does: white space, a sign, for base 16 `0x`, for base 0 a prefix
 * that says the base; saturates. False when the characters are not there or no digit is among them. `readBytes` counts what was
 * consumed.
 */
export function readText(ptr: usize, len: u32, n: u32, base: u32): bool {
  if (n == 0 || n > len) return false;
  let i: u32 = 0;
  while (i < n && isBlank(load<u8>(ptr + i))) i++;
  let minus = false;
  if (i < n && (load<u8>(ptr + i) == 43 || load<u8>(ptr + i) == 45)) {
    minus = load<u8>(ptr + i) == 45;
    i++;
  }
  const hex = i + 1 < n && load<u8>(ptr + i) == 48 && (load<u8>(ptr + i + 1) | 32) == 120;
  const hexDigit = hex && i + 2 < n && digit(load<u8>(ptr + i + 2)) < 16;
  if ((base == 0 || base == 16) && hexDigit) {
    i += 2;
    base = 16;
  } else if (base == 0) {
    base = i < n && load<u8>(ptr + i) == 48 ? 8 : 10;
  }
  let value: u64 = 0;
  let digits: u32 = 0;
  let over = false;
  for (; i < n; i++, digits++) {
    const d = digit(load<u8>(ptr + i));
    if (d >= base) break;
    if (value > (u64.MAX_VALUE - d) / base) over = true;
    value = value * base + d;
  }
  if (digits == 0) return false;
  readValue = over ? u64.MAX_VALUE : minus ? 0 - value : value;
  readBytes = i;
  return true;
}

// @ts-ignore: decorator
@inline function isBlank(c: u32): bool {
  return c == 32 || c - 9 < 5;
}

/** Value of a digit up to base 36, or 255. */
// @ts-ignore: decorator
@inline function digit(c: u32): u32 {
  if (c - 48 < 10) return c - 48;
  const l = c | 32;
  return l - 97 < 26 ? l - 87 : 255;
}
