// Whether the section RULE of an image holds together: every offset that is read later is within it. The rest of the engine then
// reads without looking.

import { OP_IPMATCH, OP_PM, OP_RX, OP_VALIDATEBYTERANGE, OP_VALIDATENID, OP_VERIFYCC, V_COUNT, V_TX } from "./ids";
import * as L from "./layout";

let base: usize = 0;
let end: u32 = 0;
let itemCount: u32 = 0;
let setWords: u32 = 0;
let chainCount: u32 = 0;
let slotCount: u32 = 0;
let regexCount: u32 = 0;
let phraseCount: u32 = 0;

// @ts-ignore: decorator
@inline function word(at: u32): u32 {
  return load<u32>(base + at);
}

/** Whether `count` records of `size` bytes at `at` are there. */
function within(at: u32, count: u32, size: u32): bool {
  return at <= end && <u64>count * <u64>size <= <u64>(end - at);
}

/** Whether the section can be used as it is. */
export function checkRules(at: usize, len: u32): bool {
  base = at;
  end = len;
  if (len < L.HEADER_BYTES) return false;
  itemCount = word(L.H_ITEM_COUNT);
  setWords = word(L.H_WORDS);
  chainCount = word(L.H_CHAIN_COUNT);
  slotCount = word(L.H_SLOT_COUNT);
  regexCount = word(L.H_REGEX_COUNT);
  phraseCount = word(L.H_PHRASE_COUNT);
  const hashSize = word(L.H_SLOT_HASH_SIZE);
  return itemCount <= 100000 && (setWords & 3) == 0 && setWords >= 4 && setWords < 100000 && setWords * 32 >= itemCount
    && slotCount >= L.CAPTURES && slotCount <= 65536 && chainCount >= 1 && chainCount <= 4096
    && within(word(L.H_ITEMS), itemCount, L.ITEM_BYTES) && within(word(L.H_CHAINS), chainCount, L.CHAIN_BYTES)
    && within(word(L.H_SLOTS), slotCount, L.SLOT_BYTES) && within(word(L.H_SLOT_HASH), hashSize, 4)
    && hashSize > slotCount && (hashSize & hashSize - 1) == 0
    && within(word(L.H_REGEXES), regexCount, L.TABLE_BYTES) && within(word(L.H_PHRASES), phraseCount, L.TABLE_BYTES)
    && within(word(L.H_SETTINGS), 1, L.SETTINGS_BYTES) && bitset(word(L.H_ALWAYS)) && text(word(L.H_SETTINGS) + L.S_MIMES)
    && checkPhases() && checkItems() && checkChains() && checkSlots() && checkPhrases() && checkGroups()
    && literalItems(word(L.H_REQUEST_LITERALS), word(L.H_REQUEST_LITERAL_COUNT))
    && literalItems(word(L.H_RESPONSE_LITERALS), word(L.H_RESPONSE_LITERAL_COUNT));
}

function bitset(at: u32): bool {
  return within(at, setWords, 4);
}

/** A pair of offset and length, at `pair`. */
function text(pair: u32): bool {
  return within(word(pair), word(pair + 4), 1);
}

function checkPhases(): bool {
  let before: u32 = 0;
  for (let i: u32 = 0; i < 6; i++) {
    const from = word(L.H_PHASE_1 + i * 4);
    if (from < before || from > itemCount) return false;
    before = from;
  }
  return before == itemCount;
}

function checkItems(): bool {
  for (let i: u32 = 0; i < itemCount; i++) {
    const item = word(L.H_ITEMS) + i * L.ITEM_BYTES;
    const count = word(item + L.I_LINK_COUNT);
    if (count == 0 || count > 256 || !within(word(item + L.I_LINKS), count, L.LINK_BYTES) || !text(item + L.I_TAG)) return false;
    for (let k: u32 = 0; k < count; k++) {
      if (!checkLink(word(item + L.I_LINKS) + k * L.LINK_BYTES)) return false;
    }
  }
  return true;
}

function checkLink(link: u32): bool {
  const targets = <u32>load<u16>(base + link + L.K_TARGET_COUNT) + <u32>load<u16>(base + link + L.K_EXCLUSION_COUNT);
  if (!within(word(link + L.K_TARGETS), targets, L.TARGET_BYTES) || word(link + L.K_CHAIN) >= chainCount) return false;
  for (let i: u32 = 0; i < targets; i++) {
    if (!target(word(link + L.K_TARGETS) + i * L.TARGET_BYTES)) return false;
  }
  const effects = word(link + L.K_EFFECT_COUNT);
  if (!within(word(link + L.K_EFFECTS), effects, L.EFFECT_BYTES)) return false;
  for (let i: u32 = 0; i < effects; i++) {
    if (!effect(word(link + L.K_EFFECTS) + i * L.EFFECT_BYTES)) return false;
  }
  return macro(word(link + L.K_MSG)) && macro(word(link + L.K_LOGDATA)) && operand(link);
}

function operand(link: u32): bool {
  if ((word(link + L.K_FLAGS) & L.LINK_ACTION) != 0) return true;
  const op = word(link + L.K_OP);
  const a = word(link + L.K_A);
  if (op == OP_RX || (op >= OP_VERIFYCC && op <= OP_VALIDATENID)) return a < regexCount;
  if (op == OP_PM) return a < phraseCount;
  if (op == OP_VALIDATEBYTERANGE) return within(a, 32, 1);
  if (op == OP_IPMATCH) return within(a, word(link + L.K_B), 20);
  return word(link + L.K_ARG_KIND) == 0 ? text(link + L.K_A) : macro(a);
}

function target(at: u32): bool {
  if (!within(at, 1, L.TARGET_BYTES)) return false;
  const variable = <u32>load<u8>(base + at);
  const kind = <u32>load<u8>(base + at + 2);
  if (variable == 0 || variable >= V_COUNT) return false;
  if (kind == L.SELECT_KEY) return text(at + 4);
  if (kind == L.SELECT_REGEX) return word(at + 4) < regexCount;
  if (kind == L.SELECT_SLOT) return variable == V_TX && word(at + 4) < slotCount;
  return kind <= L.SELECT_ATTRIBUTES;
}

function macro(at: u32): bool {
  if (at == 0) return true;
  if ((at & 3) != 0 || !within(at, 1, 4) || !within(at + 4, word(at), L.PART_BYTES)) return false;
  for (let i: u32 = 0; i < word(at); i++) {
    const part = at + 4 + i * L.PART_BYTES;
    const kind = word(part);
    if (kind == L.PART_SLOT ? word(part + 8) >= slotCount : kind > L.PART_SLOT || !text(part + 8)) return false;
    if (kind == L.PART_VARIABLE && (word(part + 4) == 0 || word(part + 4) >= V_COUNT)) return false;
  }
  return true;
}

function effect(at: u32): bool {
  const kind = <u32>load<u8>(base + at);
  const value = word(at + 4);
  if (<u32>load<u8>(base + at + 1) > V_COUNT) return false;
  if (kind == L.E_SETVAR) return (value == L.NONE || value < slotCount) && macro(word(at + 8)) && macro(word(at + 12));
  if (kind == L.E_EXPIREVAR || kind == L.E_INITCOL) return macro(word(at + 8));
  if (kind == L.E_REMOVE_RULES) return bitset(value);
  if (kind == L.E_REMOVE_TARGET) return bitset(value) && target(word(at + 8));
  return kind <= L.E_RESPONSE_BODY;
}

function checkChains(): bool {
  for (let i: u32 = 0; i < chainCount; i++) {
    const chain = word(L.H_CHAINS) + i * L.CHAIN_BYTES;
    if (!text(chain + 24) || (i > 0 && word(chain) >= i)) return false;
  }
  // The first chain is "no transformation": nothing changes.
  return word(L.H_CHAINS) % 8 == 0 && load<u64>(base + word(L.H_CHAINS) + 8) == 0;
}

function checkSlots(): bool {
  for (let i: u32 = 0; i < slotCount; i++) {
    const slot = word(L.H_SLOTS) + i * L.SLOT_BYTES;
    if (!text(slot) || (word(slot + 16) != L.NONE && !text(slot + 12))) return false;
  }
  for (let i: u32 = 0; i < word(L.H_SLOT_HASH_SIZE); i++) {
    if (word(word(L.H_SLOT_HASH) + i * 4) > slotCount) return false;
  }
  return true;
}

function checkPhrases(): bool {
  for (let i: u32 = 0; i < phraseCount; i++) {
    const entry = word(L.H_PHRASES) + i * L.TABLE_BYTES;
    if (!within(word(entry + 8), word(entry + 12), 4)) return false;
  }
  return true;
}

function checkGroups(): bool {
  for (let phase: u32 = 0; phase < 5; phase++) {
    const at = word(L.H_GROUPS_1 + phase * 8);
    const count = word(L.H_GROUP_COUNT_1 + phase * 8);
    if (!within(at, count, L.GROUP_BYTES)) return false;
    for (let i: u32 = 0; i < count; i++) {
      const group = at + i * L.GROUP_BYTES;
      if (!target(word(group)) || !within(word(group + 4), word(group + 8), L.JOB_BYTES)) return false;
      for (let j: u32 = 0; j < word(group + 8); j++) {
        if (!job(word(group + 4) + j * L.JOB_BYTES)) return false;
      }
    }
  }
  return true;
}

function job(at: u32): bool {
  const mask = word(at + 4);
  if (word(at) >= chainCount || (mask != 0 && !bitset(mask)) || !within(word(at + 8), word(at + 12), L.CLASS_BYTES)) return false;
  for (let i: u32 = 0; i < word(at + 12); i++) {
    if (word(word(at + 8) + i * L.CLASS_BYTES) >= itemCount) return false;
  }
  return true;
}

function literalItems(at: u32, count: u32): bool {
  if (!within(at, count, 8)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const list = word(at + i * 8);
    const n = word(at + i * 8 + 4);
    if (!within(list, n, 4)) return false;
    for (let k: u32 = 0; k < n; k++) {
      if (word(list + k * 4) >= itemCount) return false;
    }
  }
  return true;
}
