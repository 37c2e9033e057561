import fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

const FOLDER = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const DATA = join(FOLDER, "libinjection/sqlparse_data.json");
const ROOM = 1 << 20;

let wasm: Compiled;
let room = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/sqli/test-entry.ts"))();
  room = wasm.call("room", ROOM);
});

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

/** The fingerprint of an injection, or an empty text. */
function fingerprint(text: string | Uint8Array, at = room): string {
  const bytes = typeof text === "string" ? latin(text) : text;
  wasm.write(at, bytes);
  const found = wasm.call("detectSqli", at, bytes.length) !== 0;
  const print = Buffer.from(wasm.read(wasm.call("sqliFingerprint"), wasm.call("sqliFingerprintLen"))).toString("latin1");
  expect(found).toBe(print !== "");
  return print;
}

describe.skipIf(!existsSync(DATA))("the table (skipped without SECUXFLOW_CONFORMANCE/libinjection)", () => {
  const data = (existsSync(DATA) ? JSON.parse(readFileSync(DATA, "utf8")) : { keywords: {}, fingerprints: [] }) as {
    keywords: Record<string, string>;
    fingerprints: string[];
  };
  const type = (word: string): string => {
    wasm.write(room, latin(word));
    return String.fromCharCode(wasm.call("keywordType", room, word.length));
  };

  it("has every keyword, whatever its case", () => {
    for (const [word, kind] of Object.entries(data.keywords)) {
      expect([word, type(word), type(word.toLowerCase())]).toEqual([word, kind, kind]);
    }
  });

  it("has no other words", () => {
    const near = fc.tuple(fc.constantFrom(...Object.keys(data.keywords)), fc.nat(31), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(near, ([word, at, byte]) => {
        const changed = `${word.slice(0, at)}${String.fromCharCode(byte)}${word.slice(at + 1)}`;
        expect(type(changed)).toBe(data.keywords[changed.replace(/[a-z]/g, (char) => char.toUpperCase())] ?? "\0");
      }),
    );
  });

  it("has every fingerprint and no other", () => {
    const known = new Set(data.fingerprints.map((text) => text.toUpperCase()));
    const has = (text: string): boolean => {
      wasm.write(room, latin(text));
      return wasm.call("isKnownFingerprint", room, text.length) !== 0;
    };
    for (const text of data.fingerprints) expect([text, has(text)]).toEqual([text, true]);
    const any = fc.string({ unit: fc.constantFrom(..."kUBEtfn1vso&cA(){}.,:;T?X\\\xe9\0"), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(any, (text) => {
        expect(has(text)).toBe(known.has(text.toUpperCase()));
      }),
    );
  });
});

describe("SQL injection", () => {
  it.each([
    ["1' or '1'='1", "s&sos"],
    ["-1 union all select user, password from users", "1UEnk"],
    ["1; drop table users", "1;Tnn"],
    ["1 and sleep(5)#", "1&f(1"],
    ["' OR 1=1 -- ", "s&1c"],
    ['" or ""="', "s&sos"],
    ["1/*!union*/select 1", "X"],
    ["admin'--", "sc"],
  ])("%j is %s", (text, expected) => {
    expect(fingerprint(text)).toBe(expected);
  });

  it.each([
    "", "hello world", "O'Brien", "rock and roll", "1 union station", "a -- b", "foo#bar", "5 > 3", "select your seat", "10.e;",
  ])("%j is none", (text) => {
    expect(fingerprint(text)).toBe("");
  });

  const space = fc.constantFrom(" ", "\t", "\n", "\v", "\xa0", "/**/", "/* x */", " \0 ");

  it("is found whatever stands between its words", () => {
    fc.assert(
      fc.property(fc.array(space, { minLength: 5, maxLength: 5 }), fc.boolean(), ([a, b, c, d, e], capitals) => {
        const text = `1'${a}or${b}2${c}=${d}2${e}-- `;
        expect(fingerprint(capitals ? text.toUpperCase() : text)).toMatch(/^s&1c?$/);
      }),
    );
  });

  const words = [
    "'", '"', "`", "\\", "--", "/*", "*/", "#", "(", ")", ",", ";", "{", "}", "[", "]", "::", "<=>", "@", "@@", "$",
    "$$", "$a$", ".", "1.e", "0x", "0xF", "1.5e3", "q'(", "n'", "u&'",
    "x'1", "b'0'", "\\N", "union", "select", "or", "and", "not", "in", "like",
    "user", "int", "binary", "collate", "a_b", "if", "into outfile", "sp_password", "sleep", " ", "\n", "\0",
    "\xa0", "\xff", "+", "-", "*", "!", "=", "1", "x",
  ];
  const noise = fc.string({ unit: "binary-ascii", maxLength: 40 });
  const pieces = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, noise), { maxLength: 30 });
  const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
  const text = fc.oneof(pieces.map((parts) => latin(parts.join(""))), bytes);

  it("reads no byte outside the text", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 255 }), (data, byte) => {
        wasm.write(room, Buffer.alloc(data.length + 128, byte));
        const inside = fingerprint(data, room + 64);
        // At the very end of the memory, where one byte more traps.
        expect(fingerprint(data, wasm.bytes().length - data.length)).toBe(inside);
        wasm.write(room, Buffer.alloc(data.length + 128, 0x27));
        expect(fingerprint(data, room + 64)).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it("does not depend on case", () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const joined = parts.join("").replace(/\\n|sp_|[^\0-\x7f]/gi, "");
        expect(fingerprint(joined.toUpperCase())).toBe(fingerprint(joined.toLowerCase()));
      }),
      { numRuns: 1000 },
    );
  });

  // Were anything quadratic, a megabyte would take minutes.
  it.each([
    "1+", ",-1", "1 or ", "int.e", "select.", "\\'", "\\\\\\'", "''", "/*", "/**/", "$a", "$aaaa$b",
    "$a$ ", "--a\n", "#\n", "@a+", "u&'", "a`",
    "q'(a", "'a',", "(", "[", "\\", "a.", "x'", "0x", "s", "n.n.", "{a ", "1;;", "like int", "sp_",
  ])("takes linear time over repeated %j", (piece) => {
    const many = piece.repeat(ROOM / piece.length);
    for (const start of ["", "1 ", "'", '"', "/*", "$tag$"]) fingerprint(start + many.slice(0, ROOM - 8));
  });
});
