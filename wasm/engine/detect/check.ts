// Whether a section of rules can be trusted: every number that leads somewhere leads into its table. After this the executor
// checks
// none of them.

import { regexCheck } from "../regex/regex";
import {
  ALWAYS_BYTES, COND_DCERPC_IFACE, COND_DCERPC_OPNUM, COND_FLOWBITS, CONDITION_BYTES, HEADER_BYTES, H_ADDRESS_AT,
  H_ADDRESS_CLASSES, H_ADDRESS_SETS, H_ADDRESS_WORDS, H_ALWAYS, H_ALWAYS_AT, H_CONDITIONS, H_CONDITIONS_AT, H_EVENTS,
  H_EVENTS_AT, H_INSPECTIONS, H_INSPECTIONS_AT, H_IP_CLASS_AT, H_IP_GENERAL, H_IP_GENERAL_AT, H_LIMITS, H_LIMITS_AT, H_LISTS,
  H_LISTS_AT, H_MATCHES, H_MATCHES_AT, H_PORT_AT, H_PORT_CLASSES, H_PORT_CLASS_AT, H_PORT_SETS, H_PORT_WORDS, H_POSTS,
  H_POSTS_AT, H_RULES, H_RULES_AT, H_SLOTS, H_SLOTS_AT, H_STRINGS, H_STRINGS_AT, H_V4, H_V4_AT, H_V4_CLASS_AT, H_V6, H_V6_AT,
  H_V6_CLASS_AT, H_VERSION, INSPECTION_BYTES, INSPECTION_MATCHES, INSPECTION_MATCH_FIRST, INSPECTION_TRANSFORMS, LAYOUT_VERSION,
  LIMIT_BYTES, MATCH_BASE64_DECODE, MATCH_BYTES, MATCH_BYTE_EXTRACT, MATCH_BYTE_JUMP, MATCH_BYTE_MATH, MATCH_BYTE_TEST,
  MATCH_CONTENT, MATCH_DATASET, MATCH_LAST, MATCH_PCRE, B_BYTES_VAR, B_OFFSET_VAR, B_VALUE_VAR, C_DEPTH_VAR, C_DISTANCE_VAR,
  C_OFFSET_VAR, C_WITHIN_VAR, POST_BYTES, POST_FLOWBITS, RULE_BYTES, RULE_CONDITIONS, RULE_CONDITION_FIRST, RULE_DPORT,
  RULE_DST, RULE_INSPECTIONS, RULE_INSPECTION_FIRST, RULE_LIMITS, RULE_LIMIT_FIRST, RULE_POSTS, RULE_POST_FIRST, RULE_SPORT,
  RULE_SRC, SLOT_BYTES, SLOT_DIRECTION, SLOT_DOMAINS, SLOT_DOMAINS_LEN, SLOT_GROUP, SLOT_LITERALS, SLOT_LITERALS_LEN,
  SLOT_NAMES, SLOT_NAME_TABLE, SLOT_PATTERNS, SLOT_PATTERN_TABLE, SLOT_TRANSFORMS, TRANSFORM_BASE64, VARIABLES, GROUPS,
} from "./layout";

const MAX_COUNT: u32 = 1 << 22;
/** Inspections of one rule: bits of a transaction's state. */
const MAX_INSPECTIONS: u32 = 30;

let base: usize = 0;
let size: u32 = 0;

/** Whether the section of `len` bytes at `at` is sound. */
export function checkSection(at: usize, len: u32): bool {
  base = at;
  size = len;
  if (len < HEADER_BYTES || word(H_VERSION) != LAYOUT_VERSION) return false;
  const tables =
    table(H_RULES, H_RULES_AT, RULE_BYTES) && table(H_INSPECTIONS, H_INSPECTIONS_AT, INSPECTION_BYTES) &&
    table(H_MATCHES, H_MATCHES_AT, MATCH_BYTES) && table(H_CONDITIONS, H_CONDITIONS_AT, CONDITION_BYTES) &&
    table(H_POSTS, H_POSTS_AT, POST_BYTES) && table(H_LIMITS, H_LIMITS_AT, LIMIT_BYTES) && table(H_SLOTS, H_SLOTS_AT, SLOT_BYTES) &&
    table(H_ALWAYS, H_ALWAYS_AT, ALWAYS_BYTES) && table(H_EVENTS, H_EVENTS_AT, ALWAYS_BYTES) && table(H_LISTS, H_LISTS_AT, 4) &&
    table(H_V4, H_V4_AT, 4) && table(H_V4, H_V4_CLASS_AT, 4) && table(H_V6, H_V6_AT, 16) && table(H_V6, H_V6_CLASS_AT, 4) &&
    table(H_STRINGS, H_STRINGS_AT, 12);
  return tables && classes() && lists() && rules() && inspections() && matches() && conditions() && posts() && limits() && slots()
    && names();
}

// @ts-ignore: decorator
@inline function word(index: u32): u32 {
  return load<u32>(base + ((<usize>index) << 2));
}

/** Whether `count` things of `bytes` each lie in the section. */
function lies(at: u32, count: u32, bytes: u32): bool {
  return count <= MAX_COUNT && at >= HEADER_BYTES && <u64>at + <u64>count * <u64>bytes <= <u64>size;
}

function table(count: u32, at: u32, bytes: u32): bool {
  return lies(word(at), word(count), bytes);
}

/** Whether `count` from `first` on are among `total`. */
// @ts-ignore: decorator
@inline function among(first: u32, count: u32, total: u32): bool {
  return <u64>first + <u64>count <= <u64>total;
}

function classes(): bool {
  const count = word(H_ADDRESS_CLASSES);
  const words = word(H_ADDRESS_WORDS);
  if (count == 0 || count > 65536 || words > 4096 || word(H_ADDRESS_SETS) > words * 32) return false;
  if (!lies(word(H_ADDRESS_AT), count * words, 4) || !lies(word(H_IP_CLASS_AT), count, 16)) return false;
  if (word(H_V4) == 0 || word(H_V6) == 0) return false;
  for (let i: u32 = 0; i < word(H_V4); i++) if (load<u32>(base + word(H_V4_CLASS_AT) + i * 4) >= count) return false;
  for (let i: u32 = 0; i < word(H_V6); i++) if (load<u32>(base + word(H_V6_CLASS_AT) + i * 4) >= count) return false;
  for (let i: u32 = 0; i < count; i++) {
    const at = base + word(H_IP_CLASS_AT) + i * 16;
    if (!among(load<u32>(at), load<u32>(at, 4), word(H_LISTS)) || !among(load<u32>(at, 8), load<u32>(at, 12), word(H_LISTS))) return false;
  }
  if (!among(word(H_IP_GENERAL_AT), word(H_IP_GENERAL), word(H_LISTS))) return false;
  const ports = word(H_PORT_CLASSES);
  const portWords = word(H_PORT_WORDS);
  if (ports == 0 || ports > 65536 || portWords > 4096 || word(H_PORT_SETS) > portWords * 32) return false;
  if (!lies(word(H_PORT_AT), ports * portWords, 4) || !lies(word(H_PORT_CLASS_AT), 65536, 2)) return false;
  for (let i: u32 = 0; i < 65536; i++) if (<u32>load<u16>(base + word(H_PORT_CLASS_AT) + i * 2) >= ports) return false;
  return true;
}

function lists(): bool {
  const total = word(H_RULES);
  for (let i: u32 = 0; i < word(H_LISTS); i++) if (load<u32>(base + word(H_LISTS_AT) + i * 4) >= total) return false;
  return pairs(base + word(H_ALWAYS_AT) + 4, word(H_ALWAYS), ALWAYS_BYTES) && pairs(base + word(H_EVENTS_AT) + 4, word(H_EVENTS), ALWAYS_BYTES);
}

function pairs(at: usize, count: u32, stride: u32): bool {
  for (let i: u32 = 0; i < count; i++, at += stride) if (!among(load<u32>(at), load<u32>(at, 4), word(H_LISTS))) return false;
  return true;
}

function rules(): bool {
  for (let i: u32 = 0; i < word(H_RULES); i++) {
    const at = base + word(H_RULES_AT) + i * RULE_BYTES;
    const inspected: u32 = load<u16>(at + RULE_INSPECTIONS);
    if (inspected > MAX_INSPECTIONS || !among(load<u32>(at + RULE_INSPECTION_FIRST), inspected, word(H_INSPECTIONS))) return false;
    if (!among(load<u32>(at + RULE_CONDITION_FIRST), load<u16>(at + RULE_CONDITIONS), word(H_CONDITIONS))) return false;
    if (!among(load<u32>(at + RULE_POST_FIRST), load<u16>(at + RULE_POSTS), word(H_POSTS))) return false;
    if (!among(load<u32>(at + RULE_LIMIT_FIRST), load<u16>(at + RULE_LIMITS), word(H_LIMITS))) return false;
    if (<u32>load<u16>(at + RULE_SRC) >= word(H_ADDRESS_SETS) || <u32>load<u16>(at + RULE_DST) >= word(H_ADDRESS_SETS)) return false;
    if (<u32>load<u16>(at + RULE_SPORT) >= word(H_PORT_SETS) || <u32>load<u16>(at + RULE_DPORT) >= word(H_PORT_SETS)) return false;
  }
  return true;
}

function inspections(): bool {
  for (let i: u32 = 0; i < word(H_INSPECTIONS); i++) {
    const at = base + word(H_INSPECTIONS_AT) + i * INSPECTION_BYTES;
    if (!among(load<u32>(at + INSPECTION_MATCH_FIRST), load<u32>(at + INSPECTION_MATCHES), word(H_MATCHES))) return false;
    if (!chain(load<u32>(at + INSPECTION_TRANSFORMS))) return false;
  }
  return true;
}

/** A chain of transformations: 0, or where its words are. */
function chain(at: u32): bool {
  if (at == 0) return true;
  if (!lies(at, 1, 4)) return false;
  const count = load<u32>(base + at);
  if (count > 64 || !lies(at + 4, count, 16)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const step = base + at + 4 + i * 16;
    const id = load<u32>(step);
    if (id > TRANSFORM_BASE64) return false;
    if (id < 200 && load<u32>(step, 8) != 0 && !lies(load<u32>(step, 4), load<u32>(step, 8), 1)) return false;
  }
  return true;
}

function matches(): bool {
  for (let i: u32 = 0; i < word(H_MATCHES); i++) {
    const at = base + word(H_MATCHES_AT) + i * MATCH_BYTES;
    const kind = load<u32>(at);
    const flags = load<u32>(at, 4);
    if (kind == 0 || kind > MATCH_LAST) return false;
    if (kind == MATCH_CONTENT) {
      if (load<u32>(at, 12) == 0 || !lies(load<u32>(at, 8), load<u32>(at, 12), 1)) return false;
      if (!variable(flags & C_OFFSET_VAR, at + 16) || !variable(flags & C_DEPTH_VAR, at + 20)) return false;
      if (!variable(flags & C_DISTANCE_VAR, at + 24) || !variable(flags & C_WITHIN_VAR, at + 28)) return false;
      continue;
    }
    if (kind == MATCH_PCRE) {
      const program = load<u32>(at, 8);
      if (!lies(program, load<u32>(at, 12), 1) || (program & 15) != 0 || !regexCheck(base + program, load<u32>(at, 12))) return false;
      continue;
    }
    if (kind == MATCH_BASE64_DECODE) {
      // What is nested lies before, so that nesting ends.
      if (!among(load<u32>(at, 16), load<u32>(at, 20), i)) return false;
      continue;
    }
    if (kind == MATCH_DATASET) {
      if (!dataset(load<u32>(at, 8), load<u32>(at, 12))) return false;
      continue;
    }
    if (!variable(flags & B_OFFSET_VAR, kind >= MATCH_BYTE_TEST && kind <= MATCH_BYTE_MATH ? at + 12 : at + 8)) return false;
    if (!variable(flags & B_BYTES_VAR, at + 8)) return false;
    if (kind == MATCH_BYTE_TEST && !variable(flags & B_VALUE_VAR, at + 32)) return false;
    if (kind == MATCH_BYTE_MATH && (!variable(flags & B_VALUE_VAR, at + 36) || load<u32>(at, 32) >= VARIABLES)) return false;
    if (kind == MATCH_BYTE_JUMP && !variable(load<u32>(at, 36), at + 32)) return false;
    if (kind == MATCH_BYTE_EXTRACT && load<u32>(at, 32) >= VARIABLES) return false;
    if (load<u32>(at, 24) > 63) {
      // Byte_ keywords shift by it; others keep the high half of a bound there.
      if (kind >= MATCH_BYTE_TEST && kind <= MATCH_BYTE_MATH) return false;
    }
  }
  return true;
}

// @ts-ignore: decorator
@inline function variable(used: u32, at: usize): bool {
  return used == 0 || load<u32>(at) < VARIABLES;
}

function dataset(at: u32, count: u32): bool {
  if (count == 0) return true;
  if (!lies(at, count, 8)) return false;
  for (let i: u32 = 0; i < count; i++) if (!lies(load<u32>(base + at + i * 8), load<u32>(base + at + i * 8, 4), 1)) return false;
  return true;
}

function conditions(): bool {
  for (let i: u32 = 0; i < word(H_CONDITIONS); i++) {
    const at = base + word(H_CONDITIONS_AT) + i * CONDITION_BYTES;
    const type = load<u32>(at);
    if (type == COND_FLOWBITS && !lies(load<u32>(at, 8), load<u32>(at, 12), 4)) return false;
    if (type == COND_DCERPC_IFACE && !lies(load<u32>(at, 8), 16, 1)) return false;
    if (type == COND_DCERPC_OPNUM && !lies(load<u32>(at, 8), load<u32>(at, 12), 12)) return false;
  }
  return true;
}

function posts(): bool {
  for (let i: u32 = 0; i < word(H_POSTS); i++) {
    const at = base + word(H_POSTS_AT) + i * POST_BYTES;
    if (load<u32>(at) == POST_FLOWBITS && !lies(load<u32>(at, 8), load<u32>(at, 12), 4)) return false;
  }
  return true;
}

function limits(): bool {
  for (let i: u32 = 0; i < word(H_LIMITS); i++) {
    const set = load<u32>(base + word(H_LIMITS_AT) + i * LIMIT_BYTES, 24);
    if (set != 0xffffffff && set >= word(H_ADDRESS_SETS)) return false;
  }
  return true;
}

function slots(): bool {
  for (let i: u32 = 0; i < word(H_SLOTS); i++) {
    const at = base + word(H_SLOTS_AT) + i * SLOT_BYTES;
    if (load<u32>(at + SLOT_DIRECTION) > 1 || load<u32>(at + SLOT_GROUP) > GROUPS || !chain(load<u32>(at + SLOT_TRANSFORMS))) return false;
    if (!part(at, SLOT_LITERALS, SLOT_LITERALS_LEN, SLOT_PATTERNS, SLOT_PATTERN_TABLE)) return false;
    if (!part(at, SLOT_DOMAINS, SLOT_DOMAINS_LEN, SLOT_NAMES, SLOT_NAME_TABLE)) return false;
  }
  return true;
}

/** Bytes of a set, aligned, and the table of lists for what it finds. */
function part(at: usize, where: u32, len: u32, count: u32, lists: u32): bool {
  const offset = load<u32>(at + where);
  if (offset == 0) return true;
  if ((offset & 15) != 0 || !lies(offset, load<u32>(at + len), 1)) return false;
  const n = load<u32>(at + count);
  return lies(load<u32>(at + lists), n, 8) && pairs(base + load<u32>(at + lists), n, 8);
}

function names(): bool {
  for (let i: u32 = 0; i < word(H_STRINGS); i++) {
    const at = base + word(H_STRINGS_AT) + i * 12;
    if (!lies(load<u32>(at, 4), load<u32>(at, 8), 1)) return false;
  }
  return true;
}
