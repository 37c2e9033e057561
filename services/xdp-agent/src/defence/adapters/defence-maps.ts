import { setTimeout } from "node:timers/promises";
import { rcuGracePeriod, type BpfMap } from "libbpf-ts";
import { DEFENCE, DEFENCE_COUNT, DEFENCE_STATE, PROTECTION, SPACE, TALLY } from "../domain/layout.js";
import type { DefencePort, Tally } from "../application/defence-port.js";

const FALLBACK_GRACE_MS = 1_000;
const COUNTERS = Object.values(DEFENCE_COUNT);

/** Names of the maps, in the object that has them. */
export const DEFENCE_MAPS = ["defence", "defence_state", "defence_counters", "talkers", "spaces"] as const;
export type DefenceMapSet = Readonly<Record<(typeof DEFENCE_MAPS)[number], BpfMap>>;

/** The maps of the first line of defence in an object that is loaded. */
export const defenceMapsOf = (object: { map(name: string): BpfMap }): DefenceMapSet =>
  Object.fromEntries(DEFENCE_MAPS.map((name) => [name, object.map(name)])) as DefenceMapSet;

/** The kernel's side of the first line of defence. */
export class DefenceMaps implements DefencePort {
  readonly #maps: DefenceMapSet;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  /** Ends when no packet reads the spare half any more. */
  #spare: Promise<void> = Promise.resolve();

  constructor(maps: DefenceMapSet) {
    this.#maps = maps;
    const memory = maps.defence.mmap();
    this.#memory = new Uint8Array(memory);
    this.#words = new Int32Array(memory);
  }

  setProtection(bytes: Uint8Array): Promise<void> {
    const swapped = this.#spare.then(() => {
      const half = 1 - (Atomics.load(this.#words, DEFENCE.active / 4) & 1);
      this.#memory.set(bytes, DEFENCE.halves + half * PROTECTION.size);
      Atomics.store(this.#words, DEFENCE.active / 4, half);
    });
    // Never rejects: where the kernel offers no grace period to user space, a second is far longer than any packet takes.
    this.#spare = swapped.then(() => rcuGracePeriod()).catch(() => setTimeout(FALLBACK_GRACE_MS));
    return swapped;
  }

  counters(): Tally[] {
    const values = Buffer.alloc(this.#maps.defence_counters.elementSize);
    return COUNTERS.map((index) => {
      this.#maps.defence_counters.lookupInto(index, values);
      let packets = 0n;
      let bytes = 0n;
      for (let at = 0; at < values.length; at += TALLY.size) {
        packets += values.readBigUInt64LE(at + TALLY.packets);
        bytes += values.readBigUInt64LE(at + TALLY.bytes);
      }
      return { packets: Number(packets), bytes: Number(bytes) };
    });
  }

  synState(): { activeUntilNs: bigint; turnedOn: number } {
    const state = this.#maps.defence_state.lookup(0) ?? Buffer.alloc(DEFENCE_STATE.size);
    return {
      activeUntilNs: state.readBigUInt64LE(DEFENCE_STATE.syn_active_until),
      turnedOn: Number(state.readBigUInt64LE(DEFENCE_STATE.syn_turned_on)),
    };
  }

  talkers(first: number, count: number): Uint8Array {
    const { talkers } = this.#maps;
    const bytes = Buffer.alloc(count * talkers.elementSize);
    for (let i = 0; i < count; i++) talkers.lookupInto(first + i, bytes.subarray(i * talkers.elementSize, (i + 1) * talkers.elementSize));
    return bytes;
  }

  setSpaces(spaces: ReadonlyMap<string, number>): void {
    const map = this.#maps.spaces;
    // What is not wanted goes first: the map may be full.
    for (const [key] of [...map.entries()]) if (!spaces.has(spaceText(key))) map.delete(key);
    const value = Buffer.alloc(4);
    for (const [address, nsid] of spaces) {
      value.writeUInt32LE(nsid >>> 0);
      map.update(spaceKey(address), value);
    }
  }

  monotonicNs(): bigint {
    // Node's hrtime is CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns.
    return process.hrtime.bigint();
  }
}

/** The key of an address: two words in host order, which is little-endian here. */
function spaceKey(address: string): Buffer {
  const key = Buffer.alloc(SPACE.keySize);
  key.writeBigUInt64LE(BigInt(`0x${address.slice(0, 16)}`), 0);
  key.writeBigUInt64LE(BigInt(`0x${address.slice(16)}`), 8);
  return key;
}

const spaceText = (key: Buffer): string => [0, 8].map((at) => key.readBigUInt64LE(at).toString(16).padStart(16, "0")).join("");
