/** Global variables of an object, and their values as bytes. Pure. */
import type { Btf } from "../btf/btf.js";
import { BtfKind } from "../btf/kinds.js";
import { type ElfFile, SymbolType } from "../elf/elf.js";
import { ArgumentError, SpecError } from "../errors.js";
import { dataSectionKind } from "./sections.js";

export interface VariableSpec {
  name: string;
  /** Section, which is also the name of the map: ".rodata", ".data.counters", ... */
  section: string;
  /** `rodata` can be set before load only. */
  kind: "rodata" | "data" | "bss";
  /** Place in the section, in bytes. */
  offset: number;
  size: number;
  /** How a number becomes bytes; "bytes" for structs, arrays and variables without BTF. */
  encoding: "signed" | "unsigned" | "boolean" | "float" | "bytes";
  /** The type in C-like words. */
  type?: string;
}

/**
 * Variables by name. Places come from the symbol table (the compiler leaves them out of BTF), types from BTF. Of several
 * static variables with one name, the last one is kept, as in libbpf.
 */
export function variableSpecs(elf: ElfFile, btf: Btf | undefined): Map<string, VariableSpec> {
  const types = btf === undefined ? new Map<string, number>() : variableTypes(btf);
  const result = new Map<string, VariableSpec>();
  for (const symbol of elf.symbols) {
    const section = elf.sections[symbol.section];
    if (symbol.type !== SymbolType.OBJECT || section === undefined || symbol.name === "") continue;
    const kind = dataSectionKind(section.name);
    if (kind === undefined) continue;
    if (!Number.isSafeInteger(symbol.value + symbol.size) || symbol.value + symbol.size > section.size) {
      throw new SpecError(`variable "${symbol.name}" lies outside of section ${section.name}`);
    }
    const variable: VariableSpec = {
      name: symbol.name, section: section.name, kind, offset: symbol.value, size: symbol.size, encoding: "bytes",
    };
    const type = types.get(`${section.name}\0${symbol.name}`);
    if (btf !== undefined && type !== undefined) {
      variable.type = btf.describe(type);
      if (btf.size(type) === symbol.size) variable.encoding = encodingOf(btf, type, symbol.size);
    }
    result.set(symbol.name, variable);
  }
  return result;
}

function variableTypes(btf: Btf): Map<string, number> {
  const result = new Map<string, number>();
  for (let id = 1; id < btf.typeCount; id++) {
    const section = btf.type(id);
    if (section.kind !== BtfKind.DATASEC || dataSectionKind(section.name) === undefined) continue;
    for (const entry of btf.sectionVariables(section)) {
      const variable = btf.type(entry.type);
      if (variable.kind === BtfKind.VAR) result.set(`${section.name}\0${variable.name}`, variable.sizeOrType);
    }
  }
  return result;
}

function encodingOf(btf: Btf, id: number, size: number): VariableSpec["encoding"] {
  const type = btf.resolve(id);
  if (![1, 2, 4, 8].includes(size)) return "bytes";
  switch (type.kind) {
    case BtfKind.INT: {
      const encoding = btf.intEncoding(type);
      return (encoding & 4) !== 0 ? "boolean" : (encoding & 1) !== 0 ? "signed" : "unsigned";
    }
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return type.kindFlag ? "signed" : "unsigned";
    case BtfKind.FLOAT:
      return size >= 4 ? "float" : "bytes";
    case BtfKind.PTR:
      return "unsigned";
    default:
      return "bytes";
  }
}

/**
 * The bytes of a value for a variable, little-endian.
 * @throws {ArgumentError} it does not fit the type: wrong size, out of range, or a number for a struct
 */
export function encodeVariable(variable: VariableSpec, value: number | bigint | boolean | Uint8Array): Uint8Array {
  const described = `"${variable.name}" (${variable.type ?? `${variable.size} bytes`})`;
  if (value instanceof Uint8Array) {
    if (value.length !== variable.size) {
      throw new ArgumentError(described, `must have ${variable.size} bytes, was given ${value.length}`);
    }
    return value;
  }
  const bytes = Buffer.alloc(variable.size);
  if (variable.encoding === "float") {
    if (typeof value !== "number") throw new ArgumentError(described, "must be a number");
    if (variable.size === 4) bytes.writeFloatLE(value);
    else bytes.writeDoubleLE(value);
    return bytes;
  }
  if (variable.encoding === "bytes") throw new ArgumentError(described, "is no number: give its bytes in a Buffer");
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new ArgumentError(described, `must be an integer (a bigint beyond 2^53), is ${value}`);
  }
  const number = BigInt(value);
  const bits = BigInt(variable.size * 8);
  const [low, high] = variable.encoding === "boolean" ? [0n, 1n]
    : variable.encoding === "signed" ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
  if (number < low || number > high) throw new ArgumentError(described, `must be from ${low} to ${high}, is ${number}`);
  const wide = Buffer.alloc(8);
  wide.writeBigInt64LE(BigInt.asIntN(64, number));
  wide.copy(bytes, 0, 0, variable.size);
  return bytes;
}

/** The number in a variable's bytes. @throws {ArgumentError} the variable is a struct, an array or a floating-point number */
export function decodeInteger(variable: VariableSpec, bytes: Uint8Array): bigint {
  if (variable.encoding === "bytes" || variable.encoding === "float") {
    throw new ArgumentError(`"${variable.name}" (${variable.type ?? `${variable.size} bytes`})`, "is no integer: read its bytes");
  }
  const wide = Buffer.alloc(8);
  wide.set(bytes);
  const number = wide.readBigUInt64LE();
  return variable.encoding === "signed" ? BigInt.asIntN(variable.size * 8, number) : number;
}
