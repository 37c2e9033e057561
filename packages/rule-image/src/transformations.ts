/** Rule languages whose transformations the engine knows. */
export type TransformationLanguage = "seclang" | "suricata";

/**
 * Ids of transformations, shared with the engine (wasm/engine/codec/ids.ts). Ids stay: rule images contain them.
 */
export const TRANSFORMATION_IDS = {
  NONE: 0,
  LOWERCASE: 1,
  UPPERCASE: 2,
  URL_DECODE: 3,
  URL_DECODE_UNI: 4,
  URL_ENCODE: 5,
  HTML_ENTITY_DECODE: 6,
  JS_DECODE: 7,
  CSS_DECODE: 8,
  ESCAPE_SEQ_DECODE: 9,
  UTF8_TO_UNICODE: 10,
  BASE64_DECODE: 11,
  BASE64_DECODE_EXT: 12,
  BASE64_ENCODE: 13,
  HEX_DECODE: 14,
  HEX_ENCODE: 15,
  SQL_HEX_DECODE: 16,
  CMD_LINE: 17,
  COMPRESS_WHITESPACE: 18,
  REMOVE_WHITESPACE: 19,
  REMOVE_NULLS: 20,
  REPLACE_NULLS: 21,
  REMOVE_COMMENTS: 22,
  REMOVE_COMMENTS_CHAR: 23,
  REPLACE_COMMENTS: 24,
  NORMALIZE_PATH: 25,
  NORMALIZE_PATH_WIN: 26,
  TRIM: 27,
  TRIM_LEFT: 28,
  TRIM_RIGHT: 29,
  LENGTH: 30,
  MD5: 31,
  SHA1: 32,
  SHA256: 33,
  PARITY_EVEN: 34,
  PARITY_ODD: 35,
  PARITY_ZERO: 36,
  DOTPREFIX: 37,
  STRIP_WHITESPACE: 38,
  SQUEEZE_WHITESPACE: 39,
  URL_DECODE_PLUS: 40,
  HEADER_LOWERCASE: 41,
  STRIP_PSEUDO_HEADERS: 42,
  DOMAIN: 43,
  TLD: 44,
  /** Has a key: call `transformXor`. */
  XOR: 45,
  REVERSE: 46,
} as const;

export type TransformationId = (typeof TRANSFORMATION_IDS)[keyof typeof TRANSFORMATION_IDS];

const T = TRANSFORMATION_IDS;

/** ModSecurity's names, in small letters: SecLang does not tell capitals apart. */
const SECLANG: Readonly<Record<string, TransformationId>> = {
  none: T.NONE,
  lowercase: T.LOWERCASE,
  uppercase: T.UPPERCASE,
  urldecode: T.URL_DECODE,
  urldecodeuni: T.URL_DECODE_UNI,
  urlencode: T.URL_ENCODE,
  htmlentitydecode: T.HTML_ENTITY_DECODE,
  jsdecode: T.JS_DECODE,
  cssdecode: T.CSS_DECODE,
  escapeseqdecode: T.ESCAPE_SEQ_DECODE,
  utf8tounicode: T.UTF8_TO_UNICODE,
  base64decode: T.BASE64_DECODE,
  base64decodeext: T.BASE64_DECODE_EXT,
  base64encode: T.BASE64_ENCODE,
  hexdecode: T.HEX_DECODE,
  hexencode: T.HEX_ENCODE,
  sqlhexdecode: T.SQL_HEX_DECODE,
  cmdline: T.CMD_LINE,
  compresswhitespace: T.COMPRESS_WHITESPACE,
  removewhitespace: T.REMOVE_WHITESPACE,
  removenulls: T.REMOVE_NULLS,
  replacenulls: T.REPLACE_NULLS,
  removecomments: T.REMOVE_COMMENTS,
  removecommentschar: T.REMOVE_COMMENTS_CHAR,
  replacecomments: T.REPLACE_COMMENTS,
  normalizepath: T.NORMALIZE_PATH,
  normalisepath: T.NORMALIZE_PATH,
  normalizepathwin: T.NORMALIZE_PATH_WIN,
  normalisepathwin: T.NORMALIZE_PATH_WIN,
  trim: T.TRIM,
  trimleft: T.TRIM_LEFT,
  trimright: T.TRIM_RIGHT,
  length: T.LENGTH,
  md5: T.MD5,
  sha1: T.SHA1,
  parityeven7bit: T.PARITY_EVEN,
  parityodd7bit: T.PARITY_ODD,
  parityzero7bit: T.PARITY_ZERO,
  reverse: T.REVERSE,
};

/** Suricata's names, exactly as rules write them. */
const SURICATA: Readonly<Record<string, TransformationId>> = {
  dotprefix: T.DOTPREFIX,
  strip_whitespace: T.STRIP_WHITESPACE,
  compress_whitespace: T.SQUEEZE_WHITESPACE,
  to_lowercase: T.LOWERCASE,
  to_uppercase: T.UPPERCASE,
  to_md5: T.MD5,
  to_sha1: T.SHA1,
  to_sha256: T.SHA256,
  url_decode: T.URL_DECODE_PLUS,
  xor: T.XOR,
  header_lowercase: T.HEADER_LOWERCASE,
  strip_pseudo_headers: T.STRIP_PSEUDO_HEADERS,
  domain: T.DOMAIN,
  tld: T.TLD,
};

/** Id of a transformation by the name that a rule language has for it, or undefined when the engine does not know it. */
export function transformationId(language: TransformationLanguage, name: string): TransformationId | undefined {
  const key = language === "seclang" ? name.toLowerCase() : name;
  const names = language === "seclang" ? SECLANG : SURICATA;
  return Object.hasOwn(names, key) ? names[key] : undefined;
}

/** All names of a language's transformations. */
export function transformationNames(language: TransformationLanguage): string[] {
  return Object.keys(language === "seclang" ? SECLANG : SURICATA);
}
