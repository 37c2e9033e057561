import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../errors.js";
import { decodeInteger, encodeVariable, type VariableSpec } from "./variable-spec.js";

const variable = (encoding: VariableSpec["encoding"], size: number): VariableSpec =>
  ({ name: "v", section: ".data", kind: "data", offset: 0, size, encoding });

describe("values of global variables", () => {
  const sizes = fc.constantFrom(1, 2, 4, 8);

  it("keep every integer that fits, and refuse every other one", () => {
    fc.assert(fc.property(sizes, fc.boolean(), fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }), (size, signed, value) => {
      const spec = variable(signed ? "signed" : "unsigned", size);
      const bits = size * 8;
      const fits = (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
      if (fits) expect(decodeInteger(spec, encodeVariable(spec, value))).toBe(value);
      else expect(() => encodeVariable(spec, value)).toThrow(ArgumentError);
    }));
  });

  it("keep the limits of each size", () => {
    for (const size of [1, 2, 4, 8]) {
      const bits = BigInt(size * 8);
      for (const value of [0n, 2n ** bits - 1n]) {
        expect(decodeInteger(variable("unsigned", size), encodeVariable(variable("unsigned", size), value))).toBe(value);
      }
      for (const value of [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]) {
        expect(decodeInteger(variable("signed", size), encodeVariable(variable("signed", size), value))).toBe(value);
      }
      expect(() => encodeVariable(variable("unsigned", size), 2n ** bits)).toThrow(ArgumentError);
      expect(() => encodeVariable(variable("signed", size), 2n ** (bits - 1n))).toThrow(ArgumentError);
    }
  });

  it("take numbers, booleans, floats and bytes for what they are", () => {
    expect([...encodeVariable(variable("unsigned", 2), 258)]).toEqual([2, 1]);
    expect([...encodeVariable(variable("boolean", 1), true)]).toEqual([1]);
    expect(() => encodeVariable(variable("boolean", 1), 2)).toThrow(/0 to 1/);
    expect(Buffer.from(encodeVariable(variable("float", 8), 1.5)).readDoubleLE()).toBe(1.5);
    expect(Buffer.from(encodeVariable(variable("float", 4), 1.5)).readFloatLE()).toBe(1.5);
    expect(() => encodeVariable(variable("float", 8), 1n)).toThrow(ArgumentError);
    expect(() => encodeVariable(variable("unsigned", 4), 1.5)).toThrow(/integer/);
    expect(() => encodeVariable(variable("unsigned", 4), NaN)).toThrow(ArgumentError);
    expect(() => encodeVariable(variable("unsigned", 8), 2 ** 60)).toThrow(/bigint/);
    expect([...encodeVariable(variable("bytes", 3), Buffer.from([1, 2, 3]))]).toEqual([1, 2, 3]);
    expect(() => encodeVariable(variable("bytes", 3), 1)).toThrow(/Buffer/);
    expect(() => encodeVariable(variable("unsigned", 4), Buffer.alloc(3))).toThrow(/must have 4 bytes, was given 3/);
    expect(() => decodeInteger(variable("bytes", 3), Buffer.alloc(3))).toThrow(ArgumentError);
  });
});
