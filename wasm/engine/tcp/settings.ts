// Settings of TCP tracking, by their names in suricata.yaml. All have Suricata's defaults.

import { samePrefix } from "../ip/policy";

/** Overlap policies of end hosts (`host-os-policy`); which byte wins where segments overlap: see overlap.ts. */
export const POLICY_BSD: u32 = 0;
export const POLICY_BSD_RIGHT: u32 = 1;
export const POLICY_OLD_LINUX: u32 = 2;
export const POLICY_LINUX: u32 = 3;
export const POLICY_SOLARIS: u32 = 4;
export const POLICY_HPUX10: u32 = 5;
export const POLICY_HPUX11: u32 = 6;
export const POLICY_IRIX: u32 = 7;
export const POLICY_MACOS: u32 = 8;
export const POLICY_WINDOWS: u32 = 9;
export const POLICY_VISTA: u32 = 10;
export const POLICY_WINDOWS2K3: u32 = 11;
export const POLICY_FIRST: u32 = 12;
export const POLICY_LAST: u32 = 13;
export const POLICY_OLD_SOLARIS: u32 = 14;

/** Exception policies (`midstream-policy`, `memcap-policy`). */
export const EXCEPTION_IGNORE: u32 = 0;
export const EXCEPTION_DROP_PACKET: u32 = 1;
export const EXCEPTION_DROP_FLOW: u32 = 2;
export const EXCEPTION_PASS_PACKET: u32 = 3;
export const EXCEPTION_PASS_FLOW: u32 = 4;
export const EXCEPTION_BYPASS: u32 = 5;
export const EXCEPTION_REJECT: u32 = 6;

/** `stream.inline`: data is handed on at once; otherwise when the receiver has acknowledged it. */
export let inlineMode: bool = false;
/** `stream.midstream`: conversations whose start was not seen are followed. */
export let midstream: bool = false;
/** `stream.async-oneside`: only one side may be visible. */
export let asyncOneside: bool = false;
/** `stream.checksum-validation`, `-k none`. */
export let checksumValidation: bool = true;
/** `stream.drop-invalid`: inline, packets that TCP tracking refuses are dropped. */
export let dropInvalid: bool = true;
/** `stream.reassembly.depth` in bytes, 0 for all. */
export let reassemblyDepth: u32 = 1 << 20;
/** `stream.max-synack-queued`, at most 8. */
export let maxSynAckQueued: u32 = 5;
export let midstreamPolicy: u32 = EXCEPTION_IGNORE;
export let streamMemcapPolicy: u32 = EXCEPTION_IGNORE;
export let reassemblyMemcapPolicy: u32 = EXCEPTION_IGNORE;
/** Delivered bytes kept for streamWindow. */
export let windowKeep: u32 = 4096;
/** Most bytes that one direction may hold, and most segments. */
export let maxBuffered: u32 = 4 << 20;
export let maxSegments: u32 = 2048;

export function setInlineMode(on: bool): void {
  inlineMode = on;
}
export function setMidstream(on: bool): void {
  midstream = on;
}
export function setAsyncOneside(on: bool): void {
  asyncOneside = on;
}
export function setChecksumValidation(on: bool): void {
  checksumValidation = on;
}
export function setDropInvalid(on: bool): void {
  dropInvalid = on;
}
export function setReassemblyDepth(bytes: u32): void {
  reassemblyDepth = bytes;
}
export function setMaxSynAckQueued(count: u32): void {
  maxSynAckQueued = min<u32>(count, 8);
}
export function setMidstreamPolicy(policy: u32): void {
  midstreamPolicy = policy;
}
export function setStreamMemcapPolicy(policy: u32): void {
  streamMemcapPolicy = policy;
}
export function setReassemblyMemcapPolicy(policy: u32): void {
  reassemblyMemcapPolicy = policy;
}
export function setWindowKeep(bytes: u32): void {
  windowKeep = bytes;
}
export function setMaxBuffered(bytes: u32): void {
  maxBuffered = bytes;
}
export function setMaxSegments(count: u32): void {
  maxSegments = count;
}

const HOSTS: u32 = 64;
/** Entries of 32 bytes: prefix (16, wire order, IPv4 mapped), bits u32, TCP policy u32. */
const hosts: usize = memory.data(64 * 32, 16);
let hostCount: u32 = 0;
let defaultPolicy: u32 = POLICY_BSD;

export function setDefaultPolicy(policy: u32): void {
  defaultPolicy = policy;
}

/** Adds a network (16 bytes in wire order, `bits` of 128) to the list; false when it is full. */
export function addHostPolicy(prefix: usize, bits: u32, policy: u32): bool {
  if (hostCount >= HOSTS || bits > 128 || policy > POLICY_OLD_SOLARIS) return false;
  const at = hosts + (hostCount++ << 5);
  memory.copy(at, prefix, 16);
  store<u32>(at, bits, 16);
  store<u32>(at, policy, 20);
  return true;
}

export function clearHostPolicies(): void {
  hostCount = 0;
}

/** Policy of the receiver with this address: its longest network's, or the default. */
export function hostPolicy(address: usize): u32 {
  let policy = defaultPolicy;
  let longest: i32 = -1;
  for (let i: u32 = 0; i < hostCount; i++) {
    const at = hosts + (i << 5);
    const bits = load<u32>(at, 16);
    if (<i32>bits > longest && samePrefix(at, address, bits)) {
      longest = <i32>bits;
      policy = load<u32>(at, 20);
    }
  }
  return policy;
}

/** `stream.reassembly.urgent.policy`: urgent data counts as data (inline), or packets with it are refused (drop). */
export let dropUrgent: bool = false;
export function setDropUrgent(on: bool): void {
  dropUrgent = on;
}
