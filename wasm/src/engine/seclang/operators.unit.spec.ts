import { compileProgram, parseSecLang, readOperator, type Rule } from "@secuxflow/seclang";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Waf } from "./rig.js";

const DATA = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const VECTORS = join(DATA, "seclang-vectors/operators");

interface Vector {
  readonly name: string;
  readonly param?: string;
  readonly input: string;
  readonly ret: number;
}

let waf: Waf;
beforeAll(async () => {
  waf = await Waf.create();
});

/** The vectors write bytes that JSON cannot as \\xHH, \\u00HH and \\0. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:x|u00)([0-9A-Fa-f]{2})|\\0/g, (_, hex: string | undefined) =>
    String.fromCharCode(Number.parseInt(hex ?? "0", 16)));

/** One rule for each vector, each on a header of its own. */
function mismatches(vectors: readonly Vector[]): string[] {
  const text = vectors.map((_, i) => `SecRule REQUEST_HEADERS:v${i} "@rx x" "id:${i + 1},phase:1,pass"`).join("\n");
  const program = parseSecLang([{ name: "vectors", text }]);
  const read = (name: string): string => readFileSync(join(VECTORS, "op", name), "latin1");
  const items = program.items.map((item, i) => {
    const [link] = (item as Rule).links;
    const { name, param = "" } = vectors[i] ?? { name: "", param: "" };
    return { ...(item as Rule), links: link === undefined ? [] : [{ ...link, operator: readOperator(`@${name} ${param}`,
      read) }] };
  });
  const compiled = compileProgram({ ...program, items });
  expect(compiled.refused.filter(({ reason }) => !reason.includes("has no valid prefix length"))).toEqual([]);
  waf.load(compiled.image);
  const { ids } = waf.run({ headers: vectors.map(({ input }, i) => [`v${i}`, unescaped(input)] as const) });
  const matched = new Set(ids);
  return vectors.flatMap(({ param, input, ret }, i) => (matched.has(i + 1) === (ret === 1) ? [] : [JSON.stringify({ param,
    input, ret })]));
}

/** Vectors whose operator needs a document on disk, which modules do not have. */
const REFUSED = new Set(["validateSchema.json"]);
/** Detectors with suites of their own. */
const ELSEWHERE = new Set(["detectSQLi.json", "detectXSS.json"]);

describe.skipIf(!existsSync(VECTORS))("operator vectors (skipped without SECUXFLOW_CONFORMANCE/seclang-vectors)", () => {
  const files = existsSync(VECTORS) ? readdirSync(VECTORS).filter((file) => file.endsWith(".json") && !REFUSED.has(file) &&
    !ELSEWHERE.has(file)) : [];
  it.each(files)("%s", (file) => {
    expect(mismatches(JSON.parse(readFileSync(join(VECTORS, file), "utf8")) as Vector[])).toEqual([]);
  });
});

describe("operators", () => {
  const matches = (operator: string, input: string, variable = "REQUEST_HEADERS:v"): boolean => {
    waf.rules(`SecRule ${variable} "${operator}" "id:1,phase:1,pass"`);
    return waf.run({ headers: [["v", input]] }).ids.includes(1);
  };

  it.each([
    ["@rx ^a.c$", "a\nc", true],
    ["@rx ^a$", "a\n", false],
    ["!@rx ^a$", "b", true],
    ["b+", "abbc", true],
    ["!b+", "abbc", false],
    ["@pm one |74 77 6f| three", "xTWOx", true],
    ["@within GET POST", "POST", true],
    ["@within GET POST", "PUT", false],
    ["@validateByteRange 32-126", "a\tb", true],
    ["@validateByteRange 32-126,9", "a\tb", false],
    ["@validateUtf8Encoding", "\xc3\xa4", false],
    ["@validateUtf8Encoding", "\xc0\xaf", true],
    ["@ipMatch 10.0.0.0/8,::1", "10.1.2.3", true],
    ["@ipMatch 10.0.0.0/8,::1", "0:0:0:0:0:0:0:1", true],
    ["@ipMatch 10.0.0.0/255.0.0.0", "10.1.2.3", true],
    ["@ipMatch 10.0.0.0/8,::1", "::2", false],
  ])("%s on %j: %s", (operator, input, expected) => {
    expect(matches(operator, input)).toBe(expected);
  });

  it("a variable without values matches nothing, not even negated", () => {
    expect(matches("!@rx x", "y", "REQUEST_HEADERS:other")).toBe(false);
  });
});
