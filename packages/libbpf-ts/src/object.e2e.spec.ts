import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  ArgumentError, BpfError, BpfMap, BpfObject, BpfProgram, ClosedError, kernelBtf, libbpfVersion, linkTypes, MapMismatchError,
  mapTypes, mountBpffs, programTypes, setLogHandler, SpecError, StateError, structLayout, UnknownNameError, VerifierError,
  XdpAction,
} from "./index.js";
import { native } from "./native.js";
import { compileFixture, KERNEL, kernelReady } from "./testing/fixtures.js";

const packet = Buffer.alloc(64);

describe.skipIf(!kernelReady)(`BpfObject (${KERNEL})`, () => {
  const pinRoot = `/sys/fs/bpf/libbpf-ts-object-${process.pid}`;
  let file = "";

  beforeAll(() => {
    file = compileFixture("basic");
    mountBpffs();
  });
  beforeEach(() => { mkdirSync(pinRoot, { recursive: true }); });
  afterEach(() => { rmSync(pinRoot, { recursive: true, force: true }); });

  function opened(): BpfObject {
    return BpfObject.open(file, { pinRoot });
  }

  it("agrees with libbpf about programs and maps of the file", () => {
    const object = opened();
    const raw = native().objectOpen(readFileSync(file), "model", null) as object;
    const programs = native().objectPrograms(raw) as { name: string; section: string; type: number }[];
    expect(programs.length).toBeGreaterThan(5);
    expect([...object.spec.programs.values()].map((one) => [one.name, one.section, one.type]))
      .toEqual(programs.map((one) => [one.name, one.section, programTypes[one.type]]));
    const maps = native().objectMaps(raw) as { name: string; type: number; keySize: number; valueSize: number; maxEntries: number }[];
    const described = (name: string, one: { keySize: number; valueSize: number; maxEntries: number }, type: number): unknown[] =>
      [name, type, one.keySize, one.valueSize, one.maxEntries];
    expect([...object.spec.maps.values()].map((one) => described(one.name, one, one.typeId)).sort())
      .toEqual(maps.map((one) => described(one.name.replace(/^model/, ""), one, one.type)).sort());
    native().objectClose(raw);
    object.close();
  });

  it("names types as libbpf does", () => {
    expect(libbpfVersion()).toMatch(/^v\d+\.\d+$/);
    // A newer libbpf knows more at the end.
    expect(native().typeNames("map").slice(0, mapTypes.length)).toEqual([...mapTypes].slice(0, native().typeNames("map").length));
    expect(native().typeNames("program").slice(0, programTypes.length)).toEqual([...programTypes]);
    expect(native().typeNames("link").slice(0, linkTypes.length)).toEqual([...linkTypes]);
  });

  it("sets constants before load, and reads and writes variables after it", () => {
    const object = opened();
    expect(object.getGlobalInteger("wanted_action")).toBe(BigInt(XdpAction.PASS));
    expect(object.getGlobalInteger("negative")).toBe(-5n);
    expect([...object.getGlobal("blob")]).toEqual([1, 2, 3, 4, 5, 6]);
    object.setGlobal("wanted_action", XdpAction.TX).setGlobal("enabled", true).setGlobal("counter_start", 1000);
    object.load();
    expect(object.program("decide").testRun({ data: packet, repeat: 3 }).retval).toBe(XdpAction.TX);
    expect(object.getGlobalInteger("run_count")).toBe(3n);
    expect(object.getGlobalInteger("counter_start")).toBe(1003n);
    expect(object.getGlobalInteger("difference")).toBe(-6n);
    expect(object.getGlobalInteger("wanted_action")).toBe(3n);
    object.setGlobal("run_count", 2n ** 63n);
    object.program("decide").testRun({ data: packet });
    expect(object.getGlobalInteger("run_count")).toBe(2n ** 63n + 1n);
    expect(() => object.setGlobal("wanted_action", 1)).toThrow(StateError);
    object.close();
  });

  it("reads the other branch when constants are left alone", () => {
    const object = opened().load();
    expect(object.program("decide").testRun({ data: packet }).retval).toBe(XdpAction.ABORTED);
    object.close();
  });

  it("refuses wrong values and names and changes nothing", () => {
    const object = opened();
    expect(() => object.setGlobal("wanted_action", -1)).toThrow(ArgumentError);
    expect(() => object.setGlobal("wanted_action", 2 ** 32)).toThrow(/0 to 4294967295/);
    expect(() => object.setGlobal("negative", 40000)).toThrow(ArgumentError);
    expect(() => object.setGlobal("blob", 1)).toThrow(/Buffer/);
    expect(() => object.setGlobal("blob", Buffer.alloc(7))).toThrow(/6 bytes/);
    expect(() => object.setGlobal("nothing", 1)).toThrow(UnknownNameError);
    expect(() => object.setMapMaxEntries("nothing", 1)).toThrow(/by_key/);
    expect(() => object.setAutoload("nothing", true)).toThrow(/decide/);
    expect(() => object.programs).toThrow(StateError);
    expect(object.getGlobalInteger("wanted_action")).toBe(2n);
    expect(object.getGlobalInteger("negative")).toBe(-5n);
    object.load();
    expect(() => object.load()).toThrow(StateError);
    expect(() => object.setMapMaxEntries("by_key", 5)).toThrow(/loaded already/);
    expect(() => object.map("nothing")).toThrow(UnknownNameError);
    object.close();
    object.close();
    expect(() => object.maps).toThrow(ClosedError);
    expect(() => object.getGlobal("run_count")).toThrow(ClosedError);
  });

  it("changes sizes of maps and leaves programs out", () => {
    const object = opened().setMapMaxEntries("by_key", 7).setAutoload("tc_drop", false).load();
    expect(object.map("by_key").info().maxEntries).toBe(7);
    expect(object.map("by_key").info().name).toBe("by_key");
    expect([...object.programs.keys()]).not.toContain("tc_drop");
    expect([...object.programs.keys()]).toContain("tc_pass");
    expect([...object.maps.keys()].sort()).toEqual(
      [".bss", ".data", ".rodata", "by_key", "first", "generations", "mapped", "per_cpu", "pinned"]);
    object.close();
  });

  it("changes the size of values, also of the maps in a map of maps", () => {
    const object = opened().setMapValueSize("first", 4096).setMapValueSize("generations", 4096).load();
    expect(object.map("first").valueSize).toBe(4096);
    expect(object.map("generations").lookupInner(0)?.valueSize).toBe(4096);
    expect(() => object.setMapValueSize("first", 8)).toThrow(/loaded already/);
    object.close();
    const refused = opened();
    expect(() => refused.setMapValueSize("nothing", 8)).toThrow(UnknownNameError);
    refused.setMapValueSize("first", 4096); // but not the template of the map that holds it
    expect(() => refused.load()).toThrow(BpfError);
    refused.close();
  });

  it("throws the verifier's whole log with a summary", () => {
    const object = BpfObject.open(compileFixture("refused"));
    let error: unknown;
    try {
      object.load();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(VerifierError);
    const verifier = error as VerifierError;
    expect(verifier.program).toBe("reads_beyond");
    expect(verifier.code).toBe("EACCES");
    expect(verifier.log).toMatch(/^0: /);
    expect(verifier.log).toMatch(/processed \d+ insns/);
    expect(verifier.summary).toMatch(/invalid access to packet, off=20 size=1/);
    expect(verifier.summary).toMatch(/data\[20\]/);
    expect(verifier.message).not.toContain("\n");
    expect(() => object.load()).toThrow(StateError);
    object.close();
    const other = BpfObject.open(compileFixture("refused")).setAutoload("reads_beyond", false).load();
    expect(other.program("harmless").testRun({ data: packet }).retval).toBe(XdpAction.PASS);
    other.close();
  });

  it("sends libbpf's log to the handler alone", () => {
    const lines: string[] = [];
    setLogHandler((level, message) => lines.push(`${level}: ${message}`), "warn");
    const object = BpfObject.open(compileFixture("refused"));
    expect(() => object.load()).toThrow(VerifierError);
    expect(lines.some((line) => line.startsWith("warn: ") && line.includes("reads_beyond"))).toBe(true);
    const before = lines.length;
    setLogHandler(undefined);
    const second = BpfObject.open(compileFixture("refused"));
    expect(() => second.load()).toThrow(VerifierError);
    expect(lines.length).toBe(before);
    object.close();
    second.close();
  });

  it("takes another map in place of its own, and refuses one that differs", () => {
    const object = opened();
    const map = BpfMap.create({ type: "hash", keySize: 4, valueSize: 80, maxEntries: 1024, name: "mine" });
    const other = BpfMap.create({ type: "hash", keySize: 4, valueSize: 88, maxEntries: 1024 });
    expect(() => object.reuseMap("by_key", other)).toThrow(MapMismatchError);
    expect(() => object.reuseMap("by_key", other)).toThrow(/value size is 88, should be 80/);
    expect(() => object.reuseMap("by_key", `${pinRoot}/nothing`)).toThrow(/ENOENT/);
    object.reuseMap("by_key", map).load();
    expect(object.map("by_key").id).toBe(map.id);
    object.program("count_keys").testRun({ data: packet });
    expect(map.lookup(0)?.readBigUInt64LE()).toBe(7n);
    object.close();
    expect(map.lookup(0)?.readBigUInt64LE()).toBe(7n);
    map.close();
    other.close();
  });

  it("does not pin a map that it was given", () => {
    const map = BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 8 });
    const object = opened().reuseMap("pinned", map).load();
    expect(() => statSync(`${pinRoot}/pinned`)).toThrow(/ENOENT/);
    expect(object.map("pinned").id).toBe(map.id);
    object.close();
    map.close();
  });

  it("pins maps by name, finds them again, and reopens programs", () => {
    const first = opened().load();
    first.program("count_keys").testRun({ data: packet });
    const id = first.map("pinned").id;
    const programPath = `${pinRoot}/decide`;
    const programId = first.program("decide").id;
    first.program("decide").pin(programPath);
    expect(() => { first.program("decide").pin(programPath); }).toThrow(/EEXIST/);
    first.close();
    const second = opened().load();
    expect(second.map("pinned").id).toBe(id);
    expect(second.map("pinned").lookup(Buffer.alloc(8))).toEqual(Buffer.alloc(8));
    second.close();
    const map = BpfMap.fromPin(`${pinRoot}/pinned`);
    expect(map.id).toBe(id);
    expect(map.type).toBe("hash");
    expect(() => BpfProgram.fromPin(`${pinRoot}/pinned`)).toThrow(/no program/);
    expect(() => BpfMap.fromPin(programPath)).toThrow(/no map/);
    const program = BpfProgram.fromPin(programPath);
    expect(program.id).toBe(programId);
    expect(BpfProgram.fromId(programId).info().tag).toBe(program.info().tag);
    program.unpin();
    program.unpin(programPath);
    expect(() => statSync(programPath)).toThrow(/ENOENT/);
    map.unpin();
    map.close();
    program.close();
    expect(() => BpfProgram.fromPin(programPath)).toThrow(/ENOENT/);
  });

  it("does not unpin what is no pin", () => {
    const object = opened().load();
    expect(() => { object.program("decide").unpin(file); }).toThrow(/not on a bpf file system/);
    expect(statSync(file).isFile()).toBe(true);
    expect(() => { object.program("decide").pin("/tmp/libbpf-ts-not-bpffs"); }).toThrow(BpfError);
    object.close();
  });

  it("tells about a program", () => {
    const object = opened().load();
    const info = object.program("decide").info();
    expect(info).toMatchObject({ name: "decide", type: "xdp", gplCompatible: true, createdByUid: 0 });
    expect(info.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(info.mapIds).toContain(object.map("mapped").id);
    object.close();
  });

  it("shows where C keeps the members of a struct", () => {
    const object = opened();
    const layout = object.btfStructLayout("stats");
    expect(layout.size).toBe(80);
    expect(Object.fromEntries(layout.members.map((one) => [one.name, [one.offset, one.size]]))).toEqual({
      packets: [0, 8], bytes: [8, 8], last_length: [16, 4], flags: [20, 1], low: [22, 2], high: [24, 2], address: [28, 16],
      a: [44, 4], b: [44, 4], times: [48, 32],
    });
    expect(layout.members.find((one) => one.name === "b")?.bits).toEqual({ offset: 355, size: 13 });
    expect(() => object.btfStructLayout("nothing")).toThrow(UnknownNameError);
    object.close();
  });

  it("reads the running kernel's types", () => {
    const layout = structLayout(kernelBtf(), "xdp_md");
    expect(layout.members.map((one) => [one.name, one.offset])).toEqual([
      ["data", 0], ["data_end", 4], ["data_meta", 8], ["ingress_ifindex", 12], ["rx_queue_index", 16], ["egress_ifindex", 20],
    ]);
  });

  it("refuses files that are no BPF objects", () => {
    expect(() => BpfObject.open(Buffer.from("no ELF"))).toThrow(SpecError);
    expect(() => BpfObject.open(readFileSync(process.execPath))).toThrow(/not for BPF/);
    expect(() => BpfObject.open(readFileSync(file).subarray(0, 3000))).toThrow(SpecError);
    expect(() => BpfObject.open("/nonexistent/file.o")).toThrow(/ENOENT/);
  });
});
