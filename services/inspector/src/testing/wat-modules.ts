import { MANIFEST_SECTION, withCustomSection } from "@secuxflow/module-host";
import binaryen from "assemblyscript/binaryen";

/** What a hand-written module does with a batch. */
export type Behaviour =
  /** Reports rule 1 for the first record. */
  | "finds"
  /** Reports nothing. */
  | "silent"
  | "loops"
  | "traps"
  /** Reports a record that is not in the batch. */
  | "lies"
  /** Loops as soon as it is configured. */
  | "loops-at-start"
  /** Has a self-test that fails. */
  | "fails-self-test";

/** Memory: findings header at 1024 (magic, header and record length), one finding behind it, input from 65,536 on. */
const DATA = `(data (i32.const 1024) "SXIF\\20\\00\\20\\00")`;
const STORE_HEADER = (count: number): string => `
  (i32.store (i32.const 1032) (i32.const ${count}))
  (i32.store (i32.const 1036) (i32.const ${32 + count * 32}))
  (i32.store (i32.const 1044) (i32.load offset=12 (local.get 0)))`;
const FINDING = (record: number): string => `
  (i32.store (i32.const 1056) (i32.const ${record}))
  (i32.store (i32.const 1060) (i32.const 1))
  (i32.store8 (i32.const 1064) (i32.const 2))
  (i32.store8 (i32.const 1065) (i32.const 1))
  (i32.store8 (i32.const 1066) (i32.const 90))`;

const bodies: Record<Behaviour, string> = {
  finds: `${STORE_HEADER(1)} ${FINDING(0)} (i32.const 64)`,
  silent: `${STORE_HEADER(0)} (i32.const 32)`,
  loops: "(loop $l (br $l)) (i32.const 0)",
  traps: "(unreachable)",
  lies: `${STORE_HEADER(1)} ${FINDING(65_000)} (i32.const 64)`,
  "loops-at-start": `${STORE_HEADER(0)} (i32.const 32)`,
  "fails-self-test": `${STORE_HEADER(0)} (i32.const 32)`,
};

/** A wasm module of a few instructions. Different versions have different digests. */
export function watModule(id: string, behaviour: Behaviour, version = "1.0.0"): Uint8Array {
  const configure = behaviour === "loops-at-start"
    ? `(func (export "configure") (param i32 i32) (result i32) ${bodies.loops})` : "";
  const module = binaryen.parseText(`(module
    (memory (export "memory") 24 24)
    (global (export "secuxflow_abi_1") i32 (i32.const 1))
    ${DATA}
    (func (export "input") (param i32) (result i32) (i32.const 65536))
    (func (export "inspect") (param i32 i32) (result i32) ${bodies[behaviour]})
    (func (export "output") (result i32) (i32.const 1024))
    ${configure})`);
  const wasm = module.emitBinary();
  module.dispose();
  const manifest = {
    id, version, abi: { major: 1, minor: 0 }, title: `Test module ${behaviour}`, takes: ["packets"], memoryPagesMax: 24,
    outputBytesMax: 4_096,
    rules: [{ id: 1, name: `${id} rule`, category: "test", severity: 2 }],
  };
  const withManifest = withCustomSection(wasm, MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  if (behaviour !== "fails-self-test") return withManifest;
  return withCustomSection(withManifest, "secuxflow.selftest",
    Buffer.from(JSON.stringify([{ name: "wrong", batch: emptyBatch, rules: [1] }])));
}

/** A batch without records, in hexadecimal. */
const emptyBatch = (() => {
  const batch = Buffer.alloc(64);
  batch.write("SXIB", 0, "latin1");
  batch.writeUInt16LE(1, 4);
  batch.writeUInt16LE(64, 8);
  batch.writeUInt16LE(96, 10);
  batch.writeUInt32LE(64, 24);
  return batch.toString("hex");
})();
