/** BTF types (kernel: Documentation/bpf/btf.rst) as data. */

export const BtfKind = {
  VOID: 0, INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, FWD: 7, TYPEDEF: 8, VOLATILE: 9, CONST: 10, RESTRICT: 11,
  FUNC: 12, FUNC_PROTO: 13, VAR: 14, DATASEC: 15, FLOAT: 16, DECL_TAG: 17, TYPE_TAG: 18, ENUM64: 19,
} as const;

/** Bytes that follow a type's 12-byte header: fixed, or for each of its `vlen` elements. */
export const extraBytes: readonly { fixed: number; each: number }[] = [
  { fixed: 0, each: 0 }, { fixed: 4, each: 0 }, { fixed: 0, each: 0 }, { fixed: 12, each: 0 }, { fixed: 0, each: 12 },
  { fixed: 0, each: 12 }, { fixed: 0, each: 8 }, { fixed: 0, each: 0 }, { fixed: 0, each: 0 }, { fixed: 0, each: 0 },
  { fixed: 0, each: 0 }, { fixed: 0, each: 0 }, { fixed: 0, each: 0 }, { fixed: 0, each: 8 }, { fixed: 4, each: 0 },
  { fixed: 0, each: 12 }, { fixed: 0, each: 0 }, { fixed: 4, each: 0 }, { fixed: 0, each: 0 }, { fixed: 0, each: 12 },
];

/** A type's header, decoded. */
export interface BtfType {
  id: number;
  name: string;
  kind: number;
  /** Number of elements: members, values, parameters, variables. */
  length: number;
  kindFlag: boolean;
  /** Size in bytes of int, enum, struct, union, datasec, float; else the id of the type that is referred to. */
  sizeOrType: number;
}

export interface BtfMember {
  name: string;
  type: number;
  /** Offset from the start of the struct, in bits. */
  bitOffset: number;
  /** Width in bits of a bit field; 0 for an ordinary member. */
  bitSize: number;
}

/** One variable of a data section; the compiler leaves offset and size 0 for the loader to fill in from the symbols. */
export interface BtfSectionVariable {
  type: number;
  offset: number;
  size: number;
}
