// All keywords by name: those with code of their own, and those that name buffers.

import { BUFFERS, type BufferDefinition, bufferByModifier, FOREIGN_BUFFERS } from "../buffers.js";
import { type RuleError, syntax, unsupported } from "../errors.js";
import type { Draft, Keyword } from "../draft.js";
import type { RawOption } from "../raw.js";
import { APP } from "./app.js";
import { BYTES } from "./bytes.js";
import { CONTENT } from "./content.js";
import { FLOW } from "./flow.js";
import { META } from "./meta.js";
import { PACKET } from "./packet.js";
import { PCRE } from "./pcre.js";

const keywords = new Map<string, Keyword>();
for (const group of [META, CONTENT, PCRE, BYTES, PACKET, FLOW, APP]) {
  for (const [name, keyword] of Object.entries(group)) keywords.set(name, keyword);
}
for (const buffer of BUFFERS) {
  for (const name of [buffer.name, ...buffer.aliases]) if (!keywords.has(name)) keywords.set(name, sticky(buffer));
  if (buffer.modifier !== undefined) {
    const move = modifier(buffer);
    // A name may be both, as file_data is in old rules.
    keywords.set(buffer.modifier, move);
  }
}
keywords.set("payload", (_draft, option) => {
  throw unknown(option);
});
keywords.set("pkt_data", (draft, option) => {
  draft.noValue(option);
  draft.closeSticky(option.at);
  draft.sticky = undefined;
  draft.base64 = undefined;
});

function sticky(buffer: BufferDefinition): Keyword {
  return (draft, option) => {
    const side = sideOf(draft, buffer, option);
    draft.require(buffer.protocols, option.name, option.at);
    draft.use(buffer, option.at, side);
  };
}

/** `http.header: to_client`: which of a transaction's directions is meant. */
function sideOf(draft: Draft, buffer: BufferDefinition, option: RawOption): 1 | 2 | undefined {
  const side = option.value === "to_server" ? 1 : option.value === "to_client" ? 2 : undefined;
  if (side === undefined || !draft.transactional || buffer.directions !== 3) draft.noValue(option);
  return side;
}

function modifier(buffer: BufferDefinition): Keyword {
  return (draft, option) => {
    draft.noValue(option);
    draft.require(buffer.protocols, option.name, option.at);
    draft.move(buffer, option);
  };
}

function unknown(option: RawOption): RuleError {
  if (FOREIGN_BUFFERS.some((pattern) => pattern.test(option.name))) {
    return unsupported(option.at, `${option.name}: its protocol is not parsed here`);
  }
  return syntax(option.at, `"${option.name}" is not a keyword that is known here`);
}

/** Whether rules may use the keyword. */
export function isKeyword(name: string): boolean {
  return keywords.has(name) || bufferByModifier(name) !== undefined;
}

/** Reads one option into the draft. @throws RuleError */
export function applyOption(draft: Draft, option: RawOption): void {
  const keyword = keywords.get(option.name) ?? keywords.get(option.name.toLowerCase());
  if (keyword === undefined) throw unknown(option);
  keyword(draft, option);
}
