import { ModuleRejected } from "./errors.js";

/** What is read from a wasm binary before anything compiles it (WebAssembly core specification, 5.5). */
export interface WasmSummary {
  /** Custom sections by name, in order. */
  readonly custom: ReadonlyMap<string, readonly Uint8Array[]>;
  /** Limits of the one memory, in pages of 64 KiB; undefined when none is defined here. */
  readonly memory: { readonly minPages: number; readonly maxPages: number | undefined; readonly shared: boolean } | undefined;
}

const CUSTOM = 0;
const MEMORY = 5;

class Cursor {
  constructor(readonly bytes: Uint8Array, public at: number, readonly end: number) {}

  fail(detail: string): never {
    throw new ModuleRejected("malformed", `${detail} at byte ${this.at}`);
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (this.at >= this.end || value === undefined) this.fail("unexpected end");
    this.at++;
    return value;
  }

  /** LEB128, unsigned, at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value < 2 ** 32 ? value : this.fail("number above 32 bits");
    }
    return this.fail("number too long");
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.at) this.fail(`${length} bytes wanted, ${this.end - this.at} left`);
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }
}

function readMemory(section: Cursor): WasmSummary["memory"] {
  const count = section.u32();
  if (count === 0) return undefined;
  if (count > 1) throw new ModuleRejected("memory", `${count} memories, one is allowed`);
  const flags = section.byte();
  if (flags > 3) throw new ModuleRejected("memory", "64-bit or custom-paged memories are not allowed");
  const minPages = section.u32();
  return { minPages, maxPages: (flags & 1) === 0 ? undefined : section.u32(), shared: (flags & 2) !== 0 };
}

/**
 * Walks the sections of a binary without compiling or running it.
 * @throws ModuleRejected when it is no wasm binary, or is cut
 */
export function summarizeWasm(bytes: Uint8Array): WasmSummary {
  const whole = new Cursor(bytes, 0, bytes.byteLength);
  const head = bytes.subarray(0, 8);
  if (head.length < 8 || !head.every((byte, i) => byte === [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0][i])) {
    throw new ModuleRejected("malformed", "not a WebAssembly 1 binary");
  }
  whole.at = 8;
  const custom = new Map<string, Uint8Array[]>();
  let memory: WasmSummary["memory"];
  while (whole.at < whole.end) {
    const id = whole.byte();
    const content = whole.take(whole.u32());
    const section = new Cursor(content, 0, content.byteLength);
    if (id === CUSTOM) {
      const name = Buffer.from(section.take(section.u32())).toString("utf8");
      custom.set(name, [...(custom.get(name) ?? []), content.subarray(section.at)]);
    } else if (id === MEMORY) {
      memory = readMemory(section);
    }
  }
  return { custom, memory };
}
