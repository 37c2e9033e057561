// What every module exports, and the loop over a batch. A module re-exports `input`, `output` and the marker, and calls
// `runBatch` from its own `inspect`.

import { E_BATCH } from "../../abi/assembly/abi";
import { batchRecords, openBatch, selectRecord } from "./batch";
import { reserve } from "./bytes";
import { finishFindings, hasRoom, outputPointer, resetFindings } from "./findings";

/** Longest batch that `input` takes. */
export const INPUT_BYTES: u32 = 1048576;
const inputBuffer = reserve(INPUT_BYTES);

/** Marker of the ABI's major version. */
export const secuxflow_abi_1: i32 = 1;

/** Room for a batch or a configuration; 0 when it is too long. */
export function input(capacity: i32): usize {
  return <u32>capacity <= INPUT_BYTES ? inputBuffer : 0;
}

/** The findings of the last `inspect`. */
export function output(): usize {
  return outputPointer();
}

/** Calls `handle` for each record that is for this module; stops when the output is full. Returns what `inspect` returns. */
export function runBatch(ptr: usize, len: u32, handle: () => void): i32 {
  if (!openBatch(ptr, len)) return E_BATCH;
  resetFindings();
  const total = batchRecords();
  let done: u32 = 0;
  while (done < total && hasRoom()) {
    if (selectRecord(done)) handle();
    done++;
  }
  return finishFindings(done, total);
}
