// How rules lie in an image; `wasm/engine/seclang/layout.ts` is the other side. The section RULE has everything but regular
// expressions (RGEX), phrase sets (PHRS) and the two literal sets for prefiltering (LITQ of requests, LITR of responses). Numbers
// are u32, little-endian; offsets count from the start of the section, 0 is "none".

/** Version of this layout. */
export const LAYOUT_VERSION = 1;

export const TAGS = { rules: "RULE", regexes: "RGEX", phrases: "PHRS", requestLiterals: "LITQ", responseLiterals: "LITR",
  meta: "META" } as const;

export const NONE = 0xffff_ffff;

/** Words (u32) of the header, by name. */
export const HEADER = [
  "itemCount", "items", "phase1", "phase2", "phase3", "phase4", "phase5", "phaseEnd", "words", "chainCount", "chains",
  "groups1", "groupCount1", "groups2", "groupCount2", "groups3", "groupCount3", "groups4", "groupCount4", "groups5",
    "groupCount5",
  "settings", "slotCount", "slots", "slotHash", "slotHashSize", "regexCount", "regexes", "phraseCount", "phrases",
  "requestLiterals", "requestLiteralCount", "responseLiterals", "responseLiteralCount", "always",
] as const;

export const ITEM_BYTES = 48;
export const ITEM = { log: 1, auditLog: 2, prefiltered: 4 } as const;
export const DISRUPTIONS = { pass: 0, deny: 1, drop: 2, redirect: 3, allow: 4, allowPhase: 5, allowRequest: 6 } as const;

export const LINK_BYTES = 72;
export const LINK = { negated: 1, capture: 2, multiMatch: 4, action: 8, literals: 16 } as const;
/** How the operator's argument is given. */
export const ARGUMENT = { text: 0, macro: 1 } as const;

export const TARGET_BYTES = 16;
export const SELECT = { all: 0, key: 1, regex: 2, slot: 3, elements: 4, attributes: 5 } as const;
export const TARGET_COUNT = 1;

export const PART_BYTES = 20;
export const EFFECT_BYTES = 28;
export const EFFECTS = {
  setvar: 0, expirevar: 1, initcol: 2, removeRules: 3, removeTarget: 4, engine: 5, processor: 6, forceBody: 7, requestBody: 8,
  responseBody: 9,
} as const;
export const HOW = { set: 0, add: 1, subtract: 2, unset: 3 } as const;

export const CHAIN_BYTES = 32;
export const GROUP_BYTES = 16;
export const JOB_BYTES = 16;
/** An item that a value's classes may rule out: its number, and two masks. */
export const CLASS_BYTES = 24;
export const SLOT_BYTES = 24;
export const REGEX_BYTES = 16;
export const PHRASE_BYTES = 16;
/** Captures of the last match are the slots of TX.0 to TX.9. */
export const CAPTURES = 10;
