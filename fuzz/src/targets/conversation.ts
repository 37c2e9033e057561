/** Steps of a conversation, and its other chunkings: they must all come to the same. */
import { Random } from "../random.js";
import type { Input, Step } from "../engine/input.js";

/** Kinds of a conversation's steps. GAP's bytes are a 16-bit length. */
export const SAY = { toServer: 0, toClient: 1, gapToServer: 2, gapToClient: 3, endToServer: 4, endToClient: 5 } as const;

export const isData = ({ kind }: Step): boolean => kind <= SAY.toClient;

/** Pieces of one direction's data that follow each other directly, put together. */
export function joined(input: Input): Input {
  const steps: { kind: number; bytes: Uint8Array }[] = [];
  for (const step of input) {
    const last = steps.at(-1);
    if (last !== undefined && isData(step) && last.kind === step.kind) last.bytes = Uint8Array.from(Buffer.concat([last.bytes, step.bytes]));
    else if (!isData(step) || step.bytes.length > 0) steps.push({ kind: step.kind, bytes: step.bytes });
  }
  return steps;
}

/** A number that the input alone decides. */
export function hashOf(input: Input): number {
  let hash = 2_166_136_261;
  for (const { kind, bytes } of input) {
    hash = Math.imul(hash ^ kind, 16_777_619);
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 16_777_619);
  }
  return hash >>> 0;
}

/** The same data in other pieces: single bytes where there are few, else pieces as the hash of the input says. */
export function rechunked(input: Input): Input {
  const random = new Random(hashOf(input));
  const single = random.chance(30);
  return input.flatMap((step) => {
    if (!isData(step)) return [step];
    const pieces: Step[] = [];
    for (let at = 0; at < step.bytes.length;) {
      const length = single && step.bytes.length <= 4_096 ? 1 : random.between(1, random.pick([3, 20, 200, 1_460]));
      pieces.push({ kind: step.kind, bytes: step.bytes.subarray(at, at + length) });
      at += length;
    }
    return pieces;
  });
}

/** The first difference of two documents, as a path and both values. */
export function firstDifference(left: unknown, right: unknown, path = ""): string | undefined {
  if (Object.is(left, right)) return undefined;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) {
    return `${path}: ${shortened(left)} against ${shortened(right)}`;
  }
  const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const difference = firstDifference(a[key], b[key], `${path}/${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
