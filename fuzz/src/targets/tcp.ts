/**
 * TCP. Frames as they are (kind 0): no trap, all memory given back, windows sound. Plans (kind 1): two streams in segments that
 * agree, repeated, overlapping and out of order, come out as they went in.
 */
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { captureSeeds, sessionSeeds } from "./frame-seeds.js";
import { Plan } from "./plan.js";
import { WORDS } from "./words.js";

const PLAN = 1;
const ROOM = 70_000;
const POLICIES = 15;
type Side = 0 | 1;
/** TCP over IPv4 without checksums: a plan has hundreds of frames, and what is fuzzed is not the making of frames. */
function frameOf(side: Side, seq: number, ack: number, flags: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(54 + payload.length);
  frame.set([8, 0, 0x45], 12);
  frame.writeUInt16BE(40 + payload.length, 16);
  frame.set([0, 1, 0x40, 0, 64, 6], 18);
  frame.set(side === 0 ? [10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 80] : [10, 0, 0, 2, 10, 0, 0, 1, 0, 80, 0x9c, 0x40], 26);
  frame.writeUInt32BE(seq, 38);
  frame.writeUInt32BE(ack, 42);
  frame.set([0x50, flags, 0xff, 0xff], 46);
  frame.set(payload, 54);
  return frame;
}

const FLAGS: Readonly<Record<string, number>> = { S: 2, SA: 18, A: 16, PA: 24, FA: 17 };
const letter = (side: number, at: number): number => (side === 0 ? 97 : 65) + (at % 23);

class TcpSubject implements Subject {
  readonly #room: number;
  readonly #before: number;
  #ms = 1_000_000;
  #streams: [string, string] = ["", ""];
  #gaps = 0;

  constructor(private readonly wasm: Compiled) {
    wasm.call("start", 64);
    wasm.call("setMemoryBudget", 128 << 20);
    this.#room = wasm.call("take", ROOM);
    this.#before = wasm.call("memoryTaken");
  }

  check(input: Input, reached: Reached): string | undefined {
    const { wasm } = this;
    wasm.call("setMidstream", input.length % 3 === 2 ? 1 : 0);
    let wrong: string | undefined;
    for (const { kind, bytes } of input) {
      if (kind !== PLAN) this.#frame(bytes);
      else wrong ??= this.#plan(new Plan(bytes), reached);
      wasm.call("setChecksumValidation", 1);
    }
    reached(`${wasm.call("tcpState")} ${wasm.call("flowsActive")} ${this.#readLog()}`);
    wasm.call("flowEndAll", 1_000_000);
    wasm.call("defragClear");
    this.#readLog();
    if (wrong !== undefined) return wrong;
    if (wasm.call("windowTrouble") !== 0) return "a window does not end with the data that came";
    const kept = wasm.call("memoryTaken") - this.#before;
    return kept === 0 ? undefined : `${kept} bytes are not given back`;
  }

  #frame(bytes: Uint8Array): void {
    this.wasm.write(this.#room, bytes);
    this.wasm.call("frame", this.#room, bytes.length, (this.#ms += 1));
  }

  /** Takes what was delivered since; a word for what it was. */
  #readLog(): string {
    const length = this.wasm.call("takeLog");
    const bytes = Buffer.from(this.wasm.read(this.wasm.call("logAt"), length));
    const kinds = new Set<number>();
    for (let at = 0; at < length;) {
      const [kind, dir, size] = [bytes.readUInt8(at), bytes.readUInt8(at + 1), bytes.readUInt32LE(at + 4)];
      kinds.add(kind);
      at += 8;
      if (kind === 2) this.#gaps++;
      if (kind !== 1) continue;
      if (dir === 0 || dir === 1) this.#streams[dir] += bytes.toString("latin1", at, at + size);
      at += size;
    }
    return [...kinds].join();
  }

  #plan(plan: Plan, reached: Reached): string | undefined {
    this.wasm.call("flowEndAll", 1_000_000);
    this.#readLog();
    this.#streams = ["", ""];
    this.#gaps = 0;
    this.wasm.call("setDefaultPolicy", plan.below(POLICIES));
    this.wasm.call("setChecksumValidation", 0);
    const near = [0, 1_000, 0xffff_ff00, 0x7fff_ff00];
    const isn = [near[plan.below(4)] ?? 0, near[plan.below(4)] ?? 0] as const;
    const lengths = [plan.below(3_000), plan.below(3_000)] as const;
    const sent: [number, number] = [0, 0];
    const segment = (side: Side, from: number, to: number, flags: string): void => {
      const seq = (isn[side] + (flags.includes("S") ? 0 : 1) + from) >>> 0;
      const ack = flags.includes("A") ? (isn[(1 - side) as Side] + 1 + sent[(1 - side) as Side]) >>> 0 : 0;
      const payload = Uint8Array.from({ length: to - from }, (_, i) => letter(side, from + i));
      this.#frame(frameOf(side, seq, ack, FLAGS[flags] ?? 0, payload));
    };
    segment(0, 0, 0, "S");
    segment(1, 0, 0, "SA");
    segment(0, 0, 0, "A");
    const turns = 1 + plan.below(4);
    for (let turn = 0; turn < turns; turn++) {
      for (const side of [0, 1] as const) this.#burst(plan, side, turn + 1 === turns ? lengths[side] : Math.min(lengths[side], sent[side] + plan.below(800)), sent, segment);
    }
    segment(0, sent[0], sent[0], "FA");
    segment(1, sent[1], sent[1], "FA");
    this.#readLog();
    this.wasm.call("flowEndAll", 1_000_000);
    this.#readLog();
    reached(`plan ${lengths.map((length) => Math.min(9, Math.floor(length / 300))).join()} ${turns}`);
    for (const side of [0, 1] as const) {
      const expected = Array.from({ length: sent[side] }, (_, i) => String.fromCharCode(letter(side, i))).join("");
      const seen = this.#streams[side];
      if (seen === expected) continue;
      const first = [...expected].findIndex((char, i) => seen[i] !== char);
      return `side ${side} sent ${expected.length} bytes, ${seen.length} were delivered with ${this.#gaps} gaps, different from byte ${first < 0 ? expected.length : first} on`;
    }
    return undefined;
  }

  /** Sends a side's bytes up to `until` in pieces: out of order within four, some again, some overlapping what came before. */
  #burst(plan: Plan, side: Side, until: number, sent: [number, number], segment: (side: Side, from: number, to: number, flags: string) => void): void {
    while (sent[side] < until) {
      const pieces: [number, number][] = [];
      for (let at = sent[side], n = 1 + plan.below(4); n > 0 && at < until; n--) {
        const end = Math.min(until, at + 1 + plan.below(300));
        pieces.push([Math.max(0, at - (plan.below(4) === 3 ? plan.below(100) : 0)), end]);
        at = end;
      }
      const end = pieces.at(-1)?.[1] ?? until;
      while (pieces.length > 0) {
        const [piece] = pieces.splice(plan.below(pieces.length), 1);
        if (piece === undefined) break;
        segment(side, piece[0], piece[1], "PA");
        if (plan.below(8) === 7) segment(side, piece[0], piece[1], "PA");
      }
      sent[side] = end;
      const other = (1 - side) as Side;
      segment(other, sent[other], sent[other], "A");
    }
  }
}

export const tcpTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/tcp/test-entry.ts");
  return {
    name: "tcp", seeds: [...sessionSeeds(), ...captureSeeds()], words: WORDS.frames ?? [], kinds: [0, 0, 0, PLAN], most: 60_000, steps: 60,
    draw: (random) => [{ kind: PLAN, bytes: Uint8Array.from({ length: random.between(4, 120) }, () => random.below(256)) }],
    fresh: () => new TcpSubject(make()),
  };
};
