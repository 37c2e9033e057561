// The module `ips`: the inspection ABI (docs/inspect-abi.md) over the engine.

import { E_BATCH, E_CONFIG, E_RULES, KIND_PACKET, recordKind, recordWireLen } from "../../abi/assembly/abi";
import { batchRecords, data, dataLen, now, openBatch, record, recordIndex, selectRecord } from "../../sdk/assembly/batch";
import { exemptFromBudget, give } from "../core/memory";
import { endFlows, handleFrame, passTime, rulesChanged, start } from "./engine";
import { finishFindings, hasRoom, outputPointer, resetFindings } from "./report";
import { takeImage, useRules } from "./rules";
import { applySettings } from "./settings";

/** Marker of the ABI's major version. */
export const secuxflow_abi_1: i32 = 1;

/** Longest batch. */
const INPUT_BYTES: u32 = 16777216;
let inputAt: usize = 0;
let inputSize: u32 = 0;
/** Room that `rules` gave out. */
let imageAt: usize = 0;

/** Room for a batch or settings of that many bytes; 0 when it is too much. */
export function input(capacity: i32): usize {
  const wanted = <u32>capacity;
  if (wanted > INPUT_BYTES) return 0;
  if (wanted > inputSize || inputAt == 0) {
    if (inputAt != 0) heap.free(inputAt);
    inputSize = max<u32>(wanted, 1048576);
    inputAt = heap.alloc(inputSize);
  }
  return inputAt;
}

export function output(): usize {
  return outputPointer();
}

export function configure(ptr: i32, len: i32): i32 {
  return applySettings(ptr, len) ? 0 : E_CONFIG;
}

/** Longest rule image. */
const LONGEST_RULES: u32 = 48 << 20;

/** Room for a rule image, 16-aligned; 0 when memory is short. */
export function rules(capacity: i32): usize {
  give(imageAt);
  imageAt = 0;
  if (<u32>capacity > LONGEST_RULES) return 0;
  exemptFromBudget(true);
  imageAt = takeImage(<u32>capacity);
  exemptFromBudget(false);
  return imageAt;
}

/** Puts the image into use; the one before stays when it is refused. */
export function load(ptr: i32, len: i32): i32 {
  exemptFromBudget(true);
  const used = imageAt != 0 && <usize>ptr == imageAt && useRules(imageAt, <u32>len);
  exemptFromBudget(false);
  if (!used) {
    give(imageAt);
    imageAt = 0;
    return E_RULES;
  }
  imageAt = 0;
  rulesChanged();
  return 0;
}

export function inspect(ptr: i32, len: i32): i32 {
  start();
  if (!openBatch(ptr, <u32>len)) return E_BATCH;
  resetFindings();
  const total = batchRecords();
  let done: u32 = 0;
  while (done < total && hasRoom()) {
    if (selectRecord(done) && recordKind(record) == KIND_PACKET) handleFrame(data, dataLen, recordWireLen(record), now, recordIndex);
    done++;
  }
  if (done == total) passTime(now);
  return finishFindings(done, done < total);
}

/** All flows end; the findings of that, as `inspect` gives them. Called again while its status is "output full". */
export function flush(): i32 {
  start();
  resetFindings();
  const over = endFlows();
  return finishFindings(over ? 1 : 0, !over);
}

export function tick(nowMs: f64): void {
  if (nowMs > 0 && nowMs < 1e14) passTime(<u64>nowMs * 1000000);
}
