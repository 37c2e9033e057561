/** Checks of arguments, before anything is done. */
import { ArgumentError } from "./errors.js";

/** An integer within limits (inclusive). */
export function integer(value: number, name: string, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new ArgumentError(name, `must be an integer from ${low} to ${high}, is ${String(value)}`);
  }
  return value;
}

/** An unsigned 32-bit integer. */
export function u32(value: number, name: string): number {
  return integer(value, name, 0, 0xffffffff);
}

/** A Uint8Array of exactly this many bytes. */
export function exactBytes(value: Uint8Array, name: string, size: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ArgumentError(name, "must be a Buffer or Uint8Array");
  if (value.length !== size) throw new ArgumentError(name, `must have ${size} bytes, has ${value.length}`);
  return value;
}

/** A path or name: a string, not empty, without NUL. */
export function nonEmpty(value: string, name: string): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new ArgumentError(name, "must be a string that is not empty and has no NUL character");
  }
  return value;
}

/** An interface name as the kernel takes it (IFNAMSIZ 16, no slash, no white space). */
export function interfaceName(value: string): string {
  if (typeof value !== "string" || !/^[^\s/\0]{1,15}$/.test(value) || value === "." || value === "..") {
    throw new ArgumentError("ifname", `must be 1 to 15 characters without slash and white space, is ${JSON.stringify(value)}`);
  }
  return value;
}

/** A kernel object's name (BPF_OBJ_NAME_LEN 16): letters, digits, underscore, dot. */
export function objectName(value: string): string {
  if (typeof value !== "string" || !/^[A-Za-z0-9_.]{0,15}$/.test(value)) {
    throw new ArgumentError("name", `must be up to 15 letters, digits, "_" or ".", is ${JSON.stringify(value)}`);
  }
  return value;
}
