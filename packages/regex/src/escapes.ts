import { alt, cat, type Node } from "./ast.js";
import { ALL, ByteSet, DIGIT, HORIZONTAL, NOT_NEWLINE, SPACE, VERTICAL, WORD } from "./byteset.js";
import type { Scanner } from "./scanner.js";

const TYPES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: DIGIT.not(),
  w: WORD,
  W: WORD.not(),
  s: SPACE,
  S: SPACE.not(),
  h: HORIZONTAL,
  H: HORIZONTAL.not(),
  v: VERTICAL,
  V: VERTICAL.not(),
  N: NOT_NEWLINE,
  C: ALL,
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

/** \R: any line ending, the longest and no other. */
export const LINE_ENDING: Node = {
  t: "atomic",
  of: alt([
    cat([
      { t: "set", set: ByteSet.of(13) },
      { t: "set", set: ByteSet.of(10) },
    ]),
    { t: "set", set: VERTICAL },
  ]),
};

/** The set that `letter` stands for behind a backslash (`d` as in \d). */
export function typeSet(letter: string): ByteSet | undefined {
  return Object.hasOwn(TYPES, letter) ? TYPES[letter] : undefined;
}

/**
 * The byte that an escape stands for; the scanner is behind its backslash. Undefined, and nothing read, for anything else.
 * Octal numbers start with 0 here; the caller decides what other digits are.
 */
export function byteEscape(scan: Scanner): number | undefined {
  const char = scan.peek();
  const from = scan.at;
  if (Object.hasOwn(CONTROLS, char)) {
    scan.at++;
    return CONTROLS[char];
  }
  if (char === "x") {
    scan.at++;
    if (scan.take("{")) return codePoint(scan, scan.until("}", "\\x{"), 16, from);
    return Number.parseInt(`0${scan.digits(/[0-9a-f]/i, 2)}`, 16);
  }
  if (char === "o" && scan.peek(1) === "{") {
    scan.at += 2;
    return codePoint(scan, scan.until("}", "\\o{"), 8, from);
  }
  if (char === "0") return octal(scan);
  if (char === "c") {
    scan.at++;
    const control = scan.next().toUpperCase().charCodeAt(0);
    if (control > 126) throw scan.error("\\c must be followed by a printable ASCII character", from);
    return control ^ 0x40;
  }
  if (char !== "" && !/[0-9A-Za-z]/.test(char)) return scan.next().charCodeAt(0);
  return undefined;
}

/** Up to three octal digits. */
export function octal(scan: Scanner): number {
  return Number.parseInt(scan.digits(/[0-7]/, 3), 8) & 0xff;
}

function codePoint(scan: Scanner, digits: string, radix: number, from: number): number {
  const value = /^[0-9a-f]+$/i.test(digits.trim()) ? Number.parseInt(digits.trim(), radix) : Number.NaN;
  if (!(value <= 0xff)) throw scan.error("\\x{} and \\o{} take a number up to 0xff (there is no UTF mode)", from);
  return value;
}
