/**
 * Reading ELF files as far as BPF objects need it: sections and symbols of a 64-bit little-endian file (System V ABI,
 * chapters 4 and 5). Pure; every offset is checked, so that a broken file gives a SpecError and nothing else.
 */
import { SpecError } from "../errors.js";

export interface ElfSection {
  index: number;
  name: string;
  type: number;
  flags: bigint;
  /** Contents; empty for a section without bytes in the file (.bss). */
  data: Uint8Array;
  /** Size in memory, in bytes. */
  size: number;
}

export interface ElfSymbol {
  name: string;
  /** Low half of st_info: 1 object, 2 function, 3 section. */
  type: number;
  /** High half of st_info: 0 local, 1 global, 2 weak. */
  binding: number;
  section: number;
  /** Offset in the section, in bytes. */
  value: number;
  size: number;
}

export interface ElfFile {
  machine: number;
  sections: ElfSection[];
  symbols: ElfSymbol[];
}

export const ElfMachine = { NONE: 0, BPF: 247 } as const;
export const SectionType = { SYMTAB: 2, NOBITS: 8 } as const;
export const SectionFlag = { WRITE: 1n, ALLOC: 2n, EXECINSTR: 4n } as const;
export const SymbolType = { OBJECT: 1, FUNC: 2, SECTION: 3 } as const;

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

class Reader {
  readonly view: DataView;
  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  range(offset: number, length: number, what: string): void {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || length < 0 || offset < 0 ||
      offset + length > this.bytes.length) {
      throw new SpecError(`ELF: ${what} (${length} bytes at ${offset}) lies outside of the file of ${this.bytes.length} bytes`);
    }
  }
  u16(at: number): number { return this.view.getUint16(at, true); }
  u32(at: number): number { return this.view.getUint32(at, true); }
  u64(at: number): bigint { return this.view.getBigUint64(at, true); }
  /** A 64-bit number that has to be a size or offset; anything a file cannot have fails a later range check. */
  size(at: number): number { return Number(this.u64(at)); }
}

/** The NUL-terminated string at an offset of a string table. */
export function stringAt(table: Uint8Array, offset: number, what: string): string {
  if (offset >= table.length) throw new SpecError(`${what}: string offset ${offset} of ${table.length}`);
  const end = table.indexOf(0, offset);
  if (end < 0) throw new SpecError(`${what}: string at ${offset} has no end`);
  return Buffer.from(table.buffer, table.byteOffset + offset, end - offset).toString("utf8");
}

/**
 * Parses an ELF file.
 * @throws {SpecError} not ELF, not 64-bit little-endian, or damaged
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  const reader = new Reader(bytes);
  if (bytes.length < HEADER_SIZE || reader.u32(0) !== 0x464c457f) throw new SpecError("not an ELF file");
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new SpecError("ELF: only 64-bit little-endian objects are supported");
  const machine = reader.u16(18);
  const sectionsAt = reader.size(40);
  const entrySize = reader.u16(58);
  const count = reader.u16(60);
  const namesIndex = reader.u16(62);
  if (count === 0) throw new SpecError("ELF: the file has no sections");
  if (entrySize !== SECTION_HEADER_SIZE) throw new SpecError(`ELF: section headers of ${entrySize} bytes`);
  reader.range(sectionsAt, count * SECTION_HEADER_SIZE, "section headers");

  const empty = new Uint8Array(0);
  const headers = Array.from({ length: count }, (_, index) => {
    const at = sectionsAt + index * SECTION_HEADER_SIZE;
    const type = reader.u32(at + 4);
    const offset = reader.size(at + 24);
    const size = reader.size(at + 32);
    if (!Number.isSafeInteger(size) || size > 0xffffffff) throw new SpecError(`ELF: section ${index} is too large`);
    const inFile = type !== SectionType.NOBITS && type !== 0;
    if (inFile) reader.range(offset, size, `section ${index}`);
    return {
      index, nameAt: reader.u32(at), type, flags: reader.u64(at + 8), size, link: reader.u32(at + 40),
      data: inFile ? bytes.subarray(offset, offset + size) : empty,
    };
  });
  const names = headers[namesIndex]?.data;
  if (names === undefined) throw new SpecError(`ELF: section name table ${namesIndex} of ${count}`);
  const sections = headers.map(({ index, nameAt, type, flags, size, data }) =>
    ({ index, name: index === 0 ? "" : stringAt(names, nameAt, "ELF section name"), type, flags, data, size }));

  const symbols: ElfSymbol[] = [];
  for (const header of headers) {
    if (header.type !== SectionType.SYMTAB) continue;
    const strings = headers[header.link]?.data;
    if (strings === undefined) throw new SpecError(`ELF: symbol string table ${header.link} of ${count}`);
    symbols.push(...readSymbols(header.data, strings));
  }
  return { machine, sections, symbols };
}

function readSymbols(table: Uint8Array, strings: Uint8Array): ElfSymbol[] {
  const reader = new Reader(table);
  const result: ElfSymbol[] = [];
  for (let at = 0; at + SYMBOL_SIZE <= table.length; at += SYMBOL_SIZE) {
    const info = table[at + 4] ?? 0;
    result.push({
      name: stringAt(strings, reader.u32(at), "ELF symbol name"),
      type: info & 15, binding: info >> 4, section: reader.u16(at + 6), value: reader.size(at + 8), size: reader.size(at + 16),
    });
  }
  return result;
}
