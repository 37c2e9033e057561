// Transformations of text. Each writes to `dst` (room for `len` bytes is always enough; `dst` may be `src`) and returns the
// new length. `changed()` says whether the last one found anything to do.

import { equalsFold, hexValue, isAlpha, isDigit, isSpace, lower } from "./bytes";

let didChange: bool = false;

/** Whether the last transformation changed its input. */
export function changed(): bool {
  return didChange;
}

/** A code point in as many bytes as it has in UTF-8, but never more than it took in the input. */
function putCodePoint(dst: usize, code: u32): u32 {
  if (code < 0x80) {
    store<u8>(dst, <u8>code);
    return 1;
  }
  if (code >= 0xff01 && code <= 0xff5e) {
    // Full-width forms of ASCII, which some servers fold.
    store<u8>(dst, <u8>(code - 0xfee0));
    return 1;
  }
  if (code < 0x800) {
    store<u8>(dst, <u8>(0xc0 | (code >> 6)));
    store<u8>(dst + 1, <u8>(0x80 | (code & 63)));
    return 2;
  }
  store<u8>(dst, <u8>(0xe0 | ((code >> 12) & 15)));
  store<u8>(dst + 1, <u8>(0x80 | ((code >> 6) & 63)));
  store<u8>(dst + 2, <u8>(0x80 | (code & 63)));
  return 3;
}

/** Percent-decoding with %uXXXX; what is not a valid escape stays. With `plus`, a + becomes a space. */
export function urlDecode(src: usize, len: u32, dst: usize, plus: bool): u32 {
  didChange = false;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(src + i);
    if (c == 37 && i + 2 < len) {
      const a: u32 = load<u8>(src + i + 1);
      const high = hexValue(a);
      const low = hexValue(load<u8>(src + i + 2));
      if (high >= 0 && low >= 0) {
        store<u8>(dst + n++, <u8>((high << 4) | low));
        i += 3;
        didChange = true;
        continue;
      }
      if (lower(a) == 117 && i + 5 < len) {
        const h2 = hexValue(load<u8>(src + i + 3));
        const h3 = hexValue(load<u8>(src + i + 4));
        const h4 = hexValue(load<u8>(src + i + 5));
        if (low >= 0 && h2 >= 0 && h3 >= 0 && h4 >= 0) {
          n += putCodePoint(dst + n, <u32>((low << 12) | (h2 << 8) | (h3 << 4) | h4));
          i += 6;
          didChange = true;
          continue;
        }
      }
    }
    if (c == 43 && plus) {
      store<u8>(dst + n++, 32);
      didChange = true;
    } else {
      store<u8>(dst + n++, <u8>c);
    }
    i++;
  }
  return n;
}

/** HTML entities: numeric ones, and those names that matter to attacks. */
export function htmlDecode(src: usize, len: u32, dst: usize): u32 {
  didChange = false;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(src + i);
    if (c == 38 && i + 2 < len) {
      let k = i + 1;
      let code: i32 = -1;
      if (load<u8>(src + k) == 35) {
        k++;
        const hex = k < len && lower(load<u8>(src + k)) == 120;
        if (hex) k++;
        const start = k;
        let value: u32 = 0;
        while (k < len && k - start < 8) {
          const digit = hexValue(load<u8>(src + k));
          if (digit < 0 || (!hex && digit > 9)) break;
          value = value * (hex ? 16 : 10) + <u32>digit;
          k++;
        }
        if (k > start) code = value < 0x10000 ? <i32>value : 0xfffd;
      } else {
        const start = src + k;
        while (k < len && k - i < 12 && (isAlpha(load<u8>(src + k)) || isDigit(load<u8>(src + k)))) k++;
        const size = <u32>(src + k - start);
        if (k < len && load<u8>(src + k) == 59) code = entity(start, size);
      }
      if (code >= 0) {
        if (k < len && load<u8>(src + k) == 59) k++;
        n += putCodePoint(dst + n, <u32>code);
        i = k;
        didChange = true;
        continue;
      }
    }
    store<u8>(dst + n++, <u8>c);
    i++;
  }
  return n;
}

function entity(ptr: usize, len: u32): i32 {
  if (equalsFold(ptr, len, "lt")) return 60;
  if (equalsFold(ptr, len, "gt")) return 62;
  if (equalsFold(ptr, len, "amp")) return 38;
  if (equalsFold(ptr, len, "quot")) return 34;
  if (equalsFold(ptr, len, "apos")) return 39;
  if (equalsFold(ptr, len, "tab")) return 9;
  if (equalsFold(ptr, len, "newline")) return 10;
  if (equalsFold(ptr, len, "colon")) return 58;
  if (equalsFold(ptr, len, "lpar")) return 40;
  if (equalsFold(ptr, len, "rpar")) return 41;
  if (equalsFold(ptr, len, "nbsp")) return 32;
  return -1;
}

/** Capitals to small letters. */
export function lowercase(src: usize, len: u32, dst: usize): u32 {
  didChange = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(src + i);
    const l = lower(c);
    if (l != c) didChange = true;
    store<u8>(dst + i, <u8>l);
  }
  return len;
}

/** Backslashes to slashes, and runs of slashes and `/./` to one slash, as a file system reads paths. */
export function normalizeSlashes(src: usize, len: u32, dst: usize): u32 {
  didChange = false;
  let n: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    let c: u32 = load<u8>(src + i);
    if (c == 92) {
      c = 47;
      didChange = true;
    }
    if (c == 47 && n > 0 && load<u8>(dst + n - 1) == 47) {
      didChange = true;
      continue;
    }
    if (c == 47 && n > 1 && load<u8>(dst + n - 1) == 46 && load<u8>(dst + n - 2) == 47) {
      n--;
      didChange = true;
      continue;
    }
    store<u8>(dst + n++, <u8>c);
  }
  return n;
}

/** SQL block comments and runs of white space to one space; the inside of MySQL's version comments stays, since MySQL runs it. */
export function collapseSql(src: usize, len: u32, dst: usize): u32 {
  didChange = false;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    let c: u32 = load<u8>(src + i);
    const d: u32 = i + 1 < len ? load<u8>(src + i + 1) : 0;
    if (c == 47 && d == 42) {
      i += 2;
      if (i < len && load<u8>(src + i) == 33) {
        i++;
        while (i < len && isDigit(load<u8>(src + i))) i++;
      } else {
        while (i + 1 < len && !(load<u8>(src + i) == 42 && load<u8>(src + i + 1) == 47)) i++;
        i = min(len, i + 2);
      }
      c = 32;
    } else if (c == 42 && d == 47) {
      i += 2;
      c = 32;
    } else {
      i++;
    }
    if (isSpace(c)) {
      if (n > 0 && load<u8>(dst + n - 1) == 32) {
        didChange = true;
        continue;
      }
      if (c != 32) didChange = true;
      c = 32;
    }
    store<u8>(dst + n++, <u8>c);
  }
  if (n != len) didChange = true;
  return n;
}

/** The inside of a JSON string: \n, \uXXXX and the like. */
export function jsonUnescape(src: usize, len: u32, dst: usize): u32 {
  didChange = false;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(src + i);
    if (c != 92 || i + 1 >= len) {
      store<u8>(dst + n++, <u8>c);
      i++;
      continue;
    }
    didChange = true;
    const d: u32 = load<u8>(src + i + 1);
    if (d == 117 && i + 5 < len) {
      let code: i32 = 0;
      for (let k: u32 = 2; k < 6; k++) {
        const digit = hexValue(load<u8>(src + i + k));
        code = digit < 0 || code < 0 ? -1 : (code << 4) | digit;
      }
      if (code >= 0) {
        n += putCodePoint(dst + n, <u32>code);
        i += 6;
        continue;
      }
    }
    const plain: u32 = d == 110 ? 10 : d == 114 ? 13 : d == 116 ? 9 : d == 98 ? 8 : d == 102 ? 12 : d;
    store<u8>(dst + n++, <u8>plain);
    i += 2;
  }
  return n;
}
