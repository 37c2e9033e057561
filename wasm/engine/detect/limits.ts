// How often rules alert: threshold, limit, both, detection_filter, rate_filter and suppression, counted per rule and host in a
// table
// of fixed size.

import { give, takeZeroed } from "../core/memory";
import { destinationAddress, destinationPort, dstClass, flow, now, sourceAddress, sourcePort, srcClass } from "./context";
import { inAddresses } from "./header";
import { hostKey, mix } from "./host-bits";
import {
  LIMIT_BACKOFF, LIMIT_BOTH, LIMIT_BYTES, LIMIT_DETECTION_FILTER, LIMIT_LIMIT, LIMIT_RATE_FILTER, LIMIT_SUPPRESS, LIMIT_THRESHOLD,
  RULE_GID,
  RULE_LIMITS, RULE_LIMIT_FIRST, RULE_SID, TRACK_BOTH, TRACK_DST, TRACK_EITHER, TRACK_FLOW, TRACK_SRC,
} from "./layout";
import { limitsAt } from "./rules";

/** What becomes of a match. */
export const LIMIT_NOTHING: u32 = 0;
export const LIMIT_ALERT: u32 = 1;
/** The rule's action, without an alert. */
export const LIMIT_SILENT: u32 = 2;

/** The action that a rate filter puts in the rule's place, plus one; 0 for none. */
export let replacedAction: u32 = 0;

@unmanaged
class Count {
  key: u64;
  startNs: u64;
  count: u32;
  /** Backoff: at which count the next alert is due. */
  next: u32;
  /** Rate filter: until when the other action counts. */
  untilNs: u64;
  /** Ports seen, a bit each; 0 when they are not counted. */
  ports: usize;
  pad: u32;
}

const ROWS: u32 = 4096;
const WAYS: u32 = 4;
let table: usize = 0;

/** Asks all limits of the rule; counts the match. */
export function limitMatch(rule: usize): u32 {
  replacedAction = 0;
  const n: u32 = load<u16>(rule + RULE_LIMITS);
  if (n == 0) return LIMIT_ALERT;
  let at = limitsAt + <usize>load<u32>(rule + RULE_LIMIT_FIRST) * LIMIT_BYTES;
  let result = LIMIT_ALERT;
  for (let i: u32 = 0; i < n; i++, at += LIMIT_BYTES) {
    const one = load<u32>(at) == LIMIT_SUPPRESS ? suppressed(at) : counted(rule, at);
    if (one == LIMIT_NOTHING) return LIMIT_NOTHING;
    if (one == LIMIT_SILENT) result = LIMIT_SILENT;
  }
  return result;
}

function suppressed(at: usize): u32 {
  const track = load<u32>(at, 4);
  const set = load<u32>(at, 24);
  if (track == 0 || set == 0xffffffff) return LIMIT_SILENT;
  const source = track != TRACK_DST && inAddresses(set, srcClass);
  const destination = (track == TRACK_DST || track == TRACK_EITHER) && inAddresses(set, dstClass);
  return source || destination ? LIMIT_SILENT : LIMIT_ALERT;
}

function counted(rule: usize, at: usize): u32 {
  const type = load<u32>(at);
  const track = load<u32>(at, 4);
  const wanted = load<u32>(at, 8);
  const window = <u64>load<u32>(at, 12) * 1000000000;
  const entry = entryOf(rule, type, track);
  // Without memory to count in, a rule alerts.
  if (entry == 0) return LIMIT_ALERT;
  const c = changetype<Count>(entry);
  const fresh = c.startNs == 0 || (now > c.startNs && now - c.startNs > window);
  const unique = load<u32>(at, 28);
  if (fresh) {
    c.startNs = max<u64>(now, 1);
    c.count = 0;
    c.next = wanted;
    if (c.ports != 0) memory.fill(c.ports, 0, 8192);
  }
  if (unique == 0 || newPort(c, unique == 1 ? sourcePort : destinationPort)) c.count++;
  const count = c.count;
  if (type == LIMIT_LIMIT) return count <= wanted ? LIMIT_ALERT : LIMIT_SILENT;
  if (type == LIMIT_THRESHOLD) {
    if (count < wanted) return LIMIT_NOTHING;
    c.count = 0;
    return LIMIT_ALERT;
  }
  if (type == LIMIT_BOTH) return count == wanted ? LIMIT_ALERT : count > wanted ? LIMIT_SILENT : LIMIT_NOTHING;
  if (type == LIMIT_DETECTION_FILTER) return count > wanted ? LIMIT_ALERT : LIMIT_NOTHING;
  if (type == LIMIT_BACKOFF) {
    if (count < c.next) return count < wanted ? LIMIT_NOTHING : LIMIT_SILENT;
    c.next *= max<u32>(load<u32>(at, 16), 2);
    return LIMIT_ALERT;
  }
  if (type == LIMIT_RATE_FILTER) {
    if (count > wanted) c.untilNs = now + <u64>load<u32>(at, 20) * 1000000000;
    if (now < c.untilNs) replacedAction = load<u32>(at, 16) + 1;
  }
  return LIMIT_ALERT;
}

function newPort(c: Count, port: u32): bool {
  if (c.ports == 0) c.ports = takeZeroed(8192);
  if (c.ports == 0) return true;
  const at = c.ports + ((port & 0xffff) >> 3);
  const bit = 1 << (port & 7);
  if ((load<u8>(at) & bit) != 0) return false;
  store<u8>(at, load<u8>(at) | bit);
  return true;
}

function entryOf(rule: usize, type: u32, track: u32): usize {
  if (table == 0) table = takeZeroed(ROWS * WAYS * offsetof<Count>());
  if (table == 0) return 0;
  const src = track == TRACK_SRC || track == TRACK_BOTH ? sourceAddress() : 0;
  const dst = track == TRACK_DST || track == TRACK_BOTH ? destinationAddress() : 0;
  let key = hostKey(load<u32>(rule + RULE_SID), type | (track << 8) | (load<u32>(rule + RULE_GID) << 16), src, dst);
  if (track == TRACK_FLOW && changetype<usize>(flow) != 0) key = mix(key ^ flow.id);
  const row = table + <usize>((<u32>(key >> 32)) & (ROWS - 1)) * (WAYS * offsetof<Count>());
  let oldest = row;
  for (let i: u32 = 0; i < WAYS; i++) {
    const at = row + <usize>i * offsetof<Count>();
    const c = changetype<Count>(at);
    if (c.key == key) return at;
    if (c.startNs < changetype<Count>(oldest).startNs) oldest = at;
  }
  give(changetype<Count>(oldest).ports);
  memory.fill(oldest, 0, offsetof<Count>());
  changetype<Count>(oldest).key = key;
  return oldest;
}
