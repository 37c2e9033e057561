import type { AddressSet } from "@secuxflow/contracts";
import { PREFIX_BYTES } from "../../classifier/index.js";
import { prefixWords, readPrefix } from "../domain/address.js";
import { NO_IMAGE } from "../domain/layout.js";
import type { NumberedNames } from "../domain/names.js";
import type { SpareMaps } from "./grace.js";
import type { EncodedSet, ImageCompiler } from "./image-compiler.js";
import { TimeSlice } from "./time-slice.js";

const COPY_BYTES = 4 << 20;

type Sets = ReadonlyMap<string, AddressSet>;

/** Set images for a policy: `commit` names the map to put in force, `discard` gives it up. One of them must be called. */
export interface PreparedSets {
  commit(): number;
  discard(): void;
}

interface Encoded {
  readonly entries: ReadonlySet<string>;
  readonly prefixes: Uint8Array;
}

type Standing = ReadonlyMap<string, { readonly bit: number; readonly entries: ReadonlySet<string> }>;

/** Keeps the image of all address sets of the policy: compiled anew where a set, or the number of one, has changed. */
export class SetImages {
  readonly #memory: readonly Uint8Array[];
  readonly #maps: SpareMaps;
  readonly #compiler: ImageCompiler;
  /** Encoded sets, so that a change of one does not encode the others again. */
  #encoded = new Map<string, Encoded>();
  #standing: Standing = new Map();
  #map: number = NO_IMAGE;

  constructor(memory: readonly Uint8Array[], maps: SpareMaps, compiler: ImageCompiler) {
    this.#memory = memory;
    this.#maps = maps;
    this.#compiler = compiler;
  }

  /** After a restart: these sets stand in `map`, with these numbers. Sets that have no number there are compiled with the next change. */
  adopt(sets: Sets, bits: ReadonlyMap<string, number>, map: number): void {
    this.#map = map;
    this.#standing = new Map([...sets.values()].flatMap(({ name, entries }) => {
      const bit = bits.get(name);
      return bit === undefined || map === NO_IMAGE ? [] : [[name, { bit, entries }] as const];
    }));
  }

  /** Compiles what has changed into a spare map. Throws ImageTooLarge or AddressError; nothing has changed then. */
  async prepare(sets: Sets, numbers: NumberedNames): Promise<PreparedSets> {
    const wanted = new Map([...sets.values()].map(({ name, entries }) => [name, { bit: numbers.get(name) ?? 0, entries }] as const));
    if (this.#isStanding(wanted)) return { commit: () => this.#map, discard: () => undefined };
    const encoded = new Map<string, Encoded>();
    const forCompiler: EncodedSet[] = [];
    for (const [name, { bit, entries }] of wanted) {
      const known = this.#encoded.get(name);
      const one = known?.entries === entries ? known : { entries, prefixes: await encode(entries) };
      encoded.set(name, one);
      forCompiler.push({ bit, prefixes: one.prefixes, count: entries.size });
    }
    const map = wanted.size === 0 ? NO_IMAGE : await this.#compile(forCompiler);
    return {
      commit: () => {
        if (this.#map !== NO_IMAGE) this.#maps.retire(this.#map);
        this.#map = map;
        this.#standing = wanted;
        this.#encoded = encoded;
        return map;
      },
      discard: () => {
        if (map !== NO_IMAGE) this.#maps.giveBack(map);
      },
    };
  }

  #isStanding(wanted: Standing): boolean {
    if (wanted.size !== this.#standing.size) return false;
    return [...wanted].every(([name, { bit, entries }]) => {
      const standing = this.#standing.get(name);
      return standing?.bit === bit && standing.entries === entries;
    });
  }

  async #compile(sets: readonly EncodedSet[]): Promise<number> {
    const bytes = await this.#compiler.sets(sets, this.#memory[0]?.length ?? 0);
    const map = await this.#maps.take();
    const slice = new TimeSlice();
    for (let at = 0; at < bytes.length; at += COPY_BYTES) {
      this.#memory[map]?.set(bytes.subarray(at, at + COPY_BYTES), at);
      if (slice.over) await slice.yield();
    }
    return map;
  }
}

async function encode(entries: ReadonlySet<string>): Promise<Uint8Array> {
  // Shared with the worker, not copied to it.
  const bytes = new Uint8Array(new SharedArrayBuffer(entries.size * PREFIX_BYTES));
  const view = new DataView(bytes.buffer);
  const prefix = prefixWords();
  const slice = new TimeSlice();
  let at = 0;
  for (const text of entries) {
    readPrefix(text, prefix);
    for (let word = 0; word < 4; word++) view.setUint32(at + word * 4, prefix.words[word] ?? 0);
    view.setUint8(at + 16, prefix.length);
    at += PREFIX_BYTES;
    if (at % (256 * PREFIX_BYTES) === 0 && slice.over) await slice.yield();
  }
  return bytes;
}
