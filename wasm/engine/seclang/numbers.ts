// Numbers with check digits: what a regular expression found is looked at without the characters between the digits.

const digits = memory.data(32, 16);
let count: u32 = 0;

/** Collects up to 32 digits. */
function collect(ptr: usize, len: u32): void {
  count = 0;
  for (let i: u32 = 0; i < len && count < 32; i++) {
    const d = <u32>load<u8>(ptr + i) - 48;
    if (d < 10) store<u8>(digits + count++, <u8>d);
  }
}

// @ts-ignore: decorator
@inline function digit(i: u32): u32 {
  return load<u8>(digits + i);
}

function value(from: u32, n: u32): u32 {
  let v: u32 = 0;
  for (let i: u32 = 0; i < n; i++) v = v * 10 + digit(from + i);
  return v;
}

/** A payment card number by Luhn's sum (ISO/IEC 7812-1). */
export function validCard(ptr: usize, len: u32): bool {
  collect(ptr, len);
  if (count == 0) return false;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    let d = digit(count - 1 - i);
    if ((i & 1) != 0) {
      d <<= 1;
      if (d > 9) d -= 9;
    }
    sum += d;
  }
  return sum % 10 == 0;
}

/** A Brazilian CPF: two check digits modulo 11. */
export function validCpf(ptr: usize, len: u32): bool {
  collect(ptr, len);
  if (count != 11) return false;
  let same = true;
  for (let i: u32 = 1; i < 11; i++) same = same && digit(i) == digit(0);
  if (same) return false;
  for (let n: u32 = 9; n < 11; n++) {
    let sum: u32 = 0;
    for (let i: u32 = 0; i < n; i++) sum += digit(i) * (n + 1 - i);
    const rest = sum * 10 % 11;
    if ((rest == 10 ? 0 : rest) != digit(n)) return false;
  }
  return true;
}

/** A social security number of the United States that can have been given out; not all digits alike or in a row. */
export function validSsn(ptr: usize, len: u32): bool {
  collect(ptr, len);
  if (count != 9) return false;
  let same = true;
  let row = true;
  for (let i: u32 = 1; i < 9; i++) {
    same = same && digit(i) == digit(0);
    row = row && digit(i) == digit(i - 1) + 1;
  }
  const area = value(0, 3);
  return !same && !row && area != 0 && area != 666 && area < 740 && value(3, 2) != 0 && value(5, 4) != 0;
}

const SVNR_WEIGHTS = memory.data<u8>([3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);

/** An Austrian social insurance number: its fourth digit checks the others modulo 11. */
export function validSvnr(ptr: usize, len: u32): bool {
  collect(ptr, len);
  if (count != 10) return false;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < 10; i++) sum += digit(i) * load<u8>(SVNR_WEIGHTS + i);
  return sum % 11 == digit(3);
}

/** A national id: Chilean RUT (1), or number of the United States (2). */
export function validNid(ptr: usize, len: u32, country: u32): bool {
  if (country == 2) return validSsn(ptr, len);
  let end = len;
  while (end > 0 && !isCheck(load<u8>(ptr + end - 1))) end--;
  if (end < 2) return false;
  const check = <u32>load<u8>(ptr + end - 1);
  collect(ptr, end - 1);
  let sum: u32 = 0;
  let factor: u32 = 2;
  for (let i = count; i > 0; i--) {
    sum += digit(i - 1) * factor;
    factor = factor == 7 ? 2 : factor + 1;
  }
  const rest = 11 - sum % 11;
  if (count == 0) return false;
  return rest == 11 ? check == 48 : rest == 10 ? (check | 32) == 107 : check == 48 + rest;
}

function isCheck(c: u32): bool {
  return c - 48 < 10 || (c | 32) == 107;
}
