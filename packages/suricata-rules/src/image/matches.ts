import type { Base64Match, ByteSource, ContentMatch, Match, Operand, Range, Variable } from "../ir.js";
import { B, C, M, MATCH, OP } from "./layout.js";
import { bytesOfWords } from "./pool.js";
import type { Pool, Records } from "./pool.js";

/** Where the matches of an inspection are. */
export interface MatchList {
  readonly first: number;
  readonly count: number;
}

const I32 = 0x7fffffff;
const clamp = (value: number): number => Math.max(-I32, Math.min(I32, value));
const isVariable = (value: unknown): value is Variable => typeof value === "object" && value !== null && "variable" in value;
const numberOf = (value: Operand | undefined): number =>
  value === undefined ? 0 : isVariable(value) ? value.variable : clamp(value);

/** Writes the matches of an inspection, in order; `absent` is not among them. */
export function encodeMatches(matches: readonly Match[], records: Records, pool: Pool): MatchList {
  const list = matches.filter(({ type }) => type !== "absent");
  // Lists that base64_data asks for come first, so that the list itself is in one piece.
  const nested = list.map((match) => (match.type === "base64" ? encodeMatches(match.matches, records, pool) : undefined));
  const retried = retries(list);
  const first = records.count;
  list.forEach((match, i) => {
    const retry = retried.has(i) ? M.retry : 0;
    encodeMatch(match, retry, nested[i], records, pool);
  });
  return { first, count: list.length };
}

/** Positions of matches that a later one counts from: the last content or expression before it that is not negated. */
function retries(matches: readonly Match[]): Set<number> {
  const result = new Set<number>();
  let last = -1;
  matches.forEach((match, i) => {
    if (isRelative(match) && last >= 0) result.add(last);
    if ((match.type === "content" || match.type === "pcre") && !match.negated) last = i;
  });
  return result;
}

function isRelative(match: Match): boolean {
  if (match.type === "content") return match.distance !== undefined || match.within !== undefined;
  return "relative" in match && match.relative;
}

function encodeMatch(match: Match, retry: number, nested: MatchList | undefined, records: Records, pool: Pool): void {
  switch (match.type) {
    case "content":
      content(match, retry, records, pool);
      return;
    case "pcre": {
      const flags = retry | (match.negated ? M.negated : 0) | (match.relative ? M.relative : 0);
      records.add([MATCH.pcre, flags, pool.add(match.program.program, 16), match.program.program.length]);
      return;
    }
    case "byte_test": {
      const [flags, words] = source(match);
      const byVariable = isVariable(match.value);
      const value = isVariable(match.value) ? BigInt(match.value.variable) : match.value;
      const negated = match.negated ? M.negated : 0;
      const all = flags | negated | (byVariable ? B.valueVar : 0);
      records.add([MATCH.byte_test, all, ...words, OP[match.operator]], { 8: value });
      return;
    }
    case "byte_jump": {
      const [flags, words] = source(match);
      const from = match.from === "beginning" ? B.fromBeginning : match.from === "end" ? B.fromEnd : 0;
      const all = flags | from | (match.align ? B.align : 0);
      const post = [numberOf(match.postOffset), isVariable(match.postOffset) ? 1 : 0];
      records.add([MATCH.byte_jump, all, ...words, match.multiplier, ...post]);
      return;
    }
    case "byte_extract": {
      const [flags, words] = source(match);
      records.add([MATCH.byte_extract, flags, ...words, match.multiplier, match.variable, match.align]);
      return;
    }
    case "byte_math": {
      const [flags, words] = source(match);
      const all = flags | (isVariable(match.operand) ? B.valueVar : 0);
      records.add([MATCH.byte_math, all, ...words, OP[match.operator], match.variable, numberOf(match.operand)]);
      return;
    }
    case "isdataat": {
      const flags = (match.relative ? M.relative : 0) | (match.negated ? M.negated : 0);
      records.add([MATCH.isdataat, flags | (isVariable(match.offset) ? B.offsetVar : 0), numberOf(match.offset)]);
      return;
    }
    case "bsize":
      records.add([MATCH.bsize, match.range.negated ? M.negated : 0], rangeWords(match.range));
      return;
    case "base64":
      base64(match, nested, records);
      return;
    case "dataset": {
      const values = match.values.map((value) => Buffer.from(value)).sort((a, b) => Buffer.compare(a, b));
      const table = values.flatMap((value) => [pool.add(value), value.length]);
      records.add([MATCH.dataset, match.negated ? M.negated : 0, pool.append(bytesOfWords(table), 4), values.length]);
      return;
    }
    case "asn1": {
      const bits = (match.bitstringOverflow ? 1 : 0) | (match.doubleOverflow ? 2 : 0) | (match.oversizeLength === undefined ? 0 : 4);
      const flags = match.relative ? M.relative : 0;
      records.add([MATCH.asn1, flags, bits, clamp(match.offset), match.oversizeLength ?? 0]);
      return;
    }
    case "absent":
  }
}

function content(match: ContentMatch, retry: number, records: Records, pool: Pool): void {
  let flags = retry;
  const set = (condition: boolean, bit: number): void => {
    if (condition) flags |= bit;
  };
  set(match.negated, M.negated);
  set(match.nocase, C.nocase);
  set(match.endsWith, C.ends);
  set(match.startsWith, C.starts);
  set(match.depth !== undefined, C.depth);
  set(match.distance !== undefined, C.distance);
  set(match.within !== undefined, C.within);
  set(isVariable(match.offset), C.offsetVar);
  set(isVariable(match.depth), C.depthVar);
  set(isVariable(match.distance), C.distanceVar);
  set(isVariable(match.within), C.withinVar);
  const bytes = match.nocase ? lowerCase(match.bytes) : match.bytes;
  // The rule counts depth from offset, the engine from the start.
  const depth = isVariable(match.depth) || isVariable(match.offset) ? numberOf(match.depth) : clamp((match.depth ?? 0) + (match.offset ?? 0));
  const bounds = [numberOf(match.offset), depth, numberOf(match.distance), numberOf(match.within)];
  records.add([MATCH.content, flags, pool.add(bytes), bytes.length, ...bounds]);
}

/** Flags, and the five words that a byte_ keyword starts with: bytes, offset, base, mask, shift. */
function source(match: ByteSource): [number, number[]] {
  let flags = match.relative ? M.relative : 0;
  if (match.text !== undefined) flags |= B.string;
  if (match.order === "little") flags |= B.little;
  if (match.order === "dce") flags |= B.dce;
  if (isVariable(match.bytes)) flags |= B.bytesVar;
  if (isVariable(match.offset)) flags |= B.offsetVar;
  const mask = match.bitmask >>> 0;
  if (mask !== 0) flags |= B.mask;
  const base = match.text === "hex" ? 16 : match.text === "oct" ? 8 : match.text === "dec" ? 10 : 0;
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  return [flags, [numberOf(match.bytes), numberOf(match.offset), base, mask, shift]];
}

function base64(match: Base64Match, nested: MatchList | undefined, records: Records): void {
  const flags = match.relative ? M.relative : 0;
  records.add([MATCH.base64, flags, match.bytes, clamp(match.offset), nested?.first ?? 0, nested?.count ?? 0]);
}

/** A range as the two 64-bit numbers at words 4 and 6. */
export function rangeWords({ min, max }: Range): Record<number, bigint> {
  const wide = (value: number): bigint => (value >= 2 ** 53 ? 0xffffffffffffffffn : BigInt(Math.max(0, Math.floor(value))));
  return { 4: wide(min), 6: wide(max) };
}

export function lowerCase(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte >= 65 && byte <= 90 ? byte | 32 : byte));
}
