// Finds a word in payloads, packet by packet. What a module can use is in vendor/sdk/assembly; tests are in ../tests.json.

import { payloadAt, payloadCaptured, parseTransport, data } from "../vendor/sdk/assembly/batch";
import { lower } from "../vendor/sdk/assembly/bytes";
import { addBytes, addFinding, setDataMatch } from "../vendor/sdk/assembly/findings";
import { runBatch } from "../vendor/sdk/assembly/module";
import { ATTR_MATCH_DATA } from "../vendor/abi/assembly/abi";

export { input, output, secuxflow_abi_1 } from "../vendor/sdk/assembly/module";

const WORD = memory.data<u8>([97, 116, 116, 97, 99, 107]); // "attack"
const LENGTH: u32 = 6;
/** Rule of manifest.json. */
const RULE: u32 = 1;

/** Handles a batch; returns bytes of output. */
export function inspect(ptr: usize, len: i32): i32 {
  return runBatch(ptr, <u32>len, handle);
}

function handle(): void {
  if (!parseTransport()) return;
  const at = find(payloadAt, payloadCaptured);
  if (at == 0) return;
  addFinding(RULE, 2, 1, 80); // severity high, verdict alert, confidence 80
  setDataMatch(<u32>(at - data), LENGTH);
  addBytes(ATTR_MATCH_DATA, at, LENGTH);
}

/** Where the word is, in either case, or 0. */
function find(ptr: usize, len: u32): usize {
  for (let i: u32 = 0; i + LENGTH <= len; i++) {
    let same: u32 = 0;
    while (same < LENGTH && <u32>lower(load<u8>(ptr + i + same)) == <u32>load<u8>(WORD + same)) same++;
    if (same == LENGTH) return ptr + i;
  }
  return 0;
}
