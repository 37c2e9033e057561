// What matched in a transaction, as findings: one for each logged rule. Rules that would block are alerts and bring the whole
// score; the others only tell what it is made of.

import {
  ATTR_EXCLUSION, ATTR_HTTP_HOST, ATTR_HTTP_METHOD, ATTR_HTTP_STATUS, ATTR_HTTP_URI, ATTR_HTTP_USER_AGENT, ATTR_MATCH_DATA,
  ATTR_MATCH_LOCATION, ATTR_MATCH_LOG, ATTR_MATCH_TRANSFORMATIONS, ATTR_MESSAGE, ATTR_REQUEST_LINE, ATTR_SCORE, ATTR_SCORE_PARTS,
  FINDING_FLAG_NO_ALERT, SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_INFO, SEVERITY_MEDIUM, VERDICT_ALERT, VERDICT_DROP,
    VERDICT_NONE,
} from "../../abi/assembly/abi";
import { equalsFold, textByte } from "../../sdk/assembly/bytes";
import { addBytes, addFinding, closeValue, openValue, valueRoom } from "../detect/report";
import { V_REQUEST_HEADERS, V_REQUEST_LINE, V_REQUEST_METHOD, V_REQUEST_URI_RAW } from "./ids";
import { CHAIN_BYTES, D_ALLOW, D_PASS, ENGINE_ON, ITEM_BYTES, ITEM_LOG, I_DISRUPTION, I_FLAGS, I_ID, I_SEVERITY,
  NONE } from "./layout";
import { chains, generation, items, rules } from "./program";
import { Finding, Transaction, Value, listOf, scalarOf } from "./transaction";

/** Longest pieces. */
const MATCH: u32 = 512;
const LINE: u32 = 512;
/** Most exclusions and parts of a score in one alert. */
const MOST: u32 = 32;

const number = memory.data(16, 8);

/** Reports what matched since the last call, on a record of the batch. */
export function reportFindings(tx: Transaction, record: u32): void {
  if (tx.generation != generation) return;
  let at = tx.reported == 0 ? tx.findings : changetype<Finding>(tx.reported).next;
  for (; at != 0; at = changetype<Finding>(at).next) {
    tx.reported = at;
    const finding = changetype<Finding>(at);
    if (finding.item == NONE) {
      reportExhausted(tx, record);
      continue;
    }
    const item = items + finding.item * ITEM_BYTES;
    if ((load<u32>(item, I_FLAGS) & ITEM_LOG) != 0) report(tx, finding, item, record);
  }
}

/** The transaction used up its steps: what is sent to tire inspection out should not pass unseen. */
function reportExhausted(tx: Transaction, record: u32): void {
  addFinding(record, 0, SEVERITY_HIGH, VERDICT_ALERT, 0);
  beginText();
  putText("Inspection of the request was stopped: it cost more steps than a request may");
  endText(ATTR_MESSAGE);
  addRequest(tx);
}

function report(tx: Transaction, finding: Finding, item: usize, record: u32): void {
  const disruption = load<u32>(item, I_DISRUPTION);
  const blocks = disruption != D_PASS && disruption < D_ALLOW;
  const verdict = !blocks ? VERDICT_NONE : tx.engine == ENGINE_ON ? VERDICT_DROP : VERDICT_ALERT;
  const shown = blocks && finding.points == 0 ? heaviest(tx, finding) : finding;
  // A verdict that has nothing to say of its own speaks in the name of the rule that added most.
  const voice = finding.messageLen == 0 ? shown : finding;
  addFinding(record, load<u32>(items + voice.item * ITEM_BYTES, I_ID), severityOf(load<u32>(item, I_SEVERITY)), verdict,
    blocks ? 0 : FINDING_FLAG_NO_ALERT);
  addBytes(ATTR_MESSAGE, voice.message, min(voice.messageLen, LINE));
  addRequest(tx);
  addBytes(ATTR_MATCH_LOCATION, shown.location, min(shown.locationLen, MATCH));
  addBytes(ATTR_MATCH_DATA, shown.data, min(shown.dataLen, MATCH));
  const chain = chains + shown.chain * CHAIN_BYTES;
  addBytes(ATTR_MATCH_TRANSFORMATIONS, rules + load<u32>(chain, 24), load<u32>(chain, 28));
  addBytes(ATTR_MATCH_LOG, finding.detail, min(finding.detailLen, MATCH * 4));
  if (blocks) addScore(tx, finding);
  else {
    if (finding.points != 0) addNumber(ATTR_SCORE, finding.points);
    beginText();
    putExclusion(finding);
    endText(ATTR_EXCLUSION);
  }
}

/** ModSecurity's 0 to 7; 255 when a rule has none. */
function severityOf(severity: u32): u8 {
  if (severity <= 2) return SEVERITY_CRITICAL;
  if (severity == 3) return SEVERITY_HIGH;
  return severity == 4 ? SEVERITY_MEDIUM : SEVERITY_INFO;
}

function addRequest(tx: Transaction): void {
  addScalar(tx, V_REQUEST_METHOD, ATTR_HTTP_METHOD, 64);
  addScalar(tx, V_REQUEST_URI_RAW, ATTR_HTTP_URI, LINE);
  addScalar(tx, V_REQUEST_LINE, ATTR_REQUEST_LINE, LINE);
  addHeader(tx, "host", ATTR_HTTP_HOST);
  addHeader(tx, "user-agent", ATTR_HTTP_USER_AGENT);
  if (tx.responseStatus != 0) addNumber(ATTR_HTTP_STATUS, tx.responseStatus);
}

function addScalar(tx: Transaction, variable: u32, key: u16, most: u32): void {
  const at = scalarOf(tx, variable);
  if (at != 0) addBytes(key, changetype<Value>(at).data, min(changetype<Value>(at).len, most));
}

function addHeader(tx: Transaction, name: string, key: u16): void {
  for (let at = listOf(tx, V_REQUEST_HEADERS).first; at != 0; at = changetype<Value>(at).next) {
    const header = changetype<Value>(at);
    if (!equalsFold(header.name, header.nameLen, name)) continue;
    addBytes(key, header.data, min(header.len, LINE));
    return;
  }
}

function addNumber(key: u16, value: u32): void {
  store<u32>(number, value);
  addBytes(key, number, 4);
}

/** The finding so far that added most, or the one given. */
function heaviest(tx: Transaction, fallback: Finding): Finding {
  let best = fallback;
  for (let at = tx.findings; at != 0; at = changetype<Finding>(at).next) {
    if (changetype<Finding>(at).points > best.points) best = changetype<Finding>(at);
  }
  return best;
}

/** Score, its parts, and what would silence them. */
function addScore(tx: Transaction, upTo: Finding): void {
  let score: u32 = 0;
  let parts: u32 = 0;
  beginText();
  for (let at = tx.findings; at != 0; at = changetype<Finding>(at).next) {
    const finding = changetype<Finding>(at);
    if (finding.points == 0) continue;
    score += finding.points;
    if (++parts > MOST) continue;
    if (parts > 1) put(44);
    putNumber(load<u32>(items + finding.item * ITEM_BYTES, I_ID));
    put(58);
    putNumber(finding.points);
  }
  endText(ATTR_SCORE_PARTS);
  if (score != 0) addNumber(ATTR_SCORE, score);
  beginText();
  if (score == 0) putExclusion(upTo);
  parts = 0;
  for (let at = tx.findings; at != 0 && parts < MOST; at = changetype<Finding>(at).next) {
    if (changetype<Finding>(at).points == 0) continue;
    if (textLen > 0) put(10);
    putExclusion(changetype<Finding>(at));
    parts++;
  }
  endText(ATTR_EXCLUSION);
}

// ---- text that is put together where the next value goes

let text: usize = 0;
let textLen: u32 = 0;
let room: u32 = 0;

function beginText(): void {
  text = openValue();
  textLen = 0;
  room = valueRoom();
}

function endText(key: u16): void {
  if (textLen > 0) closeValue(key, textLen);
}

// @ts-ignore: decorator
@inline function put(c: u32): void {
  if (textLen < room) store<u8>(text + textLen++, <u8>c);
}

function putText(s: string): void {
  for (let i = 0; i < s.length; i++) put(textByte(s, i));
}

function putNumber(n: u32): void {
  if (n >= 10) putNumber(n / 10);
  put(48 + n % 10);
}

/** The directive that keeps the rule from looking there; for a place that cannot be written in one, that the rule does not run. */
function putExclusion(finding: Finding): void {
  const id = load<u32>(items + finding.item * ITEM_BYTES, I_ID);
  if (finding.location == 0 || !isPlain(finding.location, finding.locationLen)) {
    putText("SecRuleRemoveById ");
    putNumber(id);
    return;
  }
  putText("SecRuleUpdateTargetById ");
  putNumber(id);
  putText(" \"!");
  for (let i: u32 = 0; i < finding.locationLen; i++) put(load<u8>(finding.location + i));
  put(34);
}

/** No quotes, separators, slashes around, or bytes that are not printable. */
function isPlain(ptr: usize, len: u32): bool {
  if (len > 256) return false;
  for (let i: u32 = 0; i < len; i++) {
    const c = <u32>load<u8>(ptr + i);
    if (c <= 32 || c > 126 || c == 34 || c == 39 || c == 44 || c == 47 || c == 92 || c == 124) return false;
  }
  return true;
}
