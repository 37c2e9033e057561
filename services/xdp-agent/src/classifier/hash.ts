/** The key hash of bpf/include/classify.h (key_hash), in 32-bit arithmetic. */
const [SRC, DST, PORTS, PROTO, FINAL] = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x2c1b3c6d];

/** Four words of an IPv6 address, masked, into one. */
export const foldIpv6 = (a: number, b: number, c: number, d: number): number =>
  (a + Math.imul(b, DST) + Math.imul(c, PORTS) + Math.imul(d, PROTO)) | 0;

/**
 * Hash of a masked key; never 0, which marks a free slot.
 * @param src IPv4 address or {@link foldIpv6}
 * @param ports source port << 16 | destination port
 */
export function keyHash(src: number, dst: number, ports: number, proto: number, seed: number): number {
  let hash = (Math.imul(src, SRC) + Math.imul(dst, DST) + Math.imul(ports, PORTS) + Math.imul(proto, PROTO) + seed) | 0;
  hash = Math.imul(hash ^ (hash >>> 15), FINAL);
  hash = (hash ^ (hash >>> 13)) >>> 0;
  return hash === 0 ? 1 : hash;
}

/** A seed for the tuple of a number: tuples with equal masked keys must not share hashes. */
export const tupleSeed = (index: number): number => Math.imul(index + 1, 0x165667b1) >>> 0;
