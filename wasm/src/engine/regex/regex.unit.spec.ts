import { anyOfLiterals, type Literal, type LiteralFormula } from "@secuxflow/regex";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";
import { Engine } from "./harness.js";
import { affordable, subjects, twins, type Twin } from "./patterns.js";

let make: () => Compiled;
beforeAll(async () => {
  make = await compileEntry("engine/regex/test-entry.ts");
});

interface Case {
  readonly twin: Twin;
  readonly texts: readonly string[];
  readonly from: number;
  readonly nocase: boolean;
}

const cases = (rich: boolean): fc.Arbitrary<Case> =>
  fc
    .record({
      twin: twins(rich),
      texts: fc.array(subjects, { minLength: 3, maxLength: 6 }),
      from: fc.nat(3),
      nocase: fc.boolean(),
    })
    .map((one) => ({ ...one, texts: one.texts.map((text) => text.slice(0, affordable(one.twin))) }));

/** What JavaScript finds: bounds and groups. */
function model({ js }: Twin, nocase: boolean, text: string, from: number) {
  const regex = new RegExp(js, nocase ? "dgi" : "dg");
  regex.lastIndex = from;
  return regex.exec(text)?.indices;
}

function compare(engine: Engine, { twin, texts, from, nocase }: Case): void {
  const { at } = engine.load(twin.pcre, nocase ? "i" : "");
  for (const text of texts) {
    const start = Math.min(from, text.length);
    const expected = model(twin, nocase, text, start);
    expect(engine.test(at, text, start)).toBe(expected !== undefined);
    const found = engine.capture(at, text, start);
    expect(engine.limited).toBe(false);
    expect(found !== undefined).toBe(expected !== undefined);
    if (expected === undefined || found === undefined || twin.hollow) continue;
    expect([found.start, found.end]).toEqual(expected[0]);
    expect(engine.match(at, text, start)).toEqual(expected[0]);
    if (!twin.forgets) expect(found.groups).toEqual([...expected]);
  }
  engine.unload(at);
}

describe("against JavaScript", () => {
  it("agrees on expressions for the automaton", () => {
    const engine = new Engine(make());
    fc.assert(fc.property(cases(false), (one) => compare(engine, one)), { numRuns: 500 });
  });

  it("agrees when memory for states is short all the time", () => {
    const engine = new Engine(make());
    engine.limits(16 << 20, 0, 1_000_000);
    fc.assert(fc.property(cases(false), (one) => compare(engine, one)), { numRuns: 400 });
  });

  it("agrees without any memory for states", () => {
    const engine = new Engine(make());
    engine.limits(0, 0, 1_000_000);
    fc.assert(fc.property(cases(false), (one) => compare(engine, one)), { numRuns: 400 });
  });

  it("agrees on expressions for the backtracking matcher", () => {
    const engine = new Engine(make());
    fc.assert(fc.property(cases(true), (one) => compare(engine, one)), { numRuns: 500 });
  });

  it("finds the same with both matchers", () => {
    const engine = new Engine(make());
    const property = fc.property(cases(false), ({ twin, texts, from }) => {
      const linear = engine.load(twin.pcre);
      // Never true on these subjects, but nothing that the automaton can do.
      const other = engine.load(`(?!zz)(?:${twin.pcre})`);
      fc.pre(linear.regex.linear);
      expect(other.regex.linear).toBe(false);
      for (const text of texts) {
        const start = Math.min(from, text.length);
        const found = engine.capture(linear.at, text, start);
        const expected = engine.capture(other.at, text, start);
        // A repeat of what can be empty: PCRE ends it after an empty round, the simulation passes over such a round.
        if (twin.hollow) expect(found?.start).toBe(expected?.start);
        else expect(found).toEqual(expected);
      }
      engine.unload(linear.at);
      engine.unload(other.at);
    });
    fc.assert(property, { numRuns: 500 });
  });
});

function occurs({ bytes, nocase }: Literal, text: string): boolean {
  const literal = String.fromCharCode(...bytes);
  return nocase ? text.toLowerCase().includes(literal) : text.includes(literal);
}

function holds(formula: LiteralFormula, text: string): boolean {
  if (formula.kind === "always") return true;
  if (formula.kind === "literal") return occurs(formula, text);
  return formula.kind === "and" ? formula.of.every((part) => holds(part, text)) : formula.of.some((part) => holds(part, text));
}

describe("what the compiler says of an expression", () => {
  for (const rich of [false, true]) {
    it(`is true of every match (${rich ? "backtracking" : "linear"})`, () => {
      let matches = 0;
      let demanding = 0;
      const engine = new Engine(make());
      const property = fc.property(cases(rich), ({ twin, texts, nocase, from }) => {
        const { at, regex } = engine.load(twin.pcre, nocase ? "i" : "");
        const any = anyOfLiterals(regex.literals, 1);
        for (const text of texts) {
          const start = Math.min(from, text.length);
          const found = engine.match(at, text, start);
          if (found === undefined) continue;
          matches++;
          if (any !== undefined) demanding++;
          expect(holds(regex.literals, text)).toBe(true);
          if (any !== undefined) expect(any.some((literal) => occurs(literal, text))).toBe(true);
          expect(found[1] - found[0]).toBeGreaterThanOrEqual(regex.minLength);
          if (regex.anchored) expect([0, start]).toContain(found[0]);
        }
        engine.unload(at);
      });
      fc.assert(property, { numRuns: 500 });
      expect(matches).toBeGreaterThan(50);
      expect(demanding).toBeGreaterThan(0);
    });
  }
});

describe("PCRE's own rules, where JavaScript has others", () => {
  type Row = readonly [pattern: string, flags: string, text: string, found: readonly [number, number] | undefined];
  const table: readonly Row[] = [
    ["^b", "m", "a\nb", [2, 3]],
    ["^", "mA", "a\n", [0, 0]],
    [String.raw`\n^`, "m", "a\n", undefined],
    ["a$", "", "a\n", [0, 1]],
    ["a$", "D", "a\n", undefined],
    ["a$", "E", "a\n", undefined],
    ["a$", "m", "a\nb", [0, 1]],
    [String.raw`a\Z`, "", "a\n", [0, 1]],
    [String.raw`a\z`, "", "a\n", undefined],
    [String.raw`a$\n`, "", "a\n", [0, 2]],
    ["(?:a$|\n|b)+", "", "a\n", [0, 2]],
    ["a.b", "", "a\nb", undefined],
    ["a.b", "s", "a\nb", [0, 3]],
    ["a.b", "", "a\rb", [0, 3]],
    ["a b # c\nd", "x", "abd", [0, 3]],
    ["a+", "U", "aaa", [0, 1]],
    ["a+?", "U", "aaa", [0, 3]],
    ["a++a", "", "aaa", undefined],
    ["[a-z]{2,}+1", "", "abc1", [0, 4]],
    ["(?>ab|a)b", "", "ab", undefined],
    ["b", "A", "ab", undefined],
    [String.raw`\Gb`, "", "ab", undefined],
    [String.raw`a\Kb`, "", "ab", [1, 2]],
    [String.raw`a\Rb`, "", "a\r\nb", [0, 4]],
    [String.raw`a\R\nb`, "", "a\r\nb", undefined],
    [String.raw`\Qa.b\E+`, "", "a.bbb", [0, 5]],
    [String.raw`[\Q]-\E]+`, "", "-]", [0, 2]],
    [String.raw`\x{41}\101\o{101}\x41\cA`, "", "AAAA\x01", [0, 5]],
    [String.raw`\h\v\H\V\N`, "", "\t\x0babc", [0, 5]],
    ["a{,2}", "", "a{,2}", [0, 5]],
    ["a{2", "", "a{2", [0, 3]],
    ["(?i)a(?-i)b", "", "Ab", [0, 2]],
    ["(?i)a(?-i)b", "", "AB", undefined],
    ["(?:a(?i)b|c)d", "", "Cd", [0, 2]],
    ["(?i:a)b", "", "aB", undefined],
    [String.raw`(?<x>a|b)-\k<x>(?P=x)\g{x}\g{1}\g{-1}\1`, "", "b-bbbbbb", [0, 8]],
    [String.raw`(a)\1`, "i", "aA", [0, 2]],
    [String.raw`(?:(a)|b)\1`, "", "b", undefined],
    ["(<)?a(?(1)>)", "", "<a>", [0, 3]],
    ["(<)?a(?(1)>)$", "", "<a", [1, 2]],
    ["(?(?=a)a|b)c", "", "bc", [0, 2]],
    ["(?#c)a(?#d)+", "", "aa", [0, 2]],
    ["[[:^alpha:]]+", "", "ab12", [2, 4]],
    ["[^[:space:]\\d-]+", "", "1 -a", [3, 4]],
    ["(a|ab)(?:c|bcd)", "", "abcd", [0, 4]],
    ["(?n)(a)(?<b>b)", "", "ab", [0, 2]],
    ["\xe9", "i", "\xe9", [0, 1]],
    ["\xe9", "i", "\xc9", undefined],
    ["", "", "", [0, 0]],
    ["(?<=^|a)b", "", "cab", [2, 3]],
    ["(?:)*a", "", "a", [0, 1]],
    ["(?!)|b", "", "ab", [1, 2]],
    ["a**", "", "aa", [0, 2]],
  ];
  it.each(table)("/%s/%s on %j", (pattern, flags, text, expected) => {
    const engine = new Engine(make());
    const { at } = engine.load(pattern, flags);
    expect(engine.match(at, text)).toEqual(expected);
    expect(engine.test(at, text)).toBe(expected !== undefined);
  });
});
