// Matches of one packet: gathered while it is looked at, then put in order, limited, and told.

import {
  ATTR_EVE, ATTR_PAYLOAD, FINDING_FLAG_DROPPED, FINDING_FLAG_IN_STREAM, FINDING_FLAG_NO_ALERT, VERDICT_ALERT, VERDICT_DROP,
  VERDICT_NONE,
} from "../../abi/assembly/abi";
import { appFirst, appNext } from "../app/app";
import { putNumber } from "../app/bytes";
import { Tx } from "../core/tx";
import { Packet, PF_DROP, PF_REJECT } from "../decode/packet";
import { FF_DROP, FF_PASS, FF_REJECT, Flow } from "../flow/flow";
import { inlineMode } from "../tcp/settings";
import { streamMissing, streamWindow } from "../tcp/window";
import { direction, flow, lookAtFlow, lookAtPacket } from "./context";
import { writeEve } from "./eve";
import { FS_ALERTED, FlowState, flowState } from "./flow-state";
import {
  ACTION_DROP, ACTION_PASS, ACTION_REJECT, ACTION_REJECT_BOTH, KIND_IP, KIND_PACKET, RULE_ACTION, RULE_APP, RULE_CONDITIONS,
  RULE_FLAGS, RULE_GID, RULE_KIND, RULE_SEVERITY, RULE_SID, R_NOALERT,
} from "./layout";
import { LIMIT_ALERT, LIMIT_NOTHING, limitMatch, replacedAction } from "./limits";
import { doPosts } from "./post";
import { addBytes, addFinding, closeValue, openValue, valueRoom } from "./report";
import { ruleRecord } from "./rules";

export const IN_STREAM: u32 = 1;
export const IN_TX: u32 = 2;

@unmanaged
class Match {
  rule: u32;
  flags: u32;
  tx: usize;
  flow: usize;
  direction: u32;
  payload: usize;
  payloadLen: u32;
  /** What limits said, and in the second byte the action that counts. */
  told: u32;
}

/** Matches of a packet that are kept, and alerts of it that are told (`packet-alert-max`). */
const QUEUE: u32 = 512;
let mostAlerts: u32 = 15;
const queue = memory.data(512 * 32, 8);
let queued: u32 = 0;
/** Record of the batch at hand. */
let record: u32 = 0;
/** The flow ends: there is no packet any more. */
let pseudo: bool = false;
let payloadMost: u32 = 16384;

/** Alerts since the start; and matches that did not fit. */
export let alertsTotal: u64 = 0;
export let matchesLost: u32 = 0;

/** Whether alerts on streams name the transaction at hand (`guess-applayer-tx`). */
let guessTx: bool = false;

export function setGuessTx(on: bool): void {
  guessTx = on;
}
export function setMostAlerts(count: u32): void {
  mostAlerts = max<u32>(count, 1);
}
export function setRecord(index: u32): void {
  record = index;
}
export function setPseudo(on: bool): void {
  pseudo = on;
}

// @ts-ignore: decorator
@inline function matchAt(n: u32): Match {
  return changetype<Match>(queue + (<usize>n << 5));
}

/** A rule matched on what is in the context; what it sets is set at once. */
export function matched(rule: u32, flags: u32, tx: usize, payload: usize, payloadLen: u32): void {
  for (let i: u32 = 0; i < queued; i++) {
    const m = matchAt(i);
    if (m.rule == rule && m.tx == tx && m.flow == changetype<usize>(flow)) return;
  }
  doPosts(ruleRecord(rule));
  if (queued == QUEUE) {
    matchesLost++;
    return;
  }
  const m = matchAt(queued++);
  m.rule = rule;
  m.flags = flags;
  m.tx = tx == 0 && guessTx && (flags & IN_STREAM) != 0 ? onlyTx() : tx;
  m.flow = changetype<usize>(flow);
  m.direction = direction;
  m.payload = payload;
  m.payloadLen = payloadLen;
}

/** The flow's transaction, when exactly one has come somewhere in this direction. */
function onlyTx(): usize {
  if (changetype<usize>(flow) == 0 || flow.user0 == 0) return 0;
  const conn = changetype<FlowState>(flow.user0).app;
  if (conn == 0) return 0;
  let only: usize = 0;
  for (let at = appFirst(conn); at != 0; at = appNext(conn, at)) {
    const tx = changetype<Tx>(at);
    if ((direction == 0 ? tx.progressToServer : tx.progressToClient) == 0) continue;
    if (only != 0) return 0;
    only = at;
  }
  return only;
}

/**
 * Puts the matches in order and tells them; what they ask for becomes of the packet and its flow. True: the packet is dropped.
 */
export function tellMatches(p: Packet): bool {
  if (queued == 0) return false;
  inOrder();
  let droppedBy: u32 = 0;
  let verdict: u32 = 0;
  let passed = false;
  let byRate = false;
  let count = queued;
  for (let i: u32 = 0; i < queued; i++) {
    const m = matchAt(i);
    look(m, p);
    const rule = ruleRecord(m.rule);
    m.told = limitMatch(rule);
    if (m.told == LIMIT_NOTHING) continue;
    let action: u32 = load<u8>(rule + RULE_ACTION);
    if (replacedAction != 0) action = replacedAction - 1;
    m.told |= action << 8;
    // What was found in more than this packet, or asks for no more than who speaks what, is about the flow.
    const wide = (m.flags & (IN_STREAM | IN_TX)) != 0 || <u32>load<u8>(rule + RULE_KIND) == KIND_IP
      || (<u32>load<u8>(rule + RULE_KIND) == KIND_PACKET && load<u8>(rule + RULE_APP) != 0
        && load<u16>(rule + RULE_CONDITIONS) == 0);
    if (action == ACTION_PASS) {
      m.told = LIMIT_NOTHING;
      count = i;
      // A rule that came first has decided.
      if (droppedBy != 0) break;
      passed = true;
      if (wide && m.flow != 0) changetype<Flow>(m.flow).flags |= FF_PASS;
      break;
    }
    if (action >= ACTION_DROP && action <= ACTION_REJECT_BOTH) {
      if (droppedBy == 0) droppedBy = load<u32>(rule + RULE_SID);
      // A rejection says more than a drop.
      verdict = max(verdict, action);
      byRate = byRate || replacedAction != 0;
      if (inlineMode && wide && m.flow != 0) dropFlow(changetype<Flow>(m.flow), load<u32>(rule + RULE_SID), action > ACTION_DROP);
    }
  }
  const dropped = droppedBy != 0 && inlineMode && !passed;
  let said: u32 = 0;
  if (passed) said = 3;
  else if (dropped || verdict > ACTION_DROP) {
    said = verdict == ACTION_DROP ? 1 : verdict == ACTION_REJECT ? 2 : verdict == 3 ? 4 : 5;
  }
  let told: u32 = 0;
  for (let i: u32 = 0; i < count && told < mostAlerts; i++) {
    const m = matchAt(i);
    if ((m.told & 255) != LIMIT_ALERT) continue;
    const rule = ruleRecord(m.rule);
    if ((load<u32>(rule + RULE_FLAGS) & R_NOALERT) != 0) continue;
    look(m, p);
    tell(m, rule, said);
    told++;
  }
  queued = 0;
  if (dropped && !pseudo) {
    if (changetype<usize>(p) != 0) {
      lookAtPacket(p);
      p.flags |= verdict > ACTION_DROP ? PF_DROP | PF_REJECT : PF_DROP;
    }
    tellDrop(droppedBy, byRate ? 35 : 32, said);
  }
  return dropped;
}

function dropFlow(f: Flow, sid: u32, reject: bool): void {
  f.flags |= reject ? FF_DROP | FF_REJECT : FF_DROP;
  const at = flowState(f);
  if (at != 0 && changetype<FlowState>(at).dropSid == 0) changetype<FlowState>(at).dropSid = sid;
}

/** The context of a match: the packet itself, or the data of a flow. */
function look(m: Match, p: Packet): void {
  if ((m.flags & (IN_STREAM | IN_TX)) == 0 && changetype<usize>(p) != 0) {
    lookAtPacket(p);
    return;
  }
  if (m.flow != 0) lookAtFlow(changetype<Flow>(m.flow), m.direction);
}

/** By the order of the rules; matches of the same rule stay as they came. */
function inOrder(): void {
  for (let i: u32 = 1; i < queued; i++) {
    const at = queue + (<usize>i << 5);
    let j = i;
    while (j > 0 && matchAt(j - 1).rule > changetype<Match>(at).rule) j--;
    if (j == i) continue;
    memory.copy(spare, at, 32);
    memory.copy(queue + (<usize>(j + 1) << 5), queue + (<usize>j << 5), <usize>(i - j) << 5);
    memory.copy(queue + (<usize>j << 5), spare, 32);
  }
}
const spare = memory.data(32, 8);

function tell(m: Match, rule: usize, verdict: u32): void {
  alertsTotal++;
  const action = m.told >>> 8;
  const blocked = (action > ACTION_DROP && action <= ACTION_REJECT_BOTH) || (action == ACTION_DROP && inlineMode);
  const stream = (m.flags & IN_STREAM) != 0 || ((m.flags & IN_TX) != 0 && changetype<usize>(flow) != 0 && flow.proto == 6);
  addFinding(
    record, load<u32>(rule + RULE_SID), load<u8>(rule + RULE_SEVERITY),
    action >= ACTION_DROP && action <= ACTION_REJECT_BOTH ? VERDICT_DROP : VERDICT_ALERT,
    stream ? FINDING_FLAG_IN_STREAM : 0,
  );
  const gid = load<u32>(rule + RULE_GID);
  const n = writeEve(openValue(), valueRoom(), m.tx, stream, pseudo, !blocked, verdict, gid, 0);
  if (n != 0) closeValue(ATTR_EVE, n);
  if (changetype<usize>(flow) != 0 && flow.user0 != 0) {
    changetype<FlowState>(flow.user0).alerts++;
    changetype<FlowState>(flow.user0).flags |= FS_ALERTED;
  }
  if (stream && m.flow != 0) {
    const view = streamWindow(changetype<Flow>(m.flow), m.direction);
    const most = min<u32>(view.len, payloadMost);
    if (most != 0) {
      const missing = most == view.len ? streamMissing(changetype<Flow>(m.flow), m.direction) : 0;
      if (missing != 0) addWithGap(missing, view.ptr, most);
      else addBytes(ATTR_PAYLOAD, view.ptr + (view.len - most), most);
      return;
    }
  }
  if (m.payload != 0) addBytes(ATTR_PAYLOAD, m.payload, m.payloadLen);
}

/** The payload behind a gap: Suricata says so in front of it. */
function addWithGap(missing: u32, ptr: usize, len: u32): void {
  const n = min<u32>(len, valueRoom());
  if (n + 40 > valueRoom()) return addBytes(ATTR_PAYLOAD, ptr, len);
  let at = openValue();
  const start = at;
  store<u8>(at++, 91);
  at = putNumber(at, missing);
  for (let i = 0; i < GAP.length; i++) store<u8>(at++, <u8>GAP.charCodeAt(i));
  memory.copy(at, ptr, n);
  closeValue(ATTR_PAYLOAD, <u32>(at - start) + n);
}
const GAP: string = " bytes missing]";

/** Tells that the packet in the context is dropped: by rule `sid`, or by the engine (0). */
export function tellDrop(sid: u32, reason: u32, verdict: u32): void {
  addFinding(record, sid, 3, VERDICT_NONE, FINDING_FLAG_DROPPED | FINDING_FLAG_NO_ALERT);
  const n = writeEve(openValue(), valueRoom(), 0, false, pseudo, false, verdict == 0 ? 1 : verdict, 1, reason);
  if (n != 0) closeValue(ATTR_EVE, n);
}

/** Forgets matches that are not told yet. */
export function dropMatches(): void {
  queued = 0;
}
