// Keywords that read numbers from a buffer, and others that look at positions in it.

import { semantics, syntax } from "../errors.js";
import type { Draft, Keyword } from "../draft.js";
import type {
  Base64Match,
  ByteJumpMatch,
  ByteMathMatch,
  ByteOrder,
  ByteSource,
  ByteTestMatch,
  IsDataAtMatch,
  Operand,
  TextBase,
} from "../ir.js";
import type { RawOption } from "../raw.js";
import { nameAndValue, negation, parseNumber, parseRange, splitCommas, type Text, unquote } from "../values.js";

const MAX_OFFSET = 65_535;
const MAX_U32 = 0xffff_ffff;
const TEXT_BASES: Record<string, TextBase> = { hex: "hex", dec: "dec", oct: "oct" };
const TEXT_BYTES: Record<TextBase, number> = { hex: 14, dec: 20, oct: 23 };

const emptySource = (): ByteSource => ({ bytes: 0, offset: 0, relative: false, order: "big", bitmask: 0 });

/** Options that all byte keywords have; false if it is none of them. */
function commonOption(source: ByteSource, name: string, value: Text | undefined, at: number): boolean {
  switch (name) {
    case "relative":
      source.relative = true;
      return true;
    case "big":
    case "little":
    case "dce":
      source.order = name satisfies ByteOrder;
      return true;
    case "string":
      source.text ??= "dec";
      if (value !== undefined) source.text = textBase(value);
      return true;
    case "hex":
    case "dec":
    case "oct":
      source.text = name;
      return true;
    case "bitmask":
      if (value === undefined) throw syntax(at, "bitmask needs a value");
      source.bitmask = parseNumber(value, "bitmask", 1, MAX_U32);
      return true;
    default:
      return false;
  }
}

function textBase(value: Text): TextBase {
  const base = TEXT_BASES[value.text];
  if (base === undefined) throw syntax(value.at, "string is hex, dec or oct");
  return base;
}

/** Number of bytes against how they are read. */
function checkWidth(source: ByteSource, option: RawOption, least: number): void {
  if (typeof source.bytes !== "number") return;
  const most = source.text === undefined ? 8 : TEXT_BYTES[source.text];
  const lowest = source.text === undefined ? least : 0;
  if (source.bytes < lowest || source.bytes > most) {
    const how = source.text === undefined ? "" : ` as ${source.text} text`;
    throw semantics(option.valueAt, `${option.name}: ${source.bytes} bytes cannot be read${how}; ${lowest} to ${most} can`);
  }
}

function atLeast(parts: Text[], count: number, option: RawOption): void {
  if (parts.length < count || parts.slice(0, count).some((part) => part.text === "")) {
    throw syntax(option.valueAt, `${option.name} needs at least ${count} values`);
  }
}

const dce = (draft: Draft, source: ByteSource, option: RawOption): void => {
  if (source.order === "dce") draft.requireDce(option);
};

const OPERATORS: Record<string, ByteTestMatch["operator"]> = {
  "<": "<",
  ">": ">",
  "=": "=",
  "<=": "<=",
  ">=": ">=",
  "&": "&",
  "^": "^",
  "": "=",
};

function byteTest(draft: Draft, option: RawOption): void {
  const parts = splitCommas(draft.value(option));
  atLeast(parts, 4, option);
  const operatorText = parts[1]!.text;
  const negated = operatorText.startsWith("!");
  const operator = OPERATORS[negated ? operatorText.slice(1).trim() : operatorText];
  if (operator === undefined || operatorText === "")
    throw syntax(parts[1]!.at, `byte_test: "${operatorText}" is not an operator`);
  const match: ByteTestMatch = { type: "byte_test", ...emptySource(), operator, negated, value: 0n };
  match.bytes = draft.operand(parts[0]!, "byte_test bytes", 0, 23);
  match.value = wideOperand(draft, parts[2]!);
  match.offset = draft.operand(parts[3]!, "byte_test offset", -MAX_OFFSET, MAX_OFFSET);
  for (const part of parts.slice(4)) {
    const { name, value } = nameAndValue(part);
    if (!commonOption(match, name, value, part.at)) throw syntax(part.at, `byte_test: "${part.text}" is not one of its options`);
  }
  dce(draft, match, option);
  checkWidth(match, option, 1);
  draft.add(match, match.relative);
}

function wideOperand(draft: Draft, value: Text): ByteTestMatch["value"] {
  if (!/^[+-]?\d/.test(value.text)) {
    const operand = draft.operand(value, "byte_test value", 0, 0);
    return typeof operand === "number" ? BigInt(operand) : operand;
  }
  if (!/^[+-]?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})$/.test(value.text))
    throw syntax(value.at, `byte_test: "${value.text}" is not a number`);
  const negative = value.text.startsWith("-");
  const number = BigInt(value.text.replace(/^[+-]/, ""));
  return BigInt.asUintN(64, negative ? -number : number);
}

function byteJump(draft: Draft, option: RawOption): void {
  const parts = splitCommas(draft.value(option));
  atLeast(parts, 2, option);
  const match: ByteJumpMatch = { type: "byte_jump", ...emptySource(), multiplier: 1, align: false, from: "here", postOffset: 0 };
  match.bytes = draft.operand(parts[0]!, "byte_jump bytes", 0, 23);
  match.offset = draft.operand(parts[1]!, "byte_jump offset", -MAX_OFFSET, MAX_OFFSET);
  for (const part of parts.slice(2)) {
    const { name, value } = nameAndValue(part);
    if (commonOption(match, name, value, part.at)) continue;
    if (name === "align") match.align = true;
    else if (name === "from_beginning" || name === "from_end") {
      if (match.from !== "here") throw semantics(part.at, "byte_jump: from_beginning and from_end exclude each other");
      match.from = name === "from_end" ? "end" : "beginning";
    } else if (name === "multiplier" && value !== undefined) match.multiplier = parseNumber(value, "multiplier", 1, 65_535);
    else if (name === "post_offset" && value !== undefined)
      match.postOffset = draft.operand(value, "post_offset", -MAX_OFFSET, MAX_OFFSET);
    else throw syntax(part.at, `byte_jump: "${part.text}" is not one of its options`);
  }
  dce(draft, match, option);
  checkWidth(match, option, 0);
  draft.add(match, match.relative);
}

function byteExtract(draft: Draft, option: RawOption): void {
  const parts = splitCommas(draft.value(option));
  atLeast(parts, 3, option);
  const source = emptySource();
  source.bytes = parseNumber(parts[0]!, "byte_extract bytes", 0, 23);
  source.offset = draft.operand(parts[1]!, "byte_extract offset", -MAX_OFFSET, MAX_OFFSET);
  let multiplier = 1;
  let align = 0;
  for (const part of parts.slice(3)) {
    const { name, value } = nameAndValue(part);
    if (commonOption(source, name, value, part.at)) continue;
    if (name === "multiplier" && value !== undefined) multiplier = parseNumber(value, "multiplier", 1, 65_535);
    else if (name === "align" && value !== undefined) {
      align = parseNumber(value, "align", 2, 4);
      if (align === 3) throw semantics(value.at, "align is 2 or 4");
    } else throw syntax(part.at, `byte_extract: "${part.text}" is not one of its options`);
  }
  dce(draft, source, option);
  checkWidth(source, option, 1);
  draft.add({ type: "byte_extract", ...source, variable: draft.variable(parts[2]!), multiplier, align }, source.relative);
}

const MATH = new Set<string>(["+", "-", "*", "/", "<<", ">>"]);

function byteMath(draft: Draft, option: RawOption): void {
  const source = emptySource();
  let operator: ByteMathMatch["operator"] | undefined;
  let operand: Operand | undefined;
  let result: Text | undefined;
  const seen = new Set<string>();
  for (const part of splitCommas(draft.value(option))) {
    const { name, value } = nameAndValue(part);
    if (seen.has(name)) throw semantics(part.at, `byte_math: ${name} is there twice`);
    seen.add(name);
    if (name === "endian" && value !== undefined) {
      if (!commonOption(source, value.text, undefined, value.at)) throw syntax(value.at, "endian is big or little");
    } else if (name === "bytes" && value !== undefined) source.bytes = draft.operand(value, "byte_math bytes", 1, 23);
    else if (name === "offset" && value !== undefined)
      source.offset = draft.operand(value, "byte_math offset", -MAX_OFFSET, MAX_OFFSET);
    else if (name === "oper" && value !== undefined) {
      if (!MATH.has(value.text)) throw syntax(value.at, `byte_math: "${value.text}" is not an operator`);
      operator = value.text as ByteMathMatch["operator"];
    } else if (name === "rvalue" && value !== undefined) operand = draft.operand(value, "byte_math rvalue", 0, MAX_U32);
    else if (name === "result" && value !== undefined) result = value;
    else if (!commonOption(source, name, value, part.at))
      throw syntax(part.at, `byte_math: "${part.text}" is not one of its options`);
  }
  if (!seen.has("bytes") || !seen.has("offset") || operator === undefined || operand === undefined || result === undefined) {
    throw syntax(option.valueAt, "byte_math needs bytes, offset, oper, rvalue and result");
  }
  if (operator === "/" && operand === 0) throw semantics(option.valueAt, "byte_math: division by 0");
  if (operator.length === 2 && typeof source.bytes === "number" && source.bytes > 4) {
    throw semantics(option.valueAt, "byte_math: shifts are for at most 4 bytes");
  }
  dce(draft, source, option);
  checkWidth(source, option, 1);
  draft.add({ type: "byte_math", ...source, operator, operand, variable: draft.variable(result) }, source.relative);
}

function isDataAt(draft: Draft, option: RawOption): void {
  const { negated, value } = negation(unquote(draft.value(option)));
  const parts = splitCommas(value);
  const match: IsDataAtMatch = {
    type: "isdataat",
    offset: draft.operand(parts[0]!, "isdataat", 0, MAX_OFFSET),
    relative: false,
    negated,
  };
  for (const part of parts.slice(1)) {
    if (part.text === "relative") match.relative = true;
    else if (part.text !== "rawbytes") throw syntax(part.at, `isdataat: "${part.text}" is not one of its options`);
  }
  // "Not one byte more behind this content" is endswith.
  const previous = draft.previous(match.relative);
  if (match.relative && negated && match.offset === 1 && previous?.type === "content" && !previous.negated)
    previous.endsWith = true;
  else draft.add(match, match.relative);
}

function base64Decode(draft: Draft, option: RawOption): void {
  const match: Base64Match = { type: "base64", bytes: 0, offset: 0, relative: false, matches: [] };
  if (option.value !== undefined && option.value !== "") {
    for (const part of splitCommas(draft.value(option))) {
      const { name, value } = nameAndValue(part);
      if (name === "relative") match.relative = true;
      else if (name === "bytes" && value !== undefined) match.bytes = parseNumber(value, "base64_decode bytes", 1, MAX_OFFSET);
      else if (name === "offset" && value !== undefined) match.offset = parseNumber(value, "base64_decode offset", 0, MAX_OFFSET);
      else throw syntax(part.at, `base64_decode: "${part.text}" is not one of its options`);
    }
  }
  draft.add(match, match.relative);
  draft.lastBase64 = match;
}

function asn1(draft: Draft, option: RawOption): void {
  const match = { type: "asn1" as const, bitstringOverflow: false, doubleOverflow: false, offset: 0, relative: false };
  let oversizeLength: number | undefined;
  for (const part of splitCommas(draft.value(option))) {
    const { name, value } = nameAndValue(part);
    if (name === "bitstring_overflow") match.bitstringOverflow = true;
    else if (name === "double_overflow") match.doubleOverflow = true;
    else if (name === "oversize_length" && value !== undefined)
      oversizeLength = parseNumber(value, "oversize_length", 0, MAX_U32);
    else if (name === "absolute_offset" && value !== undefined)
      match.offset = parseNumber(value, "absolute_offset", 0, MAX_OFFSET);
    else if (name === "relative_offset" && value !== undefined) {
      match.offset = parseNumber(value, "relative_offset", -MAX_OFFSET, MAX_OFFSET);
      match.relative = true;
    } else throw syntax(part.at, `asn1: "${part.text}" is not one of its options`);
  }
  draft.add(oversizeLength === undefined ? match : { ...match, oversizeLength });
}

export const BYTES: Record<string, Keyword> = {
  byte_test: byteTest,
  byte_jump: byteJump,
  byte_extract: byteExtract,
  byte_math: byteMath,
  isdataat: isDataAt,
  base64_decode: base64Decode,
  base64_data(draft, option) {
    draft.noValue(option);
    if (draft.lastBase64 === undefined) throw semantics(option.at, "base64_data needs a base64_decode before it");
    draft.base64 = draft.lastBase64;
  },
  asn1,
  bsize(draft, option) {
    draft.add({ type: "bsize", range: parseRange(unquote(draft.value(option)), { what: "bsize", max: MAX_U32 }) });
  },
  absent(draft, option) {
    if (draft.sticky === undefined) throw semantics(option.at, "absent needs a sticky buffer before it");
    if (option.value !== undefined && option.value !== "or_else") throw syntax(option.valueAt, "absent takes nothing or or_else");
    draft.add({ type: "absent", orElse: option.value === "or_else" });
  },
};
