// content and what modifies it.

import { unsupported, semantics, syntax } from "../errors.js";
import type { Draft, Keyword } from "../draft.js";
import type { ContentMatch, Operand } from "../ir.js";
import type { RawOption } from "../raw.js";
import { negation, parseBytes, parseNumber, splitCommas, unquote } from "../values.js";

const MAX_CONTENT = 8_192;
const MAX_POSITION = 65_535;
const MAX_DISTANCE = 1_048_576;

function content(draft: Draft, option: RawOption): void {
  const { negated, value } = negation(draft.value(option));
  if (!value.text.startsWith('"')) throw syntax(value.at, "a content is in quotes");
  const bytes = parseBytes(unquote(value));
  if (bytes.length === 0) throw semantics(value.at, "the content is empty");
  if (bytes.length > MAX_CONTENT)
    throw semantics(value.at, `the content is ${bytes.length} bytes long; the limit is ${MAX_CONTENT}`);
  const match: ContentMatch = {
    type: "content",
    bytes,
    nocase: false,
    negated,
    rawBytes: false,
    startsWith: false,
    endsWith: false,
  };
  draft.contentPlaces.set(match, option.at);
  draft.add(match);
}

/** What is counted from the start of the buffer, and what from the match before, exclude each other. */
function notBoth(option: RawOption, match: ContentMatch, relative: boolean): void {
  const conflict = relative
    ? match.offset !== undefined || match.depth !== undefined
    : match.distance !== undefined || match.within !== undefined;
  if (conflict)
    throw semantics(option.at, `${option.name}: a content has either offset, depth and startswith or distance and within`);
}

function position(name: "offset" | "depth" | "distance" | "within", min: number, max: number): Keyword {
  const relative = name === "distance" || name === "within";
  return (draft, option) => {
    const match = draft.content(option);
    if (match[name] !== undefined) {
      const why = match.startsWith && !relative ? "startswith has set it already" : "the content has one already";
      throw semantics(option.at, `${name}: ${why}`);
    }
    notBoth(option, match, relative);
    const value: Operand = draft.operand(unquote(draft.value(option)), name, min, max);
    if ((name === "depth" || name === "within") && typeof value === "number" && value < match.bytes.length) {
      throw semantics(
        option.valueAt,
        `${name} ${value} is less than the ${match.bytes.length} bytes of the content, which could never match`,
      );
    }
    match[name] = value;
  };
}

/** Makes the last content the fast pattern. */
export function fastPattern(draft: Draft, option: RawOption): void {
  const match = draft.content(option);
  if (draft.fastPatterns.has(match)) throw semantics(option.at, "fast_pattern: the content has it already");
  if (draft.fastPatterns.size > 0) throw semantics(option.at, "fast_pattern: only one content of a rule can be it");
  const request = { only: false, offset: 0, length: match.bytes.length, at: option.at };
  if (option.value !== undefined && option.value !== "") {
    const value = draft.value(option);
    if (value.text === "only") request.only = true;
    else {
      const parts = splitCommas(value);
      if (parts.length !== 2) throw syntax(value.at, "fast_pattern takes nothing, only, or an offset and a length");
      request.offset = parseNumber(parts[0]!, "fast_pattern offset", 0, MAX_CONTENT);
      request.length = parseNumber(parts[1]!, "fast_pattern length", 1, MAX_CONTENT);
      if (request.offset + request.length > match.bytes.length) {
        throw semantics(
          value.at,
          `fast_pattern: ${request.offset} and ${request.length} are beyond the ${match.bytes.length} bytes of the content`,
        );
      }
    }
  }
  draft.fastPatterns.set(match, request);
}

export const CONTENT: Record<string, Keyword> = {
  content,
  uricontent(draft, option) {
    if (draft.sticky !== undefined) throw semantics(option.at, "uricontent cannot be used while a sticky buffer is set");
    draft.useUri(option);
    content(draft, option);
    draft.sticky = undefined;
  },
  nocase(draft, option) {
    draft.noValue(option);
    const match = draft.content(option);
    if (match.nocase) throw semantics(option.at, "nocase: the content has it already");
    match.nocase = true;
  },
  rawbytes(draft, option) {
    draft.noValue(option);
    const match = draft.content(option);
    if (match.rawBytes) throw semantics(option.at, "rawbytes: the content has it already");
    match.rawBytes = true;
  },
  offset: position("offset", 0, MAX_POSITION),
  depth: position("depth", 1, MAX_POSITION),
  distance: position("distance", -MAX_DISTANCE, MAX_DISTANCE),
  within: position("within", 1, MAX_DISTANCE),
  startswith(draft, option) {
    draft.noValue(option);
    const match = draft.content(option);
    notBoth(option, match, false);
    if (match.offset !== undefined || match.depth !== undefined)
      throw semantics(option.at, "startswith: the content has an offset or depth already");
    match.startsWith = true;
    match.offset = 0;
    match.depth = match.bytes.length;
  },
  endswith(draft, option) {
    draft.noValue(option);
    const match = draft.content(option);
    if (match.endsWith) throw semantics(option.at, "endswith: the content has it already");
    match.endsWith = true;
  },
  fast_pattern: fastPattern,
  replace(_draft, option) {
    throw unsupported(option.at, "replace: packets are not changed here");
  },
};
