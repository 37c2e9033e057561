/**
 * What a terminal would obey or hide instead of showing: control characters (C0, DEL, C1), format characters
 * (bidirectional overrides and isolates, zero-width characters, tags), line and paragraph separators, surrogates without a
 * partner, private use and unassigned code points.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escapeOne = (char: string): string => {
  const named = NAMED[char];
  if (named !== undefined) return named;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
};

/** Makes every character visible that a terminal would obey or hide: ESC becomes `\x1b`. Harmless text stays as it is. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Length of the UTF-8 sequence that a byte begins; 0 for a byte that begins none. */
const sequenceLength = (byte: number): number => {
  if (byte < 0x80) return 1;
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
};

/**
 * Shows bytes from a packet as one line of text. Valid UTF-8 is read as such; other bytes become `\xNN`, and a backslash `\\`, so
 * that what is shown says exactly which bytes there were.
 */
export function visibleBytes(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at] ?? 0);
    let char: string | undefined;
    if (length > 0) {
      try {
        char = utf8.decode(bytes.subarray(at, at + length));
      } catch {
        char = undefined;
      }
    }
    if (char === undefined || char === "") {
      out += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
      at += 1;
    } else {
      out += char === "\\" ? "\\\\" : visible(char);
      at += length;
    }
  }
  return out;
}

/** Shows an attribute of a detection: bytes, one character each (latin1). What holds other characters is taken as text. */
export function visibleLatin1(text: string): string {
  for (const char of text) if (char > "\xff") return visible(text);
  return visibleBytes(Buffer.from(text, "latin1"));
}

const jsonEscape = (char: string): string =>
  char.length === 1
    ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
    : `${jsonEscape(char.charAt(0))}${jsonEscape(char.charAt(1))}`;

/**
 * Makes JSON text safe to be shown on a terminal: unsafe characters inside its strings become `\uNNNN`, which means the same to
 * every reader of JSON. Line breaks between values stay.
 */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, (char) => (char === "\n" ? char : jsonEscape(char)));
}
