import { writeRuleImage } from "@secuxflow/rule-image";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withCustomSection } from "./custom-section.js";
import { ModuleRejected } from "./errors.js";
import { loadModule } from "./load-module.js";
import { readManifest, RULES_SECTION } from "./manifest.js";
import { assemble, goodManifest, watModule } from "./testing/wat-module.js";
import { summarizeWasm } from "./wasm-binary.js";

function rejection(run: () => unknown): ModuleRejected {
  try {
    run();
  } catch (error) {
    if (error instanceof ModuleRejected) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("readManifest", () => {
  it("reads it without compiling, with defaults filled in", () => {
    expect(readManifest(watModule())).toEqual({
      ...goodManifest,
      description: "",
      prefilter: { protocols: [], ports: [] },
      rules: [{ id: 1, name: "one", category: "test", severity: 2, references: [] }],
    });
  });

  it("ignores keys of later minor versions", () => {
    expect(readManifest(watModule({}, { ...goodManifest, abi: { major: 1, minor: 7 }, later: true })).abi.minor).toBe(7);
  });

  it.each<[string, object, string]>([
    ["an id in capitals", { id: "IPS" }, "id"],
    ["a version that is none", { version: "1" }, "version"],
    ["nothing to take", { takes: [] }, "takes"],
    ["an unknown take", { takes: ["frames"] }, "takes"],
    ["a port above 65535", { prefilter: { ports: [65_536] } }, "ports"],
    ["a severity of 9", { rules: [{ id: 1, name: "x", category: "y", severity: 9 }] }, "severity"],
    ["a rule id twice", { rules: [goodManifest.rules[0], goodManifest.rules[0]] }, "used twice"],
    ["no memory", { memoryPagesMax: 0 }, "memoryPagesMax"],
  ])("refuses %s", (_title, change, mentions) => {
    const error = rejection(() => readManifest(watModule({}, { ...goodManifest, ...change })));
    expect(error.reason).toBe("bad-manifest");
    expect(error.message).toContain(mentions);
  });

  it("refuses a missing, doubled and garbled section", () => {
    const bare = assemble("(module)");
    expect(rejection(() => readManifest(bare)).reason).toBe("no-manifest");
    expect(rejection(() => readManifest(withCustomSection(watModule(), "secuxflow.manifest", Buffer.from("{}")))).reason).toBe(
      "bad-manifest",
    );
    expect(rejection(() => readManifest(withCustomSection(bare, "secuxflow.manifest", Uint8Array.of(0xff, 0xfe)))).reason).toBe(
      "bad-manifest",
    );
  });
});

describe("loadModule", () => {
  it("gives manifest, digest and memory", () => {
    const loaded = loadModule(watModule());
    expect(loaded.memoryPages).toEqual({ min: 8, max: 16 });
    expect(loaded.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(loaded.usesWasi).toBe(false);
  });

  it.each<[string, string, Uint8Array]>([
    ["text", "malformed", Buffer.from("hello, world")],
    ["nothing", "malformed", new Uint8Array(0)],
    ["another ABI in the manifest", "unsupported-abi", watModule({}, { ...goodManifest, abi: { major: 2, minor: 0 } })],
    [
      "another ABI in the marker",
      "unsupported-abi",
      watModule({ marker: '(global (export "secuxflow_abi_2") i32 (i32.const 1))' }),
    ],
    ["no memory maximum", "memory", watModule({ memory: '(memory (export "memory") 8)' })],
    ["more memory than the manifest says", "memory", watModule({ memory: '(memory (export "memory") 8 17)' })],
    [
      "more memory than the host allows",
      "memory",
      watModule({ memory: '(memory (export "memory") 8 5000)' }, { ...goodManifest, memoryPagesMax: 5000 }),
    ],
    ["shared memory", "memory", watModule({ memory: '(memory (export "memory") 8 16 shared)' })],
    [
      "imported memory",
      "memory",
      watModule({ memory: "", imports: '(import "env" "memory" (memory 8 16)) (export "memory" (memory 0))' }),
    ],
    ["too much output", "memory", watModule({}, { ...goodManifest, outputBytesMax: 8 * 1024 * 1024 })],
    ["an import from nowhere", "forbidden-import", watModule({ imports: '(import "env" "system" (func (param i32)))' })],
    [
      "files",
      "forbidden-import",
      watModule({ imports: '(import "wasi_snapshot_preview1" "path_open" (func (param i32) (result i32)))' }),
    ],
    [
      "sockets",
      "forbidden-import",
      watModule({ imports: '(import "wasi_snapshot_preview1" "sock_recv" (func (param i32) (result i32)))' }),
    ],
    ["an imported global of an allowed name", "forbidden-import", watModule({ imports: '(import "env" "abort" (global i32))' })],
    ["no inspect", "missing-export", watModule({ inspect: "" })],
    ["a global called output", "missing-export", watModule({ output: '(global (export "output") i32 (i32.const 1))' })],
    ["a command", "missing-export", watModule({ more: '(func (export "_start"))' })],
  ])("rejects %s (%s)", (_title, reason, wasm) => {
    expect(rejection(() => loadModule(wasm)).reason).toBe(reason);
  });

  it("rejects a module that is too big", () => {
    expect(rejection(() => loadModule(watModule(), { wasmBytesMax: 100 })).reason).toBe("too-big");
  });

  it("rejects every truncation and never throws anything untyped on garbled binaries", () => {
    const whole = watModule();
    for (let length = 0; length < whole.length; length++) {
      expect(rejection(() => loadModule(whole.subarray(0, length)))).toBeInstanceOf(ModuleRejected);
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = whole.slice();
          for (const [at, value] of edits) bytes[at] = value;
          try {
            loadModule(bytes);
          } catch (error) {
            if (!(error instanceof ModuleRejected)) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("summarizeWasm", () => {
  it("agrees with the engine on custom sections", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 400 }), (name, content) => {
        const wasm = withCustomSection(assemble("(module (memory 3 60000))"), name, content);
        const [engine] = WebAssembly.Module.customSections(new WebAssembly.Module(Uint8Array.from(wasm)), name);
        const summary = summarizeWasm(wasm);
        expect(summary.custom.get(Buffer.from(name).toString("utf8"))?.map((bytes) => [...bytes])).toEqual([
          [...new Uint8Array(engine ?? new ArrayBuffer(0))],
        ]);
        expect(summary.memory).toEqual({ minPages: 3, maxPages: 60_000, shared: false });
      }),
      { numRuns: 50 },
    );
  });

  it("refuses two memories and numbers that are too long", () => {
    expect(rejection(() => summarizeWasm(assemble("(module (memory $a 1 2) (memory $b 1 2))"))).reason).toBe("memory");
    const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    expect(rejection(() => summarizeWasm(Uint8Array.from([...head, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))).reason).toBe(
      "malformed",
    );
    expect(rejection(() => summarizeWasm(Uint8Array.from([...head, 5, 0xff, 0xff, 0xff, 0xff, 0x7f]))).reason).toBe("malformed");
  });
});

describe("rules that a module brings along", () => {
  const meta = new TextEncoder().encode('{"rules":{"7":{"msg":"seven"}}}');
  const image = writeRuleImage({ kind: "suricata", version: 1, sections: [{ tag: "META", bytes: meta }] });
  const taking = { ...goodManifest, ruleLanguage: "suricata" };

  it("are read and checked", () => {
    const rules = loadModule(withCustomSection(watModule({}, taking), RULES_SECTION, image)).builtinRules;
    expect([...(rules?.texts.keys() ?? [])]).toEqual([7]);
    expect(loadModule(watModule({}, taking)).builtinRules).toBeUndefined();
  });

  it.each([
    ["damaged", taking, image.map((byte, i) => (i === 60 ? byte ^ 1 : byte))],
    ["of another language", { ...goodManifest, ruleLanguage: "seclang" }, image],
    ["in a module that takes none", goodManifest, image],
  ])("are refused when they are %s", (_name, manifest, bytes) => {
    expect(() => loadModule(withCustomSection(watModule({}, manifest), RULES_SECTION, bytes))).toThrow(/bad-rules/);
  });
});
