// What the tests of this room call: frames in, a log of what was delivered out.
import { memoryTaken, setMemoryBudget, take } from "../core/memory";
import { packetAt, packetDecode } from "../decode/decode";
import { hasEvent } from "../decode/events";
import { IP_TCP } from "../decode/packet";
import { setLinkType } from "../decode/settings";
import { setOnFlowEnd } from "../flow/callbacks";
import { Flow } from "../flow/flow";
import { setFlowMemcapPolicy, setFlowTimeout, setVlanTracking } from "../flow/settings";
import {
  flowAfter, flowEndAll, flowInit, flowTick, flowsActive, flowsCreated, flowsEvicted, flowsExpired, packetFlow,
} from "../flow/table";
import { defragClear } from "../ip/defrag";
import { setFragmentPolicy } from "../ip/policy";
import { setOnData, setOnGap, setOnStreamEnd } from "./callbacks";
import { TcpSession } from "./session";
import {
  setAsyncOneside, setChecksumValidation, setDefaultPolicy, setInlineMode, setMaxSegments, setMidstream,
  setMidstreamPolicy, setReassemblyDepth, setWindowKeep,
} from "./settings";
import { tcpHandle, tcpInit } from "./tcp";
import { streamStop, streamWindow } from "./window";

export { defragClear, flowEndAll, flowInit, flowTick, flowsActive, flowsCreated, flowsEvicted, flowsExpired, memoryTaken,
  setAsyncOneside, setChecksumValidation, setDefaultPolicy, setFlowMemcapPolicy, setFlowTimeout, setFragmentPolicy, setInlineMode,
  setLinkType, setMaxSegments, setMemoryBudget, setMidstream, setMidstreamPolicy, setReassemblyDepth, setVlanTracking,
  setWindowKeep, take };

/** Log of records: kind u8 (1 data, 2 gap, 3 stream end, 4 flow end), dir u8, flow id u16, length u32, then the data's bytes. */
let log: usize = 0;
let logLen: u32 = 0;
const LOG: u32 = 4 << 20;

function record(kind: u32, dir: u32, flow: Flow, len: u32): usize {
  if (logLen + 8 + len > LOG) return 0;
  const at = log + logLen;
  store<u8>(at, <u8>kind);
  store<u8>(at, <u8>dir, 1);
  store<u16>(at, <u16>flow.id, 2);
  store<u32>(at, len, 4);
  logLen += 8;
  return at + 8;
}

let badWindow: u32 = 0;
let logging: bool = true;
let stopAfter: u32 = 0;

export function start(flows: u32): void {
  log = heap.alloc(LOG);
  flowInit(flows);
  tcpInit();
  setOnData((flow: Flow, dir: u32, ptr: usize, len: u32, offset: u64): void => {
    // The window must end with the new data.
    const view = streamWindow(flow, dir);
    if (view.len != 0 && (view.offset + view.len != offset + len || view.ptr + view.len != ptr + len)) badWindow++;
    if (stopAfter != 0 && offset + len >= stopAfter) streamStop(flow, dir);
    if (!logging) return;
    const at = record(1, dir, flow, len);
    if (at != 0) {
      memory.copy(at, ptr, len);
      logLen += len;
    }
  });
  setOnGap((flow: Flow, dir: u32, len: u32): void => {
    if (logging) record(2, dir, flow, len);
  });
  setOnStreamEnd((flow: Flow, dir: u32): void => {
    if (logging) record(3, dir, flow, 0);
  });
  setOnFlowEnd((flow: Flow, reason: u32): void => {
    if (logging) record(4, reason, flow, 0);
  });
}

export function quiet(): void {
  logging = false;
}
export function setStopAfter(bytes: u32): void {
  stopAfter = bytes;
}
export function windowTrouble(): u32 {
  return badWindow;
}
export function logAt(): usize {
  return log;
}
export function takeLog(): u32 {
  const len = logLen;
  logLen = 0;
  return len;
}

/** Handles one frame as an engine would; the result of tcpHandle of the frame's last packet, 1 when that is not TCP. */
export function frame(ptr: usize, len: u32, timeMs: f64): i32 {
  const count = packetDecode(ptr, len, len, <u64>(timeMs * 1000000), 0);
  let result: i32 = 1;
  for (let i: i32 = <i32>count - 1; i >= 0; i--) {
    const p = packetAt(i);
    const flow = packetFlow(p);
    if (flow != 0 && p.proto == IP_TCP && changetype<Flow>(flow).proto == IP_TCP) result = tcpHandle(p, changetype<Flow>(flow));
  }
  return result;
}
export function event(packet: u32, number: u32): bool {
  return hasEvent(packetAt(packet), number);
}
export function packetFlags(packet: u32): u32 {
  return packetAt(packet).flags;
}
export function packetDir(packet: u32): u32 {
  return packetAt(packet).dir;
}
export function dropReason(packet: u32): u32 {
  return packetAt(packet).dropReason;
}
export function tcpState(): u32 {
  const flow = flowAfter(0);
  if (flow == 0 || changetype<Flow>(flow).session == 0) return 0;
  return changetype<TcpSession>(changetype<Flow>(flow).session).state;
}
export function packetFlowId(packet: u32): u32 {
  const flow = packetAt(packet).flow;
  return flow == 0 ? 0 : <u32>changetype<Flow>(flow).id;
}
/** Replays `count` frames laid end to end as u32 length and bytes, `rounds` times, for measuring. */
export function replay(ptr: usize, count: u32, rounds: u32): u32 {
  let n: u32 = 0;
  for (let r: u32 = 0; r < rounds; r++) {
    let at = ptr;
    for (let i: u32 = 0; i < count; i++) {
      const len = load<u32>(at);
      frame(at + 4, len, 1000);
      at += 4 + len;
      n++;
    }
  }
  return n;
}
