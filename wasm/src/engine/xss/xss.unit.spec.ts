import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

const ROOM = 1 << 20;

let wasm: Compiled;
let room = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/xss/test-entry.ts"))();
  room = wasm.call("room", ROOM);
});

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

function detects(text: string | Uint8Array, at = room): boolean {
  const bytes = typeof text === "string" ? latin(text) : text;
  wasm.write(at, bytes);
  return wasm.call("detectXss", at, bytes.length) !== 0;
}

describe("script injection", () => {
  it.each([
    "<script>alert(1)</script>", "<ScRiPt", "<s\0cript>", "<svg/onload=alert(1)>", "<xsl:x>", "<!DOCTYPE x>",
    "<a href=javascript:alert(1)>", "<a href='&#x6A;avascript:1'>", "<a href=' &#1;java\nscript:1'>",
    "<a href=data:text/html,x>", "<form action=view-source:x>", "<p style=color:red>", "<p xmlns:a=b>", "x onclick=alert(1)",
    "' onmouseover=alert(1) x='", "\" onerrorx=1", "` onload=1",
    "a onzoom=1", "a ON'=1 onauxclick=1", "<set attributename=href>", "<!--[if IE]>", "<!-- ` -->",
    "<?import x>", "<?xml x>", "<!ENTITY x>", "<% ` %>", "<a xlink:href=javascript:1>",
  ])("is found in %j", (text) => {
    expect(detects(text)).toBe(true);
  });

  it.each([
    "", "hello", "1 < 2 and 3 > 2", "<b>bold</b>", "<p class=x>", "<a href=https://example.org/>", "<img src=x onerrr=1>",
    "on=1", "once=1", "a=b c=d", "<!-- comment -->", "</script>", "<scripts>", "<set attributename=width>", "if (a<b) c=d",
    "<a href='/java'>",
  ])("is not found in %j", (text) => {
    expect(detects(text)).toBe(false);
  });

  const insideName = fc.array(fc.constantFrom("", "\0", "\0\0"), { minLength: 6, maxLength: 6 });

  it("is found with NULs in a tag's name", () => {
    fc.assert(
      fc.property(insideName, fc.boolean(), (nulls, capitals) => {
        const name = [..."script"].map((char, n) => `${char}${nulls[n] ?? ""}`).join("");
        expect(detects(`<${capitals ? name.toUpperCase() : name}>`)).toBe(true);
      }),
    );
  });

  const written = (char: string): fc.Arbitrary<string> => {
    const code = char.charCodeAt(0);
    const zeros = fc.string({ unit: fc.constant("0"), maxLength: 20 });
    const end = fc.constantFrom(";", "");
    return fc.oneof(
      fc.constantFrom(char, char.toUpperCase(), `${char}\n`, `${char}\0`),
      fc.tuple(zeros, end).map(([zero, close]) => `&#${zero}${code}${close}`),
      fc.tuple(fc.constantFrom("x", "X"), zeros, end).map(([x, zero, close]) => `&#${x}${zero}${code.toString(16)}${close}`),
    );
  };

  it("is found however an address is written", () => {
    for (const scheme of ["javascript", "data", "vbscript", "view-source"]) {
      fc.assert(
        fc.property(fc.tuple(...[...scheme].map(written)), fc.constantFrom("'", '"', "`"), (chars, quote) => {
          // A hexadecimal digit behind a reference without semicolon would belong to it.
          const isOpen = (text: string): boolean => text.startsWith("&#") && !text.endsWith(";");
          fc.pre(chars.every((text, n) => !isOpen(text) || !/^[0-9a-f]/i.test(chars[n + 1] ?? "")));
          expect(detects(`<a href=${quote}\x01 ${chars.join("")}:x${quote}>`)).toBe(true);
        }),
        { numRuns: 300 },
      );
    }
  });

  const words = [
    "<", ">", "</", "/>", "<!", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?", "<%", "%>", "<!doctype", "script", "svg",
    "a", " ", "=", "'", '"', "`", "href", "src", "style", "onclick", "on", "xmlns", "attributename", "java", "data", "&#",
    "&#x", "6a", "106", ";", "\0", "-", "\xff", "/", "[if", "import",
  ];
  const noise = fc.string({ unit: "binary-ascii", maxLength: 20 });
  const pieces = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, noise), { maxLength: 30 });
  const anyBytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
  const text = fc.oneof(pieces.map((parts) => latin(parts.join(""))), anyBytes);

  it("reads no byte outside the text", () => {
    fc.assert(
      fc.property(text, (bytes) => {
        wasm.write(room, Buffer.alloc(bytes.length + 128, 0x41));
        const inside = detects(bytes, room + 64);
        // At the very end of the memory, where one byte more traps.
        expect(detects(bytes, wasm.bytes().length - bytes.length)).toBe(inside);
        wasm.write(room, Buffer.alloc(bytes.length + 128, 0x3e));
        expect(detects(bytes, room + 64)).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it("cuts text into tokens that follow one another", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 4 }), (bytes, context) => {
        wasm.write(room, bytes);
        wasm.call("beginHtml", room, bytes.length, context);
        let end = room;
        let tokens = 0;
        while (wasm.call("nextHtml") !== 0) {
          const at = wasm.call("htmlPtr");
          expect(at).toBeGreaterThanOrEqual(end);
          end = at + wasm.call("htmlLen");
          expect(end).toBeLessThanOrEqual(room + bytes.length);
          expect(++tokens).toBeLessThanOrEqual(bytes.length + 1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  // Were anything quadratic, a megabyte would take minutes.
  it.each([
    "/", "<", "<!", "<!--", "-\0", "a ", "on", "onwebkit=1 ", "<\0", "&#0", "href=&#0 ", "<%", "%", "]", "<![CDATA[", "</>",
    "a='", "`", "&#106", "<a ", "=", "href=\0\0\0 ", "\0",
  ])(
    "takes linear time over repeated %j",
    (piece) => {
      const many = piece.repeat(ROOM / piece.length);
      for (const start of ["", "<a href=", "<!--", "<a href=&#"]) detects(start + many.slice(0, ROOM - 16));
    },
  );
});
