// Settings by the names that hosts use (`configure`): lines of `key=value`. Unknown keys are left alone: a host may be newer.

import { setMemoryBudget } from "../core/memory";
import { setLinkType } from "../decode/settings";
import { setFlowMemcapPolicy, setTunnelFlows, setVlanTracking } from "../flow/settings";
import { setBodyLimits, setDecodeLimits, setDecodeOptions } from "../http/http";
import { setDefragMemcapPolicy, setFragmentChecksums } from "../ip/settings";
import {
  EXCEPTION_BYPASS, EXCEPTION_DROP_FLOW, EXCEPTION_DROP_PACKET, EXCEPTION_IGNORE, EXCEPTION_PASS_FLOW, EXCEPTION_PASS_PACKET,
  EXCEPTION_REJECT, setAsyncOneside, setChecksumValidation, setInlineMode, setMidstream, setMidstreamPolicy, setReassemblyDepth,
  setReassemblyMemcapPolicy, setStreamMemcapPolicy, setWindowKeep,
} from "../tcp/settings";
import { isKey } from "../../sdk/assembly/config";
import { findByte, parseDecimal, trimStart, trimmedLen } from "../../sdk/assembly/bytes";
import { setGuessTx, setMostAlerts } from "./alerts";
import { osPolicy } from "./os-policy";
import { setBodyGrowth } from "./tx-detect";

const AUTO: u32 = 7;
const NONE: u32 = 8;

/**
 * Data that a packet of the other side has acknowledged is looked at with the next packet of its own direction, as Suricata
 * does: an alert then has a packet of the right direction. With `immediate` it is looked at at once.
 */
export let packetDirection: bool = true;
/**
 * Inline, every packet with data is looked at together with so many bytes of its stream, as Suricata does: what was found before
 * is found again. 0 tells each find once.
 */
export let inlineWindow: u32 = 0;
/**
 * Bytes of a stream that wait to be looked at together, as Suricata's `chunk-size`, unless a message is complete or the
 * conversation ends. 0: the next packet of the direction has them looked at.
 */
export let rawChunk: u32 = 0;
/** Flows that the table holds. */
export let flowCount: u32 = 65536;

// Two images of all known rules, and room for what flows keep.
setMemoryBudget(160 << 20);

let inline: bool = false;
// What live traffic needs: a sensor starts amid conversations, and checksums of packets that never left the host are not there.
let pickUp: bool = true;
setMidstream(true);
// A forwarding rule may show only one side.
setAsyncOneside(true);
setChecksumValidation(false);
setFragmentChecksums(false);

let master: u32 = AUTO;
let midstreamPolicy: u32 = NONE;
let flowPolicy: u32 = NONE;
let defragPolicy: u32 = NONE;
let flowAt: u32 = 0;
let defragAt: u32 = 0;
let requestBody: u32 = 102400;
let responseBody: u32 = 102400;

/** Applies the lines; false when one is malformed. */
export function applySettings(ptr: usize, len: u32): bool {
  let at: u32 = 0;
  while (at < len) {
    const lf = findByte(ptr, len, 10, at);
    const end: u32 = lf < 0 ? len : <u32>lf;
    const line = trimStart(ptr + at, end - at);
    const size = trimmedLen(ptr + at, end - at);
    at = end + 1;
    if (size == 0 || load<u8>(line) == 35) continue;
    const eq = findByte(line, size, 61);
    if (eq <= 0) return false;
    const value = trimStart(line + eq + 1, size - eq - 1);
    const valueLen = trimmedLen(line + eq + 1, size - eq - 1);
    const keyLen = trimmedLen(line, <u32>eq);
    if (isKey(line, keyLen, "os-policy")) {
      if (!osPolicy(value, valueLen)) return false;
    } else set(line, keyLen, value, valueLen);
  }
  setPolicies();
  return true;
}

function set(key: usize, keyLen: u32, value: usize, valueLen: u32): void {
  const number = parseDecimal(value, valueLen);
  const on = number > 0 || isKey(value, valueLen, "true") || isKey(value, valueLen, "yes");
  const n = <u32>min<i64>(max<i64>(number, 0), 0xffffffff);
  if (isKey(key, keyLen, "inline")) {
    inline = on;
    setInlineMode(on);
  } else if (isKey(key, keyLen, "midstream")) {
    pickUp = on;
    setMidstream(on);
  } else if (isKey(key, keyLen, "async")) setAsyncOneside(on);
  else if (isKey(key, keyLen, "checksum")) {
    setChecksumValidation(on);
    setFragmentChecksums(on);
  }
  else if (isKey(key, keyLen, "link-type")) setLinkType(n);
  else if (isKey(key, keyLen, "vlan-tracking")) setVlanTracking(on);
  else if (isKey(key, keyLen, "lzma")) setDecodeOptions(true, on);
  else if (isKey(key, keyLen, "guess-tx")) setGuessTx(on);
  else if (isKey(key, keyLen, "immediate")) packetDirection = !on;
  else if (isKey(key, keyLen, "exception-policy")) master = policy(value, valueLen);
  else if (isKey(key, keyLen, "midstream-policy")) midstreamPolicy = policy(value, valueLen);
  else if (isKey(key, keyLen, "flow-memcap-policy")) flowPolicy = policy(value, valueLen);
  else if (isKey(key, keyLen, "defrag-memcap-policy")) defragPolicy = policy(value, valueLen);
  else if (number < 0) return;
  else if (isKey(key, keyLen, "packet-alert-max")) setMostAlerts(n);
  else if (isKey(key, keyLen, "stream-depth")) setReassemblyDepth(n);
  else if (isKey(key, keyLen, "inline-window")) inlineWindow = min<u32>(n, 65536);
  else if (isKey(key, keyLen, "raw-chunk")) rawChunk = min<u32>(n, 3072);
  else if (isKey(key, keyLen, "ipip-parent-flow")) setTunnelFlows(on);
  else if (isKey(key, keyLen, "stream-window")) setWindowKeep(n);
  else if (isKey(key, keyLen, "body-inspect-growth")) setBodyGrowth(n);
  else if (isKey(key, keyLen, "memory")) setMemoryBudget(<usize>n << 20);
  else if (isKey(key, keyLen, "flows")) flowCount = max<u32>(min<u32>(n, 1 << 20), 64);
  else if (isKey(key, keyLen, "simulate-flow-memcap")) flowAt = n;
  else if (isKey(key, keyLen, "simulate-defrag-memcap")) defragAt = n;
  else if (isKey(key, keyLen, "request-body-limit")) {
    requestBody = n == 0 ? 16777216 : n;
    setBodyLimits(requestBody, responseBody);
  } else if (isKey(key, keyLen, "response-body-limit")) {
    responseBody = n == 0 ? 16777216 : n;
    setBodyLimits(requestBody, responseBody);
  } else if (isKey(key, keyLen, "decompress-layer-limit")) setDecodeLimits(n, 1048576, 2048);
}

function policy(value: usize, len: u32): u32 {
  if (isKey(value, len, "drop-packet")) return EXCEPTION_DROP_PACKET;
  if (isKey(value, len, "drop-flow")) return EXCEPTION_DROP_FLOW;
  if (isKey(value, len, "pass-packet")) return EXCEPTION_PASS_PACKET;
  if (isKey(value, len, "pass-flow")) return EXCEPTION_PASS_FLOW;
  if (isKey(value, len, "bypass")) return EXCEPTION_BYPASS;
  if (isKey(value, len, "reject")) return EXCEPTION_REJECT;
  return isKey(value, len, "auto") ? AUTO : EXCEPTION_IGNORE;
}

/** "auto" drops inline and ignores otherwise; conversations that are picked up in the middle on purpose are no exception. */
function setPolicies(): void {
  setMidstreamPolicy(settled(midstreamPolicy, pickUp));
  setFlowMemcapPolicy(settled(flowPolicy, false), flowAt);
  setDefragMemcapPolicy(settled(defragPolicy, false), defragAt);
  const other = settled(NONE, false);
  setStreamMemcapPolicy(other);
  setReassemblyMemcapPolicy(other);
}

function settled(own: u32, wanted: bool): u32 {
  const chosen = own == NONE ? master : own;
  if (chosen != AUTO) return inline || chosen >= EXCEPTION_PASS_PACKET ? chosen : EXCEPTION_IGNORE;
  return inline && !wanted ? EXCEPTION_DROP_FLOW : EXCEPTION_IGNORE;
}
