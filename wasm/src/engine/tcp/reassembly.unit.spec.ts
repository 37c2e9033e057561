import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { POLICIES, Rig } from "./rig.js";
import type { Policy } from "./rig.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/tcp/test-entry.ts");
});

type Segment = { start: number; end: number; text: string };

const segment = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.stringMatching(/^[a-z]{2,14}$/)).map(
  ([start, text]): Segment => ({ start, end: start + text.length, text }),
);
const segments = fc.array(segment, { minLength: 1, maxLength: 14 });

/** Novak and Sturges' table, as sentences. */
function newWins(policy: Policy, seg: Segment, old: Segment): boolean {
  const [startsBefore, startsSame] = [seg.start < old.start, seg.start === old.start];
  const [endsAfter, endsSame] = [seg.end > old.end, seg.end === old.end];
  switch (policy) {
    case "last":
      return true;
    case "bsd":
    case "hpux10":
    case "irix":
    case "macos":
    case "windows":
    case "windows2k3":
      return startsBefore;
    case "linux":
      return startsBefore || (startsSame && endsAfter);
    case "old-linux":
      return startsBefore || (startsSame && (endsAfter || endsSame));
    case "solaris":
    case "hpux11":
      return endsAfter || ((startsBefore || startsSame) && endsSame);
    default:
      return false;
  }
}

/** Every byte by itself: a new one replaces the old unless one of the segments that cover it says otherwise. */
function model(all: readonly Segment[], wins: (seg: Segment, old: Segment) => boolean): { text: string; different: boolean } {
  const bytes = new Map<number, string>();
  const seen: Segment[] = [];
  let different = false;
  for (const seg of all) {
    const before = new Map(bytes);
    for (let at = seg.start; at < seg.end; at++) {
      const mine = seg.text.charAt(at - seg.start);
      const covering = seen.filter((old) => old.start <= at && at < old.end);
      if (covering.length > 0 && before.get(at) !== mine) different = true;
      // A segment whose overlap with an old one does not differ leaves it alone anyway.
      const loses = covering.some((old) => !wins(seg, old) && differs(before, seg, old));
      if (covering.length === 0 || !loses) bytes.set(at, mine);
    }
    if (!seen.some((old) => old.start === seg.start && old.end === seg.end)) seen.push(seg);
  }
  let text = "";
  const last = Math.max(...all.map(({ end }) => end));
  for (let at = 0, hole = 0; at <= last; at++) {
    const byte = bytes.get(at);
    if (byte === undefined && at < last) hole++;
    else {
      if (hole > 0) text += `<${hole}>`;
      hole = 0;
      text += byte ?? "";
    }
  }
  return { text, different };
}

function differs(bytes: ReadonlyMap<number, string>, seg: Segment, old: Segment): boolean {
  for (let at = Math.max(seg.start, old.start); at < Math.min(seg.end, old.end); at++)
    if (bytes.get(at) !== seg.text.charAt(at - seg.start)) return true;
  return false;
}

/** All segments, then an ACK of everything; what was delivered, and whether different data was reported. */
function play(wasm: Compiled, all: readonly Segment[], isn: number): { text: string; different: boolean } {
  const t = new Rig(wasm);
  t.isn.client = isn;
  const before = wasm.call("memoryTaken");
  t.connect();
  let different = false;
  for (const { start, text } of all) {
    expect(t.client({ seq: 1 + start }, text)).toBe(0);
    different ||= t.events().includes("stream.reassembly_overlap_different_data");
  }
  t.server({ seq: 1, ack: 1 + Math.max(...all.map(({ end }) => end)) });
  const text = t.text(0);
  t.finish();
  expect(wasm.call("windowTrouble")).toBe(0);
  expect(wasm.call("memoryTaken")).toBe(before);
  return { text, different };
}

describe("reassembly of random overlapping segments", () => {
  it.each(POLICIES.map((policy, i) => [policy, i] as const))("is the model's for %s (property)", (policy, number) => {
    fc.assert(
      fc.property(segments, fc.constantFrom(1_000, 0xffff_fff0), (all, isn) => {
        const wasm = fresh();
        wasm.call("setDefaultPolicy", number);
        expect(play(wasm, all, isn)).toEqual(model(all, (seg, old) => newWins(policy, seg, old)));
      }),
      { numRuns: 40 },
    );
  });

  it("is what came first, inline (property)", () => {
    fc.assert(
      fc.property(segments, fc.constantFrom(1_000, 0xffff_fff0), (all, isn) => {
        const wasm = fresh();
        wasm.call("setInlineMode", 1);
        const { text, different } = play(wasm, all, isn);
        const expected = model(all, () => false);
        expect(text).toBe(expected.text);
        expect(different).toBe(expected.different);
      }),
      { numRuns: 100 },
    );
  });

  it("is complete with ACKs anywhere, when retransmissions are honest (property)", () => {
    const text = Array.from({ length: 4_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join("");
    const step = fc.record({
      start: fc.integer({ min: 0, max: 3_900 }),
      length: fc.integer({ min: 2, max: 1_400 }),
      ack: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 1 }), fc.constantFrom(0, 100, 4_096), (steps,
        mode, keep) => {
        const wasm = fresh();
        wasm.call("setInlineMode", mode);
        wasm.call("setWindowKeep", keep);
        const t = new Rig(wasm);
        t.connect();
        const seen = new Set<number>();
        let acked = 0;
        const ack = (to: number): void => {
          acked = Math.max(acked, to);
          t.server({ seq: 1, ack: 1 + acked });
        };
        for (const { start, length, ack: now } of steps) {
          const end = Math.min(start + length, text.length);
          t.client({ seq: 1 + start }, text.slice(start, end));
          expect(t.events()).not.toContain("stream.reassembly_overlap_different_data");
          for (let i = start; i < end; i++) seen.add(i);
          let contiguous = 0;
          while (seen.has(contiguous)) contiguous++;
          if (now) ack(contiguous);
        }
        t.client({ seq: 1 }, text.slice(0, 1_400));
        t.client({ seq: 1_401 }, text.slice(1_400, 2_800));
        t.client({ seq: 2_801 }, text.slice(2_800));
        ack(text.length);
        expect(t.text(0)).toBe(text);
        expect(wasm.call("windowTrouble")).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe("limits", () => {
  it("do not lose what is in order when memory is short", () => {
    const wasm = fresh();
    const t = new Rig(wasm);
    t.connect();
    wasm.call("setMemoryBudget", wasm.call("memoryTaken"));
    t.client({ seq: 1 }, "straight on");
    expect(t.events()).toContain("stream.reassembly_insert_memcap");
    expect(t.text(0)).toBe("straight on");
    t.client({ seq: 20 }, "not in order");
    expect(t.events()).toContain("stream.reassembly_insert_memcap");
    t.server({ seq: 1, ack: 32 });
    expect(t.text(0)).toBe("straight on");
    t.client({ seq: 32, flags: "FA" });
    t.server({ seq: 1, ack: 33 });
    expect(t.text(0)).toBe("straight on<20>");
    expect(t.ended(0)).toBe(true);
  });

  it("refuse memory for single bytes far away", () => {
    const wasm = fresh();
    const t = new Rig(wasm);
    t.connect({ mss: 1_460, windowScale: 14 });
    t.server({ seq: 1 });
    const before = wasm.call("memoryTaken");
    t.client({ seq: 900_000 }, "ab");
    expect(t.events()).toContain("stream.reassembly_insert_memcap");
    expect(wasm.call("memoryTaken") - before).toBeLessThan(200_000);
  });

  it("bound the number of segments", () => {
    const wasm = fresh();
    wasm.call("setMaxSegments", 10);
    const t = new Rig(wasm);
    t.connect();
    for (let i = 0; i < 10; i++) {
      t.client({ seq: 10 + i * 4 }, "ab");
      expect(t.events()).not.toContain("stream.reassembly_insert_limit");
    }
    t.client({ seq: 100 }, "ab");
    expect(t.events()).toContain("stream.reassembly_insert_limit");
  });
});
