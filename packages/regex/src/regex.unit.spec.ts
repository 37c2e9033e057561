import { describe, expect, it } from "vitest";
import { anyOfLiterals, compileRegex, LIMITS, RegexSyntaxError, type LiteralFormula } from "./index.js";

function show(formula: LiteralFormula): string {
  if (formula.kind === "always") return "*";
  if (formula.kind === "literal") return `${Buffer.from(formula.bytes).toString("latin1")}${formula.nocase ? "/i" : ""}`;
  return `(${formula.of.map(show).join(formula.kind === "and" ? " & " : " | ")})`;
}

describe("errors", () => {
  it.each([
    ["a(b", 1],
    ["a)b", 1],
    ["a[b", 1],
    ["*a", 0],
    ["a|+", 2],
    ["(?:+)", 3],
    ["[z-a]", 1],
    ["[[:nope:]]", 1],
    ["a{3,2}", 1],
    ["a{65536}", 1],
    [String.raw`a\x{100}`, 2],
    [String.raw`\x{`, 3],
    [String.raw`a\y`, 1],
    ["a\\", 1],
    [String.raw`(a)\2`, 3],
    [String.raw`\k<x>`, 0],
    ["(?<x>a)(?<x>b)", 7],
    ["(?<1>a)", 0],
    ["(?R)", 0],
    ["(?1)", 0],
    ["(*ACCEPT)", 0],
    ["(?z)", 0],
    ["(?P>x)", 0],
    ["(?(1)a|b|c)(d)", 0],
    ["(?(DEFINE)a)", 0],
    ["(?#", 3],
  ])("says what and where of /%s/", (pattern, position) => {
    const compile = () => compileRegex(pattern);
    expect(compile).toThrow(RegexSyntaxError);
    try {
      compile();
    } catch (error) {
      expect((error as RegexSyntaxError).position).toBe(position);
      expect((error as Error).message).toContain(`at offset ${position}`);
    }
  });

  it("refuses what is over a limit", () => {
    expect(() => compileRegex("a".repeat(LIMITS.pattern + 1))).toThrow(/longer than/);
    expect(() => compileRegex("(?:".repeat(300) + ")".repeat(300))).toThrow(/nested/);
    expect(() => compileRegex("()".repeat(LIMITS.groups + 1))).toThrow(/groups/);
    expect(() => compileRegex("(?:(?:ab){1000}){1000}")).toThrow(/instructions/);
    expect(() => compileRegex("(?<=a+)b")).toThrow(/one length/);
    expect(() => compileRegex("a", "q")).toThrow(/flag q/);
  });
});

describe("what is known of an expression", () => {
  it.each([
    ["abc", "", "abc"],
    ["a+b", "", "(a & b)"],
    ["foo.*bar", "", "(foo & bar)"],
    ["(?:foo|bar)baz", "", "(foobaz | barbaz)"],
    ["foo|", "", "*"],
    ["FoO1", "i", "foo1/i"],
    ["[Aa]b", "", "ab/i"],
    ["https?://", "", "(http:// | https://)"],
    ["(?:abc){2,}", "", "abcabc"],
    ["x(?!abc)y(?=z)", "", "xy"],
    ["foo(?:bar)?", "", "foo"],
    [String.raw`\d+`, "", "(0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9)"],
    [".", "", "*"],
  ])("literals of /%s/%s", (pattern, flags, expected) => {
    expect(show(compileRegex(pattern, flags).literals)).toBe(expected);
  });

  it("chooses the best set of which one must occur", () => {
    const texts = (pattern: string, least?: number, most?: number) =>
      anyOfLiterals(compileRegex(pattern).literals, least, most)?.map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
    expect(texts("ab.*longest.*xyz")).toEqual(["longest"]);
    expect(texts("(?:select|union).*[0-9]")).toEqual(["union", "select"]);
    expect(texts("a.*b")).toBeUndefined();
    expect(texts("a.*b", 1)).toHaveLength(1);
    expect(texts("(?:aa|bb|cc)", 2, 2)).toBeUndefined();
    expect(texts("aaa|[0-9]")).toBeUndefined();
  });

  it("tells linear from not linear", () => {
    for (const pattern of ["a+b", "(?=a)b", "(?<!a)b", "[a-z]++1", "a(?>bc)d", "(?>a|b)", "a{1000}", String.raw`\bx\b$`]) {
      expect(compileRegex(pattern).linear, pattern).toBe(true);
    }
    for (const pattern of [String.raw`(a)\1`, "(?=ab)", "(?>a|ab)c", "a++a", "(a)?(?(1)b)", ".{20000}"]) {
      expect(compileRegex(pattern).linear, pattern).toBe(false);
    }
  });

  it("counts groups, names them, and gives the shortest length and the anchor", () => {
    const regex = compileRegex("^(?<first>a)(?:b)(c|de){2}(?'last'x?)");
    expect(regex).toMatchObject({ groups: 3, minLength: 4, anchored: true, linear: true });
    expect([...regex.names]).toEqual([
      ["first", 1],
      ["last", 3],
    ]);
    expect(compileRegex("^a|b").anchored).toBe(false);
    expect(compileRegex("^a", "m").anchored).toBe(false);
    expect(compileRegex("a", "A").anchored).toBe(true);
    expect(compileRegex("(?:^a|^b)c").anchored).toBe(true);
  });

  it("takes bytes and strings for the same", () => {
    const text = compileRegex("\xe9\u20ac", "i").program;
    expect(compileRegex(Uint8Array.of(0xe9, 0xe2, 0x82, 0xac), "i").program).toEqual(text);
    expect(text.length % 16).toBe(0);
  });
});
