import { Limit } from "./generated/abi.js";

/**
 * The symmetric flow hash; bpf/include/flow_hash.h describes it and must give the same bits. 64-bit numbers are kept as two
 * 32-bit halves, since BigInt allocates at every step; the test holds a BigInt model beside it.
 */

// Results of the last operation: `lo` and `hi`, unsigned.
let lo = 0;
let hi = 0;

/** (lo, hi) = (aLo, aHi) * (bLo, bHi) mod 2^64, by 16-bit limbs for the low half. */
function multiply(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const low = a0 * b0;
  const mid1 = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid1 & 0xffff);
  const high = a1 * b1 + Math.floor(mid1 / 65_536) + Math.floor(mid2 / 65_536);
  lo = (((mid2 & 0xffff) << 16) | (low & 0xffff)) >>> 0;
  hi = (high + Math.imul(aLo, bHi) + Math.imul(aHi, bLo)) >>> 0;
}

/** (lo, hi) = (aLo, aHi) + (bLo, bHi) mod 2^64. */
function add(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const sum = aLo + bLo;
  lo = sum >>> 0;
  hi = (aHi + bHi + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
}

/** (lo, hi) ^= (lo, hi) >> bits, for 0 < bits <= 32. */
function xorShift(bits: number): void {
  if (bits === 32) {
    lo = (lo ^ hi) >>> 0;
    return;
  }
  lo = (lo ^ ((lo >>> bits) | (hi << (32 - bits)))) >>> 0;
  hi = (hi ^ (hi >>> bits)) >>> 0;
}

const K1L = 0x85ebca87,
  K1H = 0x9e3779b1;
const K2L = 0x27d4eb4f,
  K2H = 0xc2b2ae3d;
const K3L = 0x9e3779f9,
  K3H = 0x165667b1;

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;

function endpoint(address: Uint8Array, at: number, port: number): void {
  multiply((word(address, at) ^ K3L) >>> 0, (word(address, at + 4) ^ K3H) >>> 0, K1L, K1H);
  xorShift(32);
  add(lo, hi, word(address, at + 8), word(address, at + 12));
  multiply(lo, hi, K2L, K2H);
  xorShift(29);
  add(lo, hi, port, 0);
  multiply(lo, hi, K1L, K1H);
  xorShift(32);
}

/**
 * Writes the flow hash to `out[0]` (low half) and `out[1]` (high half), without allocating.
 * @param src buffer with the 16 bytes of the source address at `srcAt`
 * @param sport host order; 0 without ports and for fragments
 * @param seed one u32 for a deployment
 */
export function flowHashInto(
  out: Uint32Array,
  src: Uint8Array,
  srcAt: number,
  dst: Uint8Array,
  dstAt: number,
  sport: number,
  dport: number,
  proto: number,
  seed = 0,
): void {
  endpoint(src, srcAt, sport);
  const aLo = lo;
  const aHi = hi;
  endpoint(dst, dstAt, dport);
  const bLo = lo;
  const bHi = hi;
  add(aLo, aHi, bLo, bHi);
  multiply(lo, hi, K2L, K2H);
  add(lo, hi, (aLo ^ bLo) >>> 0, (aHi ^ bHi) >>> 0);
  xorShift(31);
  add(lo, hi, seed, proto);
  multiply(lo, hi, K3L, K3H);
  xorShift(32);
  multiply(lo, hi, K1L, K1H);
  xorShift(29);
  out[0] = lo;
  out[1] = hi;
}

const scratch = new Uint32Array(2);

/** The flow hash of 16-byte addresses (see {@link flowHashInto}) as a bigint. */
export function flowHash(src: Uint8Array, dst: Uint8Array, sport: number, dport: number, proto: number, seed = 0): bigint {
  flowHashInto(scratch, src, 0, dst, 0, sport, dport, proto, seed);
  return (BigInt(scratch[1] ?? 0) << 32n) | BigInt(scratch[0] ?? 0);
}

/** Partition of a flow, 0 to 63: the low bits of its hash. A number is taken for the low half. */
export function partitionOf(flowId: bigint | number): number {
  return typeof flowId === "bigint" ? Number(flowId & BigInt(Limit.PARTITIONS - 1)) : flowId & (Limit.PARTITIONS - 1);
}
