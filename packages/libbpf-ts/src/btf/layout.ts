/** Where the members of a C struct lie, so that a test can compare them with the offsets that TypeScript uses. Pure. */
import { SpecError, UnknownNameError } from "../errors.js";
import type { Btf } from "./btf.js";
import { BtfKind } from "./kinds.js";

export interface StructMember {
  name: string;
  /** Offset from the start of the struct, in bytes; of a bit field: of the byte in which it begins. */
  offset: number;
  /** Size in bytes; of a bit field: of its declared type. */
  size: number;
  /** The type in C-like words. */
  type: string;
  /** Only of bit fields: first bit counted from the start of the struct, and width. */
  bits?: { offset: number; size: number };
}

export interface StructLayout {
  name: string;
  /** Size in bytes, padding at the end included. */
  size: number;
  /** In order of declaration; members of anonymous structs and unions stand here as C lets one write them. */
  members: StructMember[];
}

const MAXIMUM_MEMBERS = 65536;
const MAXIMUM_DEPTH = 32;

/**
 * The layout of a struct or union, by its tag or by the name of a typedef.
 * @throws {UnknownNameError} the BTF has no such type (the compiler leaves out types that the program does not use)
 */
export function structLayout(btf: Btf, name: string): StructLayout {
  const id = btf.find(name, BtfKind.STRUCT, BtfKind.UNION)[0] ?? typedefOfStruct(btf, name);
  if (id === undefined) throw new UnknownNameError("struct", name, structNames(btf));
  const members: StructMember[] = [];
  collect(btf, id, 0, members, 0);
  return { name, size: btf.size(id), members };
}

function typedefOfStruct(btf: Btf, name: string): number | undefined {
  for (const id of btf.find(name, BtfKind.TYPEDEF)) {
    const target = btf.resolve(id);
    if (target.kind === BtfKind.STRUCT || target.kind === BtfKind.UNION) return target.id;
  }
  return undefined;
}

function* structNames(btf: Btf): Generator<string> {
  for (let id = 1; id < btf.typeCount; id++) {
    const type = btf.type(id);
    if ((type.kind === BtfKind.STRUCT || type.kind === BtfKind.UNION) && type.name !== "") yield type.name;
  }
}

function collect(btf: Btf, id: number, baseBits: number, into: StructMember[], depth: number): void {
  if (depth > MAXIMUM_DEPTH) throw new SpecError(`BTF: type ${id} is nested more than ${MAXIMUM_DEPTH} times`);
  for (const member of btf.members(btf.type(id))) {
    if (into.length >= MAXIMUM_MEMBERS) throw new SpecError(`BTF: more than ${MAXIMUM_MEMBERS} members`);
    const bits = baseBits + member.bitOffset;
    const type = btf.resolve(member.type);
    if (member.name === "" && (type.kind === BtfKind.STRUCT || type.kind === BtfKind.UNION)) {
      collect(btf, type.id, bits, into, depth + 1);
      continue;
    }
    into.push({
      name: member.name, offset: Math.floor(bits / 8), size: btf.size(member.type), type: btf.describe(member.type),
      ...(member.bitSize === 0 ? {} : { bits: { offset: bits, size: member.bitSize } }),
    });
  }
}
