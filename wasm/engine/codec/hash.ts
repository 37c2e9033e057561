// MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) of bytes that are all there.

const BLOCK: usize = memory.data(64, 16);
const STATE: usize = memory.data(32, 16);
const WORDS: usize = memory.data(64 * 4, 16);

const MD5: u32 = 0;
const SHA1: u32 = 1;
const SHA256: u32 = 2;

const MD5_SHIFTS: usize = memory.data<u8>([7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]);
const MD5_SINES: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);
const SHA256_K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** 16 bytes at `out`, which may be the input. */
export function md5(ptr: usize, len: u32, out: usize): void {
  start(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0, 0, 0, 0);
  digest(ptr, len, MD5);
  memory.copy(out, STATE, 16);
}

/** 20 bytes at `out`, which may be the input. */
export function sha1(ptr: usize, len: u32, out: usize): void {
  start(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0);
  digest(ptr, len, SHA1);
  for (let i: u32 = 0; i < 20; i += 4) store<u32>(out + i, bswap(load<u32>(STATE + i)));
}

/** 32 bytes at `out`, which may be the input. */
export function sha256(ptr: usize, len: u32, out: usize): void {
  start(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
  digest(ptr, len, SHA256);
  for (let i: u32 = 0; i < 32; i += 4) store<u32>(out + i, bswap(load<u32>(STATE + i)));
}

function start(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32): void {
  store<u32>(STATE, a);
  store<u32>(STATE, b, 4);
  store<u32>(STATE, c, 8);
  store<u32>(STATE, d, 12);
  store<u32>(STATE, e, 16);
  store<u32>(STATE, f, 20);
  store<u32>(STATE, g, 24);
  store<u32>(STATE, h, 28);
}

function digest(ptr: usize, len: u32, kind: u32): void {
  let i: u32 = 0;
  for (; i + 64 <= len; i += 64) round(ptr + i, kind);
  const left = len - i;
  memory.fill(BLOCK, 0, 64);
  memory.copy(BLOCK, ptr + i, left);
  store<u8>(BLOCK + left, 0x80);
  if (left > 55) {
    round(BLOCK, kind);
    memory.fill(BLOCK, 0, 64);
  }
  const bits = (<u64>len) << 3;
  store<u64>(BLOCK + 56, kind == MD5 ? bits : bswap(bits));
  round(BLOCK, kind);
}

function round(block: usize, kind: u32): void {
  if (kind == MD5) md5Round(block);
  else if (kind == SHA1) sha1Round(block);
  else sha256Round(block);
}

// @ts-ignore: decorator
@inline function add(offset: usize, value: u32): void {
  store<u32>(STATE + offset, load<u32>(STATE + offset) + value);
}

function md5Round(block: usize): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  for (let i: u32 = 0; i < 64; i++) {
    let f: u32 = 0;
    let g: u32 = 0;
    if (i < 16) {
      f = (b & c) | (~b & d);
      g = i;
    } else if (i < 32) {
      f = (d & b) | (~d & c);
      g = (5 * i + 1) & 15;
    } else if (i < 48) {
      f = b ^ c ^ d;
      g = (3 * i + 5) & 15;
    } else {
      f = c ^ (b | ~d);
      g = (7 * i) & 15;
    }
    const sum = a + f + load<u32>(MD5_SINES + (i << 2)) + load<u32>(block + (g << 2));
    a = d;
    d = c;
    c = b;
    b += rotl<u32>(sum, load<u8>(MD5_SHIFTS + ((i >>> 4) << 2) + (i & 3)));
  }
  add(0, a);
  add(4, b);
  add(8, c);
  add(12, d);
}

function sha1Round(block: usize): void {
  for (let i: u32 = 0; i < 16; i++) store<u32>(WORDS + (i << 2), bswap(load<u32>(block + (i << 2))));
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  for (let i: u32 = 0; i < 80; i++) {
    const slot = WORDS + ((i & 15) << 2);
    if (i >= 16) {
      const mixed = load<u32>(WORDS + (((i + 13) & 15) << 2)) ^ load<u32>(WORDS + (((i + 8) & 15) << 2))
        ^ load<u32>(WORDS + (((i + 2) & 15) << 2)) ^ load<u32>(slot);
      store<u32>(slot, rotl<u32>(mixed, 1));
    }
    let f: u32 = 0;
    if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const sum = rotl<u32>(a, 5) + f + e + load<u32>(slot);
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = sum;
  }
  add(0, a);
  add(4, b);
  add(8, c);
  add(12, d);
  add(16, e);
}

function sha256Round(block: usize): void {
  for (let i: u32 = 0; i < 16; i++) store<u32>(WORDS + (i << 2), bswap(load<u32>(block + (i << 2))));
  for (let i: u32 = 16; i < 64; i++) {
    const w15 = load<u32>(WORDS + ((i - 15) << 2));
    const w2 = load<u32>(WORDS + ((i - 2) << 2));
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >>> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >>> 10);
    store<u32>(WORDS + (i << 2), load<u32>(WORDS + ((i - 16) << 2)) + s0 + load<u32>(WORDS + ((i - 7) << 2)) + s1);
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  for (let i: u32 = 0; i < 64; i++) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(SHA256_K + (i << 2)) + load<u32>(WORDS + (i << 2));
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  add(0, a);
  add(4, b);
  add(8, c);
  add(12, d);
  add(16, e);
  add(20, f);
  add(24, g);
  add(28, h);
}
