/** Decoding of single frames of every link type, beside the slow reader of the data plane's model where both say the packet is sound. */
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { readPacket } from "../model/packet.js";
import { captureSeeds, packetSeeds, sessionSeeds } from "./frame-seeds.js";
import { WORDS } from "./words.js";

/** A step's kind is the place of its link type here. */
const LINKS = [1, 0, 9, 12, 101, 104, 108, 113, 228, 229, 276, 147];
const ROOM = 70_000;
const SCRATCH = 4_096;
/** Events that a packet can have: bits of decode/events.ts and of the stream. */
const EVENTS = 256;
/** Places of test-entry.ts's `field`. */
const FIELD = { family: 0, proto: 1, sport: 2, dport: 3, payload: 4, payloadLen: 5, flags: 6, depth: 24 } as const;
const [TCP, UDP] = [6, 17];

class DecodeSubject implements Subject {
  readonly #room: number;
  #ms = 1_000_000;
  readonly #before: number;

  constructor(private readonly wasm: Compiled) {
    this.#room = wasm.call("take", ROOM);
    // What is reserved with the first fragment stays.
    for (const { bytes } of packetSeeds().filter((seed) => seed.length > 1).flat()) {
      wasm.write(this.#room, bytes);
      wasm.call("packetDecode", this.#room, bytes.length, bytes.length, 1_000_000_000n, 0);
    }
    wasm.call("defragClear");
    this.#before = wasm.call("memoryTaken");
  }

  check(input: Input, reached: Reached): string | undefined {
    const { wasm } = this;
    for (const { kind, bytes } of input) {
      wasm.call("setLinkType", LINKS[kind % LINKS.length] ?? 1);
      wasm.write(this.#room, bytes);
      const count = wasm.call("packetDecode", this.#room, bytes.length, bytes.length, BigInt(this.#ms++) * 1_000_000n, 0);
      const wrong = this.#look(bytes, kind, count, reached);
      if (wrong !== undefined) return wrong;
    }
    wasm.call("defragClear");
    const kept = wasm.call("memoryTaken") - this.#before;
    // A scratch block may grow; what grows with each input does not stay below this.
    return kept <= SCRATCH ? undefined : `${kept} bytes are not given back`;
  }

  #look(bytes: Uint8Array, kind: number, count: number, reached: Reached): string | undefined {
    const { wasm } = this;
    const get = (field: number, packet: number): number => wasm.call("field", packet, field) >>> 0;
    let events = "";
    for (let packet = 0; packet < count; packet++) {
      for (let event = 0; event < EVENTS; event++) if (wasm.call("event", packet, event) === 1) events += `${event} `;
      wasm.call("checksums", packet);
      const [at, length] = [get(FIELD.payload, packet), get(FIELD.payloadLen, packet)];
      if (length > 65_535 || (length > 0 && at + length > wasm.bytes().length)) return `packet ${packet} has ${length} bytes of payload at ${at}`;
      const own = at >= this.#room && at <= this.#room + ROOM;
      if (own && at + length > this.#room + bytes.length) return `packet ${packet}'s payload ends behind the frame`;
    }
    reached(`${kind} ${count} ${get(FIELD.proto, 0)} ${get(FIELD.depth, count - 1)} ${events}`);
    if (kind !== 0 || count !== 1 || events !== "") return undefined;
    const model = readPacket(bytes);
    if (model === "not-ip") return undefined;
    const proto = get(FIELD.proto, 0);
    if (model === "bad" || model.fragment !== "no" || (proto !== TCP && proto !== UDP) || model.proto !== proto) return undefined;
    const seen = [get(FIELD.family, 0), get(FIELD.sport, 0), get(FIELD.dport, 0)];
    const expected = [model.family, model.sport, model.dport];
    return seen.join() === expected.join() ? undefined : `family and ports are ${seen.join()}, the model says ${expected.join()}`;
  }
}

export const decodeTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/decode/test-entry.ts");
  const one = (inputs: readonly Input[]): Input[] => inputs.flatMap((input) => input.slice(0, 4).map((step) => [step]));
  return {
    name: "decode", seeds: [...packetSeeds(), ...one(sessionSeeds()).slice(0, 12), ...one(captureSeeds())], words: WORDS.frames ?? [], kinds: LINKS.map((_, i) => i),
    most: 9_000, steps: 8, fresh: () => new DecodeSubject(make()),
  };
};
