/** Map definitions in BTF, as SEC(".maps") variables declare them (the __uint, __type and __array macros). Pure. */
import type { Btf } from "../btf/btf.js";
import { BtfKind, type BtfMember, type BtfType } from "../btf/kinds.js";
import { SpecError } from "../errors.js";
import { mapTypes, typeName } from "../types.js";

export interface MapSpec {
  name: string;
  /** Such as "hash"; `type_<n>` for one this package does not know. */
  type: string;
  /** The type's number. */
  typeId: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  /** BPF_F_* flags. */
  flags: number;
  mapExtra: number;
  /** Whether libbpf pins it by its name below the pin root. */
  pinByName: boolean;
  /** Types of key and value in C-like words, where the definition names them. */
  keyType?: string;
  valueType?: string;
  /** Definition of the inner maps of array_of_maps and hash_of_maps. */
  inner?: MapSpec;
  /** For global variables: the section. */
  section?: "rodata" | "data" | "bss";
}

const LIBBPF_PIN_BY_NAME = 1;

/** All maps that the .maps data section declares. @throws {SpecError} a definition that libbpf would not take either */
export function mapSpecs(btf: Btf): MapSpec[] {
  const result: MapSpec[] = [];
  for (const id of btf.find(".maps", BtfKind.DATASEC)) {
    for (const entry of btf.sectionVariables(btf.type(id))) {
      const variable = btf.type(entry.type);
      if (variable.kind !== BtfKind.VAR) throw new SpecError(`.maps: type ${entry.type} is not a variable`);
      result.push(mapSpec(btf, variable.name, btf.resolve(variable.sizeOrType), false));
    }
  }
  return result;
}

function mapSpec(btf: Btf, name: string, definition: BtfType, isInner: boolean): MapSpec {
  if (definition.kind !== BtfKind.STRUCT) throw new SpecError(`map "${name}" is not declared as a struct`);
  const spec: MapSpec = {
    name, type: "unspec", typeId: 0, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0, mapExtra: 0, pinByName: false,
  };
  for (const member of btf.members(definition)) applyMember(btf, spec, member, isInner);
  spec.type = typeName(mapTypes, spec.typeId);
  if (spec.typeId === 0) throw new SpecError(`map "${name}" has no type`);
  return spec;
}

function applyMember(btf: Btf, spec: MapSpec, member: BtfMember, isInner: boolean): void {
  const where = `map "${spec.name}", ${member.name}`;
  switch (member.name) {
    case "type": spec.typeId = number(btf, member, where); break;
    case "max_entries": spec.maxEntries = number(btf, member, where); break;
    case "map_flags": spec.flags = number(btf, member, where); break;
    case "map_extra": spec.mapExtra = number(btf, member, where); break;
    case "key_size": spec.keySize = number(btf, member, where); break;
    case "value_size": spec.valueSize = number(btf, member, where); break;
    case "pinning": spec.pinByName = number(btf, member, where) === LIBBPF_PIN_BY_NAME; break;
    case "numa_node": number(btf, member, where); break;
    case "key":
      spec.keyType = btf.describe(pointee(btf, member, where));
      spec.keySize = btf.size(pointee(btf, member, where));
      break;
    case "value":
      spec.valueType = btf.describe(pointee(btf, member, where));
      spec.valueSize = btf.size(pointee(btf, member, where));
      break;
    case "values": {
      if (isInner) throw new SpecError(`${where}: an inner map cannot have inner maps`);
      spec.keySize ||= 4;
      spec.valueSize = 4; // the kernel keeps file descriptors or ids
      const array = btf.array(btf.resolve(member.type));
      const element = btf.resolve(pointerTarget(btf, array.element, where));
      if (element.kind === BtfKind.STRUCT) spec.inner = mapSpec(btf, `${spec.name}.inner`, element, true);
      break;
    }
    default:
      throw new SpecError(`${where}: unknown attribute`);
  }
}

/** __uint(name, n) declares a pointer to an array of n. */
function number(btf: Btf, member: BtfMember, where: string): number {
  const array = btf.resolve(pointee(btf, member, where));
  if (array.kind !== BtfKind.ARRAY) throw new SpecError(`${where}: not declared with __uint`);
  return btf.array(array).count;
}

/** __type(name, t) declares a pointer to t. */
function pointee(btf: Btf, member: BtfMember, where: string): number {
  return pointerTarget(btf, member.type, where);
}

function pointerTarget(btf: Btf, id: number, where: string): number {
  const pointer = btf.resolve(id);
  if (pointer.kind !== BtfKind.PTR) throw new SpecError(`${where}: not a pointer`);
  return pointer.sizeOrType;
}
