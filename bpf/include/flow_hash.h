/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The symmetric flow hash of SecuXFlow: both directions of a flow give the same 64 bits. It fills `flow_id` of a record,
 * and its lowest six bits are the partition. The reference in TypeScript is packages/inspect-abi/src/flow-hash.ts; shared
 * vectors are in packages/inspect-abi/vectors/flow-hash.json.
 *
 * - Addresses are 16 bytes as in records, IPv4 as ::ffff:a.b.c.d, read as two little-endian u64.
 * - Ports are in host order. They are 0 for protocols without ports and for EVERY fragment, also the first one, so that all
 *   fragments of a datagram get the same hash.
 * - `seed` is one number for a whole deployment (0 unless configured): agents must agree for flows to meet.
 *
 * Each endpoint is mixed by multiplications and xor-shifts (odd constants of xxHash64), the two results are joined by
 * operations that do not care about order (sum and xor), and the join is mixed once more. About 40 instructions, no
 * branches, no loops. It is not collision-proof against somebody who picks addresses: users compare the 5-tuple as well.
 *
 * Include after vmlinux.h or linux/types.h.
 */
#ifndef SECUXFLOW_FLOW_HASH_H
#define SECUXFLOW_FLOW_HASH_H

#define SXF_HASH_K1 0x9E3779B185EBCA87ULL
#define SXF_HASH_K2 0xC2B2AE3D27D4EB4FULL
#define SXF_HASH_K3 0x165667B19E3779F9ULL

/* Word of ::ffff:0:0/96 before the IPv4 address, for callers that have the four bytes only. */
#define SXF_V4_HIGH(addr_le) (0x00000000FFFF0000ULL | ((__u64)(addr_le) << 32))

static inline __attribute__((always_inline)) __u64 sxf_hash_endpoint(__u64 addr_lo, __u64 addr_hi, __u16 port)
{
  __u64 h = (addr_lo ^ SXF_HASH_K3) * SXF_HASH_K1;
  h ^= h >> 32;
  h = (h + addr_hi) * SXF_HASH_K2;
  h ^= h >> 29;
  h = (h + port) * SXF_HASH_K1;
  return h ^ (h >> 32);
}

/*
 * `*_lo` are the first eight bytes of an address, `*_hi` the last eight, each read little-endian. For IPv4 `lo` is 0 and
 * `hi` is SXF_V4_HIGH(the four address bytes read little-endian).
 */
static inline __attribute__((always_inline)) __u64 sxf_flow_hash(__u64 src_lo, __u64 src_hi, __u64 dst_lo, __u64 dst_hi,
                                                                 __u16 sport, __u16 dport, __u8 proto, __u32 seed)
{
  __u64 a = sxf_hash_endpoint(src_lo, src_hi, sport);
  __u64 b = sxf_hash_endpoint(dst_lo, dst_hi, dport);
  __u64 h = (a + b) * SXF_HASH_K2 + (a ^ b);
  h ^= h >> 31;
  h = (h + (((__u64)proto << 32) | seed)) * SXF_HASH_K3;
  h ^= h >> 32;
  h *= SXF_HASH_K1;
  return h ^ (h >> 29);
}

/* Partition of a flow, 0 to 63. */
static inline __attribute__((always_inline)) __u32 sxf_partition(__u64 flow_id)
{
  return (__u32)flow_id & 63;
}

#endif /* SECUXFLOW_FLOW_HASH_H */
