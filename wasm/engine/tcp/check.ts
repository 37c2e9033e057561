// Checks of a segment against what is known of both sides (RFC 9293 3.10.7, RFC 7323).

import {
  S_PKT_INVALID_ACK, S_PKT_INVALID_TIMESTAMP, S_PKT_RETRANSMISSION, S_RST_INVALID_ACK, setEvent,
} from "../decode/events";
import { PF_RETRANSMISSION, Packet, TCPOPT_TS, TH_ACK, TH_RST, TH_SYN } from "../decode/packet";
import {
  POLICY_HPUX11, POLICY_LINUX, POLICY_OLD_LINUX, POLICY_SOLARIS, POLICY_VISTA, POLICY_WINDOWS2K3,
} from "./settings";
import {
  SF_ASYNC, SF_MIDSTREAM, SF_TIMESTAMPS, TCP_SYN_SENT, TF_TIMESTAMP, TF_ZERO_TS, TcpSession, TcpStream,
  seqEqOrBetween, seqGeq, seqGt, seqLeq, seqLt,
} from "./session";

/** 24 days: after them a timestamp says nothing. */
const TS_IDLE: u32 = 24 * 24 * 3600;

/** Whether what the segment acknowledges of `peer`'s sending can be. */
export function ackOk(p: Packet, ssn: TcpSession, peer: TcpStream): bool {
  if ((p.tcpFlags & TH_ACK) == 0) return true;
  const ack = p.tcpAck;
  if (seqGt(ack, peer.lastAck) && seqLeq(ack, peer.nextWin)) return true;
  if (ack == peer.lastAck) return true;
  if ((ssn.flags & SF_ASYNC) != 0) return true;
  if (seqLt(ack, peer.lastAck)) {
    if (peer.window == 0 || seqGeq(ack, peer.lastAck - peer.window)) return true;
  } else if (ssn.state > TCP_SYN_SENT) {
    // Ahead of the window: only when it is also more than we saw.
    if (seqLeq(ack, peer.nextSeq)) return true;
  } else if ((p.tcpFlags & TH_RST) != 0 && ack == peer.isn + 1) {
    return true;
  }
  setEvent(p, S_PKT_INVALID_ACK);
  return false;
}

/** RFC 7323's protection against old sequence numbers; false when the segment is old. */
export function timestampOk(p: Packet, ssn: TcpSession, me: TcpStream): bool {
  if ((ssn.flags & SF_TIMESTAMPS) == 0 || (p.tcpOptions & TCPOPT_TS) == 0 || (me.flags & TF_TIMESTAMP) == 0) return true;
  const ts = p.tcpTsVal;
  if ((me.flags & TF_ZERO_TS) != 0 && me.tsVal == 0) return true;
  let last = me.tsVal;
  // Linux, Windows 2003 and Vista let the timestamp be one too old.
  const policy = me.policy;
  if (policy == POLICY_LINUX || policy == POLICY_WINDOWS2K3 || policy == POLICY_VISTA) last--;
  if (seqGeq(ts, last)) return true;
  if (<u32>(p.timeNs / 1000000000) - me.tsSec > TS_IDLE) return true;
  setEvent(p, S_PKT_INVALID_TIMESTAMP);
  return false;
}

/** After a segment was accepted. */
export function keepTimestamp(p: Packet, me: TcpStream): void {
  if ((p.tcpOptions & TCPOPT_TS) == 0) return;
  if ((me.flags & TF_TIMESTAMP) != 0 && seqGt(p.tcpSeq, me.nextSeq)) return; // a hole comes first
  if ((me.flags & TF_TIMESTAMP) != 0 && seqLt(p.tcpTsVal, me.tsVal)) return;
  me.flags |= TF_TIMESTAMP;
  me.tsVal = p.tcpTsVal;
  me.tsSec = <u32>(p.timeNs / 1000000000);
}

/** Marks a segment that brings nothing new. */
export function markRetransmission(p: Packet, ssn: TcpSession, me: TcpStream): void {
  if (p.payloadLen == 0) return;
  const end = p.tcpSeq + p.payloadLen;
  if (seqLeq(end, me.nextSeq) || (seqLt(p.tcpSeq, me.lastAck) && seqGt(end, me.lastAck))) {
    p.flags |= PF_RETRANSMISSION;
    ssn.retransmissions++;
    setEvent(p, S_PKT_RETRANSMISSION);
  }
}

/**
 * Whether the receiver would take this RST. Most hosts want the exact next number, which is between what they acknowledged and
 * what we saw sent; some take any in the window.
 */
export function rstOk(p: Packet, ssn: TcpSession, me: TcpStream, peer: TcpStream): bool {
  if ((p.tcpFlags & TH_SYN) != 0 && ssn.state > TCP_SYN_SENT) return false;
  if (!timestampOk(p, ssn, me)) return false;
  if ((p.tcpFlags & TH_ACK) != 0 && !ackOk(p, ssn, peer)) {
    setEvent(p, S_RST_INVALID_ACK);
    return false;
  }
  if ((ssn.flags & (SF_ASYNC | SF_MIDSTREAM)) != 0 && seqGeq(p.tcpSeq, me.lastAck)) return true;
  const policy = me.policy;
  if (policy == POLICY_HPUX11) return seqGeq(p.tcpSeq, me.lastAck);
  if (policy == POLICY_OLD_LINUX || policy == POLICY_LINUX || policy == POLICY_SOLARIS) {
    return seqGeq(p.tcpSeq + p.payloadLen, me.lastAck) && seqLeq(p.tcpSeq, me.lastAck + max<u32>(me.window,
      me.nextSeq - me.lastAck));
  }
  return seqEqOrBetween(p.tcpSeq, me.lastAck, me.nextSeq);
}
