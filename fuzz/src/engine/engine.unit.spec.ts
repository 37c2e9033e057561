import { describe, expect, it } from "vitest";
import { Random } from "../random.js";
import { rechunked, joined } from "../targets/conversation.js";
import { campaign, judge } from "./campaign.js";
import { formatFinding, keyOf, parseFinding, sizeOf, textOf, textStep, type Input } from "./input.js";
import { mutate } from "./mutate.js";
import { shrinkInput } from "./shrink-input.js";
import type { Target } from "./target.js";
import { watched } from "./watched.js";

const material = { words: [Uint8Array.from(Buffer.from("word"))], kinds: [0, 1], most: 500, steps: 10 };
const texts = (...list: string[]): Input => list.map((text) => textStep(0, text));
const all = (input: Input): string => input.map(textOf).join("");

/** Fails on inputs with two letters, and crashes on a third. */
const planted: Target = {
  ...material, name: "planted", seeds: [texts("some", "thing")], draw: (random) => texts(String.fromCharCode(random.below(128))),
  fresh: () => ({
    check: (input, reached) => {
      const text = all(input);
      if (text.includes("}")) throw new RangeError("a brace");
      reached(String(text.length >> 3));
      return text.includes("Q") && text.includes("w") ? "both letters" : undefined;
    },
  }),
};

describe("a campaign", () => {
  it("finds what is planted, makes it small, and is the same for the same seed", async () => {
    const run = () => campaign(planted, { seed: 5, seconds: 60, inputs: 20_000, failures: 2 });
    const { findings } = await run();
    expect(findings.map(({ note }) => note.replace(/ (at|\().*/, "")).sort()).toEqual(["both letters", "crash: RangeError: a brace"]);
    expect(findings.every(({ input }) => sizeOf(input) <= 2)).toBe(true);
    for (const { input } of findings) expect(await judge(planted, input)).toBeDefined();
    expect((await run()).findings.map(({ input }) => keyOf(input))).toEqual(findings.map(({ input }) => keyOf(input)));
  });

  it("ends a worker that hangs, and tells the input", async () => {
    const script = new URL(`data:text/javascript,${encodeURIComponent(`
      import { workerData } from "node:worker_threads";
      const words = new Int32Array(workerData.shared);
      const text = new TextEncoder().encode(JSON.stringify({ target: "t", note: "", steps: [{ kind: 0, hex: "61" }] }));
      new Uint8Array(workerData.shared, 8).set(text);
      Atomics.store(words, 1, text.length);
      Atomics.store(words, 0, 1);
      for (;;);`)}`);
    const told: string[] = [];
    const { findings } = await watched({ target: "t", seed: 1, seconds: 60, failures: 1, hangMs: 300, script, onFailure: ({ note }) => void told.push(note) });
    expect(told).toEqual([expect.stringContaining("hang")]);
    expect(findings.map(({ input }) => all(input))).toEqual(["a"]);
  });
});

it("shrinking keeps what fails and nothing else", async () => {
  const small = await shrinkInput(texts("hello", "x needle y", "more"), (input) => Promise.resolve(all(input).includes("needle")));
  expect(all(small)).toBe("needle");
});

it("findings are read as they were written", () => {
  const finding = { target: "t", note: "what", input: [{ kind: 3, bytes: Uint8Array.of(0, 255) }, textStep(1, "text\r\n")] };
  expect(parseFinding(formatFinding(finding))).toEqual(finding);
});

it("changed inputs stay within their bounds, and are many", () => {
  const random = new Random(3);
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const input = mutate(random, texts("abcdef", "ghi"), texts("xyz"), material);
    expect(input.length).toBeLessThanOrEqual(material.steps);
    expect(input.every(({ bytes }) => bytes.length <= material.most)).toBe(true);
    seen.add(keyOf(input));
  }
  expect(seen.size).toBeGreaterThan(1_000);
});

it("other chunkings say the same", () => {
  const input: Input = [textStep(0, "a".repeat(5_000)), textStep(1, "b"), textStep(1, "c"), textStep(4, ""), textStep(1, "d")];
  expect(joined(rechunked(input))).toEqual(joined(input));
  expect(rechunked(input).length).toBeGreaterThan(input.length);
});
