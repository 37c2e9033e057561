import { RuleSpec } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { formatBackend, parseBackend } from "./backend.js";
import { elementLines, readRules } from "./rule-file.js";

const NOW = Date.parse("2026-11-22T12:00:00.000Z");

describe("a backend", () => {
  it.each([
    ["10.0.0.7", { address: "10.0.0.7" }],
    ["10.0.0.7:8080", { address: "10.0.0.7", port: 8_080 }],
    ["10.0.0.7,weight=3", { address: "10.0.0.7", weight: 3 }],
    ["[2001:db8::7]:80,weight=0", { address: "2001:db8::7", port: 80, weight: 0 }],
    ["2001:db8::7", { address: "2001:db8::7" }],
    ["2001:db8::7,weight=2", { address: "2001:db8::7", weight: 2 }],
  ])("%s is read", (text, backend) => {
    expect(parseBackend(text)).toEqual(backend);
  });

  it.each(["", ":80", "10.0.0.7:", "10.0.0.7:x", "10.0.0.7,3", "[2001:db8::7", "10.0.0.7:80:90x]", "a,weight=-1"])("%j is none", (text) => {
    expect(parseBackend(text)).toBeUndefined();
  });

  it("is read as it is written", () => {
    const backend = fc.record(
      {
        address: fc.oneof(fc.ipV4(), fc.constantFrom("2001:db8::7", "::1", "fe80::1:2:3")),
        port: fc.integer({ min: 1, max: 65_535 }),
        weight: fc.integer({ min: 0, max: 100 }),
      },
      { requiredKeys: ["address"] },
    );
    fc.assert(
      fc.property(backend, (each) => {
        const { weight, ...rest } = each;
        expect(parseBackend(formatBackend(each))).toEqual(weight === undefined || weight === 1 ? rest : each);
      }),
    );
  });
});

describe("a file of rules", () => {
  const specs = fc.array(
    fc
      .record(
        {
          src: fc.constantFrom("any", "10.0.0.1", "10.0.0.0/24", "@bad"),
          action: fc.constantFrom("drop" as const, "pass" as const, "reject" as const),
          priority: fc.integer({ min: 0, max: 65_535 }),
          comment: fc.string({ maxLength: 20 }).filter((text) => text.trim() !== ""),
          tags: fc.array(fc.constantFrom("a", "b c"), { maxLength: 2 }),
        },
        { requiredKeys: ["action"] },
      )
      .map((rule) => RuleSpec.parse(rule)),
    { minLength: 2, maxLength: 8 },
  );
  const shown = (rules: readonly object[]) => ({
    apiVersion: "secuxflow/v1",
    kind: "RuleList",
    revision: 3,
    items: rules.map((rule, id) => ({ id, ...rule, createdAt: "2026-11-22T11:00:00.000Z", packets: 1, bytes: 2, activeOn: 1, agents: 1 })),
  });
  const read = async (text: string) => {
    const { rules, faults } = await readRules(text, NOW);
    return [rules.map(({ spec }) => spec), faults];
  };

  it("is read in every form that rules are printed in", async () => {
    await fc.assert(
      fc.asyncProperty(specs, async (rules) => {
        expect(await read(rules.map((rule) => JSON.stringify(rule)).join("\n"))).toEqual([rules, []]);
        expect(await read(JSON.stringify(rules, undefined, 2))).toEqual([rules, []]);
        expect(await read(JSON.stringify(shown(rules)))).toEqual([rules, []]);
        expect(await read(stringify(shown(rules)))).toEqual([rules, []]);
      }),
      { numRuns: 50 },
    );
  });

  it("is read to the end or refused, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.json().map((text) => `{"items":[${text}]}`)), async (text) => {
        const { rules, faults, expired } = await readRules(text, NOW);
        expect(rules.length + expired > 0 || faults.length > 0 || /\[\s*\]|^\s*(#.*)?$/.test(text)).toBe(true);
        for (const { flag } of faults) expect(flag).toMatch(/^line \d+/);
      }),
    );
  });

  it("names faults by line, in every form", async () => {
    const bad = '{\n  "items": [\n    {"src": "10.0.0.1", "action": "drop"},\n    {\n      "src": "10.0.0.1/8", "action": "drop"\n    }\n  ]\n}\n';
    expect((await readRules(bad, NOW)).faults).toMatchObject([{ flag: "line 4, src" }]);
    const yaml = "items:\n  - src: 10.0.0.1\n    action: drop\n  - src: nowhere\n    action: block\n";
    expect((await readRules(yaml, NOW)).faults.map(({ flag }) => flag)).toEqual(["line 4, src", "line 4, action"]);
    const lines = '{"action":"drop"}\n\n7\n{"action":"drop","port":1}\n{';
    expect((await readRules(lines, NOW)).faults.map(({ flag }) => flag)).toEqual(["line 3", "line 4, port", "line 5"]);
    expect((await readRules("items:\n  - a: [", NOW)).faults[0]?.flag).toMatch(/^line [23]/);
    expect((await readRules("just words", NOW)).faults[0]?.message).toContain("there are no rules in it");
    expect((await readRules('{"action":"drop","unknown":1}', NOW)).faults[0]?.message).toContain("unknown");
  });

  it("keeps the time that a rule has left, and leaves out one whose time is over", async () => {
    const rule = (expiresAt: string) => JSON.stringify({ src: "10.0.0.1", action: "drop", expiresAt });
    const text = [rule("2026-11-22T12:10:00.000Z"), rule("2026-11-22T11:59:59.000Z"), rule("2026-11-22T12:00:00.010Z")].join("\n");
    const { rules, expired, faults } = await readRules(text, NOW);
    expect([rules.map(({ spec }) => spec.ttlMs), expired, faults]).toEqual([[600_000, 1_000], 1, []]);
  });

  it("cannot exhaust memory by aliases", async () => {
    const bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nitems: [*b,*b,*b]\n";
    await expect(readRules(bomb, NOW)).resolves.toMatchObject({ rules: [] });
  });

  it("tells lines of elements as JSON.parse counts them", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ text: fc.string(), list: fc.array(fc.record({ a: fc.string() })) })), (items) => {
        const text = JSON.stringify({ kind: "x[{", items }, undefined, 1);
        const lines = elementLines(text);
        expect(lines).toHaveLength(items.length);
        const all = text.split("\n");
        for (const line of lines) expect(all[line - 1]).toBe("  {");
      }),
    );
  });
});
