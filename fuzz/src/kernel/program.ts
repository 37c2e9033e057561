/**
 * The test program (bpf/src/fuzz_dataplane.bpf.c): the real filter, fed from a mapped array of frames. One test run
 * judges thousands of different frames; a test run for each would cost a system call and an RCU grace period a packet.
 */
import type { BpfMap, BpfObject } from "libbpf-ts";
import { FRAME_BYTES } from "../generate/frame.js";

/** Frames of one run. */
export const BATCH = 8_192;

/** `struct fuzz_frame` and `struct fuzz_result`, rounded up to 8 bytes as the kernel lays out arrays. */
const FRAME = { stride: FRAME_BYTES + 8, data: 4 } as const;
const RESULT = { words: 10, verdict: 0, totals: 1, rules: 2, forwards: 3, ruleMix: 4, forwardMix: 5, slots: 6 } as const;

/** What the program saw of one frame. Slots are indexes of counters. */
export interface Seen {
  /** XDP action. */
  readonly verdict: number;
  /** Bit i: total i was counted. */
  readonly totals: number;
  readonly rules: number;
  readonly forwards: number;
  readonly ruleMix: number;
  readonly forwardMix: number;
  /** The first rules that were counted, in the order of counting. */
  readonly slots: readonly number[];
}

/** How the program sums up slots: the same in any order. */
export function mixSlots(slots: Iterable<number>): number {
  let sum = 0;
  for (const slot of slots) {
    const mixed = Math.imul(slot + 1, 0x9e3779b1) >>> 0;
    sum = (sum + ((mixed ^ (mixed >>> 15)) >>> 0)) >>> 0;
  }
  return sum;
}

export class TestProgram {
  readonly #object: BpfObject;
  readonly #frames: Uint8Array;
  readonly #lengths: DataView;
  readonly #results: Uint32Array;
  readonly #cursor: Uint32Array;

  constructor(object: BpfObject) {
    const mapped = (name: string, stride: number): ArrayBuffer => {
      const map: BpfMap = object.map(name);
      if (Math.ceil(map.valueSize / 8) * 8 !== stride) throw new Error(`elements of ${name} have ${map.valueSize} bytes: this build of the fuzzer does not fit the program`);
      return map.mmap();
    };
    this.#object = object;
    const frames = mapped("fuzz_frames", FRAME.stride);
    this.#frames = new Uint8Array(frames);
    this.#lengths = new DataView(frames);
    this.#results = new Uint32Array(mapped("fuzz_results", RESULT.words * 4));
    this.#cursor = new Uint32Array(mapped("fuzz_cursor", 8));
  }

  /** Where the bytes of frame `index` go. */
  frame(index: number): Uint8Array {
    const at = index * FRAME.stride + FRAME.data;
    return this.#frames.subarray(at, at + FRAME_BYTES);
  }

  /** Says how long frame `index` is. */
  setLength(index: number, length: number): void {
    this.#lengths.setUint32(index * FRAME.stride, length, true);
  }

  length(index: number): number {
    return this.#lengths.getUint32(index * FRAME.stride, true);
  }

  /** Puts a frame of 14 to FRAME_BYTES bytes in. */
  put(index: number, bytes: Uint8Array): void {
    this.frame(index).set(bytes);
    this.setLength(index, bytes.length);
  }

  /** Judges the first `count` frames, in order. Throws where a frame could not be judged. */
  run(count: number): void {
    this.#cursor.fill(0);
    this.#object.program("fuzz_dataplane").testRun({ data: new Uint8Array(64), repeat: count, dataOutSize: 0 });
    const [judged, failed] = this.#cursor;
    if (judged !== count || failed !== 0) throw new Error(`the test program took ${judged} of ${count} frames, ${failed} did not fit`);
  }

  seen(index: number): Seen {
    const word = (at: number): number => this.#results[index * RESULT.words + at] ?? 0;
    const rules = word(RESULT.rules);
    return {
      verdict: word(RESULT.verdict), totals: word(RESULT.totals), rules, forwards: word(RESULT.forwards),
      ruleMix: word(RESULT.ruleMix), forwardMix: word(RESULT.forwardMix),
      slots: Array.from({ length: Math.min(4, rules) }, (_, i) => word(RESULT.slots + i)),
    };
  }
}
