// The waf module: finds HTTP/1 requests in TCP streams, inspects their parts, adds up a score per request, and reports the
// request when it reaches the threshold. rules.json holds the rules, detect.ts and sql.ts the heuristics.

import {
  E_CONFIG,
  KIND_FLOW_END,
  KIND_STREAM_CHUNK,
  RECORD_FLAG_GAP,
  recordFlags,
  recordKind,
  recordProto,
} from "../../../abi/assembly/abi";
import { advanceClock, data, dataLen, parseTransport, record } from "../../../sdk/assembly/batch";
import { isKey, readConfig } from "../../../sdk/assembly/config";
import { Flow, directionOf, flowOfRecord, forgetFlow, half, initFlows, sweepFlows, userOf } from "../../../sdk/assembly/flow";
import { Http, endHttp, feedHttp, gapHttp, initHttp, releaseHttp } from "../../../sdk/assembly/http1";
import { runBatch } from "../../../sdk/assembly/module";
import { loadSignatures } from "../../../sdk/assembly/signatures";
import { feedTcp, initTcp, releaseHeld } from "../../../sdk/assembly/tcp";
import { signatureImage } from "./generated/rules";
import { inspectBody, inspectHead } from "./request";
import { beginScore, reportScore } from "./score";

export { input, output, secuxflow_abi_1 } from "../../../sdk/assembly/module";

const FLOWS: u32 = 16384;
const SEGMENTS: u32 = 4096;
const REQUESTS: u32 = 512;

/** Set in `Http.user` when the request was reported. */
const REPORTED: u32 = 1;

let threshold: u32 = 5;

initFlows(FLOWS, <u32>offsetof<Http>(), forget);
initTcp(SEGMENTS, onData, onGap, onEnd);
initHttp(REQUESTS, onRequest);
loadSignatures(signatureImage());

export function configure(ptr: usize, len: i32): i32 {
  return readConfig(ptr, <u32>len, setOption) ? 0 : E_CONFIG;
}

function setOption(key: usize, len: u32, value: i64): bool {
  if (!isKey(key, len, "score.threshold") || value < 1 || value > 1000) return false;
  threshold = <u32>value;
  return true;
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

// @ts-ignore: decorator
@inline function parser(flow: Flow, dir: u32): Http {
  return changetype<Http>(userOf(half(flow, dir)));
}

function forget(flow: Flow): void {
  releaseHeld(flow);
  releaseHttp(parser(flow, 0));
  releaseHttp(parser(flow, 1));
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
  if (recordProto(record) != 6) return;
  if (kind != KIND_STREAM_CHUNK && !parseTransport()) return;
  const flow = flowOfRecord(true);
  if (flow === null) return;
  const dir = directionOf(flow);
  if (kind != KIND_STREAM_CHUNK) {
    feedTcp(flow, dir);
    return;
  }
  if ((recordFlags(record) & RECORD_FLAG_GAP) != 0) onGap(flow, dir, 0);
  onData(flow, dir, data, dataLen);
}

function onData(flow: Flow, dir: u32, ptr: usize, len: u32): void {
  feedHttp(flow, dir, parser(flow, dir), ptr, len);
}

function onGap(flow: Flow, dir: u32, missing: u32): void {
  gapHttp(flow, dir, parser(flow, dir), missing);
}

function onEnd(flow: Flow, dir: u32): void {
  endHttp(flow, dir, parser(flow, dir));
}

/** Once when the head is complete, once more with the body: what is bad enough already is not made to wait. */
function onRequest(flow: Flow, dir: u32, http: Http, body: bool): void {
  if ((http.user & REPORTED) != 0) return;
  beginScore();
  inspectHead();
  if (body) inspectBody();
  if (reportScore(threshold)) http.user |= REPORTED;
}
