/** A run of whole numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** A text that is no list of ranges; the message says what would be right. */
export class RangeTextError extends Error {
  override readonly name = "RangeTextError";
}

/** What a list of ranges may hold. */
interface RangeRules {
  /** What the numbers are, for messages: "a port". */
  readonly what: string;
  readonly max: number;
  /** Ranges at most, after merging. */
  readonly ranges: number;
  readonly example: string;
}

const PORTS: RangeRules = { what: "a port", max: 65_535, ranges: 16, example: "80, 1000-2000 or 80,443,8000-8100" };
/** The longest packet that is no jumbogram: an IPv6 header and 65,535 bytes of payload. */
const LENGTHS: RangeRules = { what: "a packet length", max: 65_535, ranges: 1, example: "1500 or 64-128" };

/** Sorted, and merged where ranges overlap or touch. */
const merged = (ranges: readonly NumberRange[]): NumberRange[] => {
  const out: NumberRange[] = [];
  for (const next of [...ranges].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const last = out.at(-1);
    if (last && next.from <= last.to + 1) out[out.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
    else out.push(next);
  }
  return out;
};

const parseNumber = (text: string, rules: RangeRules): number => {
  if (!/^-?\d{1,9}$/.test(text)) throw new RangeTextError(`${JSON.stringify(text)} is not ${rules.what}; write ${rules.example}`);
  const number = Number(text);
  if (number < 0) throw new RangeTextError(`${rules.what} is at least 0`);
  if (number > rules.max) throw new RangeTextError(`${rules.what} is at most ${rules.max}`);
  return number;
};

const parseRanges = (value: number | string, rules: RangeRules): NumberRange[] => {
  const parts = String(value).split(",").map((part) => part.trim());
  const ranges = parts.map((part): NumberRange => {
    const between = /^(\d{1,9})\s*-\s*(\d{1,9})$/.exec(part);
    const from = parseNumber(between?.[1] ?? part, rules);
    const to = between ? parseNumber(between[2] ?? "", rules) : from;
    if (to < from) throw new RangeTextError(`the range ${part} runs backwards: write ${to}-${from}`);
    return { from, to };
  });
  const list = merged(ranges);
  if (list.length > rules.ranges) {
    throw new RangeTextError(rules.ranges === 1
      ? `${JSON.stringify(value)} is a list; ${rules.what} here is one number or one range: write ${rules.example}`
      : `${JSON.stringify(value)} has ${list.length} ranges, at most ${rules.ranges} fit one rule: split it into several rules`);
  }
  return list;
};

const formatRanges = (ranges: readonly NumberRange[]): number | string => {
  const list = merged(ranges);
  const [only] = list;
  if (list.length === 1 && only && only.from === only.to) return only.from;
  return list.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(",");
};

/** Reads a port, a range or a list ("80,443,8000-8100"): sorted, merged, at most 16 ranges. Throws RangeTextError. */
export const parsePorts = (value: number | string): NumberRange[] => parseRanges(value, PORTS);

/** Writes ports in canonical form: a single port is a number, anything else text. */
export const formatPorts = formatRanges;

/** Reads an IP packet length in bytes, one number or one range ("64-128"), 0 to 65,535 (longer ones count as that). Throws RangeTextError. */
export function parseLength(value: number | string): NumberRange {
  const [range] = parseRanges(value, LENGTHS);
  if (!range) throw new RangeTextError(`${JSON.stringify(value)} is not a packet length`);
  return range;
}

/** Writes a packet length in canonical form: a single length is a number. */
export const formatLength = (range: NumberRange): number | string => formatRanges([range]);
