// Regular expressions.

import { bufferByPcreFlag, type BufferDefinition } from "../buffers.js";
import { semantics, syntax, unsupported } from "../errors.js";
import type { Draft, Keyword } from "../draft.js";
import type { PcreMatch } from "../ir.js";
import type { RawOption } from "../raw.js";
import { negation, unquote } from "../values.js";

/** Flags of the expression, and what the compiler of expressions calls them. */
const EXPRESSION_FLAGS: Record<string, string> = { i: "i", s: "s", m: "m", x: "x", A: "A", E: "E", G: "U" };

function pcre(draft: Draft, option: RawOption): void {
  const { negated, value: quoted } = negation(draft.value(option));
  const { text, at } = unquote(quoted);
  // `/expression/flags`, then names for captures: `, flow:name, pkt:name`.
  const shape = /^(?:m(?=[^\w\s]))?([^\w\s])(.*)\1([A-Za-z]*)((?:\s*,\s*\w+:[\w.-]+)*)\s*$/s.exec(text);
  if (shape === null) throw syntax(at, "a pcre is written /expression/flags");
  const source = shape[2]!.replaceAll("\\;", ";").replaceAll('\\"', '"');
  const match = { negated, relative: false, rawBytes: false };
  let flags = "";
  let flagged: BufferDefinition | undefined;
  for (const flag of shape[3]!) {
    const expressionFlag = EXPRESSION_FLAGS[flag];
    const flagBuffer = bufferByPcreFlag(flag);
    if (expressionFlag !== undefined) flags += flags.includes(expressionFlag) ? "" : expressionFlag;
    else if (flagBuffer !== undefined) {
      if (flagged !== undefined && flagged !== flagBuffer) {
        throw semantics(at, `pcre: the flags ask for two buffers, ${flagged.name} and ${flagBuffer.name}`);
      }
      flagged = flagBuffer;
    } else if (flag === "R") match.relative = true;
    else if (flag === "B") match.rawBytes = true;
    // O lifts PCRE's step limit; expressions run in linear time or under the engine's own limit.
    else if (flag !== "O") throw unsupported(at + text.lastIndexOf(flag), `pcre: the flag ${flag} is not known`);
  }
  if (flagged !== undefined && match.rawBytes) throw semantics(at, "pcre: the flag B and a buffer exclude each other");
  // A sticky buffer counts more than a flag (as in Suricata).
  const buffer = draft.sticky === undefined ? flagged : undefined;
  if (flagged?.name === "http.host" && !flags.includes("i") && /[A-Z]/.test(source.replace(/\\./g, ""))) {
    throw semantics(at, "pcre: http.host is in lower case, the expression has capitals");
  }
  const program = draft.surroundings.regexes.compile(source, flags, at + 1);
  const built: PcreMatch = { type: "pcre", source, flags, program, ...match, captures: captures(shape[4]!, program.names) };
  if (buffer === undefined) {
    draft.add(built);
    return;
  }
  draft.require(buffer.protocols, `pcre with the flag for ${buffer.name}`, option.at);
  draft.addTo(draft.listOf(buffer, option.at).matches, built);
}

function captures(list: string, names: ReadonlyMap<string, number>): PcreMatch["captures"] {
  const out: PcreMatch["captures"] = [];
  let group = 1;
  for (const part of list.split(",")) {
    const named = /^\s*(\w+):([\w.-]+)\s*$/.exec(part);
    if (named === null) continue;
    const scope = named[1];
    if (scope === "flow" || scope === "pkt" || scope === "alert") out.push({ group: group++, scope, name: named[2]! });
  }
  for (const [name, index] of names) {
    const kind = /^(flow|pkt|alert)_(.+)$/.exec(name);
    if (kind !== null) out.push({ group: index, scope: kind[1] as "flow" | "pkt" | "alert", name: kind[2]! });
  }
  return out;
}

export const PCRE: Record<string, Keyword> = { pcre };
