/** What is in a BPF object file, without a kernel, without root, without the addon. */
import { readFileSync } from "node:fs";
import { Btf } from "../btf/btf.js";
import { structLayout, type StructLayout } from "../btf/layout.js";
import { type ElfFile, ElfMachine, type ElfSection, parseElf, SectionFlag, SymbolType } from "../elf/elf.js";
import { SpecError } from "../errors.js";
import type { ProgramTypeName } from "../types.js";
import { mapSpecs, type MapSpec } from "./map-spec.js";
import { dataSectionKind, programTypeOf } from "./sections.js";
import { variableSpecs, type VariableSpec } from "./variable-spec.js";

export interface ProgramSpec {
  name: string;
  section: string;
  /** Undefined when the section's name is not one this package knows (libbpf may know it). */
  type: ProgramTypeName | undefined;
  /** 8-byte instructions before relocation. */
  instructionCount: number;
}

export interface ObjectSpec {
  /** Contents of the license section; the kernel gives GPL-only helpers to GPL-compatible programs alone. */
  license: string;
  programs: ReadonlyMap<string, ProgramSpec>;
  /** Declared maps by name, and the sections of global variables by section name. */
  maps: ReadonlyMap<string, MapSpec>;
  variables: ReadonlyMap<string, VariableSpec>;
  /** Undefined when compiled without -g. */
  btf: Btf | undefined;
}

const INSTRUCTION_SIZE = 8;

/**
 * Reads an object file or its bytes.
 * @throws {SpecError} it is not a BPF object for this byte order, or damaged
 */
export function readObjectSpec(source: string | Uint8Array): ObjectSpec {
  const elf = parseElf(typeof source === "string" ? readFileSync(source) : source);
  if (elf.machine !== ElfMachine.BPF && elf.machine !== ElfMachine.NONE) {
    throw new SpecError(`the object is for machine ${elf.machine}, not for BPF (247); compile with -target bpf`);
  }
  const section = (name: string): ElfSection | undefined => elf.sections.find((one) => one.name === name);
  const btfSection = section(".BTF");
  const btf = btfSection === undefined ? undefined : Btf.parse(btfSection.data);
  if (section(".maps") !== undefined && btf === undefined) {
    throw new SpecError("the object declares maps, but has no BTF: compile with -g");
  }
  const maps = new Map<string, MapSpec>();
  if (btf !== undefined && section(".maps") !== undefined) for (const map of mapSpecs(btf)) maps.set(map.name, map);
  for (const map of dataMaps(elf)) maps.set(map.name, map);
  const license = section("license")?.data ?? new Uint8Array(0);
  return {
    license: Buffer.from(license).toString("latin1").replace(/\0[^]*$/, ""),
    programs: programSpecs(elf), maps, variables: variableSpecs(elf, btf), btf,
  };
}

/** Layout of a struct of an object. @throws {UnknownNameError} the object's BTF has no such struct */
export function structLayoutOf(spec: ObjectSpec, name: string): StructLayout {
  if (spec.btf === undefined) throw new SpecError("the object has no BTF: compile with -g");
  return structLayout(spec.btf, name);
}

function programSpecs(elf: ElfFile): Map<string, ProgramSpec> {
  const result = new Map<string, ProgramSpec>();
  for (const symbol of elf.symbols) {
    const section = elf.sections[symbol.section];
    // Functions in .text are called by programs and are none themselves.
    if (symbol.type !== SymbolType.FUNC || section === undefined || section.name === ".text") continue;
    if ((section.flags & SectionFlag.EXECINSTR) === 0n) continue;
    if (!Number.isSafeInteger(symbol.value + symbol.size) || symbol.value + symbol.size > section.size ||
      symbol.size % INSTRUCTION_SIZE !== 0) {
      throw new SpecError(`program "${symbol.name}" lies outside of section ${section.name}`);
    }
    result.set(symbol.name, {
      name: symbol.name, section: section.name, type: programTypeOf(section.name),
      instructionCount: symbol.size / INSTRUCTION_SIZE,
    });
  }
  return result;
}

function dataMaps(elf: ElfFile): MapSpec[] {
  return elf.sections.flatMap((section) => {
    const kind = dataSectionKind(section.name);
    if (kind === undefined || section.size === 0) return [];
    return [{
      name: section.name, type: "array", typeId: 2, keySize: 4, valueSize: section.size, maxEntries: 1, flags: 0, mapExtra: 0,
      pinByName: false, section: kind,
    }];
  });
}
