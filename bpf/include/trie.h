// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tries in an image with path and level compression (S. Nilsson, G. Karlsson: IP-address lookup using LC-tries, IEEE JSAC
 * 17(6), 1999), leaves pushed down, so that the last entry met is the answer.
 *
 * Entry (u32): bit 31 clear: leaf, the value. Else a node: bits 30 to 26 the number of address bits to skip, bits 25 to 22
 * the number n of bits to look at then, bits 21 to 0 its offset / 16. A node is 2^n entries; where n is 0, it is a struct
 * trie_compare.
 *
 * The tries of a rule image skip without comparing, as a Patricia trie does: what they lead to may hold too much, never too
 * little, and every record is compared in full anyway. That saves a cache line for each address. The tries of a set
 * image give the answer itself, so they compare.
 */
#pragma once
#include "image.h"

#define TRIE_NODE 0x80000000
#define TRIE_SKIP(entry) ((entry) >> 26 & 31)
#define TRIE_BITS(entry) ((entry) >> 22 & 15)
#define TRIE_OFFSET(entry) (((entry) & 0x3fffff) << 4)
#define TRIE_STEPS 20 /* the builder sees to it; the verifier follows every one */

struct trie_compare {
	__u32 value; /* from the top bit on */
	__u32 bits;  /* 1 to 32 */
	__u32 child;
	__u32 other; /* where the bits differ */
};

/* An address from the top bit on (an IPv4 address is the upper half of `hi`), and how far it got in a trie. */
struct trie_walk {
	__u64 hi;
	__u64 lo;
	__u32 entry;
};

static __always_inline void trie_advance(struct trie_walk *walk, __u32 bits)
{
	walk->hi = walk->hi << (bits & 63) | walk->lo >> 1 >> (~bits & 63);
	walk->lo <<= bits & 63;
}

/* One step, without a branch: a leaf stays what it is, and reads the hot line at 0 meanwhile. */
static __always_inline void trie_step(void *image, struct trie_walk *walk)
{
	__u32 entry = walk->entry, is_node = (__s32)entry >> 31, skip = TRIE_SKIP(entry), bits = TRIE_BITS(entry);
	__u32 index = walk->hi << skip >> (-bits & 63);

	walk->entry = (*(__u32 *)image_at(image, image_mask, (TRIE_OFFSET(entry) + index * 4) & is_node, 4) & is_node) | (entry & ~is_node);
	trie_advance(walk, skip + bits);
}

/*
 * Walks two tries of a rule image at once: their memory accesses do not wait for each other, and nothing but the longer
 * way's end is for the processor to guess.
 */
static __always_inline void trie_find_pair(void *image, struct trie_walk *src, struct trie_walk *dst)
{
	for (int i = 0; i < TRIE_STEPS && (src->entry | dst->entry) & TRIE_NODE; i++) {
		trie_step(image, src);
		trie_step(image, dst);
	}
}

/* The value of an address in a trie of a set image. */
static __always_inline __u32 trie_find(void *image, struct trie_walk *walk)
{
	for (int i = 0; i < TRIE_STEPS && walk->entry & TRIE_NODE; i++) {
		__u32 entry = walk->entry, bits = TRIE_BITS(entry), offset = TRIE_OFFSET(entry);

		if (bits) {
			walk->entry = *(__u32 *)image_at(image, sets_mask, offset + (__u32)(walk->hi >> (-bits & 63)) * 4, 4);
		} else {
			struct trie_compare *compare = image_at(image, sets_mask, offset, 16);

			bits = compare->bits;
			if (((__u32)(walk->hi >> 32) ^ compare->value) >> (-bits & 31))
				return compare->other;
			walk->entry = compare->child;
		}
		trie_advance(walk, bits);
	}
	return walk->entry;
}
