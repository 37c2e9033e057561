// How conversations start: SYN, SYN/ACK, ACK; both sides at once; with data in the SYN (RFC 7413); seen from the middle; one
// side only.

import { give, take, takeZeroed } from "../core/memory";
import {
  S_3WHS_ACK_DATA_INJECT, S_3WHS_ACK_IN_WRONG_DIR, S_3WHS_ASYNC_WRONG_SEQ, S_3WHS_RIGHT_SEQ_WRONG_ACK_EVASION,
  S_3WHS_SYNACK_FLOOD, S_3WHS_SYNACK_IN_WRONG_DIRECTION, S_3WHS_SYNACK_RESEND_WITH_DIFFERENT_ACK,
  S_3WHS_SYNACK_RESEND_WITH_DIFF_SEQ, S_3WHS_SYNACK_TFO_DATA_IGNORED, S_3WHS_SYNACK_TOSERVER_ON_SYN_RECV,
  S_3WHS_SYNACK_WITH_WRONG_ACK, S_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV, S_3WHS_SYN_TOCLIENT_ON_SYN_RECV,
  S_3WHS_WRONG_SEQ_WRONG_ACK, S_4WHS_INVALID_ACK, S_4WHS_SYNACK_WITH_WRONG_ACK, S_4WHS_SYNACK_WITH_WRONG_SYN,
  S_4WHS_WRONG_SEQ, S_FIN_BUT_NO_SESSION, S_FIN_SYN, S_RST_BUT_NO_SESSION, setEvent,
} from "../decode/events";
import {
  DROP_STREAM_ERROR, DROP_STREAM_MEMCAP, DROP_STREAM_MIDSTREAM, PF_DROP, PF_NO_PAYLOAD_INSPECTION, PF_PASS,
  PF_REJECT, Packet, TCPOPT_TFO, TCPOPT_TS, TCPOPT_WSCALE, TH_ACK, TH_FIN, TH_RST, TH_SYN,
} from "../decode/packet";
import {
  FF_BYPASS, FF_DROP, FF_MIDSTREAM, FF_NO_INSPECT, FF_PASS, FF_REJECT, FLOW_ESTABLISHED, Flow,
} from "../flow/flow";
import { flowState, flowSwap, packetSwap } from "../flow/table";
import { ackOk, keepTimestamp, timestampOk } from "./check";
import { deliver, insert, streamStart } from "./reassembly";
import {
  SF_4WHS, SF_ASYNC, SF_MIDSTREAM, SF_SYNACK_PICKUP, SF_TFO, SF_TIMESTAMPS, TCP_ESTABLISHED, TCP_SYN_RECV,
  TCP_SYN_SENT, TF_ISN, TF_TIMESTAMP, TF_WSCALE, TF_ZERO_TS, TcpSession, TcpStream, seqGeq, seqGt, seqLeq, seqLt,
  streamOf,
} from "./session";
import {
  EXCEPTION_BYPASS, EXCEPTION_DROP_FLOW, EXCEPTION_DROP_PACKET, EXCEPTION_IGNORE, EXCEPTION_PASS_FLOW,
  EXCEPTION_PASS_PACKET, EXCEPTION_REJECT, asyncOneside, inlineMode, maxSynAckQueued, midstream, midstreamPolicy,
  streamMemcapPolicy, windowKeep,
} from "./settings";

/** Record of a SYN/ACK that differs from the first: seq, ack, window, flags (1 timestamp), shift, ts. */
const RECORD: u32 = 24;
/** Hosts that start from the middle have an unknown shift: take the highest. */
const MIDSTREAM_SHIFT: u32 = 14;

/** Result for packets of flows that are not tracked: neither accepted nor refused. */
export const NOT_TRACKED: i32 = -2;

function newSession(p: Packet, flow: Flow): TcpSession | null {
  const at = takeZeroed(offsetof<TcpSession>() + 2 * offsetof<TcpStream>());
  if (at == 0) {
    exception(p, flow, streamMemcapPolicy, DROP_STREAM_MEMCAP);
    return null;
  }
  flow.session = at;
  const ssn = changetype<TcpSession>(at);
  streamOf(ssn, 0).keep = windowKeep;
  streamOf(ssn, 1).keep = windowKeep;
  return ssn;
}

/** Applies an exception policy to the packet and its flow. */
export function exception(p: Packet, flow: Flow, policy: u32, reason: u32): void {
  switch (policy) {
    case EXCEPTION_REJECT:
      flow.flags |= FF_REJECT;
      p.flags |= PF_REJECT;
    // falls through
    case EXCEPTION_DROP_FLOW:
      flow.flags |= FF_DROP | FF_NO_INSPECT;
    // falls through
    case EXCEPTION_DROP_PACKET:
      p.flags |= PF_DROP | PF_NO_PAYLOAD_INSPECTION;
      p.dropReason = reason;
      break;
    case EXCEPTION_BYPASS:
      flow.flags |= FF_BYPASS | FF_NO_INSPECT;
      p.flags |= PF_PASS | PF_NO_PAYLOAD_INSPECTION;
      break;
    case EXCEPTION_PASS_FLOW:
      flow.flags |= FF_PASS | FF_NO_INSPECT;
    // falls through
    case EXCEPTION_PASS_PACKET:
      p.flags |= PF_PASS | PF_NO_PAYLOAD_INSPECTION;
      break;
    default:
      break;
  }
}

/** What a SYN or SYN/ACK says of its sender. */
function introduce(p: Packet, me: TcpStream): void {
  me.isn = p.tcpSeq;
  me.nextSeq = p.tcpSeq + 1;
  me.lastAck = p.tcpSeq + 1;
  me.flags = (me.flags | TF_ISN) & ~(TF_TIMESTAMP | TF_ZERO_TS | TF_WSCALE);
  me.wscale = 0;
  if ((p.tcpOptions & TCPOPT_WSCALE) != 0) {
    me.flags |= TF_WSCALE;
    me.wscale = min<u32>(p.tcpWscale, 14);
  }
  if ((p.tcpOptions & TCPOPT_TS) != 0) {
    me.flags |= TF_TIMESTAMP;
    if (p.tcpTsVal == 0) me.flags |= TF_ZERO_TS;
    me.tsVal = p.tcpTsVal;
    me.tsSec = <u32>(p.timeNs / 1000000000);
  }
  streamStart(me, me.nextSeq);
}

/** The first packet of a flow that TCP tracking is asked about. */
export function stateNone(p: Packet, flow: Flow): i32 {
  const f = p.tcpFlags;
  if ((f & TH_RST) != 0) {
    setEvent(p, S_RST_BUT_NO_SESSION);
    return -1;
  }
  if ((f & TH_FIN) != 0 && ((f & TH_SYN) != 0 || !midstream)) {
    setEvent(p, (f & TH_SYN) != 0 ? S_FIN_SYN : S_FIN_BUT_NO_SESSION);
    if ((f & TH_SYN) == 0) exception(p, flow, midstreamPolicy, DROP_STREAM_MIDSTREAM);
    return -1;
  }
  if ((f & (TH_SYN | TH_ACK)) == TH_SYN) return first(p, flow);
  if ((f & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK)) return pickUpSynAck(p, flow);
  if ((f & TH_ACK) != 0) return pickUp(p, flow);
  return NOT_TRACKED;
}

function first(p: Packet, flow: Flow): i32 {
  const made = newSession(p, flow);
  if (made == null) return -1;
  const ssn = made;
  const me = streamOf(ssn, p.dir);
  introduce(p, me);
  ssn.state = TCP_SYN_SENT;
  const peer = streamOf(ssn, p.dir ^ 1);
  peer.window = p.tcpWindow;
  if ((p.tcpOptions & TCPOPT_TFO) != 0) ssn.flags |= SF_TFO;
  if (p.payloadLen > 0) {
    // Data in the SYN: only with a cookie will the server take it before the handshake is over.
    insert(p, flow, me, p.tcpSeq + 1, p.payload, p.payloadLen);
    me.synData = p.payloadLen;
    me.nextSeq += p.payloadLen;
    ssn.flags |= SF_TFO;
  }
  return 0;
}

/** A flow that starts with the server's SYN/ACK. */
function pickUpSynAck(p: Packet, flow: Flow): i32 {
  if (!midstream && !asyncOneside) {
    if (midstreamPolicy != EXCEPTION_IGNORE) exception(p, flow, midstreamPolicy, DROP_STREAM_MIDSTREAM);
    return NOT_TRACKED;
  }
  if (midstreamPolicy != EXCEPTION_IGNORE) {
    exception(p, flow, midstreamPolicy, DROP_STREAM_MIDSTREAM);
    if (midstreamPolicy != EXCEPTION_PASS_FLOW) return NOT_TRACKED;
  }
  const made = newSession(p, flow);
  if (made == null) return NOT_TRACKED;
  const ssn = made;
  flow.flags |= FF_MIDSTREAM;
  if (p.dir == 0) {
    flowSwap(flow);
    packetSwap(p);
  }
  const server = streamOf(ssn, 1);
  const client = streamOf(ssn, 0);
  introduce(p, server);
  client.isn = p.tcpAck - 1;
  client.nextSeq = p.tcpAck;
  client.lastAck = p.tcpAck;
  client.window = p.tcpWindow;
  client.nextWin = client.lastAck + client.window;
  client.wscale = server.wscale != 0 ? MIDSTREAM_SHIFT : 0;
  client.flags |= TF_ISN;
  streamStart(client, p.tcpAck);
  ssn.flags |= SF_MIDSTREAM | SF_SYNACK_PICKUP;
  ssn.state = TCP_SYN_RECV;
  if ((server.flags & TF_TIMESTAMP) != 0) {
    ssn.flags |= SF_TIMESTAMPS;
    client.flags |= TF_TIMESTAMP;
    client.tsVal = p.tcpTsEcr;
    client.tsSec = server.tsSec;
  }
  return 0;
}

/** A flow seen from its middle. */
function pickUp(p: Packet, flow: Flow): i32 {
  if (!midstream) {
    if (midstreamPolicy != EXCEPTION_IGNORE) exception(p, flow, midstreamPolicy, DROP_STREAM_MIDSTREAM);
    return NOT_TRACKED;
  }
  if (midstreamPolicy != EXCEPTION_IGNORE) exception(p, flow, midstreamPolicy, DROP_STREAM_MIDSTREAM);
  if (midstreamPolicy == EXCEPTION_DROP_FLOW || midstreamPolicy == EXCEPTION_DROP_PACKET || midstreamPolicy == EXCEPTION_REJECT ||
    midstreamPolicy == EXCEPTION_BYPASS) return NOT_TRACKED;
  const made = newSession(p, flow);
  if (made == null) return NOT_TRACKED;
  const ssn = made;
  flow.flags |= FF_MIDSTREAM;
  ssn.flags |= asyncOneside ? SF_MIDSTREAM | SF_ASYNC : SF_MIDSTREAM;
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  me.isn = p.tcpSeq - 1;
  me.nextSeq = p.tcpSeq + p.payloadLen;
  me.lastAck = asyncOneside ? me.nextSeq : p.tcpSeq;
  me.wscale = MIDSTREAM_SHIFT;
  me.flags |= TF_ISN;
  streamStart(me, p.tcpSeq);
  peer.isn = p.tcpAck - 1;
  peer.nextSeq = p.tcpAck;
  peer.lastAck = p.tcpAck;
  peer.wscale = MIDSTREAM_SHIFT;
  peer.window = p.tcpWindow << MIDSTREAM_SHIFT;
  peer.nextWin = peer.lastAck + peer.window;
  peer.flags |= TF_ISN;
  streamStart(peer, p.tcpAck);
  me.window = peer.window;
  me.nextWin = me.nextSeq + me.window;
  if ((p.tcpOptions & TCPOPT_TS) != 0) {
    ssn.flags |= SF_TIMESTAMPS;
    me.flags |= TF_TIMESTAMP;
    me.tsVal = p.tcpTsVal;
    me.tsSec = <u32>(p.timeNs / 1000000000);
    peer.flags |= TF_TIMESTAMP;
    peer.tsVal = p.tcpTsEcr;
    peer.tsSec = me.tsSec;
  }
  ssn.state = TCP_ESTABLISHED;
  flowState(flow, FLOW_ESTABLISHED);
  if (p.payloadLen > 0) insert(p, flow, me, p.tcpSeq, p.payload, p.payloadLen);
  deliver(p, flow, ssn, me, p.dir, false);
  return 0;
}

/** A SYN was seen. RST and FIN do not come here. */
export function stateSynSent(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const f = p.tcpFlags & (TH_SYN | TH_ACK);
  const client = streamOf(ssn, 0);
  const server = streamOf(ssn, 1);
  if (f == (TH_SYN | TH_ACK)) {
    if ((ssn.flags & SF_4WHS) != 0) return synAckOf4(p, ssn);
    if (p.dir == 0) {
      setEvent(p, S_3WHS_SYNACK_IN_WRONG_DIRECTION);
      return -1;
    }
    return synAck(p, flow, ssn);
  }
  if (f == TH_SYN) {
    if (p.dir == 1) { // both sides open
      ssn.flags |= SF_4WHS;
      introduce(p, server);
      client.window = p.tcpWindow;
      return 0;
    }
    if (p.tcpSeq != client.isn && client.synData == 0) {
      // Another try with other numbers: it is the newer one that will be answered, unless the SYN/ACK says otherwise.
      if (ssn.queueLen == 0) remember(ssn, client.isn, 0, p);
      introduce(p, client);
      server.window = p.tcpWindow;
    } else if (client.synData == 0 && p.payloadLen == 0) {
      introduce(p, client);
    }
    return 0;
  }
  if (f == TH_ACK) {
    if ((ssn.flags & SF_4WHS) != 0 || p.dir == 1 || !asyncOneside) {
      return p.dir == 0 && (ssn.flags & SF_TFO) != 0 ? dataWithSyn(p, flow, ssn) : 0;
    }
    // Only the client is seen.
    if (p.tcpSeq != client.nextSeq) {
      setEvent(p, S_3WHS_ASYNC_WRONG_SEQ);
      return -1;
    }
    ssn.flags |= SF_ASYNC;
    server.isn = p.tcpAck - 1;
    server.nextSeq = p.tcpAck;
    server.lastAck = p.tcpAck;
    server.window = p.tcpWindow << client.wscale;
    server.nextWin = server.lastAck + server.window;
    server.flags |= TF_ISN;
    streamStart(server, p.tcpAck);
    client.window = server.window;
    client.nextWin = client.lastAck + client.window;
    if ((client.flags & TF_TIMESTAMP) != 0 && (p.tcpOptions & TCPOPT_TS) != 0) ssn.flags |= SF_TIMESTAMPS;
    return established(p, flow, ssn);
  }
  return 0;
}

/** More data of a client that does not wait for the SYN/ACK. */
function dataWithSyn(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const client = streamOf(ssn, 0);
  if (p.payloadLen == 0 || p.tcpSeq != client.nextSeq) return 0;
  insert(p, flow, client, p.tcpSeq, p.payload, p.payloadLen);
  client.nextSeq += p.payloadLen;
  return 0;
}

function synAckOf4(p: Packet, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if (p.tcpAck != peer.isn + 1) {
    setEvent(p, S_4WHS_SYNACK_WITH_WRONG_ACK);
    return -1;
  }
  if (p.tcpSeq != me.isn) {
    setEvent(p, S_4WHS_SYNACK_WITH_WRONG_SYN);
    return -1;
  }
  answer(p, ssn, me, peer);
  me.nextWin = me.lastAck + me.window;
  return 0;
}

/** What the SYN/ACK settles: windows, shifts, timestamps. */
function answer(p: Packet, ssn: TcpSession, me: TcpStream, peer: TcpStream): void {
  ssn.state = TCP_SYN_RECV;
  // Shifts and timestamps count only when both sides have them.
  if ((me.flags & peer.flags & TF_WSCALE) == 0) {
    peer.wscale = 0;
    me.wscale = 0;
  }
  peer.window = p.tcpWindow;
  peer.lastAck = p.tcpAck;
  peer.nextWin = peer.lastAck + peer.window;
  me.nextWin = me.lastAck + me.window;
  if ((me.flags & TF_TIMESTAMP) != 0 && (peer.flags & TF_TIMESTAMP) != 0) ssn.flags |= SF_TIMESTAMPS;
}

function synAck(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const client = streamOf(ssn, 0);
  const server = streamOf(ssn, 1);
  const most = client.nextSeq;
  if (p.tcpAck != client.isn + 1 && !(client.synData > 0 && seqGt(p.tcpAck, client.isn + 1) && seqLeq(p.tcpAck, most))) {
    const older = ssn.queueLen > 0 ? load<u32>(ssn.queue) : 0;
    if (ssn.queueLen == 0 || p.tcpAck != older + 1) {
      setEvent(p, S_3WHS_SYNACK_WITH_WRONG_ACK);
      return -1;
    }
    client.isn = older;
    client.nextSeq = older + 1;
    client.lastAck = older + 1;
    streamStart(client, older + 1);
  }
  forget(ssn);
  if (client.synData > 0 && p.tcpAck == client.isn + 1) {
    if ((p.tcpOptions & TCPOPT_TFO) != 0 || (ssn.flags & SF_TFO) != 0) setEvent(p, S_3WHS_SYNACK_TFO_DATA_IGNORED);
    client.nextSeq = client.isn + 1;
  }
  introduce(p, server);
  answer(p, ssn, server, client);
  if (p.payloadLen > 0) {
    insert(p, flow, server, p.tcpSeq + 1, p.payload, p.payloadLen);
    server.nextSeq += p.payloadLen;
  }
  deliver(p, flow, ssn, client, 0, false);
  return 0;
}

/** Both SYNs were seen; the last ACK is missing. */
export function stateSynRecv(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const f = p.tcpFlags & (TH_SYN | TH_ACK);
  const client = streamOf(ssn, 0);
  const server = streamOf(ssn, 1);
  if (f == (TH_SYN | TH_ACK)) {
    if (p.dir == 0) {
      if ((ssn.flags & SF_4WHS) != 0) return 0;
      setEvent(p, S_3WHS_SYNACK_TOSERVER_ON_SYN_RECV);
      return -1;
    }
    const sameSeq = p.tcpSeq == server.isn;
    if (sameSeq && p.tcpAck == client.lastAck) return 0;
    if (p.tcpAck != client.lastAck && p.tcpAck != client.isn + 1 && p.tcpAck != client.nextSeq) {
      setEvent(p, S_3WHS_SYNACK_RESEND_WITH_DIFFERENT_ACK);
      return -1;
    }
    if (!sameSeq) {
      setEvent(p, S_3WHS_SYNACK_RESEND_WITH_DIFF_SEQ);
      if ((ssn.flags & SF_4WHS) != 0) return -1;
      if (ssn.queueLen >= maxSynAckQueued) {
        setEvent(p, S_3WHS_SYNACK_FLOOD);
        return -1;
      }
      remember(ssn, p.tcpSeq, p.tcpAck, p);
    }
    return 0;
  }
  if (f == TH_SYN) {
    if (p.dir == 1) {
      if ((ssn.flags & SF_4WHS) != 0) return 0;
      setEvent(p, S_3WHS_SYN_TOCLIENT_ON_SYN_RECV);
      return -1;
    }
    if (p.tcpSeq != client.isn) {
      setEvent(p, S_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
      return -1;
    }
    return 0;
  }
  if (f != TH_ACK) return 0;
  if ((ssn.flags & SF_4WHS) != 0) return ackOf4(p, flow, ssn);
  if (p.dir == 1) {
    if ((ssn.flags & SF_SYNACK_PICKUP) != 0) return established(p, flow, ssn);
    // The server goes on: the client's ACK was lost for us, or somebody injects.
    if (p.payloadLen > 0 && inlineMode && (ssn.flags & SF_TFO) == 0) {
      setEvent(p, S_3WHS_ACK_DATA_INJECT);
      p.flags |= PF_DROP;
      p.dropReason = DROP_STREAM_ERROR;
      return -1;
    }
    if (p.tcpSeq == server.nextSeq && seqGeq(p.tcpAck, client.lastAck) && seqLeq(p.tcpAck, client.nextSeq + client.window) &&
      (p.payloadLen > 0 || (ssn.flags & SF_TFO) != 0)) return established(p, flow, ssn);
    setEvent(p, S_3WHS_ACK_IN_WRONG_DIR);
    return -1;
  }
  if (ssn.queueLen > 0 && p.tcpAck != server.nextSeq) promote(p, ssn);
  if (!timestampOk(p, ssn, client)) return -1;
  const rightAck = p.tcpAck == server.nextSeq || (seqGt(p.tcpAck, server.isn) && seqLeq(p.tcpAck, server.nextSeq));
  if (rightAck) {
    // The right number, or after a loss one within the window.
    if (p.tcpSeq == client.nextSeq || seqInWindow(p, client)) return established(p, flow, ssn);
    setEvent(p, S_3WHS_WRONG_SEQ_WRONG_ACK);
    return -1;
  }
  if ((ssn.flags & SF_MIDSTREAM) != 0 && seqGt(p.tcpAck, server.isn)) return established(p, flow, ssn);
  setEvent(p, p.tcpSeq == client.nextSeq ? S_3WHS_RIGHT_SEQ_WRONG_ACK_EVASION : S_3WHS_WRONG_SEQ_WRONG_ACK);
  return -1;
}

function seqInWindow(p: Packet, me: TcpStream): bool {
  return seqGeq(p.tcpSeq, me.lastAck) && seqLeq(p.tcpSeq + p.payloadLen, max<u32>(me.window, 65535) + me.lastAck);
}

function ackOf4(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  if (p.tcpSeq != me.nextSeq) {
    setEvent(p, S_4WHS_WRONG_SEQ);
    return -1;
  }
  if (!ackOk(p, ssn, peer) || seqLt(p.tcpAck, peer.isn + 1)) {
    setEvent(p, S_4WHS_INVALID_ACK);
    return -1;
  }
  return established(p, flow, ssn);
}

/** The handshake is over with this segment, which may have data. */
function established(p: Packet, flow: Flow, ssn: TcpSession): i32 {
  const me = streamOf(ssn, p.dir);
  const peer = streamOf(ssn, p.dir ^ 1);
  forget(ssn);
  ssn.state = TCP_ESTABLISHED;
  flowState(flow, FLOW_ESTABLISHED);
  peer.window = p.tcpWindow << me.wscale;
  if (seqGt(p.tcpAck, peer.lastAck)) peer.lastAck = p.tcpAck;
  if (seqGt(peer.lastAck, peer.nextSeq)) peer.nextSeq = peer.lastAck;
  peer.nextWin = peer.lastAck + peer.window;
  if (seqLt(me.nextWin, me.lastAck + me.window)) me.nextWin = me.lastAck + me.window;
  keepTimestamp(p, me);
  const end = p.tcpSeq + p.payloadLen;
  if ((ssn.flags & SF_ASYNC) != 0 && seqGt(end, me.lastAck)) me.lastAck = end;
  if (seqGt(end, me.nextSeq)) me.nextSeq = end;
  deliver(p, flow, ssn, peer, p.dir ^ 1, false);
  if (p.payloadLen > 0) insert(p, flow, me, p.tcpSeq, p.payload, p.payloadLen);
  deliver(p, flow, ssn, me, p.dir, false);
  return 0;
}

function remember(ssn: TcpSession, seq: u32, ack: u32, p: Packet): void {
  if (ssn.queue == 0) ssn.queue = take(RECORD * 9);
  if (ssn.queue == 0 || ssn.queueLen >= 8) return;
  const at = ssn.queue + ssn.queueLen++ * RECORD;
  store<u32>(at, seq);
  store<u32>(at, ack, 4);
  store<u32>(at, p.tcpWindow, 8);
  store<u32>(at, p.tcpOptions, 12);
  store<u32>(at, p.tcpWscale, 16);
  store<u32>(at, p.tcpTsVal, 20);
}

/** Frees the SYN/ACKs that were kept. */
export function forget(ssn: TcpSession): void {
  if (ssn.queue == 0) return;
  give(ssn.queue);
  ssn.queue = 0;
  ssn.queueLen = 0;
}

/** The client acknowledges one of the other SYN/ACKs: that one counts. */
function promote(p: Packet, ssn: TcpSession): void {
  const server = streamOf(ssn, 1);
  const client = streamOf(ssn, 0);
  for (let i: u32 = 0; i < ssn.queueLen; i++) {
    const at = ssn.queue + i * RECORD;
    const seq = load<u32>(at);
    if (p.tcpAck != seq + 1) continue;
    server.isn = seq;
    server.nextSeq = seq + 1;
    server.lastAck = seq + 1;
    server.wscale = (load<u32>(at, 12) & TCPOPT_WSCALE) != 0 ? min<u32>(load<u32>(at, 16), 14) : 0;
    client.window = load<u32>(at, 8);
    client.nextWin = client.lastAck + client.window;
    if ((load<u32>(at, 12) & TCPOPT_TS) != 0) server.tsVal = load<u32>(at, 20);
    server.nextWin = server.lastAck + server.window;
    streamStart(server, seq + 1);
    return;
  }
}
