/** Longest summary, in characters. */
const LONGEST = 200;

/** What packets brought, made fit for one line: control characters and what is not Unicode text become \xNN or \uNNNN. */
export function oneLine(text: string, longest = LONGEST): string {
  // Cc control, Cf format (bidirectional overrides hide text), Cs surrogates, Co private use, Zl/Zp line and paragraph separators.
  const escaped = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  const characters = [...escaped];
  return characters.length <= longest ? escaped : `${characters.slice(0, longest - 1).join("")}…`;
}

/** Attributes are bytes, one character each (latin1). Where they are UTF-8 (as messages are), people want to read that. */
function readable(bytes: string): string {
  if (!/^[\0-\xff]*$/.test(bytes)) return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, "latin1"));
  } catch {
    return bytes;
  }
}

/** What a summary is made of. */
export const SUMMARY_ATTRIBUTES = ["message", "match.data", "http.uri", "dns.query", "match.location"] as const;

/** One line for people: the module's message, or (when it says no more than the rule's name) what matched and where, or else that name. */
export function summaryOf(ruleName: string, attributes: Readonly<Record<string, string>>): string {
  const has = (key: string): string | undefined =>
    Object.hasOwn(attributes, key) && attributes[key] !== "" ? readable(attributes[key] ?? "") : undefined;
  const message = has("message");
  if (message !== undefined && message !== ruleName) return oneLine(message);
  const data = has("match.data") ?? has("http.uri") ?? has("dns.query");
  const where = has("match.location");
  return oneLine(data === undefined ? ruleName : `${ruleName}: ${data}${where === undefined ? "" : ` in ${where}`}`);
}
