// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Pruned tuple-space search (V. Srinivasan, S. Suri, G. Varghese: Packet classification using tuple space search, SIGCOMM
 * 1999) over an image: source, destination, ports and protocol each lead to the set of tuples that may hold a rule for the
 * packet; only what all five sets share is probed, best order first, until no tuple can hold a better rule.
 * docs/adr/0005-classifier.md says why it is so.
 */
#pragma once
#include "image.h"
#include "match.h"
#include "trie.h"

#define NO_RECORD 0xffffffff
#define QUICK_ROUNDS 4

/* Odd constants of the key hash: multipliers of MurmurHash3 and xxHash32 (both public domain or BSD). */
#define HASH_SRC 0x9e3779b1
#define HASH_DST 0x85ebca6b
#define HASH_PORTS 0xc2b2ae35
#define HASH_PROTO 0x27d4eb2f
#define HASH_FINAL 0x2c1b3c6d

struct classification {
	void *image;
	struct image_head *head;
	struct search *search;
	__u64 before;        /* only rules of a lower order are of interest */
	__u64 left[TUPLE_WORDS]; /* tuples not yet probed */
	__u32 src;           /* IPv4 */
	__u32 dst;
	__u32 ports;         /* source << 16 | destination */
	__u32 proto;
	__u32 record;        /* next record to look at, or NO_RECORD */
	__u32 found;         /* best record so far, or NO_RECORD */
};

/* Index of the lowest bit that is set (de Bruijn sequence: C. Leiserson, H. Prokop, K. Randall, 1998); `word` is not 0. */
static __always_inline __u32 lowest_bit(__u64 word)
{
	static const __u8 position[64] = {
		0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
		63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6,
	};

	return position[((word & -word) * 0x03f79d71b4cb0a89ULL) >> 58];
}

static __always_inline __u64 *tuple_set(struct classification *c, __u32 index)
{
	return image_at(c->image, image_mask, c->head->tuple_sets + index * (TUPLE_WORDS * 8), TUPLE_WORDS * 8);
}

/* Index of the set of a port: two levels, because most of the 256 pages of a policy are alike. */
static __always_inline __u32 port_set(struct classification *c, __u32 pages, __u32 port)
{
	__u32 page = *(__u16 *)image_at(c->image, image_mask, pages + (port >> 8) * 2, 2);

	return *(__u16 *)image_at(c->image, image_mask, pages + 512 + (page << 9) + (port & 255) * 2, 2);
}

static __always_inline __u32 fold_ipv6(__u64 hi, __u64 lo)
{
	return (__u32)(hi >> 32) + (__u32)hi * HASH_DST + (__u32)(lo >> 32) * HASH_PORTS + (__u32)lo * HASH_PROTO;
}

/* Hash of the packet's key in a tuple; never 0. */
static __always_inline __u32 key_hash(const struct classification *c, const struct tuple *tuple)
{
	const struct packet *packet = &c->search->packet;
	__u32 src, dst, hash;

	if (packet->family == 4) {
		src = c->src & tuple->src_mask;
		dst = c->dst & tuple->dst_mask;
	} else {
		src = fold_ipv6(packet->src_hi & tuple->src_hi, packet->src_lo & tuple->src_lo);
		dst = fold_ipv6(packet->dst_hi & tuple->dst_hi, packet->dst_lo & tuple->dst_lo);
	}
	hash = src * HASH_SRC + dst * HASH_DST + (c->ports & tuple->port_mask) * HASH_PORTS + (c->proto & tuple->proto_mask) * HASH_PROTO + tuple->seed;
	hash = (hash ^ hash >> 15) * HASH_FINAL;
	hash ^= hash >> 13;
	return hash ? hash : 1;
}

/* The first record of a key, or NO_RECORD. */
static __always_inline __u32 find_key(const struct classification *c, __u32 hash)
{
	__u32 at = hash << 6;

#pragma unroll
	for (int i = 0; i < MAX_PROBES; i++) {
		struct bucket *bucket = image_at(c->image, image_mask, c->head->buckets + (at & c->head->bucket_mask), 64);

#pragma unroll
		for (int slot = 0; slot < BUCKET_SLOTS; slot++)
			if (bucket->tag[slot] == hash)
				return bucket->record[slot];
		if (!bucket->tag[BUCKET_SLOTS - 1])
			return NO_RECORD;
		at += 64;
	}
	return NO_RECORD;
}

static __always_inline struct record *record_at(void *image, __u32 index)
{
	struct image_head *head = image;

	return image_at(image, image_mask, head->record_base + index * sizeof(struct record), sizeof(struct record));
}

/* Looks at c->record and moves on to the next of its key. */
static __always_inline void try_record(struct classification *c)
{
	struct record *record = record_at(c->image, c->record);
	__u32 index;

	if (record->rule.order >= c->before) {
		c->record = NO_RECORD;
		return;
	}
	index = c->record;
	c->record = record->marks & RECORD_MORE ? index + 1 : NO_RECORD;
	if (!rule_matches(&record->rule, &c->search->packet) || is_deleted(&record->rule, c->search))
		return;
	if (record->marks & RECORD_PLAIN) {
		if (record->marks / RECORD_NEEDS & ~(__u32)c->search->packet.known)
			return;
	} else {
		if (!detail_matches(&record->detail, c->search) || has_expired(&record->detail))
			return;
		if (record->detail.flags & DETAIL_MONITOR) {
			note_monitor(c->search, record->rule.order, record->detail.slot);
			return;
		}
	}
	c->found = index;
	c->before = record->rule.order;
	c->record = NO_RECORD;
}

/* Takes the best tuple that is left and looks its key up; returns whether there was one that can hold a better rule. */
static __always_inline int try_tuple(struct classification *c)
{
	struct tuple *tuple;
	__u32 index;

	if (c->left[0]) {
		index = lowest_bit(c->left[0]);
		c->left[0] &= c->left[0] - 1;
#if TUPLE_WORDS > 1
	} else if (c->left[1]) {
		index = 64 + lowest_bit(c->left[1]);
		c->left[1] &= c->left[1] - 1;
#endif
#if TUPLE_WORDS > 2
	} else if (c->left[2]) {
		index = 128 + lowest_bit(c->left[2]);
		c->left[2] &= c->left[2] - 1;
	} else if (c->left[3]) {
		index = 192 + lowest_bit(c->left[3]);
		c->left[3] &= c->left[3] - 1;
#endif
	} else {
		return 0;
	}
	tuple = image_at(c->image, image_mask, c->head->tuples + index * sizeof(*tuple), sizeof(*tuple));
	if (tuple->best >= c->before)
		return 0; /* tuples stand in the order of their best rules */
	c->record = find_key(c, key_hash(c, tuple));
	return 1;
}

/* One more tuple or record; returns 1 where there is nothing left to look at. */
static __always_inline int search_round(struct classification *c)
{
	if (c->record == NO_RECORD && !try_tuple(c))
		return 1;
	if (c->record != NO_RECORD)
		try_record(c);
	return 0;
}

static long search_step(__u32 i, struct classification *c)
{
	return search_round(c);
}

/* Nearly all packets need few rounds; the others pay for a call of bpf_loop and of its callback. */
static __always_inline void search_tuples(struct classification *c)
{
	for (int i = 0; i < QUICK_ROUNDS; i++)
		if (search_round(c))
			return;
	bpf_loop(MAX_TUPLES + MAX_RULES, search_step, c, 0);
}

/*
 * The best rule of `image` that decides about the packet of `search`, if its order is below `*before`, which it lowers:
 * index of its record (record_at), or NO_RECORD. The sets of addresses in `search` must have been filled in where head->needs_sets.
 */
static __always_inline __u32 classify(void *image, struct search *search, __u64 *before)
{
	const struct packet *packet = &search->packet;
	struct classification c = {
		.image = image, .head = image, .search = search, .before = *before, .record = NO_RECORD, .found = NO_RECORD,
		.src = packet->src_lo, .dst = packet->dst_lo, .proto = packet->proto, .ports = (__u32)packet->sport << 16 | packet->dport,
	};
	struct image_head *head = image;
	__u64 *src, *dst, *sport, *dport, *proto, any = 0;
	struct trie_walk walk_src, walk_dst;

	if (packet->family == 4) {
		walk_src = (struct trie_walk){ .hi = packet->src_lo << 32, .entry = head->src_trie[0] };
		walk_dst = (struct trie_walk){ .hi = packet->dst_lo << 32, .entry = head->dst_trie[0] };
		trie_find_pair(image, &walk_src, &walk_dst);
	} else {
		walk_src = (struct trie_walk){ .hi = packet->src_hi, .lo = packet->src_lo, .entry = head->src_trie[1] };
		walk_dst = (struct trie_walk){ .hi = packet->dst_hi, .lo = packet->dst_lo, .entry = head->dst_trie[1] };
		trie_find_pair(image, &walk_src, &walk_dst);
	}
	src = tuple_set(&c, walk_src.entry);
	dst = tuple_set(&c, walk_dst.entry);
	sport = tuple_set(&c, port_set(&c, head->sport_pages, packet->sport));
	dport = tuple_set(&c, port_set(&c, head->dport_pages, packet->dport));
	proto = tuple_set(&c, *(__u16 *)image_at(image, image_mask, head->protos + packet->proto * 2, 2));
#pragma unroll
	for (int i = 0; i < TUPLE_WORDS; i++) {
		c.left[i] = src[i] & dst[i] & sport[i] & dport[i] & proto[i];
		any |= c.left[i];
	}
	if (!any)
		return NO_RECORD;
	search_tuples(&c);
	*before = c.before;
	return c.found;
}

/* The bit mask of the sets of a set image that hold an address. */
static __always_inline __u64 sets_of(void *image, __u8 family, __u64 hi, __u64 lo)
{
	struct sets_head *head = image;
	struct trie_walk walk = { .hi = hi, .lo = lo, .entry = head->trie[1] };

	if (family == 4)
		walk = (struct trie_walk){ .hi = lo << 32, .entry = head->trie[0] };
	return *(__u64 *)image_at(image, sets_mask, head->masks + trie_find(image, &walk) * 8, 8);
}

/* Fills in which address sets hold the packet's addresses. */
static __always_inline void find_sets(void *image, struct search *search)
{
	const struct packet *packet = &search->packet;

	search->src_sets = sets_of(image, packet->family, packet->src_hi, packet->src_lo);
	search->dst_sets = sets_of(image, packet->family, packet->dst_hi, packet->dst_lo);
}
