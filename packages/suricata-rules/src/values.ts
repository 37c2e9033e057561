// Values that many keywords share: quoted text, bytes of contents, numbers, ranges.

import { semantics, syntax } from "./errors.js";
import type { Range } from "./ir.js";

/** An option's value and where it starts. */
export interface Text {
  text: string;
  at: number;
}

const encoder = new TextEncoder();

/** Takes the quotes off, if the value starts with one. @throws RuleError if it is not closed */
export function unquote(value: Text): Text {
  const { text, at } = value;
  if (!text.startsWith('"')) return value;
  if (text.length < 2 || !text.endsWith('"')) throw syntax(at, "the quote is not closed");
  return { text: text.slice(1, -1), at: at + 1 };
}

/** `!value`, with blanks behind the `!` allowed. */
export function negation(value: Text): { negated: boolean; value: Text } {
  if (!value.text.startsWith("!")) return { negated: false, value };
  const rest = value.text.slice(1);
  const text = rest.trimStart();
  return { negated: true, value: { text, at: value.at + 1 + rest.length - text.length } };
}

/**
 * Bytes of a content: text with escapes `\" \; \: \\` and bytes in hexadecimal between bars, as in `GET|20|/|0d 0a|`. Characters
 * above 0x7f stand for their UTF-8 bytes. @throws RuleError
 */
export function parseBytes(value: Text): Uint8Array {
  const { text, at } = value;
  if (!/[|\\\u0080-\uffff]/.test(text)) {
    if (text.includes('"')) throw syntax(at + text.indexOf('"'), 'a quote within a content is written \\"');
    return encoder.encode(text);
  }
  const out: number[] = [];
  for (let i = 0; i < text.length;) {
    const char = text[i]!;
    if (char === "|") {
      const end = text.indexOf("|", i + 1);
      if (end < 0) throw syntax(at + i, "the | has no second one");
      const hex = text.slice(i + 1, end).replace(/[ \t]+/g, "");
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex)) throw syntax(at + i, "between the bars must be pairs of hexadecimal digits");
      for (let j = 0; j < hex.length; j += 2) out.push(Number.parseInt(hex.slice(j, j + 2), 16));
      i = end + 1;
    } else if (char === "\\") {
      const next = text[i + 1];
      if (next === undefined || !'";:\\'.includes(next)) throw syntax(at + i, 'only \\" \\; \\: and \\\\ are escapes');
      out.push(next.charCodeAt(0));
      i += 2;
    } else if (char === '"') {
      throw syntax(at + i, 'a quote within a content is written \\"');
    } else {
      const code = text.codePointAt(i)!;
      const size = code > 0xffff ? 2 : 1;
      if (code < 0x80) out.push(code);
      else out.push(...encoder.encode(text.slice(i, i + size)));
      i += size;
    }
  }
  return Uint8Array.from(out);
}

/** Text with `\"`, `\;`, `\:` and `\\` undone. */
export function unescapeText(text: string): string {
  return text.includes("\\") ? text.replace(/\\([";:\\])/g, "$1") : text;
}

/** A whole number, decimal or 0x…, within bounds. @throws RuleError */
export function parseNumber(value: Text, what: string, min: number, max: number): number {
  const text = value.text.trim();
  if (!/^[+-]?(?:0[xX][0-9a-fA-F]{1,13}|\d{1,15})$/.test(text))
    throw syntax(value.at, `${what}: "${text.slice(0, 40)}" is not a whole number`);
  const negative = text.startsWith("-");
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  const number = negative ? -Number(digits) : Number(digits);
  if (number < min || number > max) throw semantics(value.at, `${what}: ${text} is not between ${min} and ${max}`);
  return number;
}

const UNITS: Record<string, number> = { "": 1, kb: 1024, kib: 1024, mb: 1 << 20, mib: 1 << 20, gb: 1 << 30, gib: 1 << 30 };

/** How a keyword's numbers look. */
export interface RangeRules {
  what: string;
  /** Largest value. */
  max: number;
  /** Names for numbers, in lower case. */
  names?: Readonly<Record<string, number>>;
  /** `a-b` and `a<>b` hold their ends as well. */
  inclusive?: boolean;
}

/** `n`, `=n`, `!n`, `!=n`, `<n`, `<=n`, `>n`, `>=n`, `a<>b`, `a-b`, `!a-b`. Between means strictly so. @throws RuleError */
export function parseRange(value: Text, rules: RangeRules): Range {
  const { what, max } = rules;
  const at = value.at;
  const text = value.text.trim();
  const number = (part: string): number => {
    const named = rules.names?.[part.trim().toLowerCase()];
    if (named !== undefined) return named;
    const units = /^\s*((?:0[xX][0-9a-fA-F]{1,13})|\d{1,15})\s*([kKmMgG][iI]?[bB])?\s*$/.exec(part);
    if (units === null) throw syntax(at, `${what}: "${text.slice(0, 40)}" is not a number or a range of numbers`);
    const result = Number(units[1]) * UNITS[(units[2] ?? "").toLowerCase()]!;
    if (result > max) throw semantics(at, `${what}: ${part.trim()} is larger than ${max}`);
    return result;
  };
  const between = /^(!?)\s*([^<>!=-]+)\s*(?:<>|-)\s*([^<>!=-]+)$/.exec(text);
  if (between !== null && rules.names?.[text.toLowerCase()] === undefined) {
    const low = number(between[2]!);
    const high = number(between[3]!);
    if (low >= high) throw semantics(at, `${what}: ${text} ends before it starts`);
    const range = rules.inclusive === true ? { min: low, max: high } : { min: low + 1, max: high - 1 };
    if (range.min > range.max) throw semantics(at, `${what}: there is no whole number between ${low} and ${high}`);
    return { ...range, negated: between[1] === "!" };
  }
  const single = /^(<=|>=|!=|<|>|=|!)?\s*(.+)$/.exec(text);
  if (single === null) throw syntax(at, `${what} needs a number`);
  const n = number(single[2]!);
  switch (single[1]) {
    case "<":
      if (n === 0) throw semantics(at, `${what}: nothing is below 0`);
      return { min: 0, max: n - 1, negated: false };
    case "<=":
      return { min: 0, max: n, negated: false };
    case ">":
      if (n >= max) throw semantics(at, `${what}: nothing is above ${max}`);
      return { min: n + 1, max, negated: false };
    case ">=":
      return { min: n, max, negated: false };
    case "!":
    case "!=":
      return { min: n, max: n, negated: true };
    default:
      return { min: n, max: n, negated: false };
  }
}

/** Splits at commas, with places and without surrounding blanks. */
export function splitCommas(value: Text): Text[] {
  const out: Text[] = [];
  let start = 0;
  for (const part of value.text.split(",")) {
    const text = part.trim();
    out.push({ text, at: value.at + start + (text === "" ? 0 : part.indexOf(text)) });
    start += part.length + 1;
  }
  return out;
}

/** `name value` or `name`. */
export function nameAndValue(part: Text): { name: string; value: Text | undefined } {
  const match = /^(\S+)(?:\s+(.*))?$/.exec(part.text);
  if (match === null) return { name: "", value: undefined };
  const [, name, value] = match;
  return {
    name: name!,
    value: value === undefined ? undefined : { text: value.trim(), at: part.at + part.text.indexOf(value, name!.length) },
  };
}
