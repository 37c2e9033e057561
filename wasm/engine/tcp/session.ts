// State of a TCP conversation: a head and, behind it, one TcpStream for each direction (dir 0: what the client sends).

/** TcpSession.state, the names of RFC 9293 with the sides told apart as Suricata does: CLOSE_WAIT after the client's FIN. */
export const TCP_NONE: u32 = 0;
export const TCP_LISTEN: u32 = 1;
export const TCP_SYN_SENT: u32 = 2;
export const TCP_SYN_RECV: u32 = 3;
export const TCP_ESTABLISHED: u32 = 4;
export const TCP_FIN_WAIT1: u32 = 5;
export const TCP_FIN_WAIT2: u32 = 6;
export const TCP_TIME_WAIT: u32 = 7;
export const TCP_LAST_ACK: u32 = 8;
export const TCP_CLOSE_WAIT: u32 = 9;
export const TCP_CLOSING: u32 = 10;
export const TCP_CLOSED: u32 = 11;

/** TcpSession.flags. */
export const SF_MIDSTREAM: u32 = 1;
export const SF_4WHS: u32 = 2; // both sides sent a SYN
export const SF_ASYNC: u32 = 4; // only one side is seen
export const SF_TFO: u32 = 8; // data in the SYN, with a cookie
export const SF_TIMESTAMPS: u32 = 16;
export const SF_SYNACK_PICKUP: u32 = 32; // began at the SYN/ACK
export const SF_3WHS_CONFIRMED: u32 = 64; // the server has acknowledged more than the handshake

/** TcpStream.flags. */
export const TF_TIMESTAMP: u32 = 1; // sends timestamps
export const TF_FIN: u32 = 2; // its FIN was accepted: finSeq
export const TF_RST: u32 = 4; // sent an accepted RST
export const TF_DEPTH: u32 = 8; // depth reached: no more reassembly
export const TF_STOPPED: u32 = 16; // the engine wants no more: no copies, no callbacks
export const TF_GAP: u32 = 32; // at least one gap
export const TF_ENDED: u32 = 64; // onStreamEnd was called
export const TF_POLICY: u32 = 128; // `policy` is known
export const TF_ISN: u32 = 256; // isn is known
export const TF_ZERO_TS: u32 = 512; // its first timestamp was 0
export const TF_WSCALE: u32 = 1024; // its SYN had a window shift

@unmanaged
export class TcpSession {
  state: u32;
  /** State before an RST, to return to when the RST turns out to be forged. */
  pstate: u32;
  flags: u32;
  /** Different SYN/ACKs that came: block of records, see handshake.ts. */
  queue: usize;
  queueLen: u32;
  /** Packets of this session with each kind of trouble, for EVE. */
  retransmissions: u32;
  /** Flags seen by direction, as EVE's tcp_flags_ts and _tc. */
  tcpFlagsToServer: u32;
  tcpFlagsToClient: u32;
}

@unmanaged
export class TcpStream {
  isn: u32;
  /** Next sequence number expected of this sender. */
  nextSeq: u32;
  /** Highest of its sequence numbers that the other side acknowledged. */
  lastAck: u32;
  /** Highest sequence number that the other side's window allows. */
  nextWin: u32;
  /** Window that the receiver of this stream offers, scaled; and the shift for windows that this sender announces. */
  window: u32;
  wscale: u32;
  flags: u32;
  policy: u32;
  tsVal: u32;
  tsSec: u32;
  finSeq: u32;
  /** Sequence number at stream offset `delivered`: the next byte for the engine. */
  deliverSeq: u32;
  delivered: u64;
  /** Buffer: bytes of the stream from offset `bufStart`; `bufEnd` of it are used (with holes, see the segments). */
  bufStart: u64;
  buf: usize;
  bufCap: u32;
  bufEnd: u32;
  /** Segments not yet delivered and acknowledged, by sequence number: see segments.ts. */
  segHead: usize;
  segTail: usize;
  segCount: u32;
  /** Bytes that the segments hold (overlaps count twice). */
  segBytes: u32;
  /** Delivered bytes to keep for this stream; starts as windowKeep. */
  keep: u32;
  gaps: u32;
  /** Sequence number up to which there is no hole, and the highest end of any segment. */
  contigSeq: u32;
  rightEdge: u32;
  synData: u32;
  /** The last gap: its length, and the stream offset behind it. */
  gapLen: u32;
  gapEnd: u64;
}

/** The stream of direction `dir`. */
// @ts-ignore: decorator
@inline export function streamOf(ssn: TcpSession, dir: u32): TcpStream {
  return changetype<TcpStream>(changetype<usize>(ssn) + 32 + <usize>dir * offsetof<TcpStream>());
}

// @ts-ignore: decorator
@inline export function seqLt(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}
// @ts-ignore: decorator
@inline export function seqLeq(a: u32, b: u32): bool {
  return <i32>(a - b) <= 0;
}
// @ts-ignore: decorator
@inline export function seqGt(a: u32, b: u32): bool {
  return <i32>(a - b) > 0;
}
// @ts-ignore: decorator
@inline export function seqGeq(a: u32, b: u32): bool {
  return <i32>(a - b) >= 0;
}
/** low <= a <= high. */
// @ts-ignore: decorator
@inline export function seqEqOrBetween(a: u32, low: u32, high: u32): bool {
  return <i32>(a - low) >= 0 && <i32>(high - a) >= 0;
}
