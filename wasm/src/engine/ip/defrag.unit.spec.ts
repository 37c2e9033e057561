import { buildFragments, buildFrame } from "@secuxflow/testkit";
import type { FrameSpec } from "@secuxflow/testkit";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { Decoder } from "../decode/rig.js";

const POLICIES = ["first", "last", "bsd", "bsd-right", "linux", "windows", "solaris"] as const;
type Policy = (typeof POLICIES)[number];
type Piece = { start: number; end: number; text: string; more: boolean };

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/decode/test-entry.ts");
});
const four = { src: "10.0.0.1", dst: "10.0.0.2" };
const six = { src: "2001:db8::1", dst: "2001:db8::2" };

function fragment(family: number, { start, text, more }: Piece, id = 7): Buffer {
  const spec: FrameSpec =
    family === 4
      ? { ipv4: { ...four, id, protocol: 253, fragmentOffset: start, moreFragments: more }, payload: text }
      : { ipv6: { ...six, nextHeader: 253, extensions: [{ kind: "fragment", id, offset: start, more }] }, payload: text };
  return buildFrame(spec);
}

/** Novak's table. */
function newWins(policy: Policy, piece: Piece, old: Piece): boolean {
  switch (policy) {
    case "first":
      return false;
    case "last":
      return true;
    case "bsd":
      return piece.start < old.start;
    case "bsd-right":
      return piece.start >= old.start;
    case "linux":
      return piece.start <= old.start;
    case "windows":
      return piece.start < old.start && piece.end > old.end;
    case "solaris":
      return piece.start < old.start && piece.end >= old.end;
  }
}

/** Every byte belongs to one fragment; a later one takes it over by the table. */
function model(policy: Policy, pieces: readonly Piece[], total: number): string {
  const owner = new Array<Piece | undefined>(total).fill(undefined);
  const bytes = new Array<string>(total).fill("");
  for (const piece of pieces) {
    for (let at = piece.start; at < Math.min(piece.end, total); at++) {
      const old = owner[at];
      if (old !== undefined && !newWins(policy, piece, old)) continue;
      owner[at] = piece;
      bytes[at] = piece.text.charAt(at - piece.start);
    }
  }
  return bytes.join("");
}

const letters = (seed: number, length: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(97 + ((seed * 7 + i) % 26))).join("");

/** Random overlapping pieces of a datagram of 64 to 200 bytes, then ones that fill all holes, the last one at the end. */
const pieces = fc
  .tuple(fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 6 })), { maxLength: 10 }), fc.integer({ min: 8, max: 25 }))
  .map(([random, blocks]) => {
    const total = blocks * 8 - 3;
    const out: Piece[] = [];
    random.forEach(([block, length], i) => {
      const start = block * 8;
      const end = Math.min(start + length * 8, (blocks - 1) * 8);
      if (start < end) out.push({ start, end, text: letters(i, end - start), more: true });
    });
    for (let block = 0; block < blocks - 1; block++) {
      const start = block * 8;
      if (!out.some((piece) => piece.start <= start && start < piece.end))
        out.push({ start, end: start + 8, text: letters(block + 50, 8), more: true });
    }
    out.push({ start: (blocks - 1) * 8, end: total, text: letters(99, total - (blocks - 1) * 8), more: false });
    return { all: out, total };
  });

describe("defragmentation", () => {
  it.each(POLICIES.map((policy, i) => [policy,
    i] as const))("is the model's for %s, in IPv4 and IPv6 (property)", (policy, number) => {
    const d = new Decoder(fresh());
    d.wasm.call("setFragmentPolicy", number);
    const before = d.wasm.call("memoryTaken");
    fc.assert(
      fc.property(pieces, fc.constantFrom(4, 6), ({ all, total }, family) => {
        let done: string[] = [];
        for (const piece of all) {
          expect(done).toEqual([]);
          d.frame(fragment(family, piece));
          done = d.completed();
        }
        expect(done).toEqual([model(policy, all, total)]);
        d.frame(Buffer.alloc(60));
        expect(d.wasm.call("memoryTaken")).toBe(before);
      }),
      { numRuns: 60 },
    );
  });

  it("does not care for order when nothing overlaps (property)", () => {
    const d = new Decoder(fresh());
    fc.assert(
      fc.property(fc.constantFrom(4, 6), fc.integer({ min: 1, max: 500 }), fc.array(fc.nat(1_000), { minLength: 30,
        maxLength: 30 }), (family, size, random) => {
        const payload = letters(3, size * 3);
        const ip = family === 4 ? { ipv4: { ...four, id: size } } : { ipv6: six };
        const frames = buildFragments({ ...ip, udp: { srcPort: 5, dstPort: 6 }, payload }, 64, size);
        const shuffled = frames.map((frame, i) => ({ frame, key: random[i] ?? 0 })).sort((a, b) => a.key - b.key);
        let done: string[] = [];
        for (const { frame } of shuffled) {
          d.frame(frame);
          done = d.completed();
        }
        if (frames.length > 1) expect(done).toEqual([payload]);
        expect(d.get("dport", d.count - 1)).toBe(6);
      }),
      { numRuns: 60 },
    );
  });

  it("verifies the checksum of what was put together", () => {
    const d = new Decoder(fresh());
    for (const frame of buildFragments({ ipv4: four, udp: { srcPort: 5, dstPort: 6 }, payload: letters(1, 500) }, 128))
      d.frame(frame);
    expect(d.wasm.call("checksums", 1)).toBe(3);
  });
});

describe("policies by receiver", () => {
  it("are those of its longest network", () => {
    const d = new Decoder(fresh());
    const at = d.wasm.call("take", 16);
    const add = (ip: readonly number[], bits: number, policy: number): void => {
      d.wasm.write(at, Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...ip]));
      expect(d.wasm.call("addFragmentPolicy", at, 96 + bits, policy)).toBe(1);
    };
    add([10, 0, 0, 0], 8, 1);
    add([10, 0, 0, 0], 30, 0);
    add([10, 0, 0, 4], 30, 1);
    add([0, 0, 0, 0], 0, 1);
    d.frame(fragment(4, { start: 0, end: 8, text: "oooooooo", more: true }));
    d.frame(fragment(4, { start: 0, end: 8, text: "nnnnnnnn", more: true }));
    d.frame(fragment(4, { start: 8, end: 9, text: "!", more: false }));
    expect(d.completed()).toEqual(["oooooooo!"]);
  });
});

describe("limits of defragmentation", () => {
  const half = (id: number): Buffer => fragment(4, { start: 0, end: 8, text: "abcdefgh", more: true }, id);

  it("forget the oldest datagram when there are too many", () => {
    const d = new Decoder(fresh());
    d.wasm.call("setDefragLimits", 60, 3, 1 << 20, 100);
    for (let id = 0; id < 5; id++) d.frame(half(id));
    expect(d.wasm.call("defragTrackers")).toBe(3);
    d.frame(fragment(4, { start: 8, end: 9, text: "!", more: false }, 4));
    expect(d.completed()).toEqual(["abcdefgh!"]);
    d.frame(fragment(4, { start: 8, end: 9, text: "!", more: false }, 0));
    expect(d.completed()).toEqual([]);
  });

  it("forget what stays incomplete, and say so when more of it comes", () => {
    const d = new Decoder(fresh());
    d.frame(half(1));
    d.ms += 61_000;
    d.frame(fragment(4, { start: 8, end: 9, text: "!", more: false }, 1));
    expect(d.completed()).toEqual([]);
    expect(d.events()).toContain("ipv4.frag_timeout");
  });

  it("give all memory back", () => {
    const d = new Decoder(fresh());
    const before = d.wasm.call("memoryTaken");
    for (let id = 0; id < 100; id++) d.frame(half(id));
    d.wasm.call("defragTick", 2_000_000);
    expect(d.wasm.call("memoryTaken")).toBe(before);
    expect(d.wasm.call("defragTimeouts")).toBe(100);
  });

  it("refuse when memory is short, without a trap", () => {
    const d = new Decoder(fresh());
    d.wasm.call("setMemoryBudget", d.wasm.call("memoryTaken") + 100);
    d.frame(half(1));
    expect(d.events()).toContain("ipv4.frag_ignored");
  });
});
