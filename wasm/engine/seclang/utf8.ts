/** Whether the bytes are not well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
export function invalidUtf8(ptr: usize, len: u32): bool {
  let i: u32 = 0;
  while (i < len) {
    const c = <u32>load<u8>(ptr + i);
    if (c < 0x80) {
      i++;
      continue;
    }
    const n: u32 = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || n >= len - i) return true;
    const second = <u32>load<u8>(ptr + i + 1);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) || (c == 0xf4 &&
      second > 0x8f)) {
      return true;
    }
    for (let k: u32 = 1; k <= n; k++) {
      if ((load<u8>(ptr + i + k) & 0xc0) != 0x80) return true;
    }
    i += n + 1;
  }
  return false;
}
