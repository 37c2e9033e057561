// SipHash-1-3 (Aumasson, Bernstein) of a flow's key, so that nobody without the seed can aim at one bucket.

let key0: u64 = 0x736563757866666c;
let key1: u64 = 0x6f77746162736565;

export function setHashSeed(seed0: u64, seed1: u64): void {
  key0 = seed0;
  key1 = seed1;
}

/** Of two endpoints (already in their order) and the rest of the key. All in locals: globals would not stay in registers. */
export function hashKey(four: bool, a0: u64, a1: u64, b0: u64, b1: u64, ports: u64): u32 {
  let v0 = key0 ^ 0x736f6d6570736575;
  let v1 = key1 ^ 0x646f72616e646f6d;
  let v2 = key0 ^ 0x6c7967656e657261;
  let v3 = key1 ^ 0x7465646279746573;
  const words: i32 = four ? 2 : 5;
  let m = four ? (a1 >>> 32) | (b1 & 0xffffffff00000000) : a0;
  for (let i: i32 = 1; i <= words + 3; i++) {
    v3 ^= m;
    v0 += v1;
    v2 += v3;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 = rotl<u64>(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 = rotl<u64>(v2, 32);
    v0 ^= m;
    // The next word; behind the last one three rounds finish.
    if (i >= words) {
      m = 0;
      if (i == words) v2 ^= 0xff;
    } else if (i == words - 1) {
      m = ports;
    } else {
      m = i == 1 ? a1 : i == 2 ? b0 : b1;
    }
  }
  const h = v0 ^ v1 ^ v2 ^ v3;
  return <u32>(h ^ (h >>> 32));
}
