// What TCP reassembly tells the engine. `dir` is the direction of the data: 0 to the server, 1 to the client.

import { Flow } from "../flow/flow";

/**
 * Bytes that follow what came before in this direction. They lie in the stream's buffer right behind the bytes that
 * streamWindow still keeps (or in the packet when memory is short), until the callback returns. `offset` is their place in the
 * stream; bytes that a gap skipped count.
 */
export let onData: (flow: Flow, dir: u32, ptr: usize, len: u32, offset: u64) => void =
  (_flow: Flow, _dir: u32, _ptr: usize, _len: u32, _offset: u64): void => {};
export function setOnData(callback: (flow: Flow, dir: u32, ptr: usize, len: u32, offset: u64) => void): void {
  onData = callback;
}

/** `len` bytes were lost for us, although the receiver got them. */
export let onGap: (flow: Flow, dir: u32, len: u32) => void = (_flow: Flow, _dir: u32, _len: u32): void => {};
export function setOnGap(callback: (flow: Flow, dir: u32, len: u32) => void): void {
  onGap = callback;
}

/** No more data will come in this direction: FIN delivered, depth reached, or the flow ends. Once per flow and direction. */
export let onStreamEnd: (flow: Flow, dir: u32) => void = (_flow: Flow, _dir: u32): void => {};
export function setOnStreamEnd(callback: (flow: Flow, dir: u32) => void): void {
  onStreamEnd = callback;
}
