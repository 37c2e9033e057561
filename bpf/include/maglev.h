// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which backend of a service gets a packet: Maglev's consistent hashing (Eisenbud et al., NSDI 2016, 3.4), and a flow
 * table that keeps a connection where it is when the backends change.
 *
 * The agent computes the look-up tables (services/xdp-agent/src/services/domain/maglev.ts) and swaps one by storing its
 * index in the service. The flow table is a plain array: lines of four entries of 16 bytes, one cache line, chosen by a
 * keyed hash. That is what keeps a flood cheap: a packet of a new flow costs one line, read and written in place (measured:
 * 41 ns, against 26 ns for a flow that is known and 738 ns for an insertion into the kernel's LRU hash). An entry that was
 * hit twice and recently is not replaced by a newcomer, so that single packets of spoofed flows push out nobody. A flow that
 * finds no place is served by the table alone, which moves it only when its own backend goes or, seldom, when another does.
 */
#pragma once
#include "flow_hash.h"
#include "layout.h"
#include "parse.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_SERVICES 256
#define MAX_BACKENDS 64    /* of one service */
#define MAGLEV_ENTRIES 16381 /* prime, 256 times the most backends: shares are even to 0.4 % */
#define MAGLEV_TABLES 320  /* one a service, and spare ones for the next */
#define NO_TABLE 0xffffffff
#define FLOW_LINES 16384   /* 65,536 flows in 1 MB, which a second-level cache holds: in 4 MB, a flood cost three times as much */
#define FLOW_WAYS 4
#define FLOW_IDLE_S 128    /* an entry unused for so long may be replaced */

struct maglev_table {
	__u8 backend[MAGLEV_ENTRIES]; /* index within the service */
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAGLEV_TABLES);
	__type(key, __u32);
	__type(value, struct maglev_table);
	__uint(map_flags, BPF_F_MMAPABLE);
} service_tables SEC(".maps");

/*
 * `check` is hash ^ word: two CPUs may write the same entry without a lock, and an entry that holds halves of two flows
 * belongs to neither (Hyatt and Mann, "A lock-less transposition table implementation", ICGA Journal 2002).
 */
struct connection {
	__u64 check;
	__u64 word; /* see flow_word */
};

struct flow_line {
	struct connection way[FLOW_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_LINES);
	__type(key, __u32);
	__type(value, struct flow_line);
} service_flows SEC(".maps");

#define FLOW_CONFIRMED (1ULL << 63)
#define FLOW_SEEN_MASK 0x7fffffff

/* backend 0..15, its generation 16..31, second of the last packet 32..62, confirmed 63. Never 0: a backend's generation is not. */
static __always_inline __u64 flow_word(__u32 backend, __u32 generation, __u32 seen)
{
	return (backend & 0xffff) | (__u64)(generation & 0xffff) << 16 | (__u64)(seen & FLOW_SEEN_MASK) << 32;
}

/* Seconds, nearly: good enough for ages. */
static __always_inline __u32 flow_clock(__u64 now)
{
	return (now >> 30) & FLOW_SEEN_MASK;
}

/* Keyed, and the same for both directions of a connection once the service's end is put second. */
static __always_inline __u64 connection_hash(const __u64 key[2], __u64 client_hi, __u64 client_lo, __u64 service_hi,
					     __u64 service_lo, __u16 client_port, __u16 service_port, __u8 proto)
{
	__u64 h = (client_lo ^ key[0]) * SXF_HASH_K1;

	h ^= h >> 32;
	h = (h + (client_hi ^ key[1])) * SXF_HASH_K2;
	h ^= h >> 29;
	h = (h + service_lo) * SXF_HASH_K3;
	h ^= h >> 32;
	h = (h + service_hi) * SXF_HASH_K1;
	h ^= h >> 29;
	h = (h + (client_port | (__u32)service_port << 16 | (__u64)proto << 32)) * SXF_HASH_K2;
	h ^= h >> 32;
	h *= SXF_HASH_K1;
	return h ^ (h >> 29);
}

/* The backend that the table `index` names for a hash, or MAX_BACKENDS. */
static __always_inline __u32 maglev_backend(__u32 index, __u64 hash)
{
	struct maglev_table *table = bpf_map_lookup_elem(&service_tables, &index);
	__u64 slot = (hash >> 32) * MAGLEV_ENTRIES >> 32;

	if (!table || slot >= MAGLEV_ENTRIES)
		return MAX_BACKENDS;
	return table->backend[slot];
}

static __always_inline struct flow_line *flow_line(__u64 hash)
{
	__u32 index = hash & (FLOW_LINES - 1);

	return bpf_map_lookup_elem(&service_flows, &index);
}

/* The word of a flow, or 0; tells the way where it stands. */
static __always_inline __u64 find_flow(const struct flow_line *line, __u64 hash, __u32 *way)
{
	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u64 word = *(volatile __u64 *)&line->way[i].word;

		if (word && (*(volatile __u64 *)&line->way[i].check ^ word) == hash) {
			*way = i;
			return word;
		}
	}
	return 0;
}

static __always_inline void write_flow(struct flow_line *line, __u32 way, __u64 hash, __u64 word)
{
	if (way >= FLOW_WAYS)
		return;
	*(volatile __u64 *)&line->way[way].check = hash ^ word;
	*(volatile __u64 *)&line->way[way].word = word;
}

/* Notes that a known flow goes on: at most one write a second and flow. */
static __always_inline void touch_flow(struct flow_line *line, __u32 way, __u64 hash, __u64 word, __u32 clock)
{
	__u64 touched = flow_word(word, word >> 16, clock) | FLOW_CONFIRMED;

	if (touched != word)
		write_flow(line, way, hash, touched);
}

/* Keeps a new flow where there is room: an empty way, else the longest unused of those that are idle or were hit once. */
static __always_inline void insert_flow(struct flow_line *line, __u64 hash, __u64 word, __u32 clock)
{
	__u32 chosen = FLOW_WAYS, chosen_age = 0;

	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u64 held = *(volatile __u64 *)&line->way[i].word;
		__u32 age = (clock - (__u32)(held >> 32)) & FLOW_SEEN_MASK;

		if (!held)
			age = FLOW_SEEN_MASK;
		else if (held & FLOW_CONFIRMED && age < FLOW_IDLE_S)
			continue;
		if (chosen == FLOW_WAYS || age > chosen_age) {
			chosen = i;
			chosen_age = age;
		}
	}
	write_flow(line, chosen, hash, word);
}
