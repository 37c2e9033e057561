// Makes table.ts of libinjection's data file: node wasm/engine/sqli/generate-table.mjs FOLDER/libinjection/sqlparse_data.json
//
// Keywords: an open-addressing hash table of 32-bit slots (first word << 16 | length << 8 | type; 0: free) over their capitals in
// zero-padded 8-byte words. Fingerprints: sorted codes of their first four characters, and a set of what may follow those.
// Characters have numbers of five bits, 0 for none. What reads it: lookup.ts.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MAX_KEYWORD = 31;
const SLOTS = 2048;
const MASK64 = (1n << 64n) - 1n;

/** Which reader of lexer.ts takes a token that begins with a character of this class. */
const READERS = {
  CHAR_WHITE: 0, CHAR_WORD: 1, CHAR_NUM: 2, CHAR_OP1: 3, CHAR_UNARY: 3, CHAR_OP2: 4, CHAR_BANG: 4, CHAR_LEFTPARENS: 5,
  CHAR_RIGHTPARENS: 5, CHAR_COMMA: 5, CHAR_SEMICOLON: 5, CHAR_LEFTBRACE: 5, CHAR_RIGHTBRACE: 5, CHAR_STR: 6, CHAR_DASH: 7,
  CHAR_SLASH: 8, CHAR_HASH: 9, CHAR_VAR: 10, CHAR_MONEY: 11, CHAR_BACK: 12, CHAR_TICK: 13, CHAR_BWORD: 14, CHAR_ESTRING: 15,
  CHAR_NQSTRING: 16, CHAR_QSTRING: 17, CHAR_USTRING: 18, CHAR_BSTRING: 19, CHAR_XSTRING: 20, CHAR_OTHER: 21,
};

const source = process.argv[2];
if (source === undefined) throw new Error("say where sqlparse_data.json is");
const data = JSON.parse(readFileSync(source, "utf8"));

function words(text) {
  const bytes = Buffer.alloc(Math.ceil(text.length / 8) * 8);
  bytes.write(text, "latin1");
  return Array.from({ length: bytes.length / 8 }, (_, n) => bytes.readBigUInt64LE(n * 8));
}

/** As hashOf in lookup.ts. */
function hash(text) {
  const [a, b, c, d] = [...words(text), 0n, 0n, 0n, 0n];
  const mixed = ((a ^ (b * 3n) ^ (c * 5n) ^ (d * 7n)) * 0x9e3779b97f4a7c15n) & MASK64;
  return Number(mixed >> 53n);
}

function keywordTables() {
  const slots = new Array(SLOTS).fill(0);
  const text = [];
  for (const [keyword, type] of Object.entries(data.keywords).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (keyword.length > MAX_KEYWORD || !/^[\x21-\x7e ]+$/.test(keyword)) throw new Error(`keyword ${keyword} does not fit`);
    let slot = hash(keyword);
    while (slots[slot] !== 0) slot = (slot + 1) % SLOTS;
    slots[slot] = text.length * 65536 + keyword.length * 256 + type.charCodeAt(0);
    text.push(...words(keyword));
  }
  return { slots, text };
}

function fingerprintTables() {
  const known = [...new Set(data.fingerprints.map((text) => text.toUpperCase()))].sort();
  const alphabet = [...new Set(known.join(""))].sort();
  if (alphabet.length > 31) throw new Error("more kinds of tokens than five bits hold");
  const followers = new Map();
  for (const fingerprint of known) {
    const codes = Array.from({ length: 5 }, (_, n) => (fingerprint[n] === undefined ? 0 : alphabet.indexOf(fingerprint[n]) + 1));
    const head = codes.slice(0, 4).reduce((all, code) => all * 32 + code, 0);
    followers.set(head, (followers.get(head) ?? 0) + 2 ** codes[4]);
  }
  const heads = [...followers.keys()].sort((a, b) => a - b);
  const codes = new Array(128).fill(0);
  for (const [n, capital] of alphabet.entries()) {
    codes[capital.charCodeAt(0)] = n + 1;
    codes[capital.toLowerCase().charCodeAt(0)] = n + 1;
  }
  return { codes, heads, tails: heads.map((head) => followers.get(head)) };
}

function array(name, type, values, says) {
  const lines = [];
  let line = " ";
  for (const value of values) {
    const text = ` ${type === "u8" ? value : `0x${value.toString(16)}`},`;
    if (line.length + text.length > 128) {
      lines.push(line);
      line = " ";
    }
    line += text;
  }
  return `/** ${says} */\nexport const ${name}: usize = memory.data<${type}>([\n${[...lines, line].join("\n")}\n]);\n`;
}

const keywords = keywordTables();
const fingerprints = fingerprintTables();
const readers = data.charmap.map((name) => {
  if (READERS[name] === undefined) throw new Error(`no reader for ${name}`);
  return READERS[name];
});

writeFileSync(
  join(import.meta.dirname, "table.ts"),
  [
    "// Made by generate-table.mjs of libinjection's data: see NOTICE.md.\n",
    `export const KEYWORD_SLOTS: u32 = ${SLOTS};`,
    `export const HEAD_COUNT: u32 = ${fingerprints.heads.length};\n`,
    array("READERS", "u8", readers, "By first character: which reader of lexer.ts."),
    array("SLOTS", "u32", keywords.slots, "First word << 16 | length << 8 | type of a keyword; 0: free."),
    array("KEYWORDS", "u64", keywords.text, "Keywords in capitals, eight characters a word."),
    array("CODES", "u8", fingerprints.codes, "By ASCII character: its number in fingerprints."),
    array("HEADS", "u32", fingerprints.heads, "Sorted: the first four characters of fingerprints, five bits each."),
    array("TAILS", "u32", fingerprints.tails, "For each: the set of fifth characters, by number; bit 0: it may end there."),
  ].join("\n"),
);
