/** Global variables of an object, before and after it is loaded. */
import { StateError } from "./errors.js";
import type { BpfMap } from "./map.js";
import { decodeInteger, encodeVariable, type VariableSpec } from "./spec/variable-spec.js";

/** Reads (or writes) a part of a section's initial contents. */
export type InitialBytes = (section: string, offset: number, bytes: Uint8Array, write: boolean) => void;

/**
 * Before load the variables lie in libbpf's copy of the sections. After load they lie in the maps: mapped memory where the
 * map allows it, so that a write touches this variable alone; else the whole section is read, changed and written back,
 * which may undo what a running program wrote meanwhile.
 */
export class Globals {
  readonly #initial: InitialBytes;
  readonly #memory = new Map<string, Uint8Array>();

  constructor(initial: InitialBytes) {
    this.#initial = initial;
  }

  set(variable: VariableSpec, value: number | bigint | boolean | Uint8Array, live?: ReadonlyMap<string, BpfMap>): void {
    const bytes = encodeVariable(variable, value);
    if (live === undefined) {
      this.#initial(variable.section, variable.offset, bytes, true);
      return;
    }
    if (variable.kind === "rodata") {
      throw new StateError(`"${variable.name}" is a constant (${variable.section}) and can be set before load() only`);
    }
    const map = mapOf(live, variable);
    const memory = this.#mapped(map);
    if (memory !== undefined) {
      memory.set(bytes, variable.offset);
      return;
    }
    const section = map.lookup(0) ?? Buffer.alloc(map.valueSize);
    section.set(bytes, variable.offset);
    map.update(0, section);
  }

  get(variable: VariableSpec, live?: ReadonlyMap<string, BpfMap>): Buffer {
    if (live === undefined) {
      const bytes = Buffer.alloc(variable.size);
      this.#initial(variable.section, variable.offset, bytes, false);
      return bytes;
    }
    const map = mapOf(live, variable);
    const section = (variable.kind === "rodata" ? undefined : this.#mapped(map)) ?? map.lookup(0) ?? Buffer.alloc(map.valueSize);
    return Buffer.from(section.subarray(variable.offset, variable.offset + variable.size));
  }

  getInteger(variable: VariableSpec, live?: ReadonlyMap<string, BpfMap>): bigint {
    return decodeInteger(variable, this.get(variable, live));
  }

  close(): void {
    this.#memory.clear();
  }

  #mapped(map: BpfMap): Uint8Array | undefined {
    if (!map.mmapable) return undefined;
    let memory = this.#memory.get(map.name);
    if (memory === undefined) {
      memory = new Uint8Array(map.mmap());
      this.#memory.set(map.name, memory);
    }
    return memory;
  }
}

function mapOf(live: ReadonlyMap<string, BpfMap>, variable: VariableSpec): BpfMap {
  const map = live.get(variable.section);
  if (map === undefined) throw new StateError(`section ${variable.section} of "${variable.name}" has no map`);
  return map;
}
