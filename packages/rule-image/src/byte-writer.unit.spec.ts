import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "./byte-writer.js";

describe("ByteWriter", () => {
  it("writes what was said, however often it grows (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat({ max: 0xffffffff }), fc.uint8Array({ maxLength: 50 }))), (things) => {
        const out = new ByteWriter(1);
        const expected: number[] = [];
        for (const thing of things) {
          if (typeof thing === "number") {
            out.u32(thing);
            expected.push(thing & 255, (thing >>> 8) & 255, (thing >>> 16) & 255, thing >>> 24);
          } else {
            out.bytes(thing);
            expected.push(...thing);
          }
        }
        expect([...out.finish()]).toEqual(expected);
      }),
    );
  });

  it("fills in labels, pads, patches, and refuses labels without a place", () => {
    const out = new ByteWriter();
    const end = out.label();
    out.u8(1).u32Label(end).align(8).u16(0xabcd).i32(-1).u64(5n).f64(0.5).place(end).patchU32(8, 7).patchU8(0, 9);
    const bytes = out.finish();
    const view = new DataView(bytes.buffer);
    expect([view.getUint8(0), view.getUint32(1, true), view.getUint32(8, true)]).toEqual([9, 30, 7]);
    expect(view.getFloat64(22, true)).toBe(0.5);
    expect(() => out.patchU32(28, 1)).toThrow(RangeError);
    expect(() => out.patchU8(30, 1)).toThrow(RangeError);
    out.u32Label(out.label());
    expect(() => out.finish()).toThrow(/never placed/);
  });
});
