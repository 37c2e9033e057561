// Which kinds of bytes a value has, as bits: the other side of packages/seclang/src/classes.ts. From them is seen what a
// transformation cannot change and what a rule cannot match.

/** Class bits of each byte. */
const TABLE = memory.data(256 * 8, 16);

function bitOf(c: u32): u32 {
  if (c == 0) return 32;
  if (c == 32) return 33;
  if (c - 9 < 5) return 34;
  if (c < 32 || c == 127) return 35;
  if (c - 48 < 10) return 36;
  if (c - 65 < 26) return 37;
  if (c - 97 < 26) return 38;
  if (c == 0xa0) return 39;
  if (c > 127) return 40;
  if (c < 48) return c - 33;
  if (c < 65) return c - 43;
  if (c < 97) return c - 69;
  return c - 95;
}

let ready = false;

/** Set for every value. */
export const CLASS_ALWAYS: u64 = 1 << 63;

/** Classes that occur among the bytes, with {@link CLASS_ALWAYS}. */
export function classesOf(ptr: usize, len: u32): u64 {
  if (!ready) {
    for (let c: u32 = 0; c < 256; c++) store<u64>(TABLE + (<usize>c << 3), (1 as u64) << bitOf(c));
    ready = true;
  }
  let found = CLASS_ALWAYS;
  const end = ptr + len;
  while (ptr + 4 <= end) {
    const four = load<u32>(ptr);
    found |= load<u64>(TABLE + ((four & 255) << 3)) | load<u64>(TABLE + ((four >> 8 & 255) << 3))
      | load<u64>(TABLE + ((four >> 16 & 255) << 3)) | load<u64>(TABLE + (four >> 24 << 3));
    ptr += 4;
  }
  for (; ptr < end; ptr++) found |= load<u64>(TABLE + (<u32>load<u8>(ptr) << 3));
  return found;
}
