// What holds of the engine beyond agreeing with a model: time, memory, hostile programs, limits.
import { LIMITS } from "@secuxflow/regex";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";
import { Engine } from "./harness.js";

let make: () => Compiled;
beforeAll(async () => {
  make = await compileEntry("engine/regex/test-entry.ts");
});

/** Expressions whose automata have a new state for nearly every byte of the subjects below, but that JavaScript can do. */
const explosive = ["a[ab]{12}c", "a[^0]{3,20}c[ab]0", String.raw`\ba[ab]{2,12}a[^a]{5}\b`, "(?:ab|b.){3,7}c0"];
/** Those that it cannot do. */
const worse = ["(?:a|b)*a(?:a|b){9}c[ab]", "(?:a.{3,20}b.{3,20}c.{10})+0"];

const long = fc
  .tuple(fc.integer(), fc.constantFrom("ab", "abc", "abbbbbc 0"), fc.integer({ min: 500, max: 3000 }))
  .map(([seed, letters, length]) => {
    let state = seed >>> 0;
    return Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return letters[(state >>> 12) % letters.length];
    }).join("");
  });

describe("texts that make ever new states", () => {
  for (const limits of [undefined, 4096] as const) {
    it(`agrees with JavaScript with ${limits ?? "ample"} bytes for states`, () => {
      const engine = new Engine(make());
      if (limits !== undefined) engine.limits(limits * 4, limits, 1_000_000);
      const programs = explosive.map((pattern) => ({ ...engine.load(pattern), js: new RegExp(pattern, "g") }));
      const property = fc.property(long, fc.constantFrom(...programs), fc.nat(700), (text, { at, js }, from) => {
        js.lastIndex = Math.min(from, text.length);
        const expected = js.exec(text);
        expect(engine.test(at, text, Math.min(from, text.length))).toBe(expected !== null);
        const bounds = expected === null ? undefined : [expected.index, expected.index + expected[0].length];
        expect(engine.match(at, text, Math.min(from, text.length))).toEqual(bounds);
      });
      fc.assert(property, { numRuns: 60 });
    });
  }

  it("takes steps in proportion to the text", () => {
    const engine = new Engine(make());
    const others = ["(?:a+)+$", "(?:a|a)*b", "(?:.*a){8}0", "[ab]{0,200}[ab]{0,200}c0", "(?:a?){60}a{60}0"];
    const patterns = [...explosive, ...worse, ...others];
    for (const pattern of patterns) {
      const { at, regex } = engine.load(pattern);
      expect(regex.linear).toBe(true);
      const words = new DataView(regex.program.buffer).getUint32(16, true) / 16;
      for (const text of ["a", "ab", "abb", "aab"].map((unit) => unit.repeat(4000))) {
        const before = engine.steps;
        engine.test(at, text);
        // A move costs the set's words and at most a group for each position; states cost as much again.
        expect((engine.steps - before) / text.length).toBeLessThan(40 + 12 * words);
      }
    }
  });
});

describe("limits", () => {
  it("gives up on what is not linear, and says so", () => {
    const engine = new Engine(make());
    engine.limits(1 << 20, 1 << 18, 20_000);
    const { at, regex } = engine.load(String.raw`(a+)+\1!`);
    expect(regex.linear).toBe(false);
    const text = `${"a".repeat(60)}!`.replace("!", "?!");
    expect(engine.test(at, text)).toBe(false);
    expect(engine.limited).toBe(true);
    expect(engine.wasm.call("regexLimitedCount")).toBe(1);
    expect(engine.test(at, "aa!")).toBe(true);
    expect(engine.limited).toBe(false);
  });

  it("gives bounds of an approximation when the simulation takes too long", () => {
    const engine = new Engine(make());
    engine.limits(1 << 20, 1 << 18, 10);
    const { at } = engine.load("(?:a{0,60}){0,60}(b)");
    const text = `${"a".repeat(300)}b`;
    expect(engine.test(at, text)).toBe(true);
    const found = engine.capture(at, text);
    expect(found).toMatchObject({ limited: true, groups: [] });
    expect(found?.start).toBe(0);
    expect(found?.end).toBe(301);
  });

  it("keeps all caches within their budget and gives everything back", () => {
    const wasm = make();
    const engine = new Engine(wasm);
    engine.limits(200_000, 50_000, 1_000_000);
    const programs = Array.from({ length: 60 }, (_, i) => engine.load(`a[ab]{${5 + (i % 7)}}c${i}`).at);
    const taken = wasm.call("memoryTaken");
    for (let round = 0; round < 3; round++) {
      for (const at of programs) {
        expect(engine.test(at, "abbabaabbabbbabaabab".repeat(40))).toBe(false);
        expect(wasm.call("regexCacheBytes")).toBeLessThanOrEqual(200_000);
      }
    }
    expect(wasm.call("regexCacheBytes")).toBeGreaterThan(50_000);
    wasm.call("regexReset");
    expect(wasm.call("regexCacheBytes")).toBe(0);
    expect(wasm.call("memoryTaken")).toBeLessThanOrEqual(taken);
  });

  it("works, if slowly, when the module has no memory left", () => {
    const engine = new Engine(make());
    const { at } = engine.load("ab+c");
    const text = engine.wasm.call("take", 16);
    engine.wasm.write(text, Buffer.from("xxabbc"));
    engine.wasm.call("setMemoryBudget", 0);
    expect(engine.wasm.call("regexTest", at, text, 6, 0)).toBe(1);
    expect(engine.wasm.call("regexTest", at, text, 5, 0)).toBe(0);
    expect(engine.wasm.call("regexMatch", at, text, 6, 0)).toBe(1);
    expect(engine.limited).toBe(true);
  });
});

describe("programs from outside", () => {
  it("refuses them cut, and never leaves its memory for those that pass (property)", () => {
    const engine = new Engine(make());
    const { wasm } = engine;
    const patterns = ["a(b|c)*d$", String.raw`(\w+)=\1(?!x)(?>a+)b{2,5}`, String.raw`\bfoo.{0,90}bar`, "(?<=ab)(?(?=c)d|e)+?"];
    const programs = patterns.map((pattern) => engine.load(pattern).regex.program);
    engine.limits(1 << 20, 1 << 16, 3000);
    const room = wasm.call("take", 65_536);
    const text = wasm.call("take", 64);
    wasm.write(text, Buffer.from("abcd ab=ab foo bar aab"));
    const change = fc.record({ at: fc.nat(), value: fc.nat(255) });
    const all = fc.array(change, { maxLength: 4 });
    const property = fc.property(fc.nat(3), all, fc.boolean(), fc.nat(), (which, changes, head, cut) => {
      const program = Uint8Array.from(programs[which] ?? []);
      for (const { at, value } of changes) program[at % (head ? 96 : program.length)] = value;
      wasm.write(room, program);
      const length = cut % 5 === 0 ? cut % program.length : program.length;
      const good = wasm.call("regexCheck", room, length) === 1;
      if (length < program.length || changes.length === 0) expect(good).toBe(length === program.length && changes.length === 0);
      if (!good) return;
      for (const call of ["regexTest", "regexMatch", "regexCapture"]) wasm.call(call, room, text, 22, 1);
      wasm.call("regexReset");
    });
    fc.assert(property, { numRuns: 4000 });
  });

  it("refuses other things", () => {
    const engine = new Engine(make());
    const room = engine.wasm.call("take", 4096);
    engine.wasm.write(room, new Uint8Array(4096));
    expect(engine.wasm.call("regexCheck", room, 0)).toBe(0);
    expect(engine.wasm.call("regexCheck", room, 4096)).toBe(0);
  });
});

describe("large expressions", () => {
  it("runs counts up to the limit of positions in the automaton", () => {
    const engine = new Engine(make());
    const { at, regex } = engine.load(`x.{${LIMITS.positions - 10}}y`, "s");
    expect(regex.linear).toBe(true);
    expect(engine.test(at, `x${"-".repeat(LIMITS.positions - 10)}y`)).toBe(true);
    expect(engine.test(at, `x${"-".repeat(LIMITS.positions - 11)}y`)).toBe(false);
    expect(engine.match(at, `xx${"-".repeat(LIMITS.positions - 10)}y`)).toEqual([1, LIMITS.positions - 10 + 3]);
  });

  it("leaves counts beyond it to the backtracking matcher", () => {
    const engine = new Engine(make());
    const { at, regex } = engine.load("x[^y]{20000}y");
    expect(regex.linear).toBe(false);
    expect(engine.test(at, `x${"-".repeat(20_000)}y`)).toBe(true);
    expect(engine.test(at, `x${"-".repeat(19_999)}y`)).toBe(false);
    expect(engine.limited).toBe(false);
  });
});
