import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError, UnknownNameError } from "../errors.js";
import { BtfWriter } from "../testing/btf-writer.js";
import { Btf } from "./btf.js";
import { BtfKind } from "./kinds.js";
import { structLayout } from "./layout.js";

describe("Btf", () => {
  it("finds the members of any struct where C puts them", () => {
    const member = fc.record({ size: fc.constantFrom(1, 2, 4, 8), count: fc.integer({ min: 1, max: 9 }), pointer: fc.boolean() });
    fc.assert(fc.property(fc.array(member, { minLength: 1, maxLength: 20 }), (members) => {
      const writer = new BtfWriter();
      const expected: { name: string; offset: number; size: number }[] = [];
      const written: { name: string; type: number; bitOffset: number }[] = [];
      let offset = 0;
      for (const [index, one] of members.entries()) {
        const element = one.pointer ? writer.add("", BtfKind.PTR, 0, 0) : writer.int(`int${index}`, one.size);
        const size = one.pointer ? 8 : one.size;
        const type = one.count === 1 ? element : writer.array(element, one.count);
        offset = Math.ceil(offset / size) * size;
        written.push({ name: `m${index}`, type, bitOffset: offset * 8 });
        expected.push({ name: `m${index}`, offset, size: size * one.count });
        offset += size * one.count;
      }
      writer.struct("s", offset, written);
      const layout = structLayout(Btf.parse(writer.bytes()), "s");
      expect(layout.members.map(({ name, offset: at, size }) => ({ name, offset: at, size }))).toEqual(expected);
      expect(layout.size).toBe(offset);
    }));
  });

  it("flattens anonymous members, follows typedefs and shows bit fields", () => {
    const writer = new BtfWriter();
    const u32 = writer.int("u32", 4);
    const inner = writer.struct("", 8, [{ name: "x", type: u32, bitOffset: 0 }, { name: "y", type: u32, bitOffset: 32 }]);
    const union = writer.struct("", 8, [{ name: "", type: inner, bitOffset: 0 }, { name: "raw", type: u32, bitOffset: 0 }], true);
    const alias = writer.add("word", BtfKind.TYPEDEF, 0, writer.add("", BtfKind.CONST, 0, u32));
    const outer = writer.struct("outer", 20, [
      { name: "first", type: alias, bitOffset: 0 }, { name: "", type: union, bitOffset: 32 }, { name: "bits", type: u32, bitOffset: 101, bitSize: 7 },
    ]);
    writer.add("outer_t", BtfKind.TYPEDEF, 0, outer);
    const btf = Btf.parse(writer.bytes());
    expect(structLayout(btf, "outer_t").members).toEqual([
      { name: "first", offset: 0, size: 4, type: "word" }, { name: "x", offset: 4, size: 4, type: "u32" },
      { name: "y", offset: 8, size: 4, type: "u32" }, { name: "raw", offset: 4, size: 4, type: "u32" },
      { name: "bits", offset: 12, size: 4, type: "u32", bits: { offset: 101, size: 7 } },
    ]);
    expect(() => structLayout(btf, "word")).toThrow(UnknownNameError);
    expect(() => structLayout(btf, "none")).toThrow(/outer/);
  });

  it("refuses loops and giants instead of following them", () => {
    const loop = new BtfWriter();
    loop.add("a", BtfKind.TYPEDEF, 0, 2);
    loop.add("b", BtfKind.TYPEDEF, 0, 1);
    loop.struct("self", 4, [{ name: "", type: 3, bitOffset: 0 }]);
    const btf = Btf.parse(loop.bytes());
    expect(() => btf.resolve(1)).toThrow(SpecError);
    expect(() => btf.size(2)).toThrow(SpecError);
    expect(() => structLayout(btf, "self")).toThrow(/nested more than/);
    expect(btf.describe(1)).toBe("a");
    const bomb = new BtfWriter();
    let type = bomb.int("char", 1);
    for (let i = 0; i < 8; i++) type = bomb.array(type, 65536);
    expect(() => Btf.parse(bomb.bytes()).size(type)).toThrow(/4 GiB/);
    const wide = new BtfWriter();
    let level = wide.struct("", 1, [{ name: "x", type: wide.int("char", 1), bitOffset: 0 }]);
    for (let i = 0; i < 20; i++) {
      level = wide.struct(i === 19 ? "wide" : "", 1, [0, 1].map(() => ({ name: "", type: level, bitOffset: 0 })));
    }
    expect(() => structLayout(Btf.parse(wide.bytes()), "wide")).toThrow(/more than 65536 members/);
  });

  it("answers any damaged input with a SpecError or a value", () => {
    const writer = new BtfWriter();
    const u32 = writer.int("u32", 4);
    writer.struct("s", 12, [{ name: "a", type: u32, bitOffset: 0 }, { name: "b", type: writer.array(u32, 2), bitOffset: 32 }]);
    writer.add(".maps", BtfKind.DATASEC, 1, 8, [writer.add("v", BtfKind.VAR, 0, u32, [1]), 0, 4]);
    const good = writer.bytes();
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(damage, fc.nat(good.length), (changes, cut) => {
      const bytes = Buffer.from(good.subarray(0, good.length - (cut % 7)));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      try {
        const btf = Btf.parse(bytes);
        for (let id = 0; id < btf.typeCount; id++) {
          for (const use of [(): unknown => btf.describe(id), (): unknown => btf.size(id), (): unknown => btf.members(btf.type(id))]) {
            try {
              use();
            } catch (error) {
              expect(error).toBeInstanceOf(SpecError);
            }
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(SpecError);
      }
    }), { numRuns: 500 });
    expect(() => Btf.parse(Buffer.alloc(0))).toThrow(SpecError);
    expect(() => Btf.parse(Buffer.alloc(24))).toThrow(/magic/);
  });
});
