// Requests out of TCP streams: flows, reassembly and the HTTP parser of the SDK. Reports tools by their User-Agent.

import { ATTR_HTTP_URI, ATTR_HTTP_USER_AGENT, KIND_FLOW_END, recordKind, recordProto } from "../../../abi/assembly/abi";
import { advanceClock, parseTransport, record } from "../../../sdk/assembly/batch";
import { containsFold } from "../../../sdk/assembly/bytes";
import { addBytes, addFinding } from "../../../sdk/assembly/findings";
import { Flow, directionOf, flowOfRecord, forgetFlow, half, initFlows, sweepFlows, userOf } from "../../../sdk/assembly/flow";
import {
  Http, endHttp, feedHttp, findHeader, gapHttp, headerValue, headerValueLen, initHttp, releaseHttp, reqUri, reqUriLen,
} from "../../../sdk/assembly/http1";
import { runBatch } from "../../../sdk/assembly/module";
import { feedTcp, initTcp, releaseHeld } from "../../../sdk/assembly/tcp";

export { input, output, secuxflow_abi_1 } from "../../../sdk/assembly/module";

const TCP: u32 = 6;
const SCANNER: u32 = 1;
const NO_AGENT: u32 = 2;

initFlows(4096, <u32>offsetof<Http>(), forget);
initTcp(1024, onData, onGap, onEnd);
initHttp(256, onRequest);

/** Handles a batch; returns bytes of output. */
export function inspect(ptr: usize, len: i32): i32 {
  const result = runBatch(ptr, <u32>len, handle);
  sweepFlows(64);
  return result;
}

/** Time passes without packets. */
export function tick(nowMs: f64): void {
  advanceClock(nowMs);
  sweepFlows(1024);
}

function parser(flow: Flow, dir: u32): Http {
  return changetype<Http>(userOf(half(flow, dir)));
}

function forget(flow: Flow): void {
  releaseHeld(flow);
  releaseHttp(parser(flow, 0));
  releaseHttp(parser(flow, 1));
}

function handle(): void {
  if (recordProto(record) != TCP) return;
  if (recordKind(record) == KIND_FLOW_END) {
    const over = flowOfRecord(false);
    if (over !== null) forgetFlow(over);
    return;
  }
  if (!parseTransport()) return;
  const flow = flowOfRecord(true);
  if (flow !== null) feedTcp(flow, directionOf(flow));
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

/** Called when a request's head is complete, and again with its body. */
function onRequest(_flow: Flow, _dir: u32, _http: Http, body: bool): void {
  if (body) return;
  const at = findHeader("user-agent");
  if (at < 0) {
    addFinding(NO_AGENT, 4, 1, 50);
    addBytes(ATTR_HTTP_URI, reqUri, reqUriLen);
    return;
  }
  const value = headerValue(at);
  const length = headerValueLen(at);
  if (!containsFold(value, length, "sqlmap") && !containsFold(value, length, "nikto")) return;
  addFinding(SCANNER, 2, 1, 90);
  addBytes(ATTR_HTTP_USER_AGENT, value, length);
}
