import { encodeDomains } from "@secuxflow/rule-image";
import type { DomainEntry } from "@secuxflow/rule-image";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

let wasm: Compiled;
let text = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/match/test-entry.ts"))();
  text = wasm.call("room", 2_000);
});

function attach(entries: readonly DomainEntry[]): (name: string) => number[] {
  const image = encodeDomains(entries);
  const at = wasm.call("room", image.length);
  wasm.write(at, image);
  const table = wasm.call("domainsAttach", at, image.length);
  expect(table).toBeGreaterThan(0);
  return (name) => {
    wasm.write(text, Buffer.from(name, "latin1"));
    const count = wasm.call("domainLookup", table, text, name.length);
    return [...new Uint32Array(wasm.read(wasm.call("domainValues"), count * 4).buffer)].sort((a, b) => a - b);
  };
}

function model(entries: readonly DomainEntry[], name: string): number[] {
  const n = name.toLowerCase();
  return entries
    .filter(({ name: wanted, mode }) => {
      const w = wanted.toLowerCase();
      return n === w || (mode === "suffix" && n.endsWith(`.${w}`)) || (mode === "endswith" && n.endsWith(w));
    })
    .map(({ value }) => value)
    .sort((a, b) => a - b);
}

describe("domain tables", () => {
  it("match whole names, names under them, and ends", () => {
    const lookup = attach([
      { name: "evil.com", value: 1, mode: "suffix" },
      { name: "Evil.com", value: 2, mode: "exact" },
      { name: "il.com", value: 3, mode: "endswith" },
      { name: "com", value: 4, mode: "suffix" },
    ]);
    expect(lookup("EVIL.com")).toEqual([1, 2, 3, 4]);
    expect(lookup("a.b.evil.com")).toEqual([1, 3, 4]);
    expect(lookup("notevil.com")).toEqual([3, 4]);
    expect(lookup("evil.com.")).toEqual([]);
    expect(lookup("")).toEqual([]);
  });

  it("agree with the obvious way (property)", () => {
    const name = fc.array(fc.constantFrom("a", "B", ".", "ab", "com", "x-y", "\xe4"), { minLength: 1, maxLength: 9 }).map((p) => p.join(""));
    const entry = fc.record({ name, value: fc.nat({ max: 1e6 }), mode: fc.constantFrom("exact" as const, "suffix" as const, "endswith" as const) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.array(name, { maxLength: 20 }), (entries, names) => {
        const lookup = attach(entries);
        for (const n of [...names, ...entries.map((e) => e.name)]) {
          // Only ASCII folds: the model's toLowerCase would fold Latin-1 capitals, of which there are none here.
          expect(lookup(n)).toEqual(model(entries, n));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("survive damage: refuse it or stay within memory (property)", () => {
    const image = encodeDomains(Array.from({ length: 20 }, (_, i) => ({ name: `n${i}.example.com`, value: i, mode: "suffix" as const })));
    const at = wasm.call("room", image.length);
    fc.assert(
      fc.property(fc.nat({ max: image.length - 1 }), fc.integer({ min: 1, max: 255 }), (where, change) => {
        const damaged = image.slice();
        damaged[where] = (damaged[where] ?? 0) ^ change;
        wasm.write(at, damaged);
        const table = wasm.call("domainsAttach", at, image.length);
        wasm.write(text, Buffer.from("a.n3.example.com"));
        if (table !== 0) expect(wasm.call("domainLookup", table, text, 16)).toBeLessThanOrEqual(20);
        wasm.call("domainsDetach", table);
      }),
      { numRuns: 500 },
    );
  });

  it("do not take empty or overlong names", () => {
    expect(() => encodeDomains([{ name: "", value: 1, mode: "exact" }])).toThrow(/1 to 1024 bytes/);
    expect(() => encodeDomains([{ name: "a".repeat(1025), value: 1, mode: "exact" }])).toThrow(/1 to 1024 bytes/);
  });
});
