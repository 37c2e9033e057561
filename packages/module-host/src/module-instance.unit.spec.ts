import { BatchBuilder, BatchReader, Kind, parseAddress } from "@secuxflow/inspect-abi";
import { openRuleSet, writeRuleImage } from "@secuxflow/rule-image";
import type { RuleSet } from "@secuxflow/rule-image";
import { describe, expect, it } from "vitest";
import { ModuleLied, ModuleRejected, ModuleTrapped } from "./errors.js";
import { loadModule } from "./load-module.js";
import { ModuleInstance } from "./module-instance.js";
import { goodManifest, outputHeader, watModule, watString } from "./testing/wat-module.js";
import type { WatParts } from "./testing/wat-module.js";

function batchOf(count: number): Uint8Array {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 64, maxBytes: 32_768 });
  for (let i = 0; i < count; i++) {
    builder.append(
      {
        flowIdLow: i,
        flowIdHigh: 0,
        streamOffset: 0,
        timeDeltaNs: i,
        wireLen: 20,
        l3Offset: 14,
        l4Offset: 0xffff,
        payloadOffset: 0xffff,
        sport: 0,
        dport: 0,
        family: 4,
        proto: 1,
        kind: Kind.PACKET,
        direction: 0,
        flags: 0,
        vlan: 0,
        ifindex: 1,
        modules: 1,
        forwardId: 1,
        src: parseAddress("10.0.0.1"),
        dst: parseAddress("10.0.0.2"),
      },
      new Uint8Array(20).fill(i),
    );
  }
  return builder.finish().slice();
}

const one = batchOf(1);
const create = (parts: WatParts, manifest?: unknown): Promise<ModuleInstance> =>
  ModuleInstance.create(watModule(parts, manifest));

/** A finding as wat data: rule 1 on record 0, with the given fields changed. */
function findingOutput(change: Partial<{ record: number; rule: number; attrOffset: number; attrLen: number }>): string {
  const finding = Buffer.alloc(32);
  finding.writeUInt32LE(change.record ?? 0, 0);
  finding.writeUInt32LE(change.rule ?? 1, 4);
  finding.set([2, 1, 50, 0], 8);
  finding.writeUInt32LE(change.attrOffset ?? 0, 20);
  finding.writeUInt32LE(change.attrLen ?? 0, 24);
  return `${outputHeader({ count: 1, bytes: 64 })} ${watString(finding)}`;
}
const returns64 = '(func (export "inspect") (param i32 i32) (result i32) (i32.const 64))';

describe("a well-behaved module", () => {
  it("gives findings and counts", async () => {
    const instance = await create({ inspect: returns64, data: findingOutput({}) });
    expect(instance.inspect(one)).toEqual([
      {
        recordIndex: 0,
        ruleId: 1,
        severity: 2,
        verdictHint: "alert",
        confidence: 50,
        inStream: false,
        matchOffset: 0,
        matchLen: 0,
        dropped: false,
        noAlert: false,
        attributes: {},
      },
    ]);
    expect(instance.stats).toEqual({ calls: 1, records: 1, findings: 1, findingsDropped: 0, recordsSkipped: 0 });
    expect(instance.memory).toEqual({ bytes: 8 * 65_536, maxBytes: 16 * 65_536 });
  });

  it("sees the batch as sent, with its module bit set", async () => {
    // Answers with rule = module bit, confidence from the length of the data of the first record.
    const manifest = { ...goodManifest, rules: [{ id: 0x8000_0000, name: "x", category: "x", severity: 1 }] };
    const instance = await create(
      {
        data: findingOutput({}),
        inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (i32.store (i32.const 1060) (i32.load offset=48 (local.get 0)))
        (i32.store8 (i32.const 1066) (i32.load offset=88 (local.get 0)))
        (i32.const 64))`,
      },
      manifest,
    );
    const before = one.slice();
    expect(instance.inspect(new BatchReader(one), 0x8000_0000)).toMatchObject([{ ruleId: 0x8000_0000, confidence: 20 }]);
    expect(one).toEqual(before);
  });

  it("is given its configuration and time", async () => {
    const messages: [number, string][] = [];
    const wasm = watModule({
      imports: '(import "secuxflow" "log" (func $log (param i32 i32 i32)))',
      more: `(func (export "configure") (param i32 i32) (result i32) (call $log (i32.const 2) (local.get 0) (local.get 1)) (i32.const 0))
        (func (export "tick") (param f64) (call $log (i32.const 0) (i32.const 1024) (i32.trunc_f64_u (local.get 0))))`,
    });
    const instance = await ModuleInstance.create(wasm, {
      configure: "scan.ports=7",
      log: (level, text) => messages.push([level, text]),
    });
    instance.tick(4);
    expect(messages).toEqual([
      [2, "scan.ports=7"],
      [0, "SXIF"],
    ]);
  });

  it("goes on after a full output until all records are done", async () => {
    // Handles one record a call and says so.
    const instance = await create({
      inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (i32.store (i32.const 1040) (i32.gt_u (i32.load offset=12 (local.get 0)) (i32.const 1)))
        (i32.const 64))`,
      data: findingOutput({}),
    });
    expect(instance.inspect(batchOf(5)).map(({ recordIndex }) => recordIndex)).toEqual([0, 1, 2, 3, 4]);
    expect(instance.stats.calls).toBe(5);
  });

  it("is given halves when it cannot take a batch, down to one record, which is then skipped", async () => {
    // Takes batches of at most two records; the record with time delta 6 never.
    const parts = {
      inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (if (i32.gt_u (i32.load offset=12 (local.get 0)) (i32.const 2)) (then (return (i32.const -2))))
        (if (i32.eq (i32.load offset=80 (local.get 0)) (i32.const 6)) (then (return (i32.const -2))))
        (i32.store (i32.const 1044) (i32.load offset=12 (local.get 0)))
        (i32.const 64))`,
      data: findingOutput({}),
    };
    const instance = await create(parts);
    expect(instance.inspect(batchOf(8)).map(({ recordIndex }) => recordIndex)).toEqual([0, 2, 4, 7]);
    expect(instance.stats).toMatchObject({ recordsSkipped: 1, records: 8 });
  });
});

describe("a hostile module", () => {
  it.each<[string, WatParts]>([
    ["an input outside of the memory", { input: '(func (export "input") (param i32) (result i32) (i32.const 524200))' }],
    ["an input at 0", { input: '(func (export "input") (param i32) (result i32) (i32.const 0))' }],
    ["a negative input", { input: '(func (export "input") (param i32) (result i32) (i32.const -16))' }],
    ["an output outside of the memory", { output: '(func (export "output") (result i32) (i32.const 524280))' }],
    ["a negative code", { inspect: '(func (export "inspect") (param i32 i32) (result i32) (i32.const -4))' }],
    ["an unknown code", { inspect: '(func (export "inspect") (param i32 i32) (result i32) (i32.const -999))' }],
    ["a 64-bit answer", { inspect: '(func (export "inspect") (param i32 i32) (result i64) (i64.const 32))' }],
    ["a broken number", { inspect: '(func (export "inspect") (param i32 i32) (result f64) (f64.const nan))' }],
    [
      "more output than its manifest says",
      { inspect: '(func (export "inspect") (param i32 i32) (result i32) (i32.const 4104))' },
    ],
    ["an output without a header", { inspect: '(func (export "inspect") (param i32 i32) (result i32) (i32.const 3))' }],
    ["a wrong magic", { data: outputHeader({ magic: 1 }) }],
    ["another length in its header", { data: outputHeader({ bytes: 64 }) }],
    ["more findings than bytes", { data: outputHeader({ count: 1000 }) }],
    ["a record that is not there", { inspect: returns64, data: findingOutput({ record: 1 }) }],
    ["a rule that is not in its manifest", { inspect: returns64, data: findingOutput({ rule: 2 }) }],
    ["attributes outside", { inspect: returns64, data: findingOutput({ attrOffset: 0xffff_fff0, attrLen: 16 }) }],
    ["a full output without progress", { data: outputHeader({ status: 1, done: 0 }) }],
    ["more records done than given", { data: outputHeader({ status: 1, done: 2 }) }],
    ["silence about its records", { data: outputHeader({ done: 0 }) }],
  ])("that answers %s is caught", async (_title, parts) => {
    const instance = await create(parts);
    expect(() => instance.inspect(one)).toThrow(ModuleLied);
  });

  it.each<[string, string, string]>([
    ["a trap", "unreachable", ""],
    ["a load past the end", "(drop (i32.load (i32.const -4)))", ""],
    ["a division by zero", "(drop (i32.div_u (i32.const 1) (i32.const 0)))", ""],
    ["endless recursion", "(call $deep)", "(func $deep (call $deep) (call $deep))"],
  ])("that ends in %s is caught, and stays dead", async (_title, body, more) => {
    const instance = await create({
      inspect: `(func (export "inspect") (param i32 i32) (result i32) ${body} (i32.const 32))`,
      more,
    });
    expect(() => instance.inspect(one)).toThrow(ModuleTrapped);
    expect(() => instance.inspect(one)).toThrow(ModuleTrapped);
  });

  it("cannot grow over its declared maximum, and growing does not confuse the host", async () => {
    const instance = await create({
      data: outputHeader({}),
      inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (if (i32.ne (memory.grow (i32.const 100)) (i32.const -1)) (then (unreachable)))
        (i32.const 32))`,
    });
    for (let i = 0; i < 12; i++) expect(instance.inspect(one)).toEqual([]);
    expect(instance.memory).toEqual({ bytes: 16 * 65_536, maxBytes: 16 * 65_536 });
  });

  it("reports an AssemblyScript abort with its text", async () => {
    const text = Buffer.from("boom", "utf16le");
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length, 0);
    const instance = await create({
      imports: '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))',
      more: `(data (i32.const 2000) ${watString(length)} ${watString(text)})`,
      inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (call $abort (i32.const 2004) (i32.const -1) (i32.const 7) (i32.const 9)) (i32.const 32))`,
    });
    expect(() => instance.inspect(one)).toThrow(/boom \(\?:7:9\)/);
    expect(() => instance.inspect(one)).toThrow(ModuleTrapped);
  });

  it("cannot flood the log, nor read outside of its memory with it", async () => {
    const lines: string[] = [];
    const wasm = watModule({
      imports: '(import "secuxflow" "log" (func $log (param i32 i32 i32)))',
      inspect: `(func (export "inspect") (param i32 i32) (result i32) (local i32)
        (call $log (i32.const 1) (i32.const -8) (i32.const 64))
        (loop $again
          (call $log (i32.const 1) (i32.const 65536) (i32.const 100000))
          (br_if $again (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 1000))))
        (i32.const 32))`,
    });
    const instance = await ModuleInstance.create(wasm, { log: (_level, text) => lines.push(text) });
    instance.inspect(one);
    expect(lines).toHaveLength(16);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1200);
    expect(lines[15]).toContain("dropped");
  });

  it("is refused when it fails to start, has wrong parameters, or refuses its configuration", async () => {
    await expect(create({ more: "(func $s unreachable) (start $s)" })).rejects.toThrow(
      expect.objectContaining({ reason: "start-failed" }),
    );
    await expect(create({ more: '(func (export "_initialize") unreachable)' })).rejects.toThrow(ModuleTrapped);
    await expect(create({ input: '(func (export "input") (result i32) (i32.const 65536))' })).rejects.toThrow(
      expect.objectContaining({ reason: "missing-export" }),
    );
    await expect(create({ more: '(func (export "configure") (param i32 i32) (result i32) (i32.const -5))' })).rejects.toThrow(
      expect.objectContaining({ reason: "bad-configuration" }),
    );
    await expect(ModuleInstance.create(watModule(), { configure: "a=1" })).rejects.toThrow(ModuleRejected);
  });
});

describe("a WASI module", () => {
  const wasi = (name: string, parameters: string): string =>
    `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${parameters}) (result i32)))`;

  it("runs without clock, randomness, arguments or environment, and prints to the log", async () => {
    const lines: [number, string][] = [];
    const iovec = Buffer.alloc(8);
    iovec.writeUInt32LE(3008, 0);
    iovec.writeUInt32LE(5, 4);
    const wasm = watModule({
      imports: [
        wasi("clock_time_get", "i32 i64 i32"),
        wasi("random_get", "i32 i32"),
        wasi("environ_sizes_get", "i32 i32"),
        wasi("args_sizes_get", "i32 i32"),
        wasi("fd_write", "i32 i32 i32 i32"),
      ].join("\n"),
      more: `(data (i32.const 3000) ${watString(iovec)} "hello")
        (func (export "_initialize") (drop (call $fd_write (i32.const 1) (i32.const 3000) (i32.const 1) (i32.const 3100))))`,
      data: findingOutput({}),
      // Traps unless everything is denied or empty.
      inspect: `(func (export "inspect") (param i32 i32) (result i32)
        (if (i32.ne (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 4000)) (i32.const 52)) (then (unreachable)))
        (if (i32.ne (call $random_get (i32.const 4000) (i32.const 8)) (i32.const 52)) (then (unreachable)))
        (if (i32.ne (call $environ_sizes_get (i32.const 4000) (i32.const 4004)) (i32.const 0)) (then (unreachable)))
        (if (i32.ne (i32.load (i32.const 4000)) (i32.const 0)) (then (unreachable)))
        (if (i32.ne (call $args_sizes_get (i32.const 4000) (i32.const 4004)) (i32.const 0)) (then (unreachable)))
        (if (i32.gt_u (i32.load (i32.const 4000)) (i32.const 1)) (then (unreachable)))
        (i32.const 64))`,
    });
    const instance = await ModuleInstance.create(wasm, { log: (level, text) => lines.push([level, text]) });
    expect(instance.loaded.usesWasi).toBe(true);
    expect(instance.inspect(one)).toHaveLength(1);
    expect(lines).toEqual([[2, "hello"]]);
  });
});

describe("self-tests", () => {
  const hex = Buffer.from(one).toString("hex");

  it("pass and fail by the rules that are found, in an instance of their own", async () => {
    const vectors = [
      { name: "finds", batch: hex, rules: [1] },
      { name: "expects more", batch: hex, rules: [1, 1] },
      { name: "no batch", batch: "00", rules: [] },
    ];
    const wasm = watModule({ inspect: returns64, data: findingOutput({}) }, goodManifest, vectors);
    const instance = await ModuleInstance.create(wasm);
    expect(await instance.selfTest()).toEqual({
      passed: 1,
      failures: [
        { name: "expects more", detail: "found rules [1], expected [1, 1]" },
        { name: "no batch", detail: "batch: 1 bytes, a header has 64" },
      ],
    });
    expect(instance.stats.calls).toBe(0);
  });

  it("can be posted to a worker as loaded", () => {
    const loaded = loadModule(watModule());
    expect(structuredClone({ ...loaded, module: undefined })).toEqual({ ...loaded, module: undefined });
    expect(structuredClone(loaded.module)).toBeInstanceOf(WebAssembly.Module);
  });
});

/** Rule 2001 in an image that starts with this byte. */
function ruleSet(first: number): RuleSet {
  const meta = new TextEncoder().encode('{"rules":{"2001":{"msg":"a rule"}}}');
  const set = openRuleSet(writeRuleImage({ kind: "suricata", version: 1, sections: [{ tag: "META", bytes: meta }] }));
  return { ...set, image: Uint8Array.of(first, 1, 2) };
}

describe("rule images", () => {
  // Keeps the image where batches go, and answers load with its first byte taken as a signed number.
  const rules = `(func (export "rules") (param i32) (result i32) (i32.const 65536))
    (func (export "load") (param i32 i32) (result i32) (i32.load8_s (local.get 0)))`;


  it("are given to the module, and findings may name their rules from then on", async () => {
    const instance = await create({ inspect: returns64, data: findingOutput({ rule: 2001 }), more: rules });
    expect(() => instance.inspect(one)).toThrow(ModuleLied);
    instance.loadRules(ruleSet(0));
    expect(instance.inspect(one)).toMatchObject([{ ruleId: 2001 }]);
  });

  it("that the module refuses leave the known rules as they were", async () => {
    const instance = await create({ inspect: returns64, data: findingOutput({ rule: 2001 }), more: rules });
    expect(() => instance.loadRules(ruleSet(0xfa))).toThrow(/bad-rules.*RULES/);
    expect(() => instance.inspect(one)).toThrow(ModuleLied);
  });

  it("are refused by a module that takes none", async () => {
    const instance = await create({});
    expect(() => instance.loadRules(ruleSet(0))).toThrow(/takes no rules/);
  });
});

describe("flush", () => {
  it("gives what the end of all flows brings to light", async () => {
    const more = `(func (export "flush") (result i32) (i32.const 64))`;
    expect((await create({ more, data: findingOutput({}) })).flush()).toMatchObject([{ ruleId: 1 }]);
    expect((await create({})).flush()).toEqual([]);
  });

  it("is called again while the output is full, but not for ever", async () => {
    const more = `(func (export "flush") (result i32) (i32.const 32))`;
    const endless = await create({ more, data: outputHeader({ status: 1, done: 0 }) });
    expect(() => endless.flush()).toThrow(/not done after/);
  });
});

describe("flows", () => {
  it("are what the module counted, where it counts", async () => {
    const more = `(func (export "counters") (result i32) (i32.const 2048))
      (data (i32.const 2048) ${watString(Buffer.from(BigUint64Array.of(5n, 7n, 2n ** 40n).buffer))})`;
    expect((await create({ more })).flows()).toEqual({ read: 5, encrypted: 7, other: 2 ** 40 });
    expect((await create({})).flows()).toBeUndefined();
  });

  it("that lie outside of the memory are a lie", async () => {
    const more = `(func (export "counters") (result i32) (i32.const -8))`;
    const instance = await create({ more });
    expect(() => instance.flows()).toThrow(ModuleLied);
  });
});
