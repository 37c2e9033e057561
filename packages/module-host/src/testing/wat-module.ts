import binaryen from "assemblyscript/binaryen";
import { withCustomSection } from "../custom-section.js";
import { MANIFEST_SECTION, SELF_TEST_SECTION } from "../manifest.js";

/** A manifest that fits the hand-written modules. */
export const goodManifest = {
  id: "test", version: "1.0.0", abi: { major: 1, minor: 0 }, title: "Test module", takes: ["packets"],
  memoryPagesMax: 16, outputBytesMax: 4096,
  rules: [{ id: 1, name: "one", category: "test", severity: 2 }],
};

/** Assembles WebAssembly text. */
export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** What a module's parts do; each is WebAssembly text, and each default is right. */
export interface WatParts {
  memory?: string;
  imports?: string;
  marker?: string;
  input?: string;
  inspect?: string;
  output?: string;
  more?: string;
  data?: string;
}

/** A header of an empty output that says "10 records done"-style numbers, as a data string for `(i32.const at)`. */
export function outputHeader(fields: { count?: number; bytes?: number; status?: number; done?: number; magic?: number }): string {
  const buffer = Buffer.alloc(32);
  buffer.writeUInt32LE(fields.magic ?? 0x46495853, 0);
  buffer.writeUInt16LE(32, 4);
  buffer.writeUInt16LE(32, 6);
  buffer.writeUInt32LE(fields.count ?? 0, 8);
  buffer.writeUInt32LE(fields.bytes ?? 32, 12);
  buffer.writeUInt32LE(fields.status ?? 0, 16);
  buffer.writeUInt32LE(fields.done ?? 1, 20);
  return watString(buffer);
}

/** Bytes as a WebAssembly text string. */
export function watString(bytes: Uint8Array): string {
  return `"${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}"`;
}

/**
 * A module with parts replaced. Input lies at 65,536, output at 1,024; by default it answers every one-record batch with an
 * empty output.
 */
export function watModule(parts: WatParts = {}, manifest: unknown = goodManifest, selfTests?: unknown): Uint8Array {
  const text = `(module
    ${parts.imports ?? ""}
    ${parts.memory ?? "(memory (export \"memory\") 8 16)"}
    ${parts.marker ?? "(global (export \"secuxflow_abi_1\") i32 (i32.const 1))"}
    (data (i32.const 1024) ${parts.data ?? outputHeader({})})
    ${parts.input ?? "(func (export \"input\") (param i32) (result i32) (i32.const 65536))"}
    ${parts.inspect ?? "(func (export \"inspect\") (param i32 i32) (result i32) (i32.const 32))"}
    ${parts.output ?? "(func (export \"output\") (result i32) (i32.const 1024))"}
    ${parts.more ?? ""})`;
  const wasm = withCustomSection(assemble(text), MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  return selfTests === undefined ? wasm : withCustomSection(wasm, SELF_TEST_SECTION, Buffer.from(JSON.stringify(selfTests)));
}
