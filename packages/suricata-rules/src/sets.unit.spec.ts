import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { invertAddresses, parseAddresses, parseIpv4, parseIpv6 } from "./addresses.js";
import { RuleError } from "./errors.js";
import { parsePorts } from "./ports.js";

/** A list of ports as a tree, its text and what it holds by the slow way. */
type Tree =
  { kind: "item"; from: number; to: number } | { kind: "any" } | { kind: "list"; parts: { negated: boolean; tree: Tree }[] };

const SPAN = 40;
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc
      .record({ kind: fc.constant("item" as const), a: fc.nat(SPAN), b: fc.nat(SPAN) })
      .map(({ a, b }): Tree => ({ kind: "item", from: Math.min(a, b), to: Math.max(a, b) })),
    fc.constant<Tree>({ kind: "any" }),
    fc
      .array(fc.record({ negated: fc.boolean(), tree: tie("tree") }), { minLength: 1, maxLength: 4 })
      .map((parts): Tree => ({ kind: "list", parts })),
  ),
}));

function contains(node: Tree, value: number): boolean {
  if (node.kind === "any") return true;
  if (node.kind === "item") return value >= node.from && value <= node.to;
  const plus = node.parts.filter((part) => !part.negated);
  const minus = node.parts.filter((part) => part.negated);
  return (
    (plus.length === 0 || plus.some((part) => contains(part.tree, value))) && !minus.some((part) => contains(part.tree, value))
  );
}

function print(node: Tree, range: (from: number, to: number) => string): string {
  if (node.kind === "any") return "any";
  if (node.kind === "item") return range(node.from, node.to);
  return `[${node.parts.map(({ negated, tree: inner }) => `${negated ? "!" : ""}${print(inner, range)}`).join(", ")}]`;
}

const PROBES = Array.from({ length: SPAN + 2 }, (_, i) => i);
const none = new Map<string, string>();

describe("port and address lists", () => {
  it("hold what the slow reading of the list says (ports)", () => {
    fc.assert(
      fc.property(tree, (node) => {
        const text = print(node, (from, to) => (from === to ? `${from}` : `${from}:${to}`));
        const expected = PROBES.map((value) => contains(node, value));
        // Behind the probes nothing changes any more.
        if (!expected.includes(true)) {
          expect(() => parsePorts(text, 0, none)).toThrow(RuleError);
          return;
        }
        const set = parsePorts(text, 0, none);
        expect(PROBES.map((value) => set.ranges.some(({ from, to }) => value >= from && value <= to))).toEqual(expected);
        for (const [i, { from, to }] of set.ranges.entries()) {
          expect(from).toBeLessThanOrEqual(to);
          if (i > 0) expect(from).toBeGreaterThan(set.ranges[i - 1]!.to + 1);
        }
      }),
    );
  });

  it("hold what the slow reading of the list says (IPv4 and IPv6 at once)", () => {
    fc.assert(
      fc.property(tree, (node) => {
        const v4 = print(node, (from, to) => `10.0.0.${from}-10.0.0.${to}`);
        const v6 = print(node, (from, to) => `2001:db8::${from.toString(16)}-2001:db8::${to.toString(16)}`);
        const expected = PROBES.map((value) => contains(node, value));
        if (!expected.includes(true)) return;
        const base4 = parseIpv4("10.0.0.0")!;
        const base6 = parseIpv6("2001:db8::")!;
        const set4 = parseAddresses(v4, 0, none);
        const set6 = parseAddresses(v6, 0, none);
        expect(PROBES.map((value) => set4.v4.some(({ from, to }) => base4 + value >= from && base4 + value <= to))).toEqual(
          expected,
        );
        expect(
          PROBES.map((value) => set6.v6.some(({ from, to }) => base6 + BigInt(value) >= from && base6 + BigInt(value) <= to)),
        ).toEqual(expected);
        const outside = invertAddresses(set4);
        expect(PROBES.map((value) => outside.v4.some(({ from, to }) => base4 + value >= from && base4 + value <= to))).toEqual(
          expected.map((held) => !held),
        );
      }),
    );
  });

  it("read prefixes, masks and variables", () => {
    const variables = new Map([
      ["HOME", "[192.168.0.0/16, $LAB]"],
      ["LAB", "10.1.0.0/255.255.0.0"],
      ["LOOP", "$LOOP"],
    ]);
    const home = parseAddresses("[$HOME, !192.168.1.0/24]", 0, variables);
    expect(home.v4).toEqual([
      { from: 0x0a010000, to: 0x0a01ffff },
      { from: 0xc0a80000, to: 0xc0a800ff },
      { from: 0xc0a80200, to: 0xc0a8ffff },
    ]);
    expect(home.v6).toEqual([]);
    expect(parseAddresses("!$HOME", 0, variables).any).toBe(false);
    expect(parseAddresses("any", 0, variables).any).toBe(true);
    expect(parseAddresses("fe80::/10", 0, variables).v6).toEqual([{ from: 0xfe80n << 112n, to: (0xfec0n << 112n) - 1n }]);
    expect(parseIpv6("::ffff:1.2.3.4")).toBe(0xffff01020304n);
    for (const bad of [
      "$NONE",
      "$LOOP",
      "1.2.3",
      "1.2.3.4/33",
      "1.2.3.256",
      "[1.2.3.4",
      "!!1.2.3.4",
      "[]",
      "![0.0.0.0/0,::/0]",
      "1::2::3",
      "12345::",
    ]) {
      expect(() => parseAddresses(bad, 0, variables), bad).toThrow(RuleError);
    }
    for (const bad of ["65536", "90:80", ":", "http", "[80", "!0:65535"])
      expect(() => parsePorts(bad, 0, none), bad).toThrow(RuleError);
  });
});
