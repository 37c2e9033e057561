import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

const [RAW, ZLIB, GZIP, AUTO] = [0, 1, 2, 3];
const [MORE, END, LIMIT, BOMB, BROKEN, MEMORY] = [0, 1, 2, -1, -2, -3];

let wasm: Compiled;
let input = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/codec/test-entry.ts"))();
  input = wasm.call("room", 1 << 20);
});

interface Outcome {
  readonly result: number;
  readonly data: Buffer;
}

/** Inflates in pieces of the given sizes (the last one is repeated). */
function inflate(wrapper: number, bytes: Uint8Array, cuts: readonly number[] = [bytes.length], limit = 1 << 30, ratio = 0): Outcome {
  const state = wasm.call("inflateNew", wrapper, limit, ratio);
  const out = wasm.call("bufferNew");
  let result = MORE;
  let n = 0;
  for (let at = 0; at < bytes.length && result === MORE; n++) {
    const piece = bytes.subarray(at, at + Math.max(1, cuts[Math.min(n, cuts.length - 1)] ?? 1));
    wasm.write(input, piece);
    result = wasm.call("inflateSome", state, input, piece.length, out);
    at += piece.length;
  }
  const view = new DataView(wasm.bytes().buffer);
  const data = Buffer.from(wasm.read(view.getUint32(out, true), view.getUint32(out + 4, true)));
  wasm.call("bufferDone", out);
  wasm.call("inflateFree", state);
  return { result, data };
}

const text = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc.array(fc.constantFrom("abc", "hello ", "\0\0\0\0", "x", "<html>"), { maxLength: 3_000 }).map((words) => Buffer.from(words.join(""))),
  fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 9_000 })).map(([bytes, n]) => Buffer.concat(Array.from({ length: n }, () => bytes))),
);

describe("inflate", () => {
  it("gives back what zlib packed, in any wrapper, level, strategy and pieces (property)", () => {
    fc.assert(
      fc.property(text, fc.constantFrom(0, 1, 6, 9), fc.constantFrom(0, 1, 2, 3, 4), fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
        (data, level, strategy, cuts) => {
          const options = { level, strategy };
          const expected = Buffer.from(data);
          expect(inflate(RAW, deflateRawSync(data, options), cuts)).toEqual({ result: END, data: expected });
          expect(inflate(ZLIB, deflateSync(data, options), cuts)).toEqual({ result: END, data: expected });
          expect(inflate(GZIP, gzipSync(data, options), cuts).data).toEqual(expected);
          expect(inflate(AUTO, gzipSync(data, options), cuts).data).toEqual(expected);
          expect(inflate(AUTO, deflateSync(data, options), cuts)).toEqual({ result: END, data: expected });
        }),
      { numRuns: 60 },
    );
    expect(wasm.call("memoryTaken")).toBe(0);
  });

  it("does so byte by byte, over more than one window", () => {
    const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 5)) % 251 & (i % 7 ? 255 : 15)));
    for (const cuts of [[1], [4096], [1 << 20]]) expect(inflate(RAW, deflateRawSync(data), cuts)).toEqual({ result: END, data });
  });

  it("joins gzip members, ignores what follows, skips all header fields, and takes a missing end", () => {
    const [one, two] = [gzipSync("one"), gzipSync("two")];
    expect(inflate(GZIP, Buffer.concat([one, two]), [5]).data.toString()).toBe("onetwo");
    expect(inflate(GZIP, Buffer.concat([one, Buffer.from("junk")]))).toEqual({ result: END, data: Buffer.from("one") });
    expect(inflate(GZIP, one.subarray(0, one.length - 8)).data.toString()).toBe("one");
    const fields = Buffer.concat([one.subarray(0, 3), Buffer.from([4 | 8 | 16 | 2]), one.subarray(4, 10), Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from("name\0comment\0"), Buffer.from([9, 9]), one.subarray(10)]);
    for (const cuts of [[1], [100]]) expect(inflate(AUTO, fields, cuts).data.toString()).toBe("one");
  });

  it("stops at the limit and at bombs, with what came before", () => {
    const zeros = deflateRawSync(Buffer.alloc(5_000_000));
    expect(inflate(RAW, zeros, [100], 10_000)).toEqual({ result: LIMIT, data: Buffer.alloc(10_000) });
    const bomb = inflate(RAW, zeros, [100], 1 << 30, 100);
    expect(bomb.result).toBe(BOMB);
    expect(bomb.data.length).toBeLessThan(300_000);
  });

  it("refuses broken data but keeps what was good, and says so again", () => {
    expect(inflate(RAW, Buffer.from([7])).result).toBe(BROKEN);
    expect(inflate(ZLIB, Buffer.from("hello")).result).toBe(BROKEN);
    const tooFar = Buffer.from([0x4b, 0x04, 0x22, 0x00, 0x00, 0x00]);
    expect(inflate(RAW, tooFar).result).not.toBe(END);
  });

  it("never writes or reads outside, whatever comes (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.constantFrom(RAW, AUTO), fc.nat({ max: 4_000 }), (noise, wrapper, flip) => {
        expect([MORE, END, LIMIT, BROKEN]).toContain(inflate(wrapper, noise, [7], 1 << 20).result);
        const good = deflateRawSync(Buffer.from(noise.map((byte) => byte & 7)), { level: 9 });
        good[flip % good.length] = (good[flip % good.length] ?? 0) ^ (1 << (flip % 8));
        expect([MORE, END, LIMIT, BROKEN]).toContain(inflate(RAW, good, [50], 1 << 20).result);
      }),
      { numRuns: 400 },
    );
    expect(wasm.call("memoryTaken")).toBe(0);
  });

  it("says when memory is short", () => {
    wasm.call("setMemoryBudget", 2_000);
    expect(inflate(RAW, deflateRawSync("hello")).result).toBe(MEMORY);
    wasm.call("setMemoryBudget", 64 << 20);
  });
});
