import binaryen from "assemblyscript/binaryen";
import { MANIFEST_SECTION, withCustomSection } from "@secuxflow/module-host";

const EVE_KEY = 16;

/** Bytes of one attribute, as WebAssembly text. */
function attribute(value: string): { readonly text: string; readonly length: number } {
  const bytes = Buffer.from(`\0\0\0\0${value}`);
  bytes.writeUInt16LE(EVE_KEY, 0);
  bytes.writeUInt16LE(value.length, 2);
  return { text: `"${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}"`, length: bytes.length };
}

/** Exports of a module that takes rule images. */
const taking = `
    (func (export "rules") (param i32) (result i32) (i32.const 1048576))
    (func (export "load") (param i32 i32) (result i32) (i32.const 0))`;

/**
 * A module by hand: rule 1 fires on each packet to port 80 and says `onPacket` in its `eve`; the end of the flows fires it once
 * more and says `onFlush`. Its settings must begin with `a`, if there are any. Each packet to port 81 traps.
 * @param ruleLanguage makes it take any rule image of that language, and make nothing of it
 */
export function tinyModule(onPacket: object, onFlush: object, ruleLanguage?: "suricata" | "seclang"): Uint8Array {
  const packet = attribute(JSON.stringify(onPacket));
  const flush = attribute(JSON.stringify(onFlush));
  const header = (count: string, bytes: string, done: string) => `
    (i32.store (i32.const 65536) (i32.const 0x46495853)) (i32.store (i32.const 65540) (i32.const 0x00200020))
    (i32.store (i32.const 65544) ${count}) (i32.store (i32.const 65548) ${bytes})
    (i32.store (i32.const 65552) (i32.const 0)) (i32.store (i32.const 65556) ${done})`;
  const text = `(module
    (memory (export "memory") 64 64)
    (global (export "secuxflow_abi_1") i32 (i32.const 1))
    (data (i32.const 1024) ${packet.text})
    (data (i32.const 32768) ${flush.text})
    (func (export "input") (param i32) (result i32) (i32.const 1048576))
    (func (export "output") (result i32) (i32.const 65536))
    (func (export "configure") (param $p i32) (param $l i32) (result i32)
      (if (result i32) (i32.or (i32.eqz (local.get $l)) (i32.eq (i32.load8_u (local.get $p)) (i32.const 97)))
        (then (i32.const 0)) (else (i32.const -5))))
    ${ruleLanguage === undefined ? "" : taking}
    (func $finding (param $at i32) (param $index i32)
      (memory.fill (local.get $at) (i32.const 0) (i32.const 32))
      (i32.store (local.get $at) (local.get $index))
      (i32.store offset=4 (local.get $at) (i32.const 1))
      (i32.store offset=8 (local.get $at) (i32.const 0x00320102)))
    (func (export "inspect") (param $p i32) (param $l i32) (result i32)
      (local $i i32) (local $n i32) (local $r i32) (local $end i32)
      (local.set $r (i32.add (local.get $p) (i32.const 64)))
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $i) (i32.load offset=12 (local.get $p))))
        (if (i32.eq (i32.load16_u offset=40 (local.get $r)) (i32.const 81)) (then (unreachable)))
        (if (i32.eq (i32.load16_u offset=40 (local.get $r)) (i32.const 80)) (then
          (call $finding (i32.add (i32.const 65568) (i32.mul (local.get $n) (i32.const 32))) (local.get $i))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))))
        (local.set $r (i32.add (local.get $r) (i32.const 96)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
      (local.set $end (i32.add (i32.const 32) (i32.mul (local.get $n) (i32.const 32))))
      (memory.copy (i32.add (i32.const 65536) (local.get $end)) (i32.const 1024) (i32.const ${packet.length}))
      ${header("(local.get $n)", `(i32.add (local.get $end) (i32.const ${packet.length}))`, "(local.get $i)")}
      (block $ready (loop $more
        (br_if $ready (i32.eqz (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (local.set $r (i32.add (i32.const 65568) (i32.mul (local.get $n) (i32.const 32))))
        (i32.store offset=20 (local.get $r) (local.get $end))
        (i32.store offset=24 (local.get $r) (i32.const ${packet.length}))
        (br $more)))
      (i32.add (local.get $end) (i32.const ${packet.length})))
    (func (export "flush") (result i32)
      (call $finding (i32.const 65568) (i32.const 0))
      (i32.store (i32.const 65588) (i32.const 64)) (i32.store (i32.const 65592) (i32.const ${flush.length}))
      (memory.copy (i32.const 65600) (i32.const 32768) (i32.const ${flush.length}))
      ${header("(i32.const 1)", `(i32.const ${64 + flush.length})`, "(i32.const 1)")}
      (i32.const ${64 + flush.length})))`;
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    const manifest = {
      id: "tiny", version: "1.0.0", abi: { major: 1, minor: 1 }, title: "By hand", takes: ["packets"], ruleLanguage,
      memoryPagesMax: 64, outputBytesMax: 65_536, rules: [{ id: 1, name: "port 80", category: "test", severity: 2 }],
    }; // prettier-ignore
    return withCustomSection(module.emitBinary(), MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  } finally {
    module.dispose();
  }
}
