/** BPF objects: opened from a file, adjusted, loaded into the kernel. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { nonEmpty, objectName, u32 } from "./arguments.js";
import type { Btf } from "./btf/btf.js";
import type { StructLayout } from "./btf/layout.js";
import { check, checkValue, withLog } from "./call.js";
import { ArgumentError, bpfError, ClosedError, MapMismatchError, SpecError, StateError, UnknownNameError, VerifierError } from "./errors.js";
import { Globals } from "./globals.js";
import { BpfMap } from "./map.js";
import { type Handle, native, type NativeObjectMap } from "./native.js";
import { BpfProgram } from "./program.js";
import { type ObjectSpec, readObjectSpec, structLayoutOf } from "./spec/object-spec.js";
import type { VariableSpec } from "./spec/variable-spec.js";
import { mapTypes, typeName } from "./types.js";
import { findVerifierLog, summariseVerifierLog } from "./verifier-log.js";

export interface ObjectOpenOptions {
  /** Prefix of the names of .rodata, .data and .bss in the kernel; by default the file's name up to its first dot. */
  name?: string;
  /** Folder for maps declared with LIBBPF_PIN_BY_NAME; by default /sys/fs/bpf. */
  pinRoot?: string;
}

/** Maps whose names or flags libbpf changes: global variables appear in it as "<object>.rodata". */
function publicName(map: NativeObjectMap): string {
  return map.internal && !map.name.startsWith(".") ? map.name.slice(map.name.lastIndexOf(".")) : map.name;
}

export class BpfObject {
  /** What the file declares; also available without a kernel by {@link readObjectSpec}. */
  readonly spec: ObjectSpec;
  readonly #handle: Handle;
  readonly #name: string;
  /** Positions of maps in libbpf's list: their names change when another map is reused. */
  readonly #positions = new Map<string, number>();
  readonly #programs = new Map<string, BpfProgram>();
  readonly #maps = new Map<string, BpfMap>();
  readonly #globals: Globals;
  #state: "open" | "loaded" | "failed" | "closed" = "open";

  private constructor(spec: ObjectSpec, handle: Handle, name: string) {
    this.spec = spec;
    this.#handle = handle;
    this.#name = name;
    for (const [position, map] of this.#nativeMaps().entries()) this.#positions.set(publicName(map), position);
    this.#globals = new Globals((section, offset, bytes, write) =>
      check(native().objectInitialBytes(handle, this.#position(section), offset, bytes, write), "global variable", section));
  }

  /**
   * Opens a file or its bytes; the kernel is not asked yet.
   * @throws {SpecError} the file is damaged or no BPF object
   * @throws {BpfError} libbpf does not take it; its log says why
   */
  static open(source: string | Uint8Array, options: ObjectOpenOptions = {}): BpfObject {
    const bytes = typeof source === "string" ? readFileSync(nonEmpty(source, "path")) : source;
    if (!(bytes instanceof Uint8Array)) throw new ArgumentError("source", "must be a path, a Buffer or a Uint8Array");
    const spec = readObjectSpec(bytes);
    const fallback = typeof source === "string" ? basename(source).replace(/\..*$/, "").replace(/[^A-Za-z0-9_]/g, "_") : "object";
    const name = options.name === undefined ? fallback.slice(0, 15) || "object" : objectName(options.name);
    const pinRoot = options.pinRoot === undefined ? null : nonEmpty(options.pinRoot, "pinRoot");
    const { result, log } = withLog(() => native().objectOpen(bytes, name, pinRoot));
    return new BpfObject(spec, checkValue(result, "open object", `"${name}"`, log), name);
  }

  get name(): string { return this.#name; }
  get loaded(): boolean { return this.#state === "loaded"; }

  /** Loaded programs by name (those with autoload off are missing). @throws {StateError} before load */
  get programs(): ReadonlyMap<string, BpfProgram> {
    this.#mustBe("loaded", "programs");
    return this.#programs;
  }

  /** Maps by name; those of global variables by section (".bss"). @throws {StateError} before load */
  get maps(): ReadonlyMap<string, BpfMap> {
    this.#mustBe("loaded", "maps");
    return this.#maps;
  }

  /** The program of a name. @throws {UnknownNameError} */
  program(name: string): BpfProgram {
    const program = this.programs.get(name);
    if (program === undefined) throw new UnknownNameError("loaded program", name, this.#programs.keys());
    return program;
  }

  /** The map of a name. @throws {UnknownNameError} */
  map(name: string): BpfMap {
    const map = this.maps.get(name);
    if (map === undefined) throw new UnknownNameError("map", name, this.#maps.keys());
    return map;
  }

  /** Before load: the size of a map. */
  setMapMaxEntries(name: string, count: number): this {
    this.#mustBe("open", "setMapMaxEntries");
    check(native().objectSetMaxEntries(this.#handle, this.#position(name), u32(count, "maxEntries")),
      "set max entries", `map "${name}"`);
    return this;
  }

  /**
   * Before load: the size of a map's values in bytes; of a map of maps: that of the maps that go in, which must all have it.
   * Key, value type and BTF of the declaration no longer apply to the map then.
   */
  setMapValueSize(name: string, bytes: number): this {
    this.#mustBe("open", "setMapValueSize");
    check(native().objectSetValueSize(this.#handle, this.#position(name), u32(bytes, "valueSize")),
      "set value size", `map "${name}"`);
    return this;
  }

  /** Before load: whether a program is loaded (default: all but those in sections that begin with "?"). */
  setAutoload(program: string, autoload: boolean): this {
    this.#mustBe("open", "setAutoload");
    if (!this.spec.programs.has(program)) throw new UnknownNameError("program", program, this.spec.programs.keys());
    check(native().objectSetAutoload(this.#handle, program, autoload), "set autoload", `program "${program}"`);
    return this;
  }

  /**
   * Before load: uses an existing map in place of a new one. It is not pinned, even if the declaration says so.
   * @param map the map, or the path where it is pinned
   * @throws {MapMismatchError} type, sizes or flags differ from the declaration
   */
  reuseMap(name: string, map: BpfMap | string): this {
    this.#mustBe("open", "reuseMap");
    const position = this.#position(name);
    const given = typeof map === "string" ? BpfMap.fromPin(map) : map;
    try {
      const wanted = this.#nativeMaps()[position];
      if (wanted !== undefined) compareMaps(name, wanted, given);
      check(native().objectReuseMap(this.#handle, position, given.handle), "reuse map", `"${name}"`);
    } finally {
      if (typeof map === "string") given.close(); // libbpf keeps a descriptor of its own
    }
    return this;
  }

  /**
   * Sets a global variable by its C name. Before load: any, also `const volatile` ones (.rodata). After load: those in .data
   * and .bss, in the memory that the program sees.
   * @throws {UnknownNameError} no such variable
   * @throws {ArgumentError} the value does not fit the type
   * @throws {StateError} a constant after load
   */
  setGlobal(name: string, value: number | bigint | boolean | Uint8Array): this {
    this.#mustNotBeClosed("setGlobal");
    this.#globals.set(this.#variable(name), value, this.#liveMaps());
    return this;
  }

  /** The bytes of a global variable: before load its initial value, after load its current one. */
  getGlobal(name: string): Buffer {
    this.#mustNotBeClosed("getGlobal");
    return this.#globals.get(this.#variable(name), this.#liveMaps());
  }

  /** An integer, enum, bool or pointer variable as a number. */
  getGlobalInteger(name: string): bigint {
    this.#mustNotBeClosed("getGlobalInteger");
    return this.#globals.getInteger(this.#variable(name), this.#liveMaps());
  }

  /**
   * Creates the maps and loads the programs.
   * @throws {VerifierError} a program was refused; with the whole log
   * @throws {BpfError} anything else. The object cannot be loaded again then: open it anew.
   */
  load(): this {
    this.#mustBe("open", "load");
    const { result, log } = withLog(() => native().objectLoad(this.#handle));
    if (result < 0) {
      this.#state = "failed";
      const details = { errno: -result, operation: "load", operand: `object "${this.#name}"` };
      const verifier = findVerifierLog(log);
      if (verifier === undefined || verifier.log.trim() === "") throw bpfError({ ...details, log });
      throw new VerifierError({ ...details, ...verifier, summary: summariseVerifierLog(verifier.program, verifier.log) });
    }
    for (const [name, position] of this.#positions) {
      this.#maps.set(name, new BpfMap(checkValue(native().objectMapFd(this.#handle, position), "open", `map "${name}"`), name));
    }
    for (const program of checkValue(native().objectPrograms(this.#handle), "list", "programs")) {
      if (!program.autoload) continue;
      const handle = checkValue(native().objectProgramFd(this.#handle, program.name), "open", `program "${program.name}"`);
      this.#programs.set(program.name, new BpfProgram(handle, program.name));
    }
    this.#state = "loaded";
    return this;
  }

  /** The object's BTF. @throws {SpecError} compiled without -g */
  get btf(): Btf {
    if (this.spec.btf === undefined) throw new SpecError("the object has no BTF: compile with -g");
    return this.spec.btf;
  }

  /** Offsets and sizes of a C struct of the program. @throws {UnknownNameError} the program does not use it */
  btfStructLayout(name: string): StructLayout {
    return structLayoutOf(this.spec, name);
  }

  /**
   * Closes the object with its programs and maps. Links and pins, and what they use, stay. May be repeated.
   */
  close(): void {
    this.#state = "closed";
    for (const program of this.#programs.values()) program.close();
    for (const map of this.#maps.values()) map.close();
    this.#globals.close();
    native().objectClose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #liveMaps(): ReadonlyMap<string, BpfMap> | undefined {
    return this.#state === "loaded" ? this.#maps : undefined;
  }

  #variable(name: string): VariableSpec {
    const variable = this.spec.variables.get(name);
    if (variable === undefined) throw new UnknownNameError("global variable", name, this.spec.variables.keys());
    return variable;
  }

  #nativeMaps(): NativeObjectMap[] {
    return checkValue(native().objectMaps(this.#handle), "list", "maps");
  }

  #position(name: string): number {
    const found = this.#positions.get(name);
    if (found === undefined) throw new UnknownNameError("map", name, this.#positions.keys());
    return found;
  }

  #mustNotBeClosed(operation: string): void {
    if (this.#state === "closed") throw new ClosedError(operation, `object "${this.#name}"`);
  }

  #mustBe(state: "open" | "loaded", operation: string): void {
    this.#mustNotBeClosed(operation);
    if (this.#state === state) return;
    const now = this.#state === "failed" ? "could not be loaded: open it anew"
      : this.#state === "loaded" ? "is loaded already" : "is not loaded yet: call load()";
    throw new StateError(`${operation}: object "${this.#name}" ${now}`);
  }
}

/** libbpf's reuse takes any map: what the program was compiled for is compared here. */
function compareMaps(name: string, wanted: NativeObjectMap, given: BpfMap): void {
  const info = given.info();
  const pairs: [string, number | string, number | string][] = [
    ["type", typeName(mapTypes, wanted.type), info.type], ["key size", wanted.keySize, info.keySize],
    ["value size", wanted.valueSize, info.valueSize], ["max entries", wanted.maxEntries, info.maxEntries],
    ["flags", wanted.flags, info.flags],
  ];
  const differences = pairs.filter(([, left, right]) => left !== right)
    .map(([what, left, right]) => `${what} is ${right}, should be ${left}`);
  if (differences.length > 0) throw new MapMismatchError(name, differences);
}
