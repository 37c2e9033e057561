import { FindingFlag } from "@secuxflow/inspect-abi";
import { MANIFEST_SECTION, RULES_SECTION, withCustomSection } from "@secuxflow/module-host";
import { writeRuleImage } from "@secuxflow/rule-image";
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
  /** Takes rules (see `load` below) and reports rule 2001. */
  | "takes-rules"
  /** Takes rules, and hangs while it loads them, unless their first byte is 0. */
  | "loops-in-load"
  /** Reports rule 1 as something that is not told. */
  | "keeps-book"
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
  "takes-rules": `${STORE_HEADER(1)} ${FINDING(0)} (i32.store (i32.const 1060) (i32.load (i32.const 4096))) (i32.const 64)`,
  "loops-in-load": `${STORE_HEADER(1)} ${FINDING(0)} (i32.store (i32.const 1060) (i32.load (i32.const 4096))) (i32.const 64)`,
  "keeps-book": `${STORE_HEADER(1)} ${FINDING(0)} (i32.store8 (i32.const 1067) (i32.const ${FindingFlag.NO_ALERT})) (i32.const 64)`,
  silent: `${STORE_HEADER(0)} (i32.const 32)`,
  loops: "(loop $l (br $l)) (i32.const 0)",
  traps: "(unreachable)",
  lies: `${STORE_HEADER(1)} ${FINDING(65_000)} (i32.const 64)`,
  "loops-at-start": `${STORE_HEADER(0)} (i32.const 32)`,
  "fails-self-test": `${STORE_HEADER(0)} (i32.const 32)`,
};

/**
 * Takes an image at 131,072 and goes by its byte 0: below 0 is the error that it answers, 127 traps, else it is good; a whole image
 * (its magic begins with "S") says by its last four bytes which rule is reported from then on, and 2001 where that is 0.
 */
const RULES = (hangs: boolean): string => `
  (func (export "rules") (param i32) (result i32) (i32.const 131072))
  (func (export "load") (param i32 i32) (result i32) (local $tail i32)
    (if (i32.lt_s (i32.load8_s (local.get 0)) (i32.const 0)) (then (return (i32.load8_s (local.get 0)))))
    (if (i32.eq (i32.load8_u (local.get 0)) (i32.const 127)) (then (unreachable)))
    (local.set $tail (i32.load (i32.sub (i32.add (local.get 0) (local.get 1)) (i32.const 4))))
    (if (i32.eq (local.get $tail) (i32.const 0)) (then (local.set $tail (i32.const 2001))))
    (if (i32.eq (local.get $tail) (i32.const 666)) (then (unreachable)))
    (if (i32.eq (local.get $tail) (i32.const 667)) (then (return (i32.const -5))))
    ${hangs ? "(if (i32.ne (local.get $tail) (i32.const 2001)) (then (loop $l (br $l))))" : ""}
    (i32.store (i32.const 4096) (local.get $tail))
    (i32.const 0))`;

/** A rule image of which the modules here report rule `id`: 666 traps in `load`, 667 is refused. */
export function watRules(id: number): Uint8Array {
  const tail = new Uint8Array(16);
  new DataView(tail.buffer).setUint32(12, id, true);
  const meta = new TextEncoder().encode(JSON.stringify({ rules: { [id]: { msg: `rule ${id} of the image`, category: "test rules" } } }));
  return writeRuleImage({ kind: "suricata", version: 1, sections: [{ tag: "META", bytes: meta }, { tag: "TAIL", bytes: tail }] });
}

/** A wasm module of a few instructions. Different versions have different digests. */
export function watModule(id: string, behaviour: Behaviour, version = "1.0.0"): Uint8Array {
  const configure = behaviour === "loops-at-start"
    ? `(func (export "configure") (param i32 i32) (result i32) ${bodies.loops})` : "";
  const takesRules = behaviour === "takes-rules" || behaviour === "loops-in-load";
  const module = binaryen.parseText(`(module
    (memory (export "memory") 24 24)
    (global (export "secuxflow_abi_1") i32 (i32.const 1))
    ${DATA}
    (func (export "input") (param i32) (result i32) (i32.const 65536))
    (func (export "inspect") (param i32 i32) (result i32) ${bodies[behaviour]})
    (func (export "output") (result i32) (i32.const 1024))
    ${takesRules ? RULES(behaviour === "loops-in-load") : ""}
    ${configure})`);
  const wasm = module.emitBinary();
  module.dispose();
  const manifest = {
    id, version, abi: { major: 1, minor: 0 }, title: `Test module ${behaviour}`, takes: ["packets"], memoryPagesMax: 24,
    outputBytesMax: 4_096,
    ...(takesRules && { ruleLanguage: "suricata" }),
    rules: [{ id: 1, name: `${id} rule`, category: "test", severity: 2 }],
  };
  const withManifest = withCustomSection(wasm, MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  if (takesRules) return withCustomSection(withManifest, RULES_SECTION, watRules(2_001));
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
