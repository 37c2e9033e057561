// Whether an address runs script, character references in it decoded.

/** Above all Unicode: a reference to more is text. */
const MAX_REFERENCE: u32 = 0x1000ff;

/** data: view-source: java.. vbscript: behind anything that is no printable ASCII. */
export function runsScript(ptr: usize, end: usize): bool {
  while (ptr < end && (load<u8>(ptr) <= 32 || load<u8>(ptr) >= 127)) ptr++;
  return decodesTo(ptr, end, "DATA") || decodesTo(ptr, end, "VIEW-SOURCE") || decodesTo(ptr, end, "JAVA") ||
    decodesTo(ptr, end, "VBSCRIPT");
}

/** Where the character ends that was decoded last. */
let after: usize = 0;

/** Whether text begins with these capitals; white space before them, and NUL and line feeds in them, are passed over. */
function decodesTo(ptr: usize, end: usize, capitals: string): bool {
  const wanted = <u32>capitals.length;
  let met: u32 = 0;
  let first = true;
  while (ptr < end && met < wanted) {
    let char = decode(ptr, end);
    ptr = after;
    if (first && char <= 32) continue;
    first = false;
    if (char == 0 || char == 10) continue;
    if (char - 97 < 26) char -= 32;
    // Of a reference only the low byte is compared, as in browsers of old.
    if ((char & 0xff) != <u32>load<u16>(changetype<usize>(capitals) + (met << 1))) return false;
    met++;
  }
  return met == wanted;
}

/** A character, or the one that &#n; or &#xn; stands for. */
function decode(ptr: usize, end: usize): u32 {
  after = ptr + 1;
  const char = <u32>load<u8>(ptr);
  if (char != 0x26 || ptr + 2 >= end || load<u8>(ptr, 1) != 0x23) return char;
  const hex = (load<u8>(ptr, 2) | 32) == 0x78;
  const base: u32 = hex ? 16 : 10;
  const digits = ptr + (hex ? 3 : 2);
  let value: u32 = 0;
  let p = digits;
  for (; p < end; p++) {
    const digit = digitOf(load<u8>(p));
    if (digit >= base) break;
    value = value * base + digit;
    if (value > MAX_REFERENCE) return char;
  }
  if (p == digits) return char;
  after = p < end && load<u8>(p) == 0x3b ? p + 1 : p;
  return value;
}

// @ts-ignore: decorator
@inline function digitOf(char: u32): u32 {
  if (char - 48 < 10) return char - 48;
  const letter = (char | 32) - 97;
  return letter < 6 ? letter + 10 : 255;
}
