// The rule image in use: checked once, used in place, never written to. A new one takes over at once; flows and what they know
// (flow bits, thresholds by sid) stay.

import { give, take, takeZeroed } from "../core/memory";
import { imageOpen, imageSection, imageSectionLength, imageVersion } from "../image/image";
import { IMAGE_SURICATA } from "../image/image";
import { domainsAttach, domainsDetach } from "../match/domains";
import { literalsAttach, literalsDetach } from "../match/literals";
import { regexReset } from "../regex/regex";
import { checkSection } from "./check";
import { useMatches } from "./inspect";
import {
  ALWAYS_BYTES, ALWAYS_EVENTS, ALWAYS_PACKET, ALWAYS_PAYLOAD, ALWAYS_TRANSACTION, GROUPS, H_ADDRESS_AT, H_ADDRESS_WORDS,
  H_ALWAYS, H_ALWAYS_AT, H_EVENTS, H_EVENTS_AT, H_INSPECTIONS_AT, H_IP_CLASS_AT, H_IP_GENERAL, H_IP_GENERAL_AT, H_LIMITS_AT,
  H_LISTS_AT, H_MATCHES_AT, H_CONDITIONS_AT, H_PORT_AT, H_PORT_CLASS_AT, H_PORT_WORDS, H_POSTS_AT, H_RULES, H_RULES_AT, H_SLOTS,
  H_SLOTS_AT, H_STRINGS, H_STRINGS_AT, H_V4, H_V4_AT, H_V4_CLASS_AT, H_V6, H_V6_AT, H_V6_CLASS_AT, H_WANTED, LAYOUT_VERSION,
  RULE_BYTES, SLOT_BYTES, SLOT_DIRECTION, SLOT_DOMAINS, SLOT_DOMAINS_LEN, SLOT_GROUP, SLOT_LITERALS, SLOT_LITERALS_LEN,
  SLOT_PROTOCOLS, SLOT_STAGE,
} from "./layout";
import { usePatterns } from "./pattern";

/** Start of the section; 0 without rules. */
export let section: usize = 0;
/** Counts up with each image: what a flow keeps of positions in an image is dropped when it is of another one. */
export let generation: u32 = 0;
export let ruleCount: u32 = 0;
export let rulesAt: usize = 0;
export let inspectionsAt: usize = 0;
export let conditionsAt: usize = 0;
export let postsAt: usize = 0;
export let limitsAt: usize = 0;
export let listsAt: usize = 0;
export let v4Count: u32 = 0;
export let v4At: usize = 0;
export let v4ClassAt: usize = 0;
export let v6Count: u32 = 0;
export let v6At: usize = 0;
export let v6ClassAt: usize = 0;
export let addressWords: u32 = 0;
export let addressAt: usize = 0;
export let portClassAt: usize = 0;
export let portWords: u32 = 0;
export let portAt: usize = 0;
export let ipClassAt: usize = 0;
export let ipGeneralAt: usize = 0;
export let ipGeneral: u32 = 0;
export let wanted: u32 = 0;
export let stringsAt: usize = 0;
export let strings: u32 = 0;

/** The image's block, and what was taken for it: two handles (literals, names) for each slot. */
let block: usize = 0;
let handles: usize = 0;
let slots: u32 = 0;
let slotsAt: usize = 0;

export const PROTOCOLS: u32 = 32;
export const STAGES: u32 = 8;
/** Slots of one protocol and direction, in the order of their stages: u16 numbers, and how many. */
export const MAX_SLOTS: u32 = 64;
const slotLists = memory.data(8192);
const slotCounts = memory.data(256);
/** (start, count) by kind. */
const alwaysTransaction = memory.data(4096);
const alwaysPayload = memory.data(80);
const alwaysPacket = memory.data(80);
const alwaysEvents = memory.data(256);
const EVENTS: u32 = 512;
const byEvent = memory.data(4096);
/** Slot of payload by group and direction, plus one. */
const payloadSlots = memory.data(64);

/** Takes an image of `len` bytes at `ptr` (a block from take()); false leaves the old one in use and the block to the caller. */
export function useRules(ptr: usize, len: u32): bool {
  if (!imageOpen(ptr, len, IMAGE_SURICATA) || imageVersion() != LAYOUT_VERSION) return false;
  const base = imageSection("RULE");
  if (base == 0 || !checkSection(base, imageSectionLength())) return false;
  const count = word(base, H_SLOTS);
  const made = takeZeroed(max<u32>(count, 1) * 8);
  if (made == 0) return false;
  if (!attach(base, made, count)) {
    detach(made, count);
    give(made);
    return false;
  }
  dropRules();
  block = ptr;
  handles = made;
  slots = count;
  section = base;
  generation++;
  point(base);
  index(base);
  useMatches(base, base + word(base, H_MATCHES_AT));
  usePatterns(base);
  return true;
}

/** Gives the image in use back. */
export function dropRules(): void {
  if (block == 0) return;
  detach(handles, slots);
  give(handles);
  give(block);
  regexReset();
  block = 0;
  section = 0;
  ruleCount = 0;
}

// @ts-ignore: decorator
@inline function word(base: usize, index: u32): u32 {
  return load<u32>(base + ((<usize>index) << 2));
}

function attach(base: usize, made: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const slot = base + word(base, H_SLOTS_AT) + <usize>i * SLOT_BYTES;
    const literals = load<u32>(slot + SLOT_LITERALS);
    if (literals != 0) {
      const handle = literalsAttach(base + literals, load<u32>(slot + SLOT_LITERALS_LEN));
      if (handle == 0) return false;
      store<u32>(made + i * 8, <u32>handle);
    }
    const names = load<u32>(slot + SLOT_DOMAINS);
    if (names != 0) {
      const handle = domainsAttach(base + names, load<u32>(slot + SLOT_DOMAINS_LEN));
      if (handle == 0) return false;
      store<u32>(made + i * 8, <u32>handle, 4);
    }
  }
  return true;
}

function detach(made: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    literalsDetach(load<u32>(made + i * 8));
    const names = load<u32>(made + i * 8, 4);
    if (names != 0) domainsDetach(names);
  }
}

function point(base: usize): void {
  ruleCount = word(base, H_RULES);
  rulesAt = base + word(base, H_RULES_AT);
  inspectionsAt = base + word(base, H_INSPECTIONS_AT);
  conditionsAt = base + word(base, H_CONDITIONS_AT);
  postsAt = base + word(base, H_POSTS_AT);
  limitsAt = base + word(base, H_LIMITS_AT);
  listsAt = base + word(base, H_LISTS_AT);
  slotsAt = base + word(base, H_SLOTS_AT);
  v4Count = word(base, H_V4);
  v4At = base + word(base, H_V4_AT);
  v4ClassAt = base + word(base, H_V4_CLASS_AT);
  v6Count = word(base, H_V6);
  v6At = base + word(base, H_V6_AT);
  v6ClassAt = base + word(base, H_V6_CLASS_AT);
  addressWords = word(base, H_ADDRESS_WORDS);
  addressAt = base + word(base, H_ADDRESS_AT);
  portClassAt = base + word(base, H_PORT_CLASS_AT);
  portWords = word(base, H_PORT_WORDS);
  portAt = base + word(base, H_PORT_AT);
  ipClassAt = base + word(base, H_IP_CLASS_AT);
  ipGeneralAt = listsAt + ((<usize>word(base, H_IP_GENERAL_AT)) << 2);
  ipGeneral = word(base, H_IP_GENERAL);
  wanted = word(base, H_WANTED);
  stringsAt = base + word(base, H_STRINGS_AT);
  strings = word(base, H_STRINGS);
}

function index(base: usize): void {
  memory.fill(slotCounts, 0, 256);
  memory.fill(payloadSlots, 0, 64);
  memory.fill(alwaysTransaction, 0, 4096);
  memory.fill(alwaysPayload, 0, 80);
  memory.fill(alwaysPacket, 0, 80);
  memory.fill(alwaysEvents, 0, 256);
  memory.fill(byEvent, 0, EVENTS * 8);
  for (let stage: u32 = 0; stage < STAGES; stage++) {
    for (let i: u32 = 0; i < slots; i++) {
      const slot = slotRecord(i);
      const direction = load<u32>(slot + SLOT_DIRECTION) & 1;
      const group = load<u32>(slot + SLOT_GROUP);
      if (group != 0) {
        if (stage == 0) store<u32>(payloadSlots + ((group - 1) * 2 + direction) * 4, i + 1);
        continue;
      }
      if (load<u32>(slot + SLOT_STAGE) != stage) continue;
      const protocols = load<u32>(slot + SLOT_PROTOCOLS);
      for (let proto: u32 = 0; proto < PROTOCOLS; proto++) {
        if ((protocols & (1 << proto)) == 0) continue;
        const at = proto * 2 + direction;
        const n = load<u32>(slotCounts + at * 4);
        if (n == MAX_SLOTS) continue;
        store<u16>(slotLists + (at * MAX_SLOTS + n) * 2, <u16>i);
        store<u32>(slotCounts + at * 4, n + 1);
      }
    }
  }
  for (let i: u32 = 0; i < word(base, H_ALWAYS); i++) {
    const entry = base + word(base, H_ALWAYS_AT) + i * ALWAYS_BYTES;
    const key = load<u32>(entry);
    const kind = key >> 24;
    const what = (key >> 8) & 0xffff;
    const direction = (key >> 4) & 1;
    let at: usize = 0;
    if (kind == ALWAYS_TRANSACTION && what < PROTOCOLS) at = alwaysTransaction + ((what * 2 + direction) * STAGES + (key & 7)) * 8;
    else if (kind == ALWAYS_PAYLOAD && what < GROUPS) at = alwaysPayload + (what * 2 + direction) * 8;
    else if (kind == ALWAYS_PACKET && what < GROUPS) at = alwaysPacket + (what * 2 + direction) * 8;
    else if (kind == ALWAYS_EVENTS && what < PROTOCOLS) at = alwaysEvents + what * 8;
    if (at == 0) continue;
    store<u32>(at, load<u32>(entry, 4));
    store<u32>(at, load<u32>(entry, 8), 4);
  }
  for (let i: u32 = 0; i < word(base, H_EVENTS); i++) {
    const entry = base + word(base, H_EVENTS_AT) + i * ALWAYS_BYTES;
    const event = load<u32>(entry);
    if (event >= EVENTS) continue;
    store<u32>(byEvent + event * 8, load<u32>(entry, 4));
    store<u32>(byEvent + event * 8, load<u32>(entry, 8), 4);
  }
}

/** Record of rule number `rule`. */
// @ts-ignore: decorator
@inline export function ruleRecord(rule: u32): usize {
  return rulesAt + <usize>rule * RULE_BYTES;
}

// @ts-ignore: decorator
@inline export function slotRecord(slot: u32): usize {
  return slotsAt + <usize>slot * SLOT_BYTES;
}

/** Handle of the slot's literals, or 0. */
// @ts-ignore: decorator
@inline export function slotLiterals(slot: u32): usize {
  return load<u32>(handles + slot * 8);
}

/** Handle of the slot's names, or 0. */
// @ts-ignore: decorator
@inline export function slotNames(slot: u32): usize {
  return load<u32>(handles + slot * 8, 4);
}

/** Number of slots of a protocol and direction; {@link slotOf} has them. */
// @ts-ignore: decorator
@inline export function slotCount(proto: u32, direction: u32): u32 {
  return load<u32>(slotCounts + (proto * 2 + direction) * 4);
}

// @ts-ignore: decorator
@inline export function slotOf(proto: u32, direction: u32, n: u32): u32 {
  return load<u16>(slotLists + ((proto * 2 + direction) * MAX_SLOTS + n) * 2);
}

/** Slot of payload, plus one; 0 when no rule has one. */
// @ts-ignore: decorator
@inline export function payloadSlot(group: u32, direction: u32): u32 {
  return load<u32>(payloadSlots + (group * 2 + direction) * 4);
}

/** Where (start, count) of a list is. */
export function listOfTransactions(proto: u32, direction: u32, stage: u32): usize {
  return alwaysTransaction + ((proto * 2 + direction) * STAGES + stage) * 8;
}
export function listOfPayload(group: u32, direction: u32): usize {
  return alwaysPayload + (group * 2 + direction) * 8;
}
export function listOfPackets(group: u32, direction: u32): usize {
  return alwaysPacket + (group * 2 + direction) * 8;
}
export function listOfEvents(proto: u32): usize {
  return alwaysEvents + proto * 8;
}
export function listOfEvent(event: u32): usize {
  return byEvent + min(event, EVENTS - 1) * 8;
}

/** Name with that hash: where, and its length in the high half; 0 when the rules in use do not have it. */
export function nameOf(hash: u32): u64 {
  let low: u32 = 0;
  let high = strings;
  while (low < high) {
    const mid = (low + high) >> 1;
    const entry = stringsAt + mid * 12;
    const here = load<u32>(entry);
    if (here == hash) return <u64>(section + load<u32>(entry, 4)) | (<u64>load<u32>(entry, 8) << 32);
    if (here < hash) low = mid + 1;
    else high = mid;
  }
  return 0;
}

/** Room for an image, or 0. */
export function takeImage(bytes: u32): usize {
  return take(bytes);
}
