import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { SpecError } from "../errors.js";
import { clang, compileFixture } from "../testing/fixtures.js";
import { readObjectSpec, structLayoutOf } from "./object-spec.js";

describe.skipIf(clang === undefined)("readObjectSpec (needs clang)", () => {
  let file = "";
  beforeAll(() => { file = compileFixture("basic"); });

  it("reads programs, maps and variables", () => {
    const spec = readObjectSpec(file);
    expect(spec.license).toBe("Dual BSD/GPL");
    expect([...spec.programs.keys()])
      .toEqual(["decide", "generation", "interface_of", "drop_all", "count_keys", "tc_drop", "tc_pass"]);
    expect(spec.programs.get("tc_drop")).toEqual({ name: "tc_drop", section: "tc", type: "sched_cls", instructionCount: 2 });
    expect(spec.maps.get("by_key")).toMatchObject({
      type: "hash", keySize: 4, valueSize: 80, maxEntries: 1024, flags: 0, pinByName: false, valueType: "struct stats",
    });
    expect(spec.maps.get("mapped")).toMatchObject({ type: "array", flags: 1 << 10 });
    expect(spec.maps.get("per_cpu")).toMatchObject({ type: "percpu_array", keySize: 4, valueSize: 12 });
    expect(spec.maps.get("generations")?.inner).toMatchObject({ type: "array", maxEntries: 1, flags: 1 << 12 });
    expect(spec.maps.get("pinned")?.pinByName).toBe(true);
    expect(spec.maps.get(".rodata")).toMatchObject({ section: "rodata", maxEntries: 1 });
    expect(spec.variables.get("negative")).toMatchObject({ section: ".rodata", size: 2, encoding: "signed" });
    expect(spec.variables.get("enabled")).toMatchObject({ size: 1, encoding: "boolean" });
    expect(spec.variables.get("verdict")).toMatchObject({ size: 4, encoding: "unsigned", type: "const volatile enum verdict" });
    expect(spec.variables.get("blob")).toMatchObject({ size: 6, encoding: "bytes" });
    expect(structLayoutOf(spec, "stats").size).toBe(80);
  });

  it("answers damaged files with a SpecError or a spec, nothing else", () => {
    const good = readFileSync(file);
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
    let refused = 0;
    fc.assert(fc.property(damage, fc.option(fc.nat(good.length)), (changes, cut) => {
      const bytes = Buffer.from(good.subarray(0, cut ?? good.length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      try {
        readObjectSpec(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SpecError);
        refused++;
      }
    }), { numRuns: 500 });
    expect(refused).toBeGreaterThan(100);
  });
});

describe("readObjectSpec", () => {
  it("refuses what is no BPF object", () => {
    expect(() => readObjectSpec(Buffer.alloc(0))).toThrow(/not an ELF file/);
    expect(() => readObjectSpec(Buffer.from("\x7fELF".padEnd(100, "\0")))).toThrow(/64-bit little-endian/);
    expect(() => readObjectSpec(readFileSync(process.execPath))).toThrow(/machine \d+, not for BPF/);
  });
});
