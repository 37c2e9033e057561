/**
 * Reassembly of fragments. Frames as they are (kind 0): no trap, all memory given back. Plans (kind 1): a datagram in pieces that
 * agree, repeated and out of order, comes out once and whole.
 */
import { buildFrame } from "@secuxflow/testkit";
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { captureSeeds, packetSeeds } from "./frame-seeds.js";
import { Plan } from "./plan.js";
import { WORDS } from "./words.js";

const PLAN = 1;
const ROOM = 70_000;
const SCRATCH = 4_096;
const FIELD = { payload: 4, payloadLen: 5, flags: 6 } as const;
/** decode/packet.ts: PF_REASSEMBLED. */
const REASSEMBLED = 4;
const UDP_HEADER = 8;
const POLICIES = 8;

class DefragSubject implements Subject {
  readonly #room: number;
  readonly #before: number;
  #ms = 1_000_000;
  #id = 1;

  constructor(private readonly wasm: Compiled) {
    this.#room = wasm.call("take", ROOM);
    wasm.call("setMemoryBudget", 64 << 20);
    // What is reserved with the first fragment stays.
    for (const { bytes } of packetSeeds().filter((seed) => seed.length > 1).flat()) {
      wasm.write(this.#room, bytes);
      wasm.call("packetDecode", this.#room, bytes.length, bytes.length, 1_000_000_000n, 0);
    }
    wasm.call("defragClear");
    this.#before = wasm.call("memoryTaken");
  }

  check(input: Input, reached: Reached): string | undefined {
    for (const { kind, bytes } of input) {
      if (kind !== PLAN) {
        reached(`${this.#feed(bytes).length} ${Math.min(this.wasm.call("defragTrackers"), 20)}`);
        continue;
      }
      const wrong = this.#plan(new Plan(bytes), reached);
      if (wrong !== undefined) return wrong;
    }
    this.wasm.call("defragClear");
    const kept = this.wasm.call("memoryTaken") - this.#before;
    // A scratch block may grow; what grows with each input does not stay below this.
    return kept <= SCRATCH ? undefined : `${kept} bytes are not given back`;
  }

  /** Payloads of what the frame completed. */
  #feed(frame: Uint8Array): string[] {
    const { wasm } = this;
    wasm.write(this.#room, frame);
    const count = wasm.call("packetDecode", this.#room, frame.length, frame.length, BigInt(this.#ms++) * 1_000_000n, 0);
    const whole: string[] = [];
    for (let packet = 0; packet < count; packet++) {
      if ((wasm.call("field", packet, FIELD.flags) & REASSEMBLED) === 0) continue;
      const [at, length] = [wasm.call("field", packet, FIELD.payload), wasm.call("field", packet, FIELD.payloadLen)];
      whole.push(Buffer.from(wasm.read(at, length)).toString("latin1"));
    }
    return whole;
  }

  #plan(plan: Plan, reached: Reached): string | undefined {
    this.wasm.call("setFragmentPolicy", plan.below(POLICIES));
    const six = plan.below(2) === 1;
    const length = 24 + plan.below(1_200);
    const payload = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 255));
    const [v4, v6] = [{ src: "192.0.2.1", dst: "198.51.100.2" }, { src: "2001:db8::1", dst: "2001:db8::2" }];
    const udp = { srcPort: 5_353, dstPort: 9_999 };
    const datagram = six ? buildFrame({ ipv6: v6, udp, payload }).subarray(54) : buildFrame({ ipv4: v4, udp, payload }).subarray(34);
    const id = this.#id = (this.#id % 60_000) + 1;
    const fragment = (at: number, end: number): Uint8Array => {
      const [offset, more] = [at, end < datagram.length];
      const part = datagram.subarray(at, end);
      return six
        ? buildFrame({ ipv6: { ...v6, nextHeader: 17, extensions: [{ kind: "fragment", id, offset, more }] }, payload: part })
        : buildFrame({ ipv4: { ...v4, protocol: 17, id, fragmentOffset: offset, moreFragments: more }, payload: part });
    };
    const fragments: Uint8Array[] = [];
    for (let at = 0; at < datagram.length;) {
      // Nothing may be so short that an overlap could hide in the header; 8 bytes are a UDP header.
      const end = Math.min(datagram.length, at + 8 * (1 + plan.below(20)));
      fragments.push(fragment(at, end));
      at = end;
    }
    if (fragments.length === 1) return undefined;
    // Order and repetitions; a repetition comes before the last piece that was missing.
    const sent: Uint8Array[] = [];
    const left = [...fragments];
    while (left.length > 0) {
      const [next] = left.splice(plan.below(left.length), 1);
      if (next === undefined) break;
      sent.push(next);
      if (left.length > 0 && plan.below(6) === 5) sent.push(next);
    }
    const whole = sent.flatMap((frame) => this.#feed(frame));
    reached(`plan ${six ? 6 : 4} ${Math.min(sent.length, 30)}`);
    if (whole.length !== 1) return `${whole.length} datagrams come out of the ${sent.length} fragments of one (${six ? "IPv6" : "IPv4"}, ${datagram.length - UDP_HEADER} bytes)`;
    return whole[0] === payload.toString("latin1") ? undefined : "the datagram is not what was sent";
  }
}

export const defragTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/decode/test-entry.ts");
  return {
    name: "defrag", seeds: [...packetSeeds().filter((input) => input.length > 1), ...captureSeeds()], words: WORDS.frames ?? [], kinds: [0, 0, 0, PLAN], most: 20_000, steps: 40,
    draw: (random) => [{ kind: PLAN, bytes: Uint8Array.from({ length: random.between(4, 60) }, () => random.below(256)) }],
    fresh: () => new DefragSubject(make()),
  };
};
