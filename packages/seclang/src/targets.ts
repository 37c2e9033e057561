import { SecLangError } from "./errors.js";
import type { Exclusion, Select, Target } from "./ir.js";
import type { Word } from "./lexer.js";
import { isCollection, variableName } from "./variables.js";

/** Targets and exclusions of a rule's variable list such as `ARGS|!ARGS:/^x/|&TX:y`. */
export function parseTargets(word: Word): { readonly targets: Target[]; readonly exclusions: Exclusion[] } {
  const targets: Target[] = [];
  const exclusions: Exclusion[] = [];
  for (const { text, offset } of split(word.text)) {
    const at = { ...word.at, column: word.at.column + offset };
    const match = /^([!&]?)([A-Za-z_0-9]+)(?::([\s\S]*))?$/.exec(text.trim());
    if (match === null) throw new SecLangError(`"${text}" is not a variable`, at);
    const [, sign, written = "", key] = match;
    const variable = variableName(written);
    if (variable === undefined) throw new SecLangError(`there is no variable ${written}`, at);
    if (key !== undefined && !isCollection(variable)) throw new SecLangError(`${variable} has no members: leave out ":${key}"`,
      at);
    const select = parseSelect(variable, key);
    if (sign === "!") exclusions.push({ variable, select });
    else targets.push({ variable, count: sign === "&", select });
  }
  return { targets, exclusions };
}

function parseSelect(variable: string, written: string | undefined): Select {
  if (written === undefined || written === "") return { kind: "all" };
  const key = /^'[\s\S]*'$/.test(written) ? written.slice(1, -1) : written;
  // XML's keys are XPath expressions.
  if (variable !== "XML" && key.length > 1 && key.startsWith("/") && key.endsWith("/")) {
    return { kind: "regex", pattern: key.slice(1, -1).replaceAll("\\/", "/") };
  }
  return { kind: "key", key };
}

/** Splits at `|` and `,`, but not within a regular expression or quotes. */
function split(text: string): { text: string; offset: number }[] {
  const parts: { text: string; offset: number }[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === undefined || c === "|" || c === ",") {
      if (i > start || text.length === 0) parts.push({ text: text.slice(start, i), offset: start });
      start = i + 1;
    } else if (c === ":" && (text[i + 1] === "/" || text[i + 1] === "'") && !/XML$/i.test(text.slice(start, i))) {
      const end = selectorEnd(text, i + 1);
      if (end > 0) i = end;
    }
  }
  return parts;
}

/** Index of the closing `/` or `'` of a selector: the first unescaped one that the next target or the end follows. */
function selectorEnd(text: string, from: number): number {
  const close = text[from] ?? "";
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === close && (i + 1 === text.length || text[i + 1] === "|" || text[i + 1] === ",")) return i;
  }
  return -1;
}
