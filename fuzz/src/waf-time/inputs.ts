/** Inputs that cost much: what transformations decode, what regular expressions begin with and do not end. */
import type { Random } from "../random.js";

/** Longest input: what one rule may have to look at is bounded by this. */
export const LONGEST = 65_536;

const HOSTILE = [
  "&", "&amp", "&#x", "&#1", "&#x26;#x26;", "&thinsp", "%", "%u", "%25", "%2", "%u0041", "\\", "\\x", "\\u", "\\u0041", "\\1", "/*", "*/", "/*/", "/**/",
  "--", "-- ", "#", "'", "\"", "`", "''", "(", "((", ")", "{", "[", "<", "<a ", "<!--", "<![", "</", ">", "=", "a=", "/", "//", "./", "../", "..\\", "\0",
  "\t", " ", "\n", "\r\n", ";", "|", "$", "${", "$(", "@", "@@", "0x", "0x41", "1", "1e", "1.", "a", "A", "aA", "_", "-", ".", ",", "+", "*", "^", "~", "!",
  "\u00ff", "\u00c3\u00a9", "\u00e2\u0080", "\u00f0\u009f", "select ", "union ", "or ", "and ", "x'", "b'", "n'", "q'", "style=", "on", "javascript:", "data:",
] as const;

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

/** An input for a rule whose text has these words. */
export function hostileInput(random: Random, words: readonly string[]): Uint8Array {
  const out = Buffer.alloc(random.chance(90) ? LONGEST : random.between(1, LONGEST));
  const word = (): Buffer => latin(words.length > 0 && random.chance(60) ? random.pick(words) : random.pick(HOSTILE));
  switch (random.below(5)) {
    case 0:
      out.fill(word());
      break;
    case 1:
      out.fill(Buffer.concat(Array.from({ length: random.between(2, 6) }, word)));
      break;
    case 2: {
      // A beginning, a long run, an end that does not fit.
      const [start, run, end] = [word(), word(), word()];
      out.fill(run);
      start.copy(out);
      end.copy(out, Math.max(0, out.length - end.length));
      break;
    }
    case 3: {
      const pool = Array.from({ length: random.between(2, 12) }, word);
      let at = 0;
      while (at < out.length) at += random.pick(pool).copy(out, at);
      break;
    }
    default:
      for (let at = 0; at < out.length; at++) out[at] = random.below(256);
  }
  return out;
}

/** A similar input: a piece repeated, replaced or moved. */
export function similarInput(random: Random, before: Uint8Array, words: readonly string[]): Uint8Array {
  const out = Buffer.from(before);
  const other = hostileInput(random, words);
  for (let times = random.between(1, 4); times > 0; times--) {
    const length = random.between(1, Math.max(1, out.length >> random.below(12)));
    const at = random.below(Math.max(1, out.length - length));
    if (random.chance(50)) out.copyWithin(at, random.below(Math.max(1, out.length - length)), at + length);
    else out.set(other.subarray(0, Math.min(length, other.length, out.length - at)), at);
  }
  return out;
}
