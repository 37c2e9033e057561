import { FrameSpecError } from "./spec.js";

/** The value, if it is a whole number of at most `bits` bits. @throws {FrameSpecError} that names the field otherwise. */
export function uint(field: string, value: number, bits: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** bits) return value;
  throw new FrameSpecError(`${field}: ${value} is not a whole number from 0 to ${2 ** bits - 1}`);
}

/** The bytes followed by zeros up to a multiple of `unit`. */
export function padded(bytes: Uint8Array, unit: number): Buffer {
  return Buffer.concat([bytes], Math.ceil(bytes.length / unit) * unit);
}
