// The ips module: signatures over TCP streams in both directions and over datagrams, HTTP-aware signatures, and what can be
// seen from headers alone (scan.ts). rules.json is the rule set; this is the engine.

import {
  ATTR_HTTP_HOST,
  ATTR_HTTP_METHOD,
  ATTR_HTTP_URI,
  ATTR_HTTP_USER_AGENT,
  ATTR_MATCH_DATA,
  ATTR_MATCH_LOCATION,
  DIRECTION_TO_CLIENT,
  DIRECTION_TO_SERVER,
  E_CONFIG,
  KIND_FLOW_END,
  KIND_STREAM_CHUNK,
  RECORD_FLAG_GAP,
  recordDirection,
  recordFlags,
  recordKind,
  recordProto,
} from "../../../abi/assembly/abi";
import { scan } from "../../../sdk/assembly/aho";
import {
  TCP_ACK,
  TCP_SYN,
  advanceClock,
  data,
  dataLen,
  parseTransport,
  payloadAt,
  payloadCaptured,
  record,
  tcpFlags,
} from "../../../sdk/assembly/batch";
import { findByte, hexValue as hex, reserve } from "../../../sdk/assembly/bytes";
import { readConfig } from "../../../sdk/assembly/config";
import { changed, collapseSql, normalizeSlashes, urlDecode } from "../../../sdk/assembly/decode";
import { addBytes, addFinding, addText, setDataMatch, setStreamMatch } from "../../../sdk/assembly/findings";
import {
  Flow,
  directionOf,
  firstReport,
  flowIsNew,
  flowOfRecord,
  forgetFlow,
  half,
  initFlows,
  sweepFlows,
  userOf,
} from "../../../sdk/assembly/flow";
import {
  Http,
  endHttp,
  feedHttp,
  findHeader,
  gapHttp,
  headerValue,
  headerValueLen,
  initHttp,
  releaseHttp,
  reqBody,
  reqBodyLen,
  reqMethod,
  reqMethodLen,
  reqUri,
  reqUriLen,
} from "../../../sdk/assembly/http1";
import { runBatch } from "../../../sdk/assembly/module";
import {
  automaton,
  loadSignatures,
  patternLen,
  patternPlaces,
  patternRule,
  ruleConfidence,
  ruleId,
  ruleSeverity,
  ruleVerdict,
} from "../../../sdk/assembly/signatures";
import { findUnionSelect } from "../../../sdk/assembly/sql-union";
import { feedTcp, initTcp, releaseHeld } from "../../../sdk/assembly/tcp";
import {
  PLACE_HTTP_BODY,
  PLACE_HTTP_URI,
  PLACE_HTTP_USER_AGENT,
  PLACE_TO_CLIENT,
  PLACE_TO_SERVER,
  PLACE_UDP,
  RULE_9000013,
  signatureImage,
} from "./generated/rules";
import { initScan, inspectHeader, setScanOption } from "./scan";

export { input, output, secuxflow_abi_1 } from "../../../sdk/assembly/module";

const FLOWS: u32 = 16384;
const SEGMENTS: u32 = 4096;
const REQUESTS: u32 = 256;
const SCRATCH: u32 = 65536;

// Offsets in a direction's own bytes: the parser, then the automaton's states for the raw and the percent-decoded stream.
const RAW_STATE: usize = offsetof<Http>();
const DECODED_STATE: usize = RAW_STATE + 4;
/** 0: no percent sign came yet; 1: the decoded stream has a state of its own; higher: inside of an escape. */
const ESCAPE: usize = RAW_STATE + 8;
const CLIENT: usize = RAW_STATE + 12;
const SIDE_BYTES: u32 = <u32>(RAW_STATE + 16);

const scratch = reserve(SCRATCH);

// Where the bytes being scanned come from.
let places: u32 = 0;
let flowNow: Flow = changetype<Flow>(0);
let scanned: usize = 0;
let scannedLen: u32 = 0;
let streamPosition: u64 = 0;

initFlows(FLOWS, SIDE_BYTES, forget);
initTcp(SEGMENTS, onData, onGap, onEnd);
initHttp(REQUESTS, onRequest);
loadSignatures(signatureImage());
initScan();

export function configure(ptr: usize, len: i32): i32 {
  return readConfig(ptr, <u32>len, (key: usize, keyLen: u32, value: i64): bool => setScanOption(key, keyLen, value))
    ? 0
    : E_CONFIG;
}

export function inspect(ptr: usize, len: i32): i32 {
  const result = runBatch(ptr, <u32>len, handle);
  sweepFlows(64);
  return result;
}

export function tick(nowMs: f64): void {
  advanceClock(nowMs);
  sweepFlows(1024);
}

function forget(flow: Flow): void {
  releaseHeld(flow);
  releaseHttp(changetype<Http>(userOf(half(flow, 0))));
  releaseHttp(changetype<Http>(userOf(half(flow, 1))));
}

function handle(): void {
  const kind = recordKind(record);
  if (kind == KIND_FLOW_END) {
    const flow = flowOfRecord(false);
    if (flow !== null) {
      onEnd(flow, 0);
      onEnd(flow, 1);
      forgetFlow(flow);
    }
    return;
  }
  if (kind == KIND_STREAM_CHUNK) {
    const flow = flowOfRecord(true);
    if (flow === null) return;
    const dir = directionOf(flow);
    if ((recordFlags(record) & RECORD_FLAG_GAP) != 0) onGap(flow, dir, 0);
    onData(flow, dir, data, dataLen);
    half(flow, dir).position += dataLen;
    return;
  }
  if (!parseTransport()) return;
  const tcp = recordProto(record) == 6;
  // A SYN alone makes no flow that costs anything but a slot; data does.
  const flow = flowOfRecord(true);
  if (flow === null) return;
  if (tcp) {
    const dir = directionOf(flow);
    if ((tcpFlags & (TCP_SYN | TCP_ACK)) == TCP_SYN) store<u32>(userOf(half(flow, dir)) + CLIENT, 1);
    inspectHeader(flowIsNew);
    feedTcp(flow, dir);
    return;
  }
  places = PLACE_UDP;
  flowNow = flow;
  scanned = payloadAt;
  scannedLen = payloadCaptured;
  scan(automaton, 0, payloadAt, payloadCaptured, onDatagramMatch);
}

/** Which streams this one counts for: its direction as the record says it, or as the handshake showed it, or both. */
function streamPlaces(flow: Flow, dir: u32): u32 {
  const direction = recordDirection(record);
  // What waits for a hole is always of the current record's direction.
  if (direction == DIRECTION_TO_SERVER) return PLACE_TO_SERVER;
  if (direction == DIRECTION_TO_CLIENT) return PLACE_TO_CLIENT;
  if (load<u32>(userOf(half(flow, dir)) + CLIENT) != 0) return PLACE_TO_SERVER;
  if (load<u32>(userOf(half(flow, dir ^ 1)) + CLIENT) != 0) return PLACE_TO_CLIENT;
  return PLACE_TO_SERVER | PLACE_TO_CLIENT;
}

function onData(flow: Flow, dir: u32, ptr: usize, len: u32): void {
  const part = half(flow, dir);
  const user = userOf(part);
  flowNow = flow;
  places = streamPlaces(flow, dir);
  scanned = ptr;
  scannedLen = len;
  streamPosition = part.position;
  let raw = load<u32>(user + RAW_STATE);
  let from: u32 = 0;
  if ((places & PLACE_TO_SERVER) != 0) {
    if (load<u32>(user + ESCAPE) == 0) {
      // Up to the first percent sign both streams are the same.
      const percent = findByte(ptr, len, 37);
      from = percent < 0 ? len : <u32>percent;
      raw = scan(automaton, raw, ptr, from, onStreamMatch);
      if (percent >= 0) {
        store<u32>(user + DECODED_STATE, raw);
        store<u32>(user + ESCAPE, 1);
      }
    }
    if (from < len) scanDecoded(user, ptr + from, len - from);
    streamPosition = part.position + from;
    scanned = ptr + from;
    scannedLen = len - from;
  }
  store<u32>(user + RAW_STATE, scan(automaton, raw, ptr + from, len - from, onStreamMatch));
  feedHttp(flow, dir, changetype<Http>(user), ptr, len);
}

/** Scans the percent-decoded bytes; an escape may be cut in two or three by segment borders. */
function scanDecoded(user: usize, ptr: usize, len: u32): void {
  // ESCAPE: 1 outside; 2 after a percent sign; 256 + c after a percent sign and c.
  let escape = load<u32>(user + ESCAPE);
  let state = load<u32>(user + DECODED_STATE);
  const position = streamPosition;
  let n: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (escape == 1) {
      if (c == 37) escape = 2;
      else store<u8>(scratch + n++, <u8>c);
    } else if (escape == 2) {
      if (hex(c) >= 0) {
        escape = 256 + c;
      } else {
        store<u8>(scratch + n++, 37);
        if (c != 37) {
          store<u8>(scratch + n++, <u8>c);
          escape = 1;
        }
      }
    } else {
      const first = escape - 256;
      const low = hex(c);
      if (low >= 0) {
        store<u8>(scratch + n++, <u8>((hex(first) << 4) | low));
        escape = 1;
      } else {
        store<u8>(scratch + n++, 37);
        store<u8>(scratch + n++, <u8>first);
        if (c == 37) {
          escape = 2;
        } else {
          store<u8>(scratch + n++, <u8>c);
          escape = 1;
        }
      }
    }
    if (n > 4000) {
      state = scanScratch(state, n, position + i);
      n = 0;
    }
  }
  store<u32>(user + DECODED_STATE, scanScratch(state, n, position));
  store<u32>(user + ESCAPE, escape);
}

function scanScratch(state: u32, n: u32, position: u64): u32 {
  scanned = scratch;
  scannedLen = n;
  streamPosition = position;
  return scan(automaton, state, scratch, n, onStreamMatch);
}

function onGap(flow: Flow, dir: u32, missing: u32): void {
  const user = userOf(half(flow, dir));
  store<u32>(user + RAW_STATE, 0);
  store<u32>(user + DECODED_STATE, 0);
  if (load<u32>(user + ESCAPE) > 1) store<u32>(user + ESCAPE, 1);
  flowNow = flow;
  gapHttp(flow, dir, changetype<Http>(user), missing);
}

function onEnd(flow: Flow, dir: u32): void {
  const user = userOf(half(flow, dir));
  flowNow = flow;
  endHttp(flow, dir, changetype<Http>(user));
  store<u32>(user + RAW_STATE, 0);
  store<u32>(user + DECODED_STATE, 0);
  store<u32>(user + ESCAPE, 0);
}

/** Reports a rule once a flow; false when it was reported. */
function report(rule: u32): bool {
  if (!firstReport(flowNow, rule)) return false;
  addFinding(ruleId(rule), ruleSeverity(rule), ruleVerdict(rule), ruleConfidence(rule));
  return true;
}

/** The match and some bytes around it. */
function addContext(len: u32, end: u32): void {
  const start = end > len + 32 ? end - len - 32 : 0;
  addBytes(ATTR_MATCH_DATA, scanned + start, min(scannedLen, end + 64) - start);
}

function onStreamMatch(pattern: u32, end: u32): void {
  if ((patternPlaces(pattern) & places) == 0 || !report(patternRule(pattern))) return;
  const len = patternLen(pattern);
  const at = streamPosition + end;
  setStreamMatch(at > len ? at - len : 0, len);
  addText(ATTR_MATCH_LOCATION, "stream");
  addContext(len, end);
}

function onDatagramMatch(pattern: u32, end: u32): void {
  if ((patternPlaces(pattern) & places) == 0 || !report(patternRule(pattern))) return;
  const len = patternLen(pattern);
  setDataMatch(<u32>(payloadAt - data) + end - len, len);
  addText(ATTR_MATCH_LOCATION, "datagram");
  addContext(len, end);
}

function onRequestMatch(pattern: u32, end: u32): void {
  const where = patternPlaces(pattern) & places;
  if (where == 0 || !report(patternRule(pattern))) return;
  addText(ATTR_MATCH_LOCATION, where == PLACE_HTTP_URI ? "uri" : where == PLACE_HTTP_BODY ? "body" : "header.user-agent");
  addContext(patternLen(pattern), end);
  addRequest();
}

function addRequest(): void {
  addBytes(ATTR_HTTP_METHOD, reqMethod, reqMethodLen);
  addBytes(ATTR_HTTP_URI, reqUri, reqUriLen);
  const host = findHeader("host");
  if (host >= 0) addBytes(ATTR_HTTP_HOST, headerValue(host), headerValueLen(host));
  const agent = findHeader("user-agent");
  if (agent >= 0) addBytes(ATTR_HTTP_USER_AGENT, headerValue(agent), headerValueLen(agent));
}

function scanAs(place: u32, ptr: usize, len: u32): void {
  places = place;
  scanned = ptr;
  scannedLen = len;
  scan(automaton, 0, ptr, len, onRequestMatch);
}

/** Decodes up to twice into the scratch buffer, leaving room for one more byte; returns the length. */
function decodeTwice(ptr: usize, len: u32): u32 {
  let n = urlDecode(ptr, min(len, SCRATCH - 1), scratch, true);
  if (changed() && findByte(scratch, n, 37) >= 0) n = urlDecode(scratch, n, scratch, false);
  return n;
}

function inspectSql(n: u32): void {
  const size = collapseSql(scratch, n, scratch);
  const at = findUnionSelect(scratch, size);
  if (at < 0 || !report(RULE_9000013)) return;
  addBytes(ATTR_MATCH_DATA, scratch + at, min(size - <u32>at, 128));
  addText(ATTR_MATCH_LOCATION, "request");
  addRequest();
}

function onRequest(flow: Flow, dir: u32, http: Http, body: bool): void {
  flowNow = flow;
  const streamPlacesBefore = places;
  if (body) {
    const n = decodeTwice(reqBody, reqBodyLen);
    scanAs(PLACE_HTTP_BODY, scratch, n);
    inspectSql(n);
  } else {
    const agent = findHeader("user-agent");
    if (agent >= 0) scanAs(PLACE_HTTP_USER_AGENT, headerValue(agent), headerValueLen(agent));
    // A space at the end, so that patterns can ask for it.
    let n = decodeTwice(reqUri, reqUriLen);
    store<u8>(scratch + n, 32);
    scanAs(PLACE_HTTP_URI, scratch, n + 1);
    n = normalizeSlashes(scratch, n + 1, scratch);
    if (changed()) scanAs(PLACE_HTTP_URI, scratch, n);
    inspectSql(decodeTwice(reqUri, reqUriLen));
  }
  places = streamPlacesBefore;
}
