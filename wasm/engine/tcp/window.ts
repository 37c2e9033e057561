// The last bytes of a stream, for patterns that span segments.

import { Packet, TH_SYN } from "../decode/packet";
import { Flow } from "../flow/flow";
import { streamFree } from "./reassembly";
import { TCP_TIME_WAIT, TcpSession, TcpStream, TF_STOPPED, streamOf } from "./session";

/** Delivered bytes of one direction: `len` of them at `ptr`, the first at stream offset `offset`. */
@unmanaged
export class StreamView {
  ptr: usize;
  len: u32;
  pad: u32;
  offset: u64;
}

const view: usize = memory.data(24, 8);

/**
 * The delivered bytes still at hand: at least the last `keep` (see streamKeep) since the last gap, inside onData up to and with
 * the new ones. Costs nothing. One static instance, valid until the next packet is handled; empty without a TCP session.
 */
export function streamWindow(flow: Flow, dir: u32): StreamView {
  const out = changetype<StreamView>(view);
  out.len = 0;
  out.offset = 0;
  if (flow.session == 0) return out;
  const s = streamOf(changetype<TcpSession>(flow.session), dir);
  out.offset = s.bufStart;
  if (s.buf == 0 || s.delivered <= s.bufStart) return out;
  out.ptr = s.buf;
  out.len = <u32>(s.delivered - s.bufStart);
  return out;
}

/**
 * The part of the stream around a packet that inline detection looks at: up to `most` bytes that end with the packet's, or lie
 * around them; the payload alone while the stream does not have it. Valid as {@link streamWindow} is.
 */
export function packetWindow(p: Packet, flow: Flow, most: u32): StreamView {
  const out = streamWindow(flow, p.dir);
  const len = p.payloadLen;
  const chunk = most <= len ? len + most / 3 : most;
  const s = streamOf(changetype<TcpSession>(flow.session), p.dir);
  const syn: u32 = (p.tcpFlags & TH_SYN) != 0 ? 1 : 0;
  const start = <i64>s.delivered + <i64><i32>(p.tcpSeq + syn - s.deliverSeq);
  const end = start + <i64>len;
  const left = <i64>out.offset;
  const right = left + <i64>out.len;
  if (out.len == 0 || end <= left || start >= right) {
    out.ptr = p.payload;
    out.len = len;
    out.offset = <u64>max<i64>(start, 0);
    return out;
  }
  if (out.len <= chunk) return out;
  const stop = min<i64>(end, right);
  const first = max<i64>(stop - <i64>chunk, left);
  out.ptr += <usize>(first - left);
  out.offset = <u64>first;
  out.len = min<u32>(chunk, <u32>(right - first));
  return out;
}

/** Whether the conversation is beyond its first FIN or over. */
export function tcpEnding(flow: Flow): bool {
  return flow.session != 0 && changetype<TcpSession>(flow.session).state > TCP_TIME_WAIT;
}

/** Bytes that are missing directly before what {@link streamWindow} gives, 0 for none. */
export function streamMissing(flow: Flow, dir: u32): u32 {
  if (flow.session == 0) return 0;
  const s = streamOf(changetype<TcpSession>(flow.session), dir);
  return s.gapLen != 0 && s.gapEnd == s.bufStart ? s.gapLen : 0;
}

/** How many delivered bytes to keep in this direction from now on; 0 for a flow that nobody searches across segments. */
export function streamKeep(flow: Flow, dir: u32, bytes: u32): void {
  if (flow.session != 0) streamOf(changetype<TcpSession>(flow.session), dir).keep = bytes;
}

/** No more reassembly in this direction: nothing is copied or called back; TCP state is still tracked. */
export function streamStop(flow: Flow, dir: u32): void {
  if (flow.session != 0) streamOf(changetype<TcpSession>(flow.session), dir).flags |= TF_STOPPED;
}

/** Stops both directions and gives their buffers back now. Not from a callback. */
export function streamRelease(flow: Flow): void {
  for (let dir: u32 = 0; dir < 2; dir++) {
    streamStop(flow, dir);
    if (flow.session != 0) streamFree(streamOf(changetype<TcpSession>(flow.session), dir));
  }
}

/** Stream offset up to which data was delivered. */
export function streamOffset(flow: Flow, dir: u32): u64 {
  return flow.session == 0 ? 0 : streamOf(changetype<TcpSession>(flow.session), dir).delivered;
}

/** Bytes sent so far by sequence numbers (as `stream_size` counts them). */
export function streamSize(flow: Flow, dir: u32): u32 {
  if (flow.session == 0) return 0;
  const s: TcpStream = streamOf(changetype<TcpSession>(flow.session), dir);
  return s.nextSeq - s.isn;
}
