// Digests as fingerprints want them: in hexadecimal.

import { md5, sha1, sha256 } from "../codec/hash";
import { putHex } from "./bytes";

const digest: usize = memory.data(32, 16);

function hex(count: u32, to: usize): void {
  let at = to;
  for (let i: u32 = 0; i < count; i++) at = putHex(at, load<u8>(digest + i));
}

/** 32 digits at `to`. */
export function md5Hex(ptr: usize, len: u32, to: usize): void {
  md5(ptr, len, digest);
  hex(16, to);
}

/** 64 digits at `to`. */
export function sha256Hex(ptr: usize, len: u32, to: usize): void {
  sha256(ptr, len, digest);
  hex(32, to);
}

/** 20 bytes at `to`. */
export function sha1Hash(ptr: usize, len: u32, to: usize): void {
  sha1(ptr, len, to);
}
