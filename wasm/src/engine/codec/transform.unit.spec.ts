import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TRANSFORMATION_IDS, transformationId } from "@secuxflow/rule-image";
import type { TransformationLanguage } from "@secuxflow/rule-image";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

const CONFORMANCE = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const VECTORS = join(CONFORMANCE, "seclang-vectors/transformations");

let wasm: Compiled;
let input = 0;
let output = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/codec/test-entry.ts"))();
  input = wasm.call("room", 70_000);
  output = wasm.call("room", 420_000);
});

interface Result {
  readonly data: Buffer;
  readonly changed: boolean;
}

function byId(id: number, data: Uint8Array, inPlace = false): Result {
  wasm.write(input, data);
  const length = wasm.call("transform", id, input, data.length, inPlace ? input : output);
  expect(length).toBeLessThanOrEqual(wasm.call("transformBound", id, data.length));
  return { data: Buffer.from(wasm.read(inPlace ? input : output, length)), changed: wasm.call("transformChanged") !== 0 };
}

function apply(language: TransformationLanguage, name: string, text: string): string {
  const id = transformationId(language, name);
  if (id === undefined) throw new Error(`no transformation ${name}`);
  return byId(id, Buffer.from(text, "latin1")).data.toString("latin1");
}

/**
 * The strings of the vectors: JSON, then \u0000 once more, then, where there is \x, a string literal of Go. What is no valid literal
 * stands for itself when it is an input, and only has its \xHH decoded when it is an output.
 */
function bytesOf(text: string, output: boolean): Buffer {
  const plain = text.replaceAll("\\u0000", "\0");
  if (!plain.includes("\\x")) return Buffer.from(plain, "utf8");
  const literal = /^(?:[^\\"\n]|\\[abfnrtv\\"]|\\x[0-9a-fA-F]{2}|\\[0-7]{3})*$/su.test(plain);
  if (!literal && !output) return Buffer.from(plain, "utf8");
  const tokens = literal ? /\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\.|[^\\]+/gsu : /\\x[0-9a-fA-F]{2}|\\(?!x)|\\x|[^\\]+/gsu;
  return Buffer.concat([...plain.matchAll(tokens)].map(([token]) => {
    if (/^\\x..$/s.test(token)) return Buffer.from(token.slice(2), "hex");
    if (token === "\\x") return Buffer.from("x");
    if (/^\\[0-7]{3}$/.test(token)) return Buffer.from([parseInt(token.slice(1), 8)]);
    return Buffer.from(literal && token.startsWith("\\") ? escaped(token.slice(1)) : token, "utf8");
  }));
}

const escaped = (char: string) => ({ n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b", f: "\f", v: "\v" })[char] ?? char;

describe.skipIf(!existsSync(VECTORS))("SecLang transformation vectors (skipped without SECUXFLOW_CONFORMANCE/seclang-vectors)", () => {
  const files = existsSync(VECTORS) ? readdirSync(VECTORS).filter((file) => file.endsWith(".json")) : [];
  it.each(files)("%s", (file) => {
    const cases = JSON.parse(readFileSync(join(VECTORS, file), "utf8")) as { name: string; input: string; output: string }[];
    expect(cases.length).toBeGreaterThan(0);
    for (const test of cases) {
      // Some are named after what they show, not after the transformation.
      const id = transformationId("seclang", test.name) ?? transformationId("seclang", file.replace(".json", "")) ?? -1;
      expect(id, test.name).toBeGreaterThan(0);
      const data = bytesOf(test.input, false);
      const { data: result, changed } = byId(id, data);
      expect(result.toString("latin1"), JSON.stringify(test.input)).toBe(bytesOf(test.output, true).toString("latin1"));
      expect(changed, `changed: ${JSON.stringify(test.input)}`).toBe(!result.equals(data));
    }
  });
});

describe("transformations", () => {
  it("have the ids of the compilers in the engine", () => {
    const file = readFileSync(join(import.meta.dirname, "../../../engine/codec/ids.ts"), "utf8");
    const ids = new Map([...file.matchAll(/const T_(\w+): u32 = (\d+);/g)].map(([, name = "", id]) => [name, Number(id)]));
    expect(Object.fromEntries(ids)).toEqual(TRANSFORMATION_IDS);
  });

  it.each([
    ["dotprefix", "evil.com", ".evil.com"],
    ["strip_whitespace", " a\tb \v\f\r\n", "ab"],
    ["compress_whitespace", "a \t b\n\nc", "a b\nc"],
    ["url_decode", "Suricata%20is+%27%61wesome%21%27%25%30%30%ZZ%4", "Suricata is 'awesome!'%00%ZZ%4"],
    ["url_decode", "%%41+%4", "%%41 %4"],
    ["header_lowercase", "Header1: Value1\nHEADER2:V\n", "header1: Value1\nheader2:V\n"],
    ["strip_pseudo_headers", "A: b\n:method: get\nC: d\n:x", "A: b\nC: d\n"],
    ["to_lowercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ[@`{\xc0", "abcdefghijklmnopqrstuvwxyz[@`{\xc0"],
    ["to_uppercase", "abcdefghijklmnopqrstuvwxyz[@`{\xe0", "ABCDEFGHIJKLMNOPQRSTUVWXYZ[@`{\xe0"],
    ["domain", "www.example.co.uk", "example.co.uk"],
    ["domain", "a.b.example.com", "example.com"],
    ["domain", "com", ""],
    ["tld", "a.b.example.com", "com"],
    ["tld", "example.co.uk", "co.uk"],
  ])("of Suricata: %s %j", (name, text, expected) => {
    expect(apply("suricata", name, text)).toBe(expected);
  });

  it.each([
    ["htmlEntityDecode", "&lt;script&gt;&#x41&#66;&#0;&colon;&Tab;&ampx&notit;&bogus;&", "<script>AB\xef\xbf\xbd:\t&x\xc2\xacit;&bogus;&"],
    ["htmlEntityDecode", "&#128;&#x110000;&#;&#x;&nbsp", "\xe2\x82\xac\xef\xbf\xbd&#;&#x;\xc2\xa0"],
    ["urlDecodeUni", "%uff1cscript%uFF1e%U0041", "<script>A"],
    ["base64Decode", "PFR FU1Q+", "<T"],
    ["base64DecodeExt", "PF RF.U1Q+", "<TEST>"],
    ["normalizePath", "/", "/"],
    ["normalizePath", "/../../a", "/a"],
    ["normalizePath", "a/../..", ".."],
    ["sqlHexDecode", "a 0x4142 0x4 0X43", "a AB 0x4 C"],
    ["jsDecode", "\\u003c\\uff1c\\x41\\101\\n\\q\\", "<<AA\nq\\"],
    ["utf8toUnicode", "\xf0\x9f\x98\x80\xc0\xafx", "%u1f600%ufffd%ufffdx"],
    ["removeWhitespace", "a\xa0b\xc2\xa0c\xc3\xa0", "abc\xc3\xa0"],
  ])("of SecLang: %s %j", (name, text, expected) => {
    expect(apply("seclang", name, text)).toBe(expected);
  });

  it("hash as node does (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(byId(TRANSFORMATION_IDS.MD5, data).data).toEqual(createHash("md5").update(data).digest());
        expect(byId(TRANSFORMATION_IDS.SHA1, data).data).toEqual(createHash("sha1").update(data).digest());
        expect(byId(TRANSFORMATION_IDS.SHA256, data).data).toEqual(createHash("sha256").update(data).digest());
      }),
    );
  });

  it("give the same in place, stay within their bound, and tell whether they changed anything (property)", () => {
    const piece = fc.constantFrom("%41", "%u0041", "+", "\\u0041", "\\x41", "\\12", "&lt;", "&#x41;", "/*", "*/", "--", "#", "<!--", "-->",
      " ", "\t", "\0", "/../", "/./", "\\", "..", ".", "a", "B", "\xa0", "\xc3\xa4", "\xff", ":", "\n", "0x41", "=", "^", "'", "\\00000a ");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.constantFrom(...Object.values(TRANSFORMATION_IDS)), (pieces, id) => {
        const data = Buffer.from(pieces.join(""), "latin1");
        const apart = byId(id, data);
        expect(apart.changed, `id ${id}`).toBe(!apart.data.equals(data));
        if (wasm.call("transformInPlace", id) !== 0) expect(byId(id, data, true)).toEqual(apart);
      }),
      { numRuns: 3_000 },
    );
  });

  it("undo what encoders do (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const { BASE64_ENCODE, BASE64_DECODE, HEX_ENCODE, HEX_DECODE, URL_ENCODE, URL_DECODE } = TRANSFORMATION_IDS;
        const expected = Buffer.from(data);
        expect(byId(BASE64_ENCODE, data).data.toString()).toBe(expected.toString("base64"));
        expect(byId(BASE64_DECODE, byId(BASE64_ENCODE, data).data).data).toEqual(expected);
        expect(byId(HEX_DECODE, byId(HEX_ENCODE, data).data).data).toEqual(expected);
        expect(byId(URL_DECODE, byId(URL_ENCODE, data).data).data).toEqual(expected);
      }),
    );
  });

  it("XOR with a key, and back", () => {
    wasm.write(output, Buffer.from([1, 2, 3]));
    wasm.write(input, Buffer.from("hello"));
    wasm.call("transformXor", output, 3, input, 5, input);
    expect([...wasm.read(input, 5)]).toEqual([0x69, 0x67, 0x6f, 0x6d, 0x6d]);
  });

  it.each([["Zm9vYg==", 0, "foob"], ["Zm9vYg", 0, null], ["Zm9v Yg==", 0, null], ["Zh==", 0, null], ["Z!m9\nv", 1, "foo"],
    ["Zm9v!Yg==", 2, "foo"]])("base64 %j in mode %i", (text, mode, expected) => {
    wasm.write(input, Buffer.from(text));
    const length = wasm.call("base64Decode", input, text.length, output, mode);
    if (expected === null) expect(length >>> 0).toBe(0xffffffff);
    else expect(Buffer.from(wasm.read(output, length)).toString()).toBe(expected);
  });
});
