/**
 * BTF, the kernel's type information, read from an object file or from the running kernel. Pure but for {@link kernelBtf}.
 * The headers of all types are checked when it is parsed; references between types when they are followed.
 */
import { readFileSync } from "node:fs";
import { stringAt } from "../elf/elf.js";
import { SpecError } from "../errors.js";
import { BtfKind, extraBytes, type BtfMember, type BtfSectionVariable, type BtfType } from "./kinds.js";

const MAGIC = 0xeb9f;
const TYPE_HEADER = 12;
/** As in the kernel: chains of modifiers, typedefs and arrays are not longer than this. */
const MAXIMUM_DEPTH = 32;
const POINTER_SIZE = 8;

export class Btf {
  readonly #view: DataView;
  readonly #types: Uint8Array;
  readonly #strings: Uint8Array;
  /** Where each type starts; type 0 is void and has no bytes. */
  readonly #starts: number[];
  #byName: Map<string, number[]> | undefined;

  private constructor(types: Uint8Array, strings: Uint8Array) {
    this.#types = types;
    this.#view = new DataView(types.buffer, types.byteOffset, types.byteLength);
    this.#strings = strings;
    this.#starts = this.#index();
  }

  /**
   * Parses raw BTF: the contents of a .BTF section or of /sys/kernel/btf/vmlinux.
   * @throws {SpecError} damaged, or with kinds of types that are not known
   */
  static parse(bytes: Uint8Array): Btf {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 24 || view.getUint16(0, true) !== MAGIC) throw new SpecError("BTF: bad magic");
    const header = view.getUint32(4, true);
    const part = (at: number, what: string): Uint8Array => {
      const offset = header + view.getUint32(at, true);
      const length = view.getUint32(at + 4, true);
      if (header < 24 || offset + length > bytes.length) throw new SpecError(`BTF: ${what} outside of ${bytes.length} bytes`);
      return bytes.subarray(offset, offset + length);
    };
    return new Btf(part(8, "types"), part(16, "strings"));
  }

  #index(): number[] {
    const starts = [-1];
    let at = 0;
    while (at < this.#types.length) {
      if (at + TYPE_HEADER > this.#types.length) throw new SpecError(`BTF: type ${starts.length} is cut off`);
      const info = this.#view.getUint32(at + 4, true);
      const extra = extraBytes[(info >>> 24) & 31];
      if (extra === undefined) throw new SpecError(`BTF: type ${starts.length} is of unknown kind ${(info >>> 24) & 31}`);
      starts.push(at);
      at += TYPE_HEADER + extra.fixed + extra.each * (info & 0xffff);
    }
    if (at !== this.#types.length) throw new SpecError(`BTF: type ${starts.length - 1} is cut off`);
    return starts;
  }

  /** Number of types, void included. */
  get typeCount(): number {
    return this.#starts.length;
  }

  #start(id: number): number {
    const start = this.#starts[id];
    if (start === undefined || start < 0) throw new SpecError(`BTF: there is no type ${id}`);
    return start;
  }

  #name(offset: number): string {
    return offset === 0 ? "" : stringAt(this.#strings, offset, "BTF name");
  }

  /** The type of an id. @throws {SpecError} there is none */
  type(id: number): BtfType {
    if (id === 0) return { id, name: "void", kind: BtfKind.VOID, length: 0, kindFlag: false, sizeOrType: 0 };
    const at = this.#start(id);
    const info = this.#view.getUint32(at + 4, true);
    return {
      id, name: this.#name(this.#view.getUint32(at, true)), kind: (info >>> 24) & 31, length: info & 0xffff,
      kindFlag: info >>> 31 === 1, sizeOrType: this.#view.getUint32(at + 8, true),
    };
  }

  #each<T>(type: BtfType, size: number, read: (at: number) => T): T[] {
    const at = this.#start(type.id) + TYPE_HEADER;
    return Array.from({ length: type.length }, (_, index) => read(at + index * size));
  }

  /** Members of a struct or union, in order. */
  members(type: BtfType): BtfMember[] {
    if (type.kind !== BtfKind.STRUCT && type.kind !== BtfKind.UNION) return [];
    return this.#each(type, 12, (at) => {
      const position = this.#view.getUint32(at + 8, true);
      return {
        name: this.#name(this.#view.getUint32(at, true)), type: this.#view.getUint32(at + 4, true),
        bitOffset: type.kindFlag ? position & 0xffffff : position, bitSize: type.kindFlag ? position >>> 24 : 0,
      };
    });
  }

  /** Element type and count of an array. */
  array(type: BtfType): { element: number; count: number } {
    if (type.kind !== BtfKind.ARRAY) throw new SpecError(`BTF: type ${type.id} is not an array`);
    const at = this.#start(type.id) + TYPE_HEADER;
    return { element: this.#view.getUint32(at, true), count: this.#view.getUint32(at + 8, true) };
  }

  /** Encoding of an int: bits 1 signed, 2 character, 4 boolean. */
  intEncoding(type: BtfType): number {
    if (type.kind !== BtfKind.INT) throw new SpecError(`BTF: type ${type.id} is not an int`);
    return (this.#view.getUint32(this.#start(type.id) + TYPE_HEADER, true) >>> 24) & 15;
  }

  /** Variables of a data section. */
  sectionVariables(type: BtfType): BtfSectionVariable[] {
    if (type.kind !== BtfKind.DATASEC) return [];
    return this.#each(type, 12, (at) => ({
      type: this.#view.getUint32(at, true), offset: this.#view.getUint32(at + 4, true), size: this.#view.getUint32(at + 8, true),
    }));
  }

  /** Ids of the types with this name and one of the kinds, in order. */
  find(name: string, ...kinds: number[]): number[] {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (let id = 1; id < this.#starts.length; id++) {
        const own = this.#name(this.#view.getUint32(this.#start(id), true));
        if (own === "") continue;
        const ids = this.#byName.get(own);
        if (ids === undefined) this.#byName.set(own, [id]);
        else ids.push(id);
      }
    }
    return (this.#byName.get(name) ?? []).filter((id) => kinds.includes(this.type(id).kind));
  }

  /** The type behind typedefs, const, volatile, restrict and tags. */
  resolve(id: number): BtfType {
    let type = this.type(id);
    for (let depth = 0; depth < MAXIMUM_DEPTH; depth++) {
      switch (type.kind) {
        case BtfKind.TYPEDEF:
        case BtfKind.CONST:
        case BtfKind.VOLATILE:
        case BtfKind.RESTRICT:
        case BtfKind.TYPE_TAG:
          type = this.type(type.sizeOrType);
          break;
        default:
          return type;
      }
    }
    throw new SpecError(`BTF: type ${id} refers to others more than ${MAXIMUM_DEPTH} times`);
  }

  /** Size of a type in bytes. @throws {SpecError} a type without one, such as void or a function */
  size(id: number): number {
    let count = 1;
    let next = id;
    for (let depth = 0; depth < MAXIMUM_DEPTH; depth++) {
      const type = this.resolve(next);
      switch (type.kind) {
        case BtfKind.INT:
        case BtfKind.ENUM:
        case BtfKind.ENUM64:
        case BtfKind.STRUCT:
        case BtfKind.UNION:
        case BtfKind.FLOAT:
        case BtfKind.DATASEC:
          return checkedSize(count * type.sizeOrType, id);
        case BtfKind.PTR:
          return checkedSize(count * POINTER_SIZE, id);
        case BtfKind.VAR:
          next = type.sizeOrType;
          break;
        case BtfKind.ARRAY: {
          const array = this.array(type);
          count = checkedSize(count * array.count, id);
          next = array.element;
          break;
        }
        default:
          throw new SpecError(`BTF: type ${id} has no size`);
      }
    }
    throw new SpecError(`BTF: type ${id} is nested more than ${MAXIMUM_DEPTH} times`);
  }

  /** A type in C-like words, for messages. */
  describe(id: number, depth = 0): string {
    if (depth > 8) return "...";
    const type = this.type(id);
    switch (type.kind) {
      case BtfKind.PTR: return `${this.describe(type.sizeOrType, depth + 1)} *`;
      case BtfKind.CONST: return `const ${this.describe(type.sizeOrType, depth + 1)}`;
      case BtfKind.VOLATILE: return `volatile ${this.describe(type.sizeOrType, depth + 1)}`;
      case BtfKind.RESTRICT:
      case BtfKind.TYPE_TAG: return this.describe(type.sizeOrType, depth + 1);
      case BtfKind.ARRAY: {
        const array = this.array(type);
        return `${this.describe(array.element, depth + 1)}[${array.count}]`;
      }
      case BtfKind.STRUCT: return `struct ${type.name}`.trimEnd();
      case BtfKind.UNION: return `union ${type.name}`.trimEnd();
      case BtfKind.ENUM:
      case BtfKind.ENUM64: return `enum ${type.name}`.trimEnd();
      case BtfKind.FUNC_PROTO: return "function";
      default: return type.name;
    }
  }
}

function checkedSize(size: number, id: number): number {
  if (size > 0xffffffff) throw new SpecError(`BTF: type ${id} is larger than 4 GiB`);
  return size;
}

let kernel: Btf | undefined;

/**
 * The BTF of the running kernel, parsed once (some MiB, some ten milliseconds).
 * @throws {SpecError} the kernel was built without
 */
export function kernelBtf(): Btf {
  if (kernel === undefined) {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync("/sys/kernel/btf/vmlinux");
    } catch (cause) {
      throw new SpecError(`the kernel shows no BTF (CONFIG_DEBUG_INFO_BTF): ${String(cause)}`);
    }
    kernel = Btf.parse(bytes);
  }
  return kernel;
}
