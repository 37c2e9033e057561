import { numbers } from "@secuxflow/seclang";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";

let wasm: Compiled;
beforeAll(async () => {
  wasm = (await compileEntry("engine/seclang/test-entry.ts"))();
});

describe("classes of bytes", () => {
  it("are those that the compiler knows", () => {
    const at = wasm.call("take", 64);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        wasm.write(at, bytes);
        const expected = bytes.reduce((mask, byte) => mask | (1n << BigInt(numbers.classOf(byte))), 1n << 63n);
        expect(BigInt.asUintN(64, wasm.call64("classes", at, bytes.length))).toBe(expected);
      }),
    );
  });
});
