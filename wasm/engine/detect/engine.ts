// A frame's way through the engine: decoding, flow, TCP, application layer, detection, findings.

import {
  appEnd, appFeed, appFirst, appFree, appGap, appNew, appNext, appTxFree, setOnExpectation, setOnTxFree,
} from "../app/app";
import { AppConn } from "../app/conn";
import { appDetect } from "../app/detect";
import { ftpDataAdopt } from "../app/ftp";
import {
  PROTO_DNS, PROTO_FAILED, PROTO_FTP, PROTO_FTP_DATA, PROTO_HTTP, PROTO_SMB, PROTO_SMTP, PROTO_TLS, PROTO_UNKNOWN, TX_COMPLETE,
  Tx,
} from "../core/tx";
import { packetAt, packetDecode } from "../decode/decode";
import {
  IP_TCP, IP_UDP, PF_DROP, PF_INVALID, PF_NO_PAYLOAD_INSPECTION, PF_PASS, PF_REWRITTEN, Packet, TH_ACK, TH_SYN,
} from "../decode/packet";
import { setOnFlowEnd } from "../flow/callbacks";
import { FF_BYPASS, FF_DROP, FF_ENDING, FF_NO_INSPECT, FF_PASS, Flow } from "../flow/flow";
import { flowEndAll, flowInit, flowSwap, flowTick, packetFlow, packetSwap } from "../flow/table";
import { setWant } from "../http/http";
import { renewTcpChecksum } from "../ip/checksum";
import { defragTick } from "../ip/defrag";
import { setOnData, setOnGap, setOnStreamEnd } from "../tcp/callbacks";
import { inlineMode, midstream } from "../tcp/settings";
import { tcpHandle, tcpInit } from "../tcp/tcp";
import { streamStop } from "../tcp/window";
import { dropMatches, matched, setPseudo, setRecord, tellDrop, tellMatches } from "./alerts";
import { addList, candidate, candidateCount, clearCandidates } from "./candidates";
import { conditionsHold } from "./conditions";
import { announcer, expectData, expectedData } from "./expectations";
import { lookAtFlow, lookAtPacket, lookAway, now, setNow } from "./context";
import { FS_MESSAGE_TO_CLIENT, FS_MESSAGE_TO_SERVER, FlowState, flowState, freeFlowState } from "./flow-state";
import { detectPacket, inItsStream, ruleApplies } from "./packet-detect";
import { hasRoom } from "./report";
import { listOfEvents, ruleRecord, section, wanted } from "./rules";
import { flowCount, inlineWindow, packetDirection, rawChunk } from "./settings";
import { detectInline, streamArrived, streamDue } from "./stream-detect";
import { detectTx, freeTxState, txOver } from "./tx-detect";

let started: bool = false;
let packetsTotal: u64 = 0;

/** Reserves what is fixed; at the first batch, after the settings. */
export function start(): void {
  if (started) return;
  started = true;
  flowInit(flowCount);
  tcpInit();
  setOnData(onData);
  setOnGap(onGap);
  setOnStreamEnd(onStreamEnd);
  setOnFlowEnd(onFlowEnd);
  setOnTxFree(freeTxState);
  setOnExpectation(expectData);
}

/** A new rule image is in use. */
export function rulesChanged(): void {
  setWant(wanted);
  dropMatches();
}

/** Handles one frame. `record` is its number in the batch. */
export function handleFrame(ptr: usize, len: u32, wireLen: u32, timeNs: u64, record: u32): void {
  setRecord(record);
  setNow(timeNs);
  packetsTotal++;
  const count = packetDecode(ptr, len, wireLen, timeNs, record);
  // Inner packets first: what they come to is known when the outer ones are looked at.
  for (let i: i32 = <i32>count - 1; i >= 0; i--) handlePacket(packetAt(i));
  lookAway();
}

function handlePacket(p: Packet): void {
  const at = packetFlow(p);
  if (at == 0) {
    if (section == 0 || (p.flags & PF_PASS) != 0) return;
    lookAtPacket(p);
    if ((p.flags & PF_DROP) != 0 && inlineMode) {
      tellDrop(0, p.dropReason, 0);
      return;
    }
    detectPacket(p);
    tellMatches(p);
    return;
  }
  const f = changetype<Flow>(at);
  if ((f.flags & FF_DROP) != 0 && inlineMode) {
    lookAtPacket(p);
    p.flags |= PF_DROP;
    tellDrop(f.user0 != 0 ? changetype<FlowState>(f.user0).dropSid : 0, 33, 0);
    return;
  }
  if (p.proto == IP_TCP && f.proto == IP_TCP) {
    if (midstream && f.session == 0 && p.dir == 0 && answers(p)) {
      flowSwap(f);
      packetSwap(p);
    }
    tcpHandle(p, f);
    if ((p.flags & PF_REWRITTEN) != 0) renewTcpChecksum(p);
  }
  else if (p.proto == IP_UDP && f.proto == IP_UDP) datagram(p, f);
  if (section == 0) {
    dropMatches();
    freeDone(f);
    return;
  }
  if ((f.flags & FF_PASS) != 0 || (p.flags & PF_PASS) != 0) {
    dropMatches();
    freeDone(f);
    return;
  }
  flowState(f);
  lookAtPacket(p);
  if ((p.flags & PF_DROP) != 0 && inlineMode) {
    refused(p);
    return;
  }
  if (aroundPackets()) {
    if (inItsStream(p)) detectInline(f, p, inlineWindow);
  } else if (packetDirection && f.proto == IP_TCP) streamDue(f, p.dir);
  lookAtPacket(p);
  detectPacket(p);
  transactions(f, packetDirection ? 1 << p.dir : 3, false);
  tellMatches(p);
  freeDone(f);
}

/** Whether the first packet of a conversation whose start was not seen is what only servers begin with. */
function answers(p: Packet): bool {
  if (p.payloadLen == 0 || (p.tcpFlags & (TH_SYN | TH_ACK)) != TH_ACK) return false;
  const asClient = appDetect(p.payload, p.payloadLen, 0, p.sport, p.dport, IP_TCP);
  if (asClient != PROTO_UNKNOWN && asClient != PROTO_FAILED) return false;
  const asServer = appDetect(p.payload, p.payloadLen, 1, p.sport, p.sport, IP_TCP);
  return asServer == PROTO_HTTP || asServer == PROTO_SMTP || asServer == PROTO_FTP || asServer == PROTO_TLS;
}

/** Streams are looked at with each packet, not as they grow. */
function aroundPackets(): bool {
  return inlineMode && inlineWindow != 0;
}

/** A packet that the engine itself drops: rules on its headers and events still hold, its payload is of no interest. */
function refused(p: Packet): void {
  dropMatches();
  p.flags |= PF_NO_PAYLOAD_INSPECTION;
  detectPacket(p);
  const reason = p.dropReason;
  if (tellMatches(p)) return;
  lookAtPacket(p);
  tellDrop(0, reason, 0);
}

/** A datagram of a flow: one message of the application layer. */
function datagram(p: Packet, f: Flow): void {
  if (p.payloadLen == 0 || (p.flags & (PF_INVALID | PF_NO_PAYLOAD_INSPECTION)) != 0 || (f.flags & FF_BYPASS) != 0) return;
  feed(f, p.dir, p.payload, p.payloadLen, 0);
}

/** The flow's connection, made when there is none; 0 when memory is short or it is of no use. */
function connection(f: Flow): usize {
  const at = flowState(f);
  if (at == 0) return 0;
  const own = changetype<FlowState>(at);
  if (own.app == 0) {
    const data = f.proto == IP_TCP && expectedData(f);
    own.app = appNew(data ? PROTO_FTP_DATA : PROTO_UNKNOWN, f.proto, f.clientPort, f.serverPort);
    if (own.app != 0) {
      changetype<AppConn>(own.app).owner = changetype<usize>(f);
      if (data && announcer != 0) ftpDataAdopt(changetype<AppConn>(own.app), changetype<AppConn>(announcer));
    }
  }
  return own.app;
}

function feed(f: Flow, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if (f.app == PROTO_FAILED) return;
  const at = connection(f);
  if (at == 0) return;
  const conn = changetype<AppConn>(at);
  appFeed(at, dir, ptr, len, offset, <f64>(now / 1000000));
  f.app = conn.proto == PROTO_UNKNOWN && conn.protoBefore != PROTO_UNKNOWN ? conn.protoBefore : conn.proto;
  f.appToServer = conn.protoToServer;
  f.appToClient = conn.protoToClient;
  changetype<FlowState>(f.user0).fed |= 3;
  if (rawChunk != 0) messages(changetype<FlowState>(f.user0), at);
  // What is encrypted is of no use to any rule.
  if (conn.bypass && conn.proto == PROTO_TLS && f.proto == IP_TCP) {
    f.flags |= FF_NO_INSPECT;
    streamStop(f, 0);
    streamStop(f, 1);
  }
}

/** A message that is complete, or another step of a handshake: what there is of the stream is looked at as well (not in SMB). */
function messages(own: FlowState, conn: usize): void {
  if (changetype<AppConn>(conn).proto == PROTO_SMB) return;
  let toServer: u32 = 0;
  let toClient: u32 = 0;
  for (let at = appFirst(conn); at != 0; at = appNext(conn, at)) {
    const tx = changetype<Tx>(at);
    const id = (<u32>tx.id + 1) << 8;
    const whole = tx.proto == PROTO_HTTP;
    if (!whole || tx.progressToServer == TX_COMPLETE) toServer = id | tx.progressToServer;
    if (!whole || tx.progressToClient == TX_COMPLETE) toClient = id | tx.progressToClient;
  }
  if (toServer > own.steps0) {
    own.steps0 = toServer;
    own.flags |= FS_MESSAGE_TO_SERVER;
  }
  if (toClient > own.steps1) {
    own.steps1 = toClient;
    own.flags |= FS_MESSAGE_TO_CLIENT;
  }
}

function onData(f: Flow, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if ((f.flags & FF_BYPASS) != 0) return;
  feed(f, dir, ptr, len, offset);
  if ((f.flags & FF_PASS) != 0) return;
  const ending = (f.flags & FF_ENDING) != 0;
  if (aroundPackets() && !ending) return;
  // Inline, what a packet brings decides on the packet.
  streamArrived(f, dir, ptr, len, offset, packetDirection && !inlineMode && !ending);
  if (ending) transactions(f, 3, false);
}

function onGap(f: Flow, dir: u32, len: u32): void {
  if (f.user0 == 0 || changetype<FlowState>(f.user0).app == 0) return;
  appGap(changetype<FlowState>(f.user0).app, dir, len);
  changetype<FlowState>(f.user0).fed |= 3;
}

function onStreamEnd(f: Flow, dir: u32): void {
  if (f.user0 == 0 || changetype<FlowState>(f.user0).app == 0) return;
  appEnd(changetype<FlowState>(f.user0).app, dir);
  changetype<FlowState>(f.user0).fed |= 3;
  // While the flow ends, the streams are at hand for the last time.
  if ((f.flags & FF_ENDING) == 0 || section == 0 || (f.flags & (FF_PASS | FF_DROP)) != 0) return;
  lookAway();
  setPseudo(true);
  streamDue(f, dir);
  transactions(f, 3, false);
  tellMatches(changetype<Packet>(0));
  setPseudo(false);
}

/** Rules on the flow's transactions, in the directions of the mask. */
function transactions(f: Flow, directions: u32, final: bool): void {
  if (f.user0 == 0) return;
  const own = changetype<FlowState>(f.user0);
  if (own.app == 0) return;
  const due = final ? directions : own.fed & directions;
  if (due == 0) return;
  own.fed &= ~due;
  const conn = own.app;
  for (let dir: u32 = 0; dir < 2; dir++) {
    if ((due & (1 << dir)) == 0) continue;
    lookAtFlow(f, dir);
    if (changetype<AppConn>(conn).events != 0) connectionEvents();
    for (let tx = appFirst(conn); tx != 0; tx = appNext(conn, tx)) {
      // A DNS message has one direction.
      if ((directionsOf(tx) & (1 << dir)) == 0) continue;
      detectTx(tx, dir, final);
    }
  }
  changetype<AppConn>(conn).events = 0;
}

/** Rules on events of the connection, such as two directions that speak different protocols. */
function connectionEvents(): void {
  clearCandidates();
  addList(listOfEvents(0));
  const n = candidateCount();
  for (let i: u32 = 0; i < n; i++) {
    const rule = ruleRecord(candidate(i));
    if (ruleApplies(rule) && conditionsHold(rule)) matched(candidate(i), 0, 0, 0, 0);
  }
}

/** Gives back transactions in which nothing more can happen. */
function freeDone(f: Flow): void {
  if (f.user0 == 0) return;
  const conn = changetype<FlowState>(f.user0).app;
  if (conn == 0) return;
  const due = changetype<FlowState>(f.user0).fed;
  let tx = appFirst(conn);
  while (tx != 0) {
    const next = appNext(conn, tx);
    const over = section == 0 || txOver(tx) || changetype<Tx>(tx).proto == PROTO_DNS || (f.flags & FF_PASS) != 0;
    if (changetype<Tx>(tx).done && (due & directionsOf(tx)) == 0 && over) {
      freeTxState(tx);
      appTxFree(conn, tx);
    }
    tx = next;
  }
}

/** Directions in which a transaction has anything to be looked at: a DNS message has one. */
function directionsOf(at: usize): u32 {
  const tx = changetype<Tx>(at);
  if (tx.proto != PROTO_DNS) return 3;
  return (tx.progressToServer != 0 ? 1 : 0) | (tx.progressToClient != 0 ? 2 : 0);
}

/** The flow is over: what is left is looked at, told, and given back. */
function onFlowEnd(f: Flow, _reason: u32): void {
  if (f.user0 == 0) return;
  const own = changetype<FlowState>(f.user0);
  if (own.app != 0) {
    appEnd(own.app, 0);
    appEnd(own.app, 1);
  }
  if (section != 0 && (f.flags & (FF_PASS | FF_DROP)) == 0) {
    lookAway();
    setPseudo(true);
    transactions(f, 3, true);
    tellMatches(changetype<Packet>(0));
    setPseudo(false);
  }
  dropMatches();
  if (own.app != 0) {
    for (let tx = appFirst(own.app); tx != 0; tx = appNext(own.app, tx)) freeTxState(tx);
    appFree(own.app);
    own.app = 0;
  }
  freeFlowState(f);
  lookAway();
}

/** Time passes: flows and fragments time out. */
export function passTime(ns: u64): void {
  setNow(ns);
  if (!started) return;
  flowTick(now, 256);
  defragTick(<u32>(now / 1000000000));
}

/** Ends flows while there is room for findings; true when none is left. */
export function endFlows(): bool {
  if (!started) return true;
  setRecord(0);
  while (hasRoom()) if (flowEndAll(1) == 0) return true;
  return false;
}
