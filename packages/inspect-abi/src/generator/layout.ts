import type { FieldDefinition, FieldType, StructDefinition } from "../abi.definition.js";

export interface PlacedField extends FieldDefinition {
  readonly offset: number;
  readonly bytes: number;
}

const sizes: Record<FieldType, number> = { u8: 1, u16: 2, u32: 4, u64: 8, bytes16: 16 };
const alignments: Record<FieldType, number> = { u8: 1, u16: 2, u32: 4, u64: 8, bytes16: 8 };

/** Gives each field its offset. Throws when one would need padding or the sum differs from the stated size. */
export function placeFields(struct: StructDefinition): PlacedField[] {
  let offset = 0;
  const placed = struct.fields.map((field) => {
    const bytes = sizes[field.type];
    if (offset % alignments[field.type] !== 0) {
      throw new Error(`${struct.name}.${field.name} at ${offset} is not aligned; reorder the fields`);
    }
    const result = { ...field, offset, bytes };
    offset += bytes;
    return result;
  });
  if (offset !== struct.size) throw new Error(`${struct.name} has ${offset} bytes, its definition says ${struct.size}`);
  if (offset % 8 !== 0) throw new Error(`${struct.name} has ${offset} bytes, not a multiple of 8`);
  return placed;
}

/** `timeBaseNs` → `TIME_BASE_NS`. */
export const upper = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/\./g, "_").toUpperCase();

/** `timeBaseNs` → `time_base_ns`. */
export const snake = (name: string): string => upper(name).toLowerCase();

/** First letter in capitals. */
export const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

export const generatedNote = "Generated from packages/inspect-abi/src/abi.definition.ts by `npm run generate`; do not edit.";
