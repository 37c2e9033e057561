import fc from "fast-check";
import { compileRules, encodeSuricata } from "@secuxflow/suricata-rules";
import { forModule } from "@secuxflow/rule-image";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/detect/test-entry.ts");
});

/** The options of a rule on payload, as a function of the bytes. */
function rule(options: string): (payload: string, skipped?: number) => boolean {
  const text = `alert udp any any -> any any (msg:"t"; ${options} sid:1;)`;
  const { rules, refused } = compileRules([{ name: "test.rules", text }]);
  if (rules.length !== 1) throw new Error(`${options}: ${refused[0]?.reason ?? "no rule"}`);
  const image = forModule(encodeSuricata(rules));
  const wasm = fresh();
  const at = wasm.call("room", image.length);
  wasm.write(at, image);
  if (wasm.call("use", at, image.length) === 0) throw new Error(`${options}: the module refuses the image`);
  const buffer = wasm.call("room", 65_536);
  return (payload, skipped = 0) => {
    wasm.write(buffer, Buffer.from(payload, "latin1"));
    return wasm.call("holds", 0, buffer, payload.length, skipped) !== 0;
  };
}

describe("conditions on a buffer", () => {
  it.each<[string, string[], string[]]>([
    ['content:"abc";', ["abc", "xxabcxx"], ["", "ab", "ABC"]],
    ['content:"aBc"; nocase;', ["abc", "xABCx"], ["ab c"]],
    ['content:!"abc";', ["", "ab"], ["abc"]],
    ['content:"abc"; offset:2;', ["xxabc", "abcabc"], ["abc", "xabc"]],
    ['content:"abc"; depth:4;', ["abc", "xabc"], ["xxabc"]],
    ['content:"abc"; offset:1; depth:4;', ["xabc", "xxabc"], ["abc", "xxxabc"]],
    ['content:"abc"; startswith;', ["abcx"], ["xabc"]],
    ['content:"abc"; endswith;', ["xabc", "abcabc"], ["abcx"]],
    ['content:"abc"; startswith; endswith;', ["abc"], ["abcabc", "abc "]],
    ['content:!"abc"; endswith;', ["abcx"], ["xabc"]],
    ['content:"a"; content:"b"; distance:2;', ["a..b", "a...b"], ["a.b", "b..a"]],
    ['content:"a"; content:"b"; distance:0; within:3;', ["ab", "a..b"], ["a...b"]],
    ['content:"a"; content:"b"; distance:1; within:1;', ["a.b", "aa.b", "a..aab.b"], ["ab", "a..b"]],
    ['content:"b"; content:"a"; distance:-2; within:1;', ["ab"], ["ba"]],
    ['content:"a"; content:!"b"; distance:0; within:2;', ["a..b", "ab a..."], ["ab"]],
    ['content:"a"; content:"b"; distance:0; content:"c"; distance:0; within:1;', ["ab bc", "a b bc"], ["abxc", "bca"]],
    ['pcre:"/a+b/";', ["xaab"], ["b"]],
    ['pcre:!"/a+b/";', ["b"], ["xaab"]],
    ['content:"x"; pcre:"/^\\d/R";', ["x1", "xx2"], ["x a1"]],
    ['pcre:"/\\d/"; content:"z"; distance:0; within:1;', ["1z", "1 2z"], ["1 z"]],
    ['content:"a"; isdataat:3,relative;', ["a123", "1a23456"], ["a12"]],
    ['content:"a"; isdataat:!1,relative;', ["a", "xa"], ["ab"]],
    ["isdataat:3;", ["1234"], ["123"]],
    ['content:"L"; byte_test:1,>,4,0,relative;', ["L\x05", "xL\xff"], ["L\x04", "L"]],
    ['content:"L"; byte_test:2,=,258,0,relative,little;', ["L\x02\x01"], ["L\x01\x02"]],
    ['content:"L"; byte_test:3,>,100,0,relative,string,dec;', ["L101", "L999"], ["L100", "L 99"]],
    ['content:"L"; byte_test:1,!&,0x80,0,relative;', ["L\x7f"], ["L\x80"]],
    ['content:"L"; byte_jump:1,0,relative; content:"E"; distance:0; within:1;', ["L\x02..E", "L\x00E"], ["L\x01..E"]],
    ['content:"L"; byte_jump:1,0,relative,from_beginning; content:"E"; distance:0; within:1;', ["ExL\x00"], ["xEL\x00"]],
    ['byte_extract:1,0,n; content:"E"; offset:n; depth:1;', ["\x02.E", "\x03..E"], ["\x02..E"]],
    ['content:"L"; byte_extract:1,0,n,relative; byte_test:1,=,n,0,relative;', ["L\x07\x07"], ["L\x07\x08"]],
    ['byte_math:bytes 1,offset 0,oper +,rvalue 1,result n; content:"E"; offset:n; depth:1;', ["\x02..E"], ["\x02.E"]],
    ['content:"b64 "; base64_decode:relative; base64_data; content:"hello";', ["b64 aGVsbG8="], ["b64 aGVsbGE=", "hello"]],
  ])("%s", (options, hold, fail) => {
    const test = rule(options);
    for (const payload of hold) expect([payload, test(payload)]).toEqual([payload, true]);
    for (const payload of fail) expect([payload, test(payload)]).toEqual([payload, false]);
  });

  it("counts positions from the start of the stream when the buffer is a later part of it", () => {
    const early = rule('content:"abc"; depth:10;');
    expect(early("abc", 5)).toBe(true);
    expect(early("abc", 8)).toBe(false);
    const late = rule('content:"abc"; offset:5;');
    expect(late("abc", 4)).toBe(false);
    expect(late("abc", 5)).toBe(true);
  });

  it("gives up after a number of steps instead of never", () => {
    const many = Array.from({ length: 6 }, () => 'content:"a"; distance:0;').join(" ");
    const test = rule(`content:"a"; ${many} content:"b"; distance:0; within:1;`);
    expect(test("a".repeat(3000))).toBe(false);
  });
});

interface Part { text: string; offset?: number; depth?: number; distance?: number; within?: number; negated: boolean }

/** The obvious search: every occurrence of every part, in order. */
function model(parts: readonly Part[], text: string, position = 0): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return true;
  const relative = part.distance !== undefined || part.within !== undefined;
  const low = relative ? Math.max(0, position + (part.distance ?? 0)) : (part.offset ?? 0);
  const limit = relative
    ? part.within === undefined ? text.length : position + (part.distance ?? 0) + part.within
    : part.depth === undefined ? text.length : (part.offset ?? 0) + part.depth;
  const places: number[] = [];
  for (let at = low; at + part.text.length <= Math.min(limit, text.length); at++) if (text.startsWith(part.text, at)) places.push(at);
  if (part.negated) return places.length === 0 && model(rest, text, position);
  return places.some((at) => model(rest, text, at + part.text.length));
}

const small = fc.integer({ min: 0, max: 4 });
const part = fc.record(
  { text: fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 }), distance: fc.integer({ min: -3, max: 4 }), within: fc.integer({ min: 3, max: 6 }), negated: fc.constantFrom(false, false, false, true) },
  { requiredKeys: ["text", "negated"] },
);
const head = fc.record(
  { text: fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 }), offset: small, depth: fc.integer({ min: 3, max: 9 }), negated: fc.constant(false) },
  { requiredKeys: ["text", "negated"] },
);

describe("contents that refer to each other (property)", () => {
  it("match exactly what trying every occurrence matches", () => {
    fc.assert(
      fc.property(
        head,
        fc.array(part, { maxLength: 3 }),
        fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 14 }), { minLength: 4, maxLength: 12 }),
        (first, others, texts) => {
          const parts: Part[] = [first, ...others];
          const options = parts.map(({ text, negated, ...bounds }) => {
            const keys = Object.entries(bounds).map(([key, value]) => `${key}:${String(value)};`);
            return `content:${negated ? "!" : ""}"${text}"; ${keys.join(" ")}`;
          });
          let test: (payload: string) => boolean;
          try {
            test = rule(options.join(" "));
          } catch (error) {
            // The compiler refuses what can never match.
            if (error instanceof Error && error.message.includes("refuses the image")) throw error;
            return;
          }
          for (const text of texts) expect([options.join(" "), text, test(text)]).toEqual([options.join(" "), text, model(parts, text)]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("findLiteral (property)", () => {
  it("finds what indexOf finds", () => {
    const wasm = fresh();
    const hayAt = wasm.call("room", 4096);
    const needleAt = wasm.call("room", 64);
    const word = fc.string({ unit: fc.constantFrom("a", "A", "b", "c"), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), word, fc.boolean(), fc.nat(40), (words, needle, nocase, from) => {
        const hay = words.join("");
        wasm.write(hayAt, Buffer.from(hay));
        wasm.write(needleAt, Buffer.from(nocase ? needle.toLowerCase() : needle));
        const expected = nocase ? hay.toLowerCase().indexOf(needle.toLowerCase(), from) : hay.indexOf(needle, from);
        const found = wasm.call("find", hayAt, hay.length, needleAt, needle.length, nocase ? 1 : 0, from);
        expect(from > hay.length ? -1 : found).toBe(from > hay.length ? -1 : expected);
      }),
      { numRuns: 300 },
    );
  });
});
