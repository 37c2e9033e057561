import { SecLangError } from "./errors.js";
import type { Operator } from "./ir.js";
import type { Word } from "./lexer.js";
import { parseMacro } from "./macro.js";

/** Operators and their numbers in rule images; `wasm/engine/seclang/ids.ts` has the same. */
export const OPERATORS: Readonly<Record<string, number>> = {
  rx: 1, pm: 2, pmfromfile: 2, pmf: 2, lt: 3, le: 4, gt: 5, ge: 6, eq: 7, streq: 8, within: 9, contains: 10, containsword: 11,
  beginswith: 12, endswith: 13, strmatch: 14, validatebyterange: 15, validateurlencoding: 16, validateutf8encoding: 17,
  ipmatch: 18, ipmatchfromfile: 18, ipmatchf: 18, detectsqli: 19, detectxss: 20, unconditionalmatch: 21, nomatch: 22,
    verifycc: 23,
  rxglobal: 1, verifycpf: 24, verifyssn: 25, verifysvnr: 26, validatenid: 27,
};

/** Why operators that exist elsewhere are refused here. */
const REFUSED: Readonly<Record<string, string>> = {
  rbl: "it asks a name server, and modules have no network",
  rsub: "it changes the traffic, and inspection only reads it",
  inspectfile: "it runs a program, and modules cannot",
  fuzzyhash: "it needs a hash database on disk, and modules have no files",
  gsblookup: "it needs a database on disk, and modules have no files",
  geolookup: "it needs a database on disk, and modules have no files",
  validatedtd: "it needs a document on disk, and modules have no files",
  validateschema: "it needs a document on disk, and modules have no files",
  validatehash: "it belongs to content injection, and inspection only reads",
};

/** Bytes of a file, one a character, or undefined when there is none. `from` is the file that names it. */
export type PhraseReader = (name: string, from: string) => string | undefined;

/**
 * An operator as written in a rule, such as `@rx a+`; for tools that make rules.
 * @throws SecLangError when it is none
 */
export const readOperator = (text: string, read: PhraseReader = () => undefined): Operator =>
  parseOperator({ text, at: { file: "operator", line: 1, column: 1 } }, read);

/** Parses a rule's operator: `@name argument`, `!@name argument`, or a bare regular expression. */
export function parseOperator(word: Word, read: PhraseReader): Operator {
  const match = /^\s*(!?)\s*@([A-Za-z0-9_]+)(?:\s+|$)([\s\S]*)$/.exec(word.text);
  const negated = match === null ? /^\s*!/.test(word.text) : match[1] === "!";
  const written = match?.[2] ?? "rx";
  const argument = match === null ? word.text.replace(/^\s*!/, "") : (match[3] ?? "");
  const name = written.toLowerCase();
  const why = REFUSED[name];
  if (why !== undefined) throw new SecLangError(`@${written} cannot be used here: ${why}`, word.at);
  if (!Object.hasOwn(OPERATORS, name)) throw new SecLangError(`there is no operator @${written}`, word.at);
  const plain = { name, negated, argument, macro: parseMacro(argument) };
  if (name === "pm") return { ...plain, phrases: phrasesOf(argument) };
  if (name === "pmfromfile" || name === "pmf" || name === "ipmatchfromfile" || name === "ipmatchf") {
    return { ...plain, phrases: argument.split(/\s+/).flatMap((file) => (file === "" ? [] : linesOf(file, word, read))) };
  }
  if (name === "ipmatch") return { ...plain, phrases: argument.split(",").map((address) => address.trim()) };
  return plain;
}

function linesOf(file: string, word: Word, read: PhraseReader): string[] {
  const text = read(file, word.at.file);
  if (text === undefined) throw new SecLangError(`the file ${file} was not given: put it next to the rules`, word.at);
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Phrases separated by space; `|41 42|` are bytes in hexadecimal, as in Snort. */
export function phrasesOf(argument: string): string[] {
  const text = argument.replace(/\|((?:[0-9A-Fa-f]{2}[ \t]*)+)\|/g, (_, hex: string) =>
    String.fromCharCode(...(hex.match(/[0-9A-Fa-f]{2}/g) ?? []).map((byte) => Number.parseInt(byte, 16))),
  );
  return text.split(/[ \t]+/).filter((phrase) => phrase !== "");
}
