// How rules lie in an image: the other side of packages/seclang/src/layout.ts (a test compares them).

export const LAYOUT_VERSION: u32 = 1;
export const NONE: u32 = 0xffffffff;

// Words of the header, as byte offsets.
export const H_ITEM_COUNT: u32 = 0;
export const H_ITEMS: u32 = 4;
export const H_PHASE_1: u32 = 8;
export const H_PHASE_2: u32 = 12;
export const H_PHASE_3: u32 = 16;
export const H_PHASE_4: u32 = 20;
export const H_PHASE_5: u32 = 24;
export const H_PHASE_END: u32 = 28;
export const H_WORDS: u32 = 32;
export const H_CHAIN_COUNT: u32 = 36;
export const H_CHAINS: u32 = 40;
export const H_GROUPS_1: u32 = 44;
export const H_GROUP_COUNT_1: u32 = 48;
export const H_GROUPS_2: u32 = 52;
export const H_GROUP_COUNT_2: u32 = 56;
export const H_GROUPS_3: u32 = 60;
export const H_GROUP_COUNT_3: u32 = 64;
export const H_GROUPS_4: u32 = 68;
export const H_GROUP_COUNT_4: u32 = 72;
export const H_GROUPS_5: u32 = 76;
export const H_GROUP_COUNT_5: u32 = 80;
export const H_SETTINGS: u32 = 84;
export const H_SLOT_COUNT: u32 = 88;
export const H_SLOTS: u32 = 92;
export const H_SLOT_HASH: u32 = 96;
export const H_SLOT_HASH_SIZE: u32 = 100;
export const H_REGEX_COUNT: u32 = 104;
export const H_REGEXES: u32 = 108;
export const H_PHRASE_COUNT: u32 = 112;
export const H_PHRASES: u32 = 116;
export const H_REQUEST_LITERALS: u32 = 120;
export const H_REQUEST_LITERAL_COUNT: u32 = 124;
export const H_RESPONSE_LITERALS: u32 = 128;
export const H_RESPONSE_LITERAL_COUNT: u32 = 132;
export const H_ALWAYS: u32 = 136;
export const HEADER_BYTES: u32 = 140;

// Items (rules), 48 bytes.
export const ITEM_BYTES: u32 = 48;
export const I_ID: u32 = 0;
export const I_LINKS: u32 = 4;
export const I_LINK_COUNT: u32 = 8;
export const I_SEVERITY: u32 = 12;
export const I_DISRUPTION: u32 = 16;
export const I_STATUS: u32 = 20;
export const I_FLAGS: u32 = 24;
export const I_JUMP: u32 = 28;
export const I_PARANOIA: u32 = 32;
export const I_TAG: u32 = 36;
export const I_TAG_LEN: u32 = 40;
export const ITEM_LOG: u32 = 1;
export const ITEM_AUDITLOG: u32 = 2;
export const ITEM_PREFILTERED: u32 = 4;

export const D_PASS: u32 = 0;
export const D_DENY: u32 = 1;
export const D_DROP: u32 = 2;
export const D_REDIRECT: u32 = 3;
export const D_ALLOW: u32 = 4;
export const D_ALLOW_PHASE: u32 = 5;
export const D_ALLOW_REQUEST: u32 = 6;

// Links, 72 bytes.
export const LINK_BYTES: u32 = 72;
export const K_TARGETS: u32 = 0;
export const K_TARGET_COUNT: u32 = 4;
export const K_EXCLUSION_COUNT: u32 = 6;
export const K_CHAIN: u32 = 8;
export const K_OP: u32 = 12;
export const K_FLAGS: u32 = 16;
export const K_ARG_KIND: u32 = 20;
export const K_A: u32 = 24;
export const K_B: u32 = 28;
export const K_NUMBER: u32 = 32;
export const K_EFFECTS: u32 = 36;
export const K_EFFECT_COUNT: u32 = 40;
export const K_MSG: u32 = 44;
export const K_LOGDATA: u32 = 48;
export const K_MASK1: u32 = 56;
export const K_MASK2: u32 = 64;
export const LINK_NEGATED: u32 = 1;
export const LINK_CAPTURE: u32 = 2;
export const LINK_MULTIMATCH: u32 = 4;
export const LINK_ACTION: u32 = 8;
export const LINK_LITERALS: u32 = 16;

// Targets, 16 bytes: variable u8, flags u8, select u8, 0, a, b, hash.
export const TARGET_BYTES: u32 = 16;
export const TARGET_COUNTED: u32 = 1;
export const SELECT_ALL: u32 = 0;
export const SELECT_KEY: u32 = 1;
export const SELECT_REGEX: u32 = 2;
export const SELECT_SLOT: u32 = 3;
export const SELECT_ELEMENTS: u32 = 4;
export const SELECT_ATTRIBUTES: u32 = 5;

// Parts of macros, 20 bytes: kind, variable, a, b, hash; a count stands before them.
export const PART_BYTES: u32 = 20;
export const PART_TEXT: u32 = 0;
export const PART_VARIABLE: u32 = 1;
export const PART_SLOT: u32 = 2;

// Effects, 28 bytes: kind u8, collection u8, how u8, constant u8, slot or value, name, value, number.
export const EFFECT_BYTES: u32 = 28;
export const E_SETVAR: u32 = 0;
export const E_EXPIREVAR: u32 = 1;
export const E_INITCOL: u32 = 2;
export const E_REMOVE_RULES: u32 = 3;
export const E_REMOVE_TARGET: u32 = 4;
export const E_ENGINE: u32 = 5;
export const E_PROCESSOR: u32 = 6;
export const E_FORCE_BODY: u32 = 7;
export const E_REQUEST_BODY: u32 = 8;
export const E_RESPONSE_BODY: u32 = 9;
export const HOW_SET: u32 = 0;
export const HOW_ADD: u32 = 1;
export const HOW_SUBTRACT: u32 = 2;
export const HOW_UNSET: u32 = 3;

// Chains of transformations, 32 bytes: parent, transformation, mask u64, own mask u64, names, length of names.
export const CHAIN_BYTES: u32 = 32;
// Groups, 16 bytes: target, jobs, count, 1 for responses. Jobs, 16 bytes: chain, mask, classes, count. Classes, 24: item, 0, two masks.
export const GROUP_BYTES: u32 = 16;
export const JOB_BYTES: u32 = 16;
export const CLASS_BYTES: u32 = 24;
// Slots, 24 bytes: name, length, hash, value, its length or NONE, 1 when the score of rules is added up in it.
export const SLOT_BYTES: u32 = 24;
export const SLOT_SCORE: u32 = 1;
// Regular expressions and phrase sets, 16 bytes: offset, length, and two of their own.
export const TABLE_BYTES: u32 = 16;
/** TX.0 to TX.9. */
export const CAPTURES: u32 = 10;

// Settings: words.
export const S_ENGINE: u32 = 0;
export const S_REQUEST_BODY: u32 = 4;
export const S_RESPONSE_BODY: u32 = 8;
export const S_REQUEST_LIMIT: u32 = 12;
export const S_REQUEST_NO_FILES_LIMIT: u32 = 16;
export const S_RESPONSE_LIMIT: u32 = 20;
export const S_MIMES: u32 = 24;
export const S_MIMES_LEN: u32 = 28;
export const S_SEPARATOR: u32 = 32;
export const S_ARGUMENTS: u32 = 36;
export const S_TIMEOUT: u32 = 40;
export const S_DEPTH: u32 = 44;
export const SETTINGS_BYTES: u32 = 48;

export const ENGINE_OFF: u32 = 0;
export const ENGINE_ON: u32 = 1;
export const ENGINE_DETECT: u32 = 2;
export const BODY_NONE: u32 = 0;
export const BODY_URLENCODED: u32 = 1;
export const BODY_MULTIPART: u32 = 2;
export const BODY_XML: u32 = 3;
export const BODY_JSON: u32 = 4;
