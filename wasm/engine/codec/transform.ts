// Transformations of both rule languages by id: packages/rule-image/src/transformations.ts has the names. All are linear.

import { base64Decode, base64Encode, BASE64_EXT, BASE64_STOP } from "./base64";
import { domainOf, tldOf } from "./domain-parts";
import { escapeSeqDecode, hexDecode, jsDecode, sqlHexDecode, urlDecode, urlDecodePlus, urlDecodeUni } from "./escapes";
import { cssDecode, decimal, hexEncode, urlEncode, utf8ToUnicode } from "./expand";
import { md5, sha1, sha256 } from "./hash";
import { htmlEntityDecode } from "./html";
import {
  T_BASE64_DECODE, T_BASE64_DECODE_EXT, T_BASE64_ENCODE, T_CMD_LINE, T_COMPRESS_WHITESPACE, T_CSS_DECODE, T_DOMAIN, T_DOTPREFIX,
  T_ESCAPE_SEQ_DECODE, T_HEADER_LOWERCASE, T_HEX_DECODE, T_HEX_ENCODE, T_HTML_ENTITY_DECODE, T_JS_DECODE, T_LENGTH, T_LOWERCASE,
  T_MD5, T_NORMALIZE_PATH, T_NORMALIZE_PATH_WIN, T_PARITY_EVEN, T_PARITY_ODD, T_PARITY_ZERO, T_REMOVE_COMMENTS,
  T_REMOVE_COMMENTS_CHAR, T_REMOVE_NULLS, T_REMOVE_WHITESPACE, T_REPLACE_COMMENTS, T_REPLACE_NULLS, T_REVERSE, T_SHA1, T_SHA256,
  T_SQL_HEX_DECODE, T_SQUEEZE_WHITESPACE, T_STRIP_PSEUDO_HEADERS, T_STRIP_WHITESPACE, T_TLD, T_TRIM, T_TRIM_LEFT, T_TRIM_RIGHT,
  T_UPPERCASE, T_URL_DECODE, T_URL_DECODE_PLUS, T_URL_DECODE_UNI, T_URL_ENCODE, T_UTF8_TO_UNICODE,
} from "./ids";
import { changed, setChanged } from "./in-place";
import {
  changeCase, cmdLine, compressWhitespace, headerLowercase, normalizePath, nulls, parity, removeComments, removeCommentsChar,
  removeWhitespace, replaceComments, reverse, squeezeWhitespace, stripPseudoHeaders, trim,
} from "./text";

/** Most bytes that the result of a text of `len` bytes can have: `out` of {@link transform} must hold them. */
export function transformBound(id: u32, len: u32): u32 {
  switch (id) {
    case T_UTF8_TO_UNICODE: return len * 6;
    case T_URL_ENCODE: return len * 3;
    case T_HEX_ENCODE: return len * 2;
    case T_CSS_DECODE: return len * 2 + 4;
    case T_BASE64_ENCODE: return ((len + 2) / 3) * 4;
    case T_DOTPREFIX: return len + 1;
    default: return max<u32>(len, 32);
  }
}

/** Whether `out` may be the text itself (with room for {@link transformBound} bytes). */
export function transformInPlace(id: u32): bool {
  return id != T_UTF8_TO_UNICODE && id != T_URL_ENCODE && id != T_HEX_ENCODE && id != T_CSS_DECODE && id != T_BASE64_ENCODE;
}

/**
 * Applies a transformation and gives the length of its result, which is at `out`: the text itself when {@link
 * transformInPlace}, or
 * a place that does not overlap it. Unknown ids and NONE copy.
 */
export function transform(id: u32, ptr: usize, len: u32, out: usize): u32 {
  setChanged(false);
  let length: u32 = 0;
  if (transformInPlace(id)) {
    if (out != ptr) memory.copy(out, ptr, len);
    length = inPlace(id, out, len);
    if (length != len) setChanged(true);
    return length;
  }
  if (id == T_UTF8_TO_UNICODE) length = utf8ToUnicode(ptr, len, out);
  else if (id == T_URL_ENCODE) length = urlEncode(ptr, len, out);
  else if (id == T_HEX_ENCODE) length = hexEncode(ptr, len, out);
  else if (id == T_CSS_DECODE) length = cssDecode(ptr, len, out);
  else length = base64Encode(ptr, len, out);
  setChanged(length != len || memory.compare(ptr, out, len) != 0);
  return length;
}

/** Whether the last transformation's result differs from its text. */
export function transformChanged(): bool {
  return changed;
}

/** XOR with a key that is repeated; `out` may be the text. */
export function transformXor(key: usize, keyLen: u32, ptr: usize, len: u32, out: usize): u32 {
  setChanged(false);
  if (out != ptr) memory.copy(out, ptr, len);
  if (keyLen == 0) return len;
  let k: u32 = 0;
  let any: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const bits: u32 = load<u8>(key + k);
    any |= bits;
    store<u8>(out + i, <u32>load<u8>(out + i) ^ bits);
    k++;
    if (k == keyLen) k = 0;
  }
  setChanged(any != 0);
  return len;
}

function inPlace(id: u32, p: usize, len: u32): u32 {
  switch (id) {
    case T_LOWERCASE: return changeCase(p, len, false);
    case T_UPPERCASE: return changeCase(p, len, true);
    case T_URL_DECODE: return urlDecode(p, len);
    case T_URL_DECODE_UNI: return urlDecodeUni(p, len);
    case T_URL_DECODE_PLUS: return urlDecodePlus(p, len);
    case T_HTML_ENTITY_DECODE: return htmlEntityDecode(p, len);
    case T_JS_DECODE: return jsDecode(p, len);
    case T_ESCAPE_SEQ_DECODE: return escapeSeqDecode(p, len);
    case T_BASE64_DECODE: return replaced(base64Decode(p, len, p, BASE64_STOP), len);
    case T_BASE64_DECODE_EXT: return replaced(base64Decode(p, len, p, BASE64_EXT), len);
    case T_HEX_DECODE: return hexDecode(p, len);
    case T_SQL_HEX_DECODE: return sqlHexDecode(p, len);
    case T_CMD_LINE: return cmdLine(p, len);
    case T_COMPRESS_WHITESPACE: return compressWhitespace(p, len);
    case T_REMOVE_WHITESPACE: return removeWhitespace(p, len, true);
    case T_REMOVE_NULLS: return nulls(p, len, false);
    case T_REPLACE_NULLS: return nulls(p, len, true);
    case T_REMOVE_COMMENTS: return removeComments(p, len);
    case T_REMOVE_COMMENTS_CHAR: return removeCommentsChar(p, len);
    case T_REPLACE_COMMENTS: return replaceComments(p, len);
    case T_NORMALIZE_PATH: return normalizePath(p, len, false);
    case T_NORMALIZE_PATH_WIN: return normalizePath(p, len, true);
    case T_TRIM: return trim(p, len, true, true);
    case T_TRIM_LEFT: return trim(p, len, true, false);
    case T_TRIM_RIGHT: return trim(p, len, false, true);
    case T_LENGTH: return decimal(len, p);
    case T_MD5: md5(p, len, p); return replaced(16, len + 1);
    case T_SHA1: sha1(p, len, p); return replaced(20, len + 1);
    case T_SHA256: sha256(p, len, p); return replaced(32, len + 1);
    case T_PARITY_EVEN: return parity(p, len, 1);
    case T_PARITY_ODD: return parity(p, len, 2);
    case T_PARITY_ZERO: return parity(p, len, 0);
    case T_DOTPREFIX: return dotprefix(p, len);
    case T_STRIP_WHITESPACE: return removeWhitespace(p, len, false);
    case T_SQUEEZE_WHITESPACE: return squeezeWhitespace(p, len);
    case T_HEADER_LOWERCASE: return headerLowercase(p, len);
    case T_STRIP_PSEUDO_HEADERS: return stripPseudoHeaders(p, len);
    case T_DOMAIN: return domainOf(p, len);
    case T_TLD: return tldOf(p, len);
    case T_REVERSE: return reverse(p, len);
    default: return len;
  }
}

/** For what is not written byte by byte: it changed, unless there was nothing. */
function replaced(length: u32, len: u32): u32 {
  if (len != 0) setChanged(true);
  return length;
}

/** A dot in front, so that a rule's ".name" also matches the name itself. */
function dotprefix(p: usize, len: u32): u32 {
  memory.copy(p + 1, p, len);
  store<u8>(p, 0x2e);
  return len + 1;
}
