// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Images: what the agent compiles from the whole policy (rules, or address sets), one blob each. Offsets count from the
 * head at 0. Every access is masked to the size of the map, so that garbage in an image may give a wrong verdict but
 * never leaves it. Images are mapped into the agent's memory; it writes one that no packet reads.
 */
#pragma once
#include "layout.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define IMAGE_MAGIC 0x31495853 /* "SXI1" */
#define IMAGE_BYTES_DEFAULT (1 << 20)
#define IMAGE_PAD 64 /* at the end of an image: a masked offset of a small structure does not straddle */

#ifndef TUPLE_WORDS
#define TUPLE_WORDS 2
#endif
#define MAX_TUPLES (TUPLE_WORDS * 64)
#define BUCKET_SLOTS 8
#define MAX_PROBES 4 /* buckets that a key may lie in, one after the other */

/* Size of the maps minus 1; a power of two minus 1. Set together with the maps' value size, before load. */
const volatile __u32 image_mask = IMAGE_BYTES_DEFAULT - 1;
const volatile __u32 sets_mask = IMAGE_BYTES_DEFAULT - 1;

/* At 0 of a rule image. */
struct image_head {
	__u32 magic;
	__u32 bytes;
	__u32 records;
	__u32 record_base;
	__u32 src_trie[2];  /* entry of the root (trie.h): IPv4, IPv6 */
	__u32 dst_trie[2];
	__u32 tuple_sets;   /* sets of tuples, MAX_TUPLES bits each, that leaves, ports and protocols lead to */
	__u32 sport_pages;  /* 256 numbers of pages (u16), then the pages: 256 indexes of sets (u16) */
	__u32 dport_pages;
	__u32 protos;       /* 256 indexes of sets (u16) */
	__u32 tuples;
	__u32 buckets;
	__u32 bucket_mask;  /* (number of buckets - 1) * sizeof(struct bucket) */
	__u32 needs_sets;   /* whether a rule names an address set */
};

/* At 0 of a set image: tries whose leaves are indexes of 64-bit masks of the sets that hold the address. */
struct sets_head {
	__u32 magic;
	__u32 bytes;
	__u32 trie[2]; /* IPv4, IPv6 */
	__u32 masks;
	__u32 pad[3];
};

/* What all rules of a tuple have in common: the bits that their hash key is made of. */
struct tuple {
	__u64 best;      /* lowest order of its rules */
	__u32 src_mask;  /* IPv4 */
	__u32 dst_mask;
	__u32 port_mask; /* source port << 16 | destination port */
	__u32 proto_mask;
	__u32 seed;
	__u32 pad;
	__u64 src_hi;    /* masks for IPv6 */
	__u64 src_lo;
	__u64 dst_hi;
	__u64 dst_lo;
};

struct bucket {
	__u32 tag[BUCKET_SLOTS];    /* hash of a key; 0 is a free slot */
	__u32 record[BUCKET_SLOTS]; /* index of its first record */
};

enum record_mark {
	RECORD_MORE = 1 << 0,  /* the next record has the same hash */
	RECORD_PLAIN = 1 << 1, /* drops or passes, without a condition of `detail` but `needs`, without expiry: `detail` is not looked at */
	RECORD_DROPS = 1 << 2, /* a plain rule drops */
	RECORD_NEEDS = 1 << 8, /* from this bit on: a plain rule's `needs` */
};

/* A rule; those whose keys have the same hash stand together, ordered. For most rules its first cache line says all. */
struct record {
	struct rule rule;
	__u32 marks; /* enum record_mark */
	__u32 slot;  /* of its counters, as in `detail` */
	struct detail detail;
};

struct image_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, IMAGE_BYTES_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
} image_0 SEC(".maps"), image_1 SEC(".maps"), image_2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_IMAGES);
	__type(key, __u32);
	__array(values, struct image_map);
} images SEC(".maps") = { .values = { &image_0, &image_1, &image_2 } };

struct sets_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, IMAGE_BYTES_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
} sets_0 SEC(".maps"), sets_1 SEC(".maps"), sets_2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_IMAGES);
	__type(key, __u32);
	__array(values, struct sets_map);
} sets SEC(".maps") = { .values = { &sets_0, &sets_1, &sets_2 } };

/* The blob of an image by its index, or NULL. `outer` is &images or &sets. */
static __always_inline void *image_of(void *outer, __u32 index)
{
	void *map = bpf_map_lookup_elem(outer, &index);
	__u32 zero = 0;

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* A structure of an image, aligned to `align` (a power of two not below its size, or its size divides the rest). */
static __always_inline void *image_at(void *image, __u32 mask, __u32 offset, __u32 align)
{
	return image + (offset & mask & ~(align - 1));
}
