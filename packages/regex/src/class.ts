import { ByteSet, POSIX } from "./byteset.js";
import { byteEscape, octal, typeSet } from "./escapes.js";
import type { Scanner } from "./scanner.js";

/** Parses a character class; the scanner is behind its opening bracket. */
export function parseClass(scan: Scanner, nocase: boolean): ByteSet {
  const from = scan.at - 1;
  const negative = scan.take("^");
  const set = new ByteSet();
  let quoted = false;
  let first = true;
  for (;;) {
    if (scan.done) throw scan.error("the character class is not closed by ]", from);
    if (quoted && scan.take("\\E")) {
      quoted = false;
      continue;
    }
    if (!quoted && scan.take("\\Q")) {
      quoted = true;
      continue;
    }
    if (!quoted && scan.take("\\E")) continue;
    if (!quoted && !first && scan.take("]")) break;
    first = false;
    const at = scan.at;
    const low = member(scan, quoted);
    if (low instanceof ByteSet) {
      set.addAll(low);
      continue;
    }
    if (quoted || scan.peek() !== "-" || scan.peek(1) === "]" || scan.peek(1) === "") {
      set.add(low);
      continue;
    }
    scan.at++;
    const high = member(scan, false);
    if (high instanceof ByteSet) set.add(low).add(45).addAll(high);
    else if (high < low) throw scan.error("the range in the character class is out of order", at);
    else set.addRange(low, high);
  }
  const folded = nocase ? set.folded() : set;
  return negative ? folded.not() : folded;
}

function member(scan: Scanner, quoted: boolean): number | ByteSet {
  if (quoted) return scan.next().charCodeAt(0);
  if (scan.peek() === "[" && [":", ".", "="].includes(scan.peek(1))) {
    const posix = posixClass(scan);
    if (posix !== undefined) return posix;
  }
  const char = scan.next();
  if (char !== "\\") return char.charCodeAt(0);
  if (scan.take("b")) return 8;
  const from = scan.at - 1;
  const type = scan.peek() === "N" || scan.peek() === "C" ? undefined : typeSet(scan.peek());
  if (type !== undefined) {
    scan.at++;
    return type;
  }
  if (/[0-7]/.test(scan.peek())) return octal(scan);
  const byte = byteEscape(scan);
  if (byte === undefined) throw scan.error(`\\${scan.peek()} is not known in a character class`, from);
  return byte;
}

function posixClass(scan: Scanner): ByteSet | undefined {
  const from = scan.at;
  const kind = scan.peek(1);
  scan.at += 2;
  const negative = scan.take("^");
  let name = "";
  while (/[a-z]/.test(scan.peek())) name += scan.next();
  if (!scan.take(`${kind}]`)) {
    scan.at = from;
    return undefined;
  }
  const set = kind === ":" ? POSIX.get(name) : undefined;
  if (set === undefined) throw scan.error(`[${kind}${name}${kind}] is not a known class`, from);
  return negative ? set.not() : set;
}
