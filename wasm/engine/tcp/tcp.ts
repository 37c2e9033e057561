// TCP tracking: the entry, and conversations that are established or closing.

import { give } from "../core/memory";
import {
  D_IPV4_CHECKSUM_INVALID, D_TCP_CHECKSUM_INVALID, S_CLOSEWAIT_ACK_OUT_OF_WINDOW, S_CLOSEWAIT_FIN_OUT_OF_WINDOW,
  S_CLOSEWAIT_INVALID_ACK, S_CLOSEWAIT_PKT_BEFORE_LAST_ACK, S_CLOSING_ACK_WRONG_SEQ, S_CLOSING_INVALID_ACK,
  S_EST_INVALID_ACK, S_EST_PACKET_OUT_OF_WINDOW, S_EST_PKT_BEFORE_LAST_ACK, S_EST_SYNACK_RESEND,
  S_EST_SYNACK_RESEND_WITH_DIFFERENT_ACK, S_EST_SYNACK_RESEND_WITH_DIFF_SEQ, S_EST_SYNACK_TOSERVER, S_EST_SYN_RESEND,
  S_EST_SYN_RESEND_DIFF_SEQ, S_EST_SYN_TOCLIENT, S_FIN1_ACK_WRONG_SEQ, S_FIN1_FIN_WRONG_SEQ, S_FIN1_INVALID_ACK,
  S_FIN2_ACK_WRONG_SEQ, S_FIN2_FIN_WRONG_SEQ, S_FIN2_INVALID_ACK, S_FIN_INVALID_ACK, S_FIN_OUT_OF_WINDOW,
  S_LASTACK_ACK_WRONG_SEQ, S_LASTACK_INVALID_ACK, S_PKT_BAD_WINDOW_UPDATE, S_PKT_BROKEN_ACK,
  S_PKT_SPURIOUS_RETRANSMISSION, S_SHUTDOWN_SYN_RESEND, S_SUSPECTED_RST_INJECT, S_TIMEWAIT_ACK_WRONG_SEQ,
  S_TIMEWAIT_INVALID_ACK, setEvent,
} from "../decode/events";
import {
  DROP_STREAM_ERROR, PF_BAD_CHECKSUM, PF_DROP, PF_ESTABLISHED, PF_INVALID, PF_NO_PAYLOAD_INSPECTION,
  PF_STREAM_INVALID, Packet, TH_ACK, TH_FIN, TH_RST, TH_SYN, TH_URG,
} from "../decode/packet";
import { setOnSessionEnd, setReuses } from "../flow/callbacks";
import {
  FF_BYPASS, FF_ESTABLISHED_SEEN, FF_NO_INSPECT, FF_TO_CLIENT_SEEN, FF_TO_SERVER_SEEN, FLOW_CLOSED, FLOW_ESTABLISHED, Flow,
} from "../flow/flow";
import { flowState } from "../flow/table";
import { checksumOk, ipChecksumOk } from "../ip/checksum";
import { ackOk, keepTimestamp, markRetransmission, rstOk, timestampOk } from "./check";
import { NOT_TRACKED, forget, stateNone, stateSynRecv, stateSynSent } from "./handshake";
import { deliver, endOfStream, insert, reassemblyInit, streamFree } from "./reassembly";
import {
  SF_ASYNC, SF_MIDSTREAM, TCP_CLOSED, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
  TCP_LAST_ACK, TCP_NONE, TCP_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT, TF_FIN, TF_RST, TcpSession, TcpStream,
  seqEqOrBetween, seqGt, seqLeq, seqLt, streamOf,
} from "./session";
import { asyncOneside, checksumValidation, dropInvalid, dropUrgent, inlineMode, midstream } from "./settings";

const BOTH_SEEN: u32 = FF_TO_SERVER_SEEN | FF_TO_CLIENT_SEEN;

/** Reserves fixed memory and hooks into the flow table; once, at start, after flowInit. */
export function tcpInit(): void {
  reassemblyInit();
  setOnSessionEnd(sessionEnd);
  setReuses(startsNew);
}

/**
 * Handles a TCP packet of the flow that packetFlow gave: tracks the conversation, and hands on data, gaps and ends of streams
 * through the callbacks of callbacks.ts, of both directions (an ACK releases the other side's data). Returns 0; -1 when the
 * packet
 * is not part of the conversation: its events say why, and inline, with dropInvalid, it has PF_DROP; or NOT_TRACKED (-2) when
 * there is no conversation to be part of (the flow was first seen in its middle).
 */
export function tcpHandle(p: Packet, flow: Flow): i32 {
  if ((p.flags & PF_INVALID) != 0) return -1;
  if (checksumValidation && !(ipChecksumOk(p) && checksumOk(p))) {
    p.flags |= PF_BAD_CHECKSUM;
    setEvent(p, checksumOk(p) ? D_IPV4_CHECKSUM_INVALID : D_TCP_CHECKSUM_INVALID);
    return -1;
  }
  if ((flow.flags & FF_BYPASS) != 0) {
    p.flags |= PF_NO_PAYLOAD_INSPECTION;
    return 0;
  }
  const result = track(p, flow);
  if (result < 0) {
    p.flags |= PF_STREAM_INVALID;
    if (inlineMode && dropInvalid && result != NOT_TRACKED && (p.flags & PF_DROP) == 0) {
      p.flags |= PF_DROP;
      p.dropReason = DROP_STREAM_ERROR;
    }
  }
  if ((flow.flags & FF_ESTABLISHED_SEEN) != 0) p.flags |= PF_ESTABLISHED;
  if ((flow.flags & FF_NO_INSPECT) != 0) p.flags |= PF_NO_PAYLOAD_INSPECTION;
  return result;
}

function track(p: Packet, flow: Flow): i32 {
  const f = p.tcpFlags;
  if ((f & TH_ACK) == 0 && p.tcpAck != 0) setEvent(p, S_PKT_BROKEN_ACK);
  if (dropUrgent && (f & TH_URG) != 0) return -1;
  if (flow.session == 0) return stateNone(p, flow);
  const ssn = changetype<TcpSession>(flow.session);
  if ((ssn.flags & SF_ASYNC) != 0 && (flow.flags & BOTH_SEEN) == BOTH_SEEN) ssn.flags &= ~SF_ASYNC;
  if (p.dir == 0) ssn.tcpFlagsToServer |= f;
  else ssn.tcpFlagsToClient |= f;
  if (ssn.state == TCP_ESTABLISHED && (f & (TH_SYN | TH_FIN | TH_RST)) == 0) return inEstablished(p, flow, ssn);
  return inState(p, flow, ssn);
}

function inState(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const f = p.tcpFlags;
  const state = ssn.state;
  if (state == TCP_CLOSED) return inClosed(p, flow, ssn);
  if ((f & TH_RST) != 0) return reset(p, flow, ssn);
  if (state == TCP_SYN_SENT) return stateSynSent(p, flow, ssn);
  if (state == TCP_SYN_RECV) {
    const result = stateSynRecv(p, flow, ssn);
    if (result == 0 && (f & TH_FIN) != 0) return fin(p, flow, ssn);
    return result;
  }
  if (state == TCP_ESTABLISHED) {
    if ((f & TH_SYN) != 0) return synInEstablished(p, ssn);
    if ((f & TH_FIN) != 0) return fin(p, flow, ssn);
    return inEstablished(p, flow, ssn);
  }
  if (state == TCP_NONE) return -1;
  return closing(p, flow, ssn);
}

/** Takes over what an accepted segment says, and its data. */
// @ts-ignore: decorator
@inline function accept(p: Packet, flow: Flow, ssn: TcpSession, me: TcpStream, peer: TcpStream): void {
  const seq = p.tcpSeq;
  const len = p.payloadLen;
  const end = seq + len;
  if (seq == me.nextSeq) me.nextSeq = end;
  else if (seqGt(end, me.nextSeq)) me.nextSeq = end;
  if ((p.tcpFlags & TH_ACK) != 0) {
    peer.window = p.tcpWindow << me.wscale;
    if (seqGt(p.tcpAck, peer.lastAck)) {
      peer.lastAck = p.tcpAck;
      if (seqGt(peer.lastAck, peer.nextSeq)) peer.nextSeq = peer.lastAck;
    }
    const win = peer.lastAck + peer.window;
    if (seqGt(win, peer.nextWin)) peer.nextWin = win;
    if (seqGt(peer.lastAck, peer.deliverSeq) || peer.segHead != 0 || (peer.flags & TF_FIN) != 0) {
      deliver(p, flow, ssn, peer, p.dir ^ 1, false);
    }
  }
  if ((ssn.flags & SF_ASYNC) != 0 && seqGt(end, me.lastAck)) me.lastAck = end;
  if (len > 0) {
    insert(p, flow, me, seq, p.payload, len);
    deliver(p, flow, ssn, me, p.dir, false);
  }
}

function inEstablished(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  const seq = p.tcpSeq;
  const len = p.payloadLen;
  const end = seq + len;
  // A segment without ACK: hosts ignore it.
  if ((p.tcpFlags & TH_ACK) == 0 && (ssn.flags & SF_ASYNC) == 0) {
    setEvent(p, S_EST_INVALID_ACK);
    return -1;
  }
  // Keep-alive: one byte before what comes next, with at most one old byte. It says nothing new.
  if (len <= 1 && seq == me.nextSeq - 1 && p.tcpAck == peer.lastAck && p.tcpWindow << me.wscale == peer.window) return 0;
  if (badWindowUpdate(p, me, peer)) return -1;
  if (!timestampOk(p, ssn, me)) return -1;
  if (!ackOk(p, ssn, peer)) {
    setEvent(p, S_EST_INVALID_ACK);
    return -1;
  }
  markRetransmission(p, ssn, me);
  if (seqLt(end, me.lastAck) && (ssn.flags & SF_ASYNC) == 0) {
    // Acknowledged before we saw it (captures are not always in order): still wanted where we have a hole.
    if (!seqGt(end, me.deliverSeq)) {
      setEvent(p, S_EST_PKT_BEFORE_LAST_ACK);
      if (len > 0) setEvent(p, S_PKT_SPURIOUS_RETRANSMISSION);
      return -1;
    }
  }
  // A zero window probe: one byte that the receiver does not take.
  if (len == 1 && me.window == 0 && seq == me.nextWin && (ssn.flags & (SF_MIDSTREAM | SF_ASYNC)) == 0) return 0;
  if (seqGt(end, me.nextWin) && (ssn.flags & (SF_MIDSTREAM | SF_ASYNC)) == 0) {
    setEvent(p, S_EST_PACKET_OUT_OF_WINDOW);
    return -1;
  }
  keepTimestamp(p, me);
  accept(p, flow, ssn, me, peer);
  return 0;
}

/** A window that shrinks on a segment which is ahead of both sides: somebody in the middle wants the sender to be quiet. */
function badWindowUpdate(p: Packet, me: TcpStream, peer: TcpStream): bool {
  if (p.payloadLen != 0) return false;
  const window = p.tcpWindow << me.wscale;
  if (window >= peer.window) return false;
  if (seqGt(p.tcpAck, peer.nextSeq) && seqGt(p.tcpSeq, me.nextSeq)) {
    setEvent(p, S_PKT_BAD_WINDOW_UPDATE);
    return true;
  }
  return false;
}

function synInEstablished(p: Packet, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if ((p.tcpFlags & TH_ACK) != 0) {
    if (p.dir == 0) {
      setEvent(p, S_EST_SYNACK_TOSERVER);
    } else if (p.tcpAck != peer.lastAck && p.tcpAck != peer.isn + 1) {
      setEvent(p, S_EST_SYNACK_RESEND_WITH_DIFFERENT_ACK);
    } else if (p.tcpSeq != me.isn) {
      setEvent(p, S_EST_SYNACK_RESEND_WITH_DIFF_SEQ);
    } else if (peer.lastAck == peer.isn + 1) {
      return 0; // nothing after the handshake was acknowledged: our ACK may not have arrived
    } else {
      setEvent(p, S_EST_SYNACK_RESEND);
    }
  } else if (p.dir == 1) {
    setEvent(p, S_EST_SYN_TOCLIENT);
  } else {
    setEvent(p, p.tcpSeq != me.isn ? S_EST_SYN_RESEND_DIFF_SEQ : S_EST_SYN_RESEND);
  }
  return -1;
}

/** RFC 9293 3.10.7.4: an RST that the receiver takes. What it carries besides is taken as well. */
function reset(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if (ssn.state == TCP_SYN_SENT) {
    // An answer to the SYN must acknowledge it; the client's own takes its number.
    if (p.dir == 1 ? (p.tcpFlags & TH_ACK) == 0 || seqLt(p.tcpAck, peer.isn + 1) || seqGt(p.tcpAck, peer.nextSeq) :
      !seqEqOrBetween(p.tcpSeq, me.isn, me.nextSeq)) return -1;
  } else if (!rstOk(p, ssn, me, peer)) {
    return -1;
  }
  me.flags |= TF_RST;
  ssn.pstate = ssn.state;
  ssn.state = TCP_CLOSED;
  if ((p.tcpFlags & TH_ACK) != 0 && ssn.pstate > TCP_SYN_SENT && seqGt(p.tcpAck, peer.lastAck) && seqLeq(p.tcpAck,
      peer.nextSeq)) {
    peer.lastAck = p.tcpAck;
    deliver(p, flow, ssn, peer, p.dir ^ 1, false);
  }
  flowState(flow, FLOW_CLOSED);
  return 0;
}

/**
 * After an RST or the last ACK. What the side that was reset had sent before it knew is still data. When the side that sent the
 * RST goes on as if nothing was, with new data or by acknowledging more, the RST was forged and the conversation goes on.
 */
function inClosed(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if ((p.tcpFlags & TH_RST) != 0) {
    me.flags |= TF_RST;
    return 0;
  }
  // What comes after a proper end changes nothing.
  if (ssn.pstate < TCP_ESTABLISHED || (p.tcpFlags & (TH_ACK | TH_SYN)) != TH_ACK) return 0;
  if (((me.flags | peer.flags) & TF_RST) == 0 || (me.flags & peer.flags & TF_RST) != 0) return 0;
  const end = p.tcpSeq + p.payloadLen;
  if (seqLt(end, me.lastAck) || !timestampOk(p, ssn, me) || !ackOk(p, ssn, peer)) return -1;
  if ((me.flags & TF_RST) == 0) {
    if (seqGt(end, me.nextWin) && (ssn.flags & (SF_MIDSTREAM | SF_ASYNC)) == 0) return -1;
    accept(p, flow, ssn, me, peer);
    return 0;
  }
  if (!seqGt(end, me.nextSeq) && !seqGt(p.tcpAck, peer.lastAck)) return 0;
  setEvent(p, S_SUSPECTED_RST_INJECT);
  me.flags &= ~TF_RST;
  ssn.state = ssn.pstate;
  flowState(flow, FLOW_ESTABLISHED);
  return inState(p, flow, ssn);
}

/** The first FIN of a side. */
function fin(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if (!timestampOk(p, ssn, me)) return -1;
  if (!ackOk(p, ssn, peer)) {
    setEvent(p, S_FIN_INVALID_ACK);
    return -1;
  }
  const end = p.tcpSeq + p.payloadLen;
  const loose = (ssn.flags & (SF_MIDSTREAM | SF_ASYNC)) != 0;
  if (seqLt(p.tcpSeq, me.lastAck) && seqLt(end, me.lastAck) || (seqGt(end, me.nextWin) && seqGt(p.tcpSeq, me.nextSeq) &&
      !loose)) {
    setEvent(p, S_FIN_OUT_OF_WINDOW);
    return -1;
  }
  markRetransmission(p, ssn, me);
  keepTimestamp(p, me);
  ssn.state = p.dir == 0 ? TCP_CLOSE_WAIT : TCP_FIN_WAIT1;
  accept(p, flow, ssn, me, peer);
  finSeen(me, end);
  deliver(p, flow, ssn, me, p.dir, false);
  return 0;
}

function finSeen(me: TcpStream, end: u32): void {
  me.flags |= TF_FIN;
  me.finSeq = end;
  if (seqLeq(me.nextSeq, end)) me.nextSeq = end + 1;
}

/** States after the first FIN. */
function closing(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const f = p.tcpFlags;
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  const state = ssn.state;
  if ((f & TH_SYN) != 0) {
    setEvent(p, S_SHUTDOWN_SYN_RESEND);
    return -1;
  }
  if ((f & TH_ACK) == 0 && (ssn.flags & SF_ASYNC) == 0) return -1;
  if (!timestampOk(p, ssn, me)) return -1;
  if (!ackOk(p, ssn, peer)) {
    setEvent(p, invalidAckEvent(state));
    return -1;
  }
  markRetransmission(p, ssn, me);
  const end = p.tcpSeq + p.payloadLen;
  const isFin = (f & TH_FIN) != 0;
  const loose = (ssn.flags & (SF_MIDSTREAM | SF_ASYNC)) != 0;
  const tail: u32 = (me.flags & TF_FIN) != 0 ? 1 : 0;
  if (p.payloadLen > 0 && seqLt(end, me.lastAck - tail) && !seqGt(end, me.deliverSeq) && !loose) {
    setEvent(p, state == TCP_CLOSE_WAIT ? S_CLOSEWAIT_PKT_BEFORE_LAST_ACK : wrongSeqEvent(state, isFin));
    return -1;
  }
  const right = me.nextWin + 1;
  if (!loose && seqGt(end, right) && seqGt(p.tcpSeq, me.nextSeq)) {
    setEvent(p, wrongSeqEvent(state, isFin));
    return -1;
  }
  keepTimestamp(p, me);
  accept(p, flow, ssn, me, peer);
  if (isFin && ((me.flags & TF_FIN) == 0 || seqGt(end, me.finSeq))) finSeen(me, end);
  advance(flow, ssn, p.dir);
  if (isFin) deliver(p, flow, ssn, me, p.dir, false);
  return 0;
}

/** State from what is known of both FINs: seen, acknowledged. */
function advance(flow: Flow, ssn: TcpSession, dir: u32): void {
  const client = streamOf(ssn, 0);
  const server = streamOf(ssn, 1);
  const clientFin = (client.flags & TF_FIN) != 0;
  const serverFin = (server.flags & TF_FIN) != 0;
  const clientDone = clientFin && seqGt(client.lastAck, client.finSeq);
  const serverDone = serverFin && seqGt(server.lastAck, server.finSeq);
  let state = ssn.state;
  if (clientDone && serverDone) {
    // The side that closed first waits; its last ACK ends it for us.
    state = state == TCP_LAST_ACK || state == TCP_TIME_WAIT || dir == 0 ? TCP_CLOSED : TCP_TIME_WAIT;
  } else if (clientFin && serverFin) {
    if (state == TCP_CLOSE_WAIT) state = TCP_LAST_ACK;
    else if (state == TCP_FIN_WAIT1 && !serverDone) state = TCP_CLOSING;
    else if (state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2) state = TCP_TIME_WAIT;
  } else if (serverDone && state == TCP_FIN_WAIT1) {
    state = TCP_FIN_WAIT2;
  }
  if (state == ssn.state) return;
  ssn.state = state;
  if (state == TCP_CLOSED || state == TCP_TIME_WAIT) flowState(flow, FLOW_CLOSED);
}

function invalidAckEvent(state: u32): u32 {
  switch (state) {
    case TCP_FIN_WAIT1: return S_FIN1_INVALID_ACK;
    case TCP_FIN_WAIT2: return S_FIN2_INVALID_ACK;
    case TCP_CLOSING: return S_CLOSING_INVALID_ACK;
    case TCP_CLOSE_WAIT: return S_CLOSEWAIT_INVALID_ACK;
    case TCP_LAST_ACK: return S_LASTACK_INVALID_ACK;
    default: return S_TIMEWAIT_INVALID_ACK;
  }
}

function wrongSeqEvent(state: u32, isFin: bool): u32 {
  switch (state) {
    case TCP_FIN_WAIT1: return isFin ? S_FIN1_FIN_WRONG_SEQ : S_FIN1_ACK_WRONG_SEQ;
    case TCP_FIN_WAIT2: return isFin ? S_FIN2_FIN_WRONG_SEQ : S_FIN2_ACK_WRONG_SEQ;
    case TCP_CLOSING: return S_CLOSING_ACK_WRONG_SEQ;
    case TCP_CLOSE_WAIT: return isFin ? S_CLOSEWAIT_FIN_OUT_OF_WINDOW : S_CLOSEWAIT_ACK_OUT_OF_WINDOW;
    case TCP_LAST_ACK: return S_LASTACK_ACK_WRONG_SEQ;
    default: return S_TIMEWAIT_ACK_WRONG_SEQ;
  }
}

/** Whether a packet with SYN opens another conversation on these ports: the one before is over, and its numbers differ. */
function startsNew(flow: Flow, packet: usize, dir: u32): bool {
  const p = changetype<Packet>(packet);
  const answer = (p.tcpFlags & TH_ACK) != 0;
  if (answer && !midstream && !asyncOneside) return false;
  if (flow.session == 0) return false;
  const ssn = changetype<TcpSession>(flow.session);
  if (streamOf(ssn, dir).isn == p.tcpSeq && ssn.state != TCP_NONE) return false;
  return ssn.state == TCP_NONE || ssn.state >= TCP_TIME_WAIT;
}

/** The flow ends: what is contiguous but not acknowledged is handed on, the streams end, memory is given back. */
function sessionEnd(flow: Flow): void {
  if (flow.session == 0) return;
  const ssn = changetype<TcpSession>(flow.session);
  for (let dir: u32 = 0; dir < 2; dir++) {
    const s = streamOf(ssn, dir);
    if (ssn.state > TCP_SYN_SENT) deliver(null, flow, ssn, s, dir, true);
    endOfStream(flow, s, dir);
  }
  // After the callbacks of both: they may look at either stream.
  streamFree(streamOf(ssn, 0));
  streamFree(streamOf(ssn, 1));
  forget(ssn);
  give(flow.session);
  flow.session = 0;
}
