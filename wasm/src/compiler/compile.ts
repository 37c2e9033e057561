import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const WASM = join(import.meta.dirname, "../..");
const CACHE = join(WASM, "dist/test");

/** A compiled entry file: its exports (all numbers) and its memory, looked at anew after each call that may grow it. */
export interface Compiled {
  readonly call: (name: string, ...args: (number | bigint)[]) => number;
  /** The same for exports that return a 64-bit integer. */
  readonly call64: (name: string, ...args: (number | bigint)[]) => bigint;
  readonly bytes: () => Uint8Array;
  readonly write: (at: number, bytes: Uint8Array) => void;
  readonly read: (at: number, length: number) => Uint8Array;
}

/**
 * Compiles an AssemblyScript file below wasm/ (for example `engine/codec/test-entry.ts`) as the modules are compiled, and gives
 * fresh instances of it. Kept in dist/test until any source below wasm/ changes.
 * @throws Error with the compiler's messages
 */
export async function compileEntry(entry: string): Promise<() => Compiled> {
  const wasm = new WebAssembly.Module(new Uint8Array(await entryBinary(entry)));
  return () => instantiate(wasm);
}

/** The binary alone, as `compileEntry` makes and keeps it. */
export async function entryBinary(entry: string): Promise<Uint8Array> {
  const hash = createHash("sha256").update(entry);
  for (const room of ["abi", "sdk", "engine", "modules"]) {
    for (const file of readdirSync(join(WASM, room), { recursive: true, encoding: "utf8" }).sort()) {
      if (file.endsWith(".ts")) hash.update(file).update(readFileSync(join(WASM, room, file)));
    }
  }
  const path = join(CACHE, `${hash.digest("hex").slice(0, 32)}.wasm`);
  if (!existsSync(path)) {
    const made = await compile(entry);
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, made);
    renameSync(`${path}.${process.pid}`, path);
  }
  return readFileSync(path);
}

interface Asc {
  main(
    args: readonly string[],
    io: {
      stdout: { write: (text: string | Uint8Array) => void };
      stderr: { write: (text: string | Uint8Array) => void };
      writeFile: (name: string, contents: string | Uint8Array) => void;
    },
  ): Promise<{ error: Error | null }>;
}

/** AssemblyScript's compiler. Its own types declare another `console` for every project that sees them: they stay out. */
async function compiler(): Promise<Asc> {
  const name = "assemblyscript/asc";
  return ((await import(name)) as { default: Asc }).default;
}

async function compile(entry: string): Promise<Uint8Array> {
  // Loaded when needed: it takes half a second, and what is in the cache does not need it.
  let messages = "";
  let binary: Uint8Array | undefined;
  const stream = { write: (text: string | Uint8Array) => void (messages += String(text)) };
  const options = ["--outFile", "out.wasm", "--runtime", "minimal", "-O3", "--enable", "simd", "--maximumMemory", "16384"];
  const { error } = await (await compiler()).main([entry, ...options, "--baseDir", WASM], {
    stdout: stream,
    stderr: stream,
    writeFile: (name, contents) => {
      if (name === "out.wasm") binary = contents as Uint8Array;
    },
  });
  if (error !== null || binary === undefined) throw new Error(`${entry} does not compile:\n${messages}${error?.message ?? ""}`);
  return binary;
}

function instantiate(wasm: WebAssembly.Module): Compiled {
  const abort = (_message: number, _file: number, line: number, column: number): never => {
    throw new Error(`abort at line ${line}, column ${column}`);
  };
  const { exports } = new WebAssembly.Instance(wasm, { env: { abort } });
  const memory = exports.memory as WebAssembly.Memory;
  const run = (name: string, args: readonly (number | bigint)[]): unknown => {
    const target = exports[name];
    if (typeof target !== "function") throw new Error(`there is no export ${name}`);
    return (target as (...values: readonly (number | bigint)[]) => unknown)(...args);
  };
  const bytes = () => new Uint8Array(memory.buffer);
  return {
    call: (name, ...args) => Number(run(name, args) ?? 0),
    call64: (name, ...args) => BigInt(run(name, args) as bigint),
    bytes,
    write: (at, data) => {
      bytes().set(data, at);
    },
    read: (at, length) => bytes().slice(at, at + length),
  };
}
