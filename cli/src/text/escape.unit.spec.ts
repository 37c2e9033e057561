import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { safeJson, visible, visibleBytes, visibleLatin1 } from "./escape.js";

// The slow, obvious model: a character is unsafe when it is one of these, looked at one by one.
const isUnsafe = (char: string): boolean => {
  const code = char.codePointAt(0) ?? 0;
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0x61c ||
    code === 0xfeff ||
    code === 0xad ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0xe0000 && code <= 0xe007f)
  );
};
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
);

describe("visible", () => {
  it("lets no character through that a terminal obeys or hides", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect([...visible(text)].some(isUnsafe)).toBe(false);
      }),
    );
  });

  it("changes nothing else, and nothing twice", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(visible(visible(text))).toBe(visible(text));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
        expect(visible(text)).toBe(text);
      }),
    );
    expect(visible("Zürich 東京 👍 a\\b")).toBe("Zürich 東京 👍 a\\b");
  });

  it.each([
    ["\x1b[31mred", "\\x1b[31mred"],
    ["a\r\nb\tc", "a\\r\\nb\\tc"],
    ["\x9b2J", "\\u009b2J"],
    ["abc\u202etxt", "abc\\u202etxt"],
    ["a\u200bb", "a\\u200bb"],
    ["\ud800", "\\ud800"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\x07\x7f", "\\x07\\x7f"],
  ])("shows %j as %s", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

describe("visibleBytes", () => {
  /** Reads what is shown back into bytes. */
  const read = (shown: string): Buffer =>
    Buffer.concat(
      [...shown.matchAll(/\\\\|\\[nrt]|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]+)\}|[^\\]/gu)].map(
        ([whole, x, u, big]) => {
          const simple: Record<string, string> = { "\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t" };
          if (x !== undefined) return Buffer.from([Number.parseInt(x, 16)]);
          return Buffer.from(
            simple[whole] ?? ((u ?? big) ? String.fromCodePoint(Number.parseInt(u ?? big ?? "", 16)) : whole),
            "utf8",
          );
        },
      ),
    );

  it("says exactly which bytes there were", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        expect(read(visibleBytes(raw)).equals(Buffer.from(raw))).toBe(true);
      }),
    );
  });

  it("lets nothing through that a terminal obeys", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        expect([...visibleBytes(raw)].some(isUnsafe)).toBe(false);
      }),
    );
  });

  it.each([
    [[0xff, 0xfe], "\\xff\\xfe"],
    [[0xc3, 0xbc], "ü"],
    [[0xc3], "\\xc3"],
    [[0xc0, 0x80], "\\xc0\\x80"],
    [[0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"],
    [[0x5c, 0x6e], "\\\\n"],
    [[0xf0, 0x9f, 0x91, 0x8d], "👍"],
    [[], ""],
  ])("shows %j as %s", (raw, shown) => {
    expect(visibleBytes(Uint8Array.from(raw))).toBe(shown);
  });

  it("reads latin1 text as bytes, and any other text as text", () => {
    expect(visibleLatin1("\xc3\xbc")).toBe("ü");
    expect(visibleLatin1("\xfc")).toBe("\\xfc");
    expect(visibleLatin1("東\x1b")).toBe("東\\x1b");
  });
});

describe("safeJson", () => {
  it("means the same and holds nothing a terminal obeys", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const json = safeJson(JSON.stringify(value, undefined, 2));
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect([...json].some((char) => char !== "\n" && isUnsafe(char))).toBe(false);
      }),
    );
  });
});
