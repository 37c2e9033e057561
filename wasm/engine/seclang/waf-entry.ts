// The waf module: packets through decoding, flows, TCP and HTTP to SecLang rules; findings out.

import { E_BATCH, E_CONFIG, E_RULES, KIND_FLOW_END, KIND_STREAM_CHUNK, RECORD_FLAG_GAP, recordDport, recordDst, recordFamily,
  recordFlags,
  recordKind, recordProto, recordSport, recordSrc, recordStreamOffset, recordVlan, recordWireLen } from "../../abi/assembly/abi";
import { batchRecords, data, dataLen, now, openBatch, record, recordIndex, selectRecord } from "../../sdk/assembly/batch";
import { isKey, readConfig } from "../../sdk/assembly/config";
import { exemptFromBudget, give, memoryRefusals, memoryTaken, setMemoryBudget, take } from "../core/memory";
import { packetAt, packetDecode } from "../decode/decode";
import { IP_TCP, Packet } from "../decode/packet";
import { finishFindings, hasRoom, outputPointer, resetFindings } from "../detect/report";
import { END_TIMEOUT, Flow } from "../flow/flow";
import { endFlow, flowEndAll, flowInit, flowsActive, flowTick, packetFlow } from "../flow/table";
import { setAsyncOneside, setChecksumValidation, setMidstream, setReassemblyDepth, setWindowKeep } from "../tcp/settings";
import { tcpHandle, tcpInit } from "../tcp/tcp";
import { limitRegexes, setStepBudget } from "./budget";
import { exhaustions } from "./evaluate";
import { programLoad } from "./program";
import {
  closeIfEnded, flowsEncrypted, flowsHttp, flowsOther, inspected, onData, onGap, sessionInit, setMoment,
} from "./session";
import { shortages, transactions } from "./transaction";

/** Marker of the ABI's major version. */
export const secuxflow_abi_1: i32 = 1;

const FLOWS: u32 = 16384;
const LONGEST_INPUT: u32 = 16 << 20;
const LONGEST_RULES: u32 = 64 << 20;
/** Rules are a few MB, automata at most 12; flows, streams and bodies share the rest. */
const BUDGET: usize = 40 << 20;

/** From here on the oldest flows end, so that new ones find room. */
let tight: usize = 0;
useMemory(BUDGET);
flowInit(FLOWS);
tcpInit();
setReassemblyDepth(16 << 20);
// Live traffic: sensors start in the middle of conversations, and cards fill in checksums after the tap.
setMidstream(true);
setAsyncOneside(true);
setChecksumValidation(false);
setWindowKeep(0);
sessionInit();
reserve();

/** The heap doubles when it grows: from here the next step has room for the whole budget, and is the last. */
function reserve(): void {
  const have = <usize>memory.size() << 16;
  const first: usize = 30 << 20;
  if (have < first) heap.free(heap.alloc(first - have));
}

let endedForMemory: u64 = 0;

function useMemory(bytes: usize): void {
  setMemoryBudget(bytes);
  limitRegexes(bytes);
  tight = bytes - (bytes >> 3);
}

function relieve(): void {
  while (memoryTaken() > tight && hasRoom()) {
    const before = flowsActive();
    if (before == 0) return;
    endedForMemory += <u64>(before - flowEndAll(16));
  }
}

let inputAt: usize = 0;
let inputSize: u32 = 0;

/** Room for a batch or a configuration; 0 when it is too long. */
export function input(capacity: i32): usize {
  const wanted = <u32>capacity;
  if (wanted <= inputSize) return inputAt;
  if (wanted > LONGEST_INPUT) return 0;
  const size = max<u32>(wanted, 1 << 20);
  const at = take(size);
  if (at == 0) return 0;
  give(inputAt);
  inputAt = at;
  inputSize = size;
  return at;
}

/** The findings of the last `inspect`. */
export function output(): usize {
  return outputPointer();
}

let rulesBlock: usize = 0;
let nextBlock: usize = 0;

/** Room for a rule image, 16-aligned. */
export function rules(capacity: i32): usize {
  if (<u32>capacity > LONGEST_RULES) return 0;
  give(nextBlock);
  exemptFromBudget(true);
  nextBlock = take(<u32>capacity + 16);
  exemptFromBudget(false);
  return nextBlock == 0 ? 0 : (nextBlock + 15) & ~15;
}

/** Uses the image from now on; transactions under way end without it. */
export function load(ptr: usize, len: i32): i32 {
  exemptFromBudget(true);
  const used = nextBlock != 0 && ptr == ((nextBlock + 15) & ~15) && programLoad(ptr, <u32>len);
  exemptFromBudget(false);
  if (!used) {
    give(nextBlock);
    nextBlock = 0;
    return E_RULES;
  }
  give(rulesBlock);
  rulesBlock = nextBlock;
  nextBlock = 0;
  return 0;
}

export function configure(ptr: usize, len: i32): i32 {
  return readConfig(ptr, <u32>len, setOption) ? 0 : E_CONFIG;
}

function setOption(key: usize, len: u32, value: i64): bool {
  if (isKey(key, len, "checksum") && value <= 1) setChecksumValidation(value == 1);
  else if (isKey(key, len, "midstream") && value <= 1) setMidstream(value == 1);
  else if (isKey(key, len, "stream.depth") && value <= 0x40000000) setReassemblyDepth(<u32>value);
  else if (isKey(key, len, "memory") && value >= 16 << 20 && value <= 1 << 30) useMemory(<usize>value);
  else if (isKey(key, len, "steps") && value > 0) setStepBudget(<u64>value);
  else return false;
  return true;
}

export function inspect(ptr: usize, len: i32): i32 {
  if (!openBatch(ptr, <u32>len)) return E_BATCH;
  resetFindings();
  const total = batchRecords();
  let done: u32 = 0;
  while (done < total && hasRoom()) {
    if (selectRecord(done)) handle();
    if (memoryTaken() > tight) relieve();
    done++;
  }
  if (done == total && hasRoom()) flowTick(now, 64);
  return finishFindings(done, done < total);
}

export function tick(nowMs: f64): void {
  resetFindings();
  const ns = <u64>(nowMs * 1000000);
  setMoment(0, ns);
  flowTick(ns, 1024);
}

/** Bytes in use, for measuring. */
export function memoryUsed(): f64 {
  return <f64>memoryTaken();
}

/**
 * What was seen since the start, for `status`: seven u64, little endian. HTTP flows, encrypted ones (TLS, SSH: not inspected),
 * flows of other protocols, transactions inspected, transactions that used up their steps, refusals of memory, flows ended early
 * for memory.
 */
export function counters(): usize {
  store<u64>(COUNTERS, flowsHttp);
  store<u64>(COUNTERS, flowsEncrypted, 8);
  store<u64>(COUNTERS, flowsOther, 16);
  store<u64>(COUNTERS, inspected, 24);
  store<u64>(COUNTERS, exhaustions, 32);
  store<u64>(COUNTERS, <u64>memoryRefusals() + <u64>shortages, 40);
  store<u64>(COUNTERS, endedForMemory, 48);
  return COUNTERS;
}
const COUNTERS = memory.data(56, 16);

/** Transactions under way, for tests. */
export function transactionsAlive(): u32 {
  return transactions;
}

function handle(): void {
  setMoment(recordIndex, now);
  const kind = recordKind(record);
  if (kind == KIND_STREAM_CHUNK || kind == KIND_FLOW_END) {
    if (recordProto(record) == IP_TCP) chunk(kind);
    return;
  }
  const count = packetDecode(data, dataLen, recordWireLen(record), now, recordIndex);
  for (let i = count; i > 0; i--) {
    const p = packetAt(i - 1);
    if (p.proto != IP_TCP) continue;
    const flow = packetFlow(p);
    if (flow == 0) continue;
    tcpHandle(p, changetype<Flow>(flow));
    closeIfEnded(changetype<Flow>(flow));
  }
}

/** Streams that somebody else put together: the record says whose they are. */
function chunk(kind: u32): void {
  const p = packetAt(0);
  memory.fill(changetype<usize>(p), 0, offsetof<Packet>());
  p.timeNs = now;
  p.family = recordFamily(record);
  p.proto = IP_TCP;
  p.sport = recordSport(record);
  p.dport = recordDport(record);
  const src = recordSrc(record);
  const dst = recordDst(record);
  p.src0 = load64(src);
  p.src1 = load64(src + 8);
  p.dst0 = load64(dst);
  p.dst1 = load64(dst + 8);
  p.vlan0 = recordVlan(record);
  p.l4 = data;
  const at = packetFlow(p);
  if (at == 0) return;
  const flow = changetype<Flow>(at);
  if (kind == KIND_FLOW_END) {
    endFlow(flow, END_TIMEOUT);
    return;
  }
  if ((recordFlags(record) & RECORD_FLAG_GAP) != 0) onGap(flow, p.dir, 1);
  onData(flow, p.dir, data, dataLen, recordStreamOffset(record));
}

// The name `load` is taken by the ABI's export.
// @ts-ignore: decorator
@inline function load64(at: usize): u64 {
  return v128.extract_lane<u64>(v128.load(at), 0);
}
