// Whether a stream is HTTP/1, by its first bytes.

export const HTTP_UNKNOWN: u8 = 0;
export const HTTP_YES: u8 = 1;
export const HTTP_NO: u8 = 2;

/** Why the last stream was not HTTP: 1 encrypted, 2 something else. */
export let appState: u32 = 0;

/** HTTP_YES or HTTP_NO: text with a space in its first line is taken for HTTP, whatever the method. */
export function looksLikeHttp(ptr: usize, len: u32): u8 {
  appState = 2;
  const first = <u32>load<u8>(ptr);
  if (first == 0x16 || first == 0x80) appState = 1;
  if (len >= 4 && load<u32>(ptr) == 0x2d485353) {
    appState = 1;
    return HTTP_NO;
  }
  // The preface of HTTP/2: its frames are binary.
  if (len >= 14 && load<u64>(ptr) == 0x5448202a20495250) return HTTP_NO;
  const n = min<u32>(len, 256);
  let space = false;
  for (let i: u32 = 0; i < n; i++) {
    const c = <u32>load<u8>(ptr + i);
    if (c == 32) space = true;
    if (c == 10 && i > 1) return space ? HTTP_YES : HTTP_NO;
    if (c < 32 && c != 13 && c != 10 && c != 9) return HTTP_NO;
  }
  return space || len < 16 ? HTTP_YES : HTTP_NO;
}
