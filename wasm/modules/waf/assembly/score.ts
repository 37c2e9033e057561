// The score of one request: every rule counts once; the strongest match is kept for the finding.

import {
  ATTR_HTTP_HOST,
  ATTR_HTTP_METHOD,
  ATTR_HTTP_URI,
  ATTR_HTTP_USER_AGENT,
  ATTR_MATCH_DATA,
  ATTR_MATCH_LOCATION,
  ATTR_MATCH_TRANSFORMATIONS,
  ATTR_SCORE,
  ATTR_SCORE_PARTS,
} from "../../../abi/assembly/abi";
import { reserve, textByte } from "../../../sdk/assembly/bytes";
import { addBytes, addFinding, addNumber } from "../../../sdk/assembly/findings";
import { findHeader, headerValue, headerValueLen, reqMethod, reqMethodLen, reqUri, reqUriLen } from "../../../sdk/assembly/http1";
import { ruleConfidence, ruleId, ruleScore, ruleVerdict } from "../../../sdk/assembly/signatures";

/** Transformations that led to the value being inspected. */
export const T_URL: u32 = 1;
export const T_URL_TWICE: u32 = 2;
export const T_HTML: u32 = 4;
export const T_JSON: u32 = 8;
export const T_PATH: u32 = 16;

const DATA_MAX: u32 = 128;
const TEXT_MAX: u32 = 400;

let hits: u64 = 0;
let score: u32 = 0;
let bestScore: u32 = 0;
let bestRule: u32 = 0;
const bestData = reserve(DATA_MAX);
let bestDataLen: u32 = 0;
const bestPlace = reserve(TEXT_MAX);
let bestPlaceLen: u32 = 0;
let bestTransforms: u32 = 0;
const text = reserve(TEXT_MAX);
let textLen: u32 = 0;

// Where the value being inspected comes from.
let place: string = "";
let placeName: usize = 0;
let placeNameLen: u32 = 0;
let transforms: u32 = 0;

export function beginScore(): void {
  hits = 0;
  score = 0;
  bestScore = 0;
  bestDataLen = 0;
}

/** Says where the next values come from: `kind`, then the name if it has one. */
export function setPlace(kind: string, name: usize = 0, nameLen: u32 = 0): void {
  place = kind;
  placeName = name;
  placeNameLen = min(nameLen, 64);
}

export function setTransforms(value: u32): void {
  transforms = value;
}

export function currentTransforms(): u32 {
  return transforms;
}

/** A rule matched at those bytes. */
export function hit(rule: u32, ptr: usize, len: u32): void {
  const bit = (1 as u64) << rule;
  if ((hits & bit) != 0) return;
  hits |= bit;
  const points = <u32>ruleScore(rule);
  score += points;
  if (points <= bestScore) return;
  bestScore = points;
  bestRule = rule;
  bestDataLen = min(len, DATA_MAX);
  memory.copy(bestData, ptr, bestDataLen);
  textLen = 0;
  put(place);
  if (placeNameLen > 0) {
    put(".");
    memory.copy(text + textLen, placeName, placeNameLen);
    textLen += placeNameLen;
  }
  bestPlaceLen = textLen;
  memory.copy(bestPlace, text, textLen);
  bestTransforms = transforms;
}

function put(part: string): void {
  const n = min(<u32>part.length, TEXT_MAX - textLen);
  for (let i: u32 = 0; i < n; i++) store<u8>(text + textLen + i, <u8>textByte(part, i));
  textLen += n;
}

function putNumber(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  while (divisor > 0 && textLen < TEXT_MAX) {
    store<u8>(text + textLen++, <u8>(48 + ((value / divisor) % 10)));
    divisor /= 10;
  }
}

function separate(): void {
  if (textLen > 0) put(",");
}

/** Reports the request if its score reaches the threshold. */
export function reportScore(threshold: u32): bool {
  if (score < threshold) return false;
  // A single strong sign is high; several kinds of attack in one request are critical.
  addFinding(ruleId(bestRule), score >= 2 * threshold ? 1 : 2, ruleVerdict(bestRule), ruleConfidence(bestRule));
  addNumber(ATTR_SCORE, score);
  textLen = 0;
  for (let rule: u32 = 0; rule < 64; rule++) {
    if ((hits & ((1 as u64) << rule)) == 0) continue;
    separate();
    putNumber(ruleId(rule));
    put(":");
    putNumber(ruleScore(rule));
  }
  addBytes(ATTR_SCORE_PARTS, text, textLen);
  addBytes(ATTR_MATCH_LOCATION, bestPlace, bestPlaceLen);
  addBytes(ATTR_MATCH_DATA, bestData, bestDataLen);
  textLen = 0;
  if ((bestTransforms & T_JSON) != 0) put("jsonDecode");
  if ((bestTransforms & T_URL) != 0) {
    separate();
    put("urlDecode");
  }
  if ((bestTransforms & T_URL_TWICE) != 0) {
    separate();
    put("urlDecode");
  }
  if ((bestTransforms & T_HTML) != 0) {
    separate();
    put("htmlEntityDecode");
  }
  if ((bestTransforms & T_PATH) != 0) {
    separate();
    put("normalizePath");
  }
  if (textLen > 0) addBytes(ATTR_MATCH_TRANSFORMATIONS, text, textLen);
  addBytes(ATTR_HTTP_METHOD, reqMethod, reqMethodLen);
  addBytes(ATTR_HTTP_URI, reqUri, reqUriLen);
  const host = findHeader("host");
  if (host >= 0) addBytes(ATTR_HTTP_HOST, headerValue(host), headerValueLen(host));
  const agent = findHeader("user-agent");
  if (agent >= 0) addBytes(ATTR_HTTP_USER_AGENT, headerValue(agent), headerValueLen(agent));
  return true;
}
