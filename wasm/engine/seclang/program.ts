// The rules that are loaded: sections of the image, used in place. Everything that reads them finds its addresses here.

import { literalsAttach, literalsDetach } from "../match/literals";
import { regexCheck, regexReset } from "../regex/regex";
import { IMAGE_SECLANG, imageOpen, imageSection, imageSectionLength, imageVersion } from "../image/image";
import { give, takeZeroed } from "../core/memory";
import { checkRules } from "./check";
import {
  H_CHAINS, H_ITEMS, H_ITEM_COUNT, H_PHRASES, H_PHRASE_COUNT, H_REGEXES, H_REGEX_COUNT, H_SETTINGS, H_SLOTS, H_SLOT_COUNT,
    H_WORDS,
  LAYOUT_VERSION, TABLE_BYTES, H_CHAIN_COUNT,
} from "./layout";

/** Section RULE; offsets in it are from here. 0 when nothing is loaded. */
export let rules: usize = 0;
let regexes: usize = 0;
/** Counts up whenever other rules are loaded. */
export let generation: u32 = 0;
/** Sets of phrases, attached: addresses of sets. */
let phraseSets: usize = 0;
let phraseCount: u32 = 0;
/** Literal sets of requests and responses, attached; 0 when there are none. */
export let requestSet: usize = 0;
export let responseSet: usize = 0;

export let itemCount: u32 = 0;
export let items: usize = 0;
/** u32 words of a set of items: a multiple of 4. */
export let words: u32 = 0;
export let chains: usize = 0;
export let chainCount: u32 = 0;
export let settings: usize = 0;
export let slots: usize = 0;
export let slotCount: u32 = 0;

/** Uses the image from now on when it is sound; it must be 16-aligned and stay. False leaves what was loaded before in use. */
export function programLoad(ptr: usize, len: u32): bool {
  if (!imageOpen(ptr, len, IMAGE_SECLANG) || imageVersion() != LAYOUT_VERSION) return false;
  const rulesAt = imageSection("RULE");
  const rulesLen = imageSectionLength();
  const regexesAt = imageSection("RGEX");
  const regexesLen = imageSectionLength();
  const phrasesAt = imageSection("PHRS");
  const phrasesLen = imageSectionLength();
  const requestAt = imageSection("LITQ");
  const requestLen = imageSectionLength();
  const responseAt = imageSection("LITR");
  const responseLen = imageSectionLength();
  if (rulesAt == 0 || !checkRules(rulesAt, rulesLen)) return false;
  if (!checkRegexes(rulesAt, regexesAt, regexesLen)) return false;
  const count = load<u32>(rulesAt + H_PHRASE_COUNT);
  const sets = takeZeroed(max<u32>(count, 1) * 4);
  if (sets == 0) return false;
  const request = requestLen == 0 ? <usize>0 : literalsAttach(requestAt, requestLen);
  const response = responseLen == 0 ? <usize>0 : literalsAttach(responseAt, responseLen);
  if ((requestLen != 0 && request == 0) || (responseLen != 0 && response == 0) || !attachPhrases(rulesAt, phrasesAt,
    phrasesLen, sets)) {
    dropSets(sets, count, request, response);
    return false;
  }
  programUnload();
  rules = rulesAt;
  generation++;
  regexes = regexesAt;
  phraseSets = sets;
  phraseCount = count;
  requestSet = request;
  responseSet = response;
  itemCount = load<u32>(rules + H_ITEM_COUNT);
  items = rules + load<u32>(rules + H_ITEMS);
  words = load<u32>(rules + H_WORDS);
  chains = rules + load<u32>(rules + H_CHAINS);
  chainCount = load<u32>(rules + H_CHAIN_COUNT);
  settings = rules + load<u32>(rules + H_SETTINGS);
  slots = rules + load<u32>(rules + H_SLOTS);
  slotCount = load<u32>(rules + H_SLOT_COUNT);
  return true;
}

/** Forgets the rules; the image may go away. */
export function programUnload(): void {
  if (rules == 0) return;
  dropSets(phraseSets, phraseCount, requestSet, responseSet);
  regexReset();
  rules = 0;
}

function dropSets(sets: usize, count: u32, request: usize, response: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const set = <usize>load<u32>(sets + i * 4);
    if (set != 0) literalsDetach(set);
  }
  give(sets);
  if (request != 0) literalsDetach(request);
  if (response != 0) literalsDetach(response);
}

function checkRegexes(rulesAt: usize, at: usize, len: u32): bool {
  const count = load<u32>(rulesAt + H_REGEX_COUNT);
  const table = rulesAt + load<u32>(rulesAt + H_REGEXES);
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<u32>(table + i * TABLE_BYTES);
    const length = load<u32>(table + i * TABLE_BYTES, 4);
    if ((offset & 15) != 0 || offset > len || length > len - offset || !regexCheck(at + offset, length)) return false;
  }
  return true;
}

function attachPhrases(rulesAt: usize, at: usize, len: u32, sets: usize): bool {
  const count = load<u32>(rulesAt + H_PHRASE_COUNT);
  const table = rulesAt + load<u32>(rulesAt + H_PHRASES);
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<u32>(table + i * TABLE_BYTES);
    const length = load<u32>(table + i * TABLE_BYTES, 4);
    if ((offset & 15) != 0 || offset > len || length > len - offset) return false;
    const set = literalsAttach(at + offset, length);
    if (set == 0) return false;
    store<u32>(sets + i * 4, <u32>set);
  }
  return true;
}

/** A regular expression's program. */
// @ts-ignore: decorator
@inline export function regexAt(index: u32): usize {
  return regexes + load<u32>(rules + load<u32>(rules + H_REGEXES) + index * TABLE_BYTES);
}

/** Fewest bytes that the regular expression matches. */
// @ts-ignore: decorator
@inline export function regexMinimum(index: u32): u32 {
  return load<u32>(rules + load<u32>(rules + H_REGEXES) + index * TABLE_BYTES, 8);
}

// @ts-ignore: decorator
@inline export function phraseSetAt(index: u32): usize {
  return <usize>load<u32>(phraseSets + index * 4);
}

/** Bytes of a phrase of a set. */
export function phraseLength(index: u32, phrase: u32): u32 {
  const entry = rules + load<u32>(rules + H_PHRASES) + index * TABLE_BYTES;
  return phrase < load<u32>(entry, 12) ? load<u32>(rules + load<u32>(entry, 8) + phrase * 4) : 0;
}
