import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BatchReader } from "@secuxflow/inspect-abi";
import asc from "assemblyscript/asc";
import { describe, expect, it } from "vitest";
import { newModule } from "./testing/harness.js";

const root = join(import.meta.dirname, "../..");
const vectors = JSON.parse(readFileSync(join(root, "packages/inspect-abi/vectors/batches.json"), "utf8")) as {
  name: string;
  hex: string;
}[];

/** Compiles a module with one getter per generated accessor. */
async function compileAccessors(): Promise<{ memory: WebAssembly.Memory; getters: Map<string, (p: number) => bigint> }> {
  const abi = readFileSync(join(root, "wasm/abi/assembly/abi.ts"), "utf8");
  const names = [...abi.matchAll(/@inline export function (\w+)\(p: usize\): (u8|u16|u32|u64|usize) /g)].map(
    (match) => match[1] ?? "",
  );
  const files: Record<string, string> = {
    "abi.ts": abi,
    "index.ts": `import * as abi from "./abi";\n${names.map((name) => `export function ${name}(p: usize): u64 { return abi.${name}(p); }`).join("\n")}\n`,
  };
  let wasm: Uint8Array | undefined;
  const errors: string[] = [];
  const result = await asc.main(["index.ts", "--outFile", "out.wasm", "--runtime", "stub", "--initialMemory", "2"], {
    readFile: (name: string) => files[name] ?? null,
    writeFile: (name: string, contents: Uint8Array | string) => {
      if (name === "out.wasm" && typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
    stderr: {
      write: (text: Uint8Array | string) => {
        errors.push(text.toString());
      },
    },
  });
  if (result.error !== null || wasm === undefined) throw new Error(errors.join(""));
  const { instance } = await WebAssembly.instantiate(Uint8Array.from(wasm), { env: { abort: () => undefined } });
  const getters = new Map(names.map((name) => [name, instance.exports[name] as (p: number) => bigint]));
  return { memory: instance.exports.memory as WebAssembly.Memory, getters };
}

describe("the ABI in AssemblyScript", () => {
  it("reads every field of the golden batches as TypeScript does", async () => {
    const { memory, getters } = await compileAccessors();
    const at = 65_536;
    let compared = 0;
    const compare = (prefix: string, pointer: number, values: object): void => {
      for (const [field, value] of Object.entries(values) as [string, number | bigint | Uint8Array][]) {
        const getter = getters.get(prefix + field.charAt(0).toUpperCase() + field.slice(1));
        if (getter === undefined) throw new Error(`there is no accessor for ${prefix} ${field}`);
        const result = BigInt.asUintN(64, getter(pointer));
        if (value instanceof Uint8Array)
          expect([field, [...new Uint8Array(memory.buffer, Number(result), 16)]]).toEqual([field, [...value]]);
        else expect([field, result]).toEqual([field, BigInt(value)]);
        compared++;
      }
    };
    for (const { hex } of vectors) {
      const reader = new BatchReader(Buffer.from(hex, "hex"));
      new Uint8Array(memory.buffer).set(reader.bytes, at);
      compare("batch", at, reader.header);
      for (let i = 0; i < reader.count; i++) compare("record", at + reader.recordAt(i), reader.record(i));
    }
    expect(compared).toBeGreaterThan(100);
  });

  it.each(vectors)("golden batch: $name is taken by both modules without a finding", async ({ hex }) => {
    for (const name of ["ips", "waf"] as const) expect((await newModule(name)).inspect(Buffer.from(hex, "hex"))).toEqual([]);
  });
});
