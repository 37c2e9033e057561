import type { Macro, MacroPart } from "./ir.js";
import { variableName } from "./variables.js";

/** Splits text at `%{VARIABLE.key}` or `%{VARIABLE:key}`; what names no variable stays text, as ModSecurity does. */
export function parseMacro(text: string): Macro {
  const parts: MacroPart[] = [];
  let plain = "";
  let from = 0;
  for (const match of text.matchAll(/%\{([A-Za-z_]+)(?:[.:]([^}]*))?\}/g)) {
    const variable = variableName(match[1] ?? "");
    if (variable === undefined) continue;
    plain += text.slice(from, match.index);
    if (plain !== "") parts.push({ text: plain });
    plain = "";
    parts.push({ variable, key: match[2] ?? "" });
    from = match.index + match[0].length;
  }
  plain += text.slice(from);
  if (plain !== "") parts.push({ text: plain });
  return parts;
}

/** The text when there are no variables in it, else undefined. */
export function constantOf(macro: Macro): string | undefined {
  let text = "";
  for (const part of macro) {
    if (!("text" in part)) return undefined;
    text += part.text;
  }
  return text;
}
