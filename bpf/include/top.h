// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Top talkers: who sends and receives most, by packets and by bytes. One of 64 packets is counted, in tables of this
 * CPU: sets of four lines with randomised admission (RAP, Ben Basat, Einziger, Friedman and Kassner, INFOCOM 2017, its
 * set-associative form). A new address takes the place of the smallest line of weight c with probability w / (c + w),
 * and its weight becomes c + w: the expected weight of every address is right, and a flood of addresses seen once
 * displaces large ones hardly ever. HeavyKeeper (Yang et al., ATC 2018) decays lines by the same idea.
 *
 * Time is cut into windows of 2^33 ns (8.6 s); a window writes one half of the table while the agent reads the other.
 */
#pragma once
#include "defence.h"

#define TALKER_SAMPLE 64
#define TALKER_WINDOW_SHIFT 33
#define TALKER_WAYS 4
#define TALKER_SETS 256 /* of one table */

enum talker_table { TALKER_SOURCE_PACKETS = 0, TALKER_SOURCE_BYTES, TALKER_TARGET_PACKETS, TALKER_TARGET_BYTES, TALKER_TABLES };

struct talker {
	__u64 hi; /* address, as in struct packet */
	__u64 lo;
	__u64 weight;    /* sampled packets or bytes */
	__u32 inherited; /* of these, what the line had when this address took it: may be others' */
	__u32 window;    /* a line of another window is empty */
};

struct talker_set {
	struct talker line[TALKER_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * TALKER_TABLES * TALKER_SETS);
	__type(key, __u32);
	__type(value, struct talker_set);
} talkers SEC(".maps");

SEPARATE int count_talker(__u64 hi, __u64 lo, __u32 table, __u32 weight, __u32 window)
{
	__u32 index = ((window & 1) * TALKER_TABLES + table) * TALKER_SETS + (seeded_hash(hi, lo, table) >> 56);
	struct talker_set *set = bpf_map_lookup_elem(&talkers, &index);
	struct talker *least;
	__u64 least_weight = ~0ULL;

	if (!set)
		return 0;
	least = &set->line[0];
#pragma unroll
	for (int way = 0; way < TALKER_WAYS; way++) {
		struct talker *line = &set->line[way];
		__u64 seen = line->window == window ? line->weight : 0;

		if (seen && line->lo == lo && line->hi == hi) {
			line->weight = seen + weight;
			return 0;
		}
		if (seen < least_weight) {
			least = line;
			least_weight = seen;
		}
	}
	if (least_weight && bpf_get_prandom_u32() >= ((__u64)weight << 32) / (least_weight + weight))
		return 0;
	least->hi = hi;
	least->lo = lo;
	least->weight = least_weight + weight;
	least->inherited = least_weight > 0xffffffff ? 0xffffffff : least_weight;
	least->window = window;
	return 0;
}

/* Both ends of one packet of TALKER_SAMPLE. Any clock will do; all CPUs must be given the same. */
static __always_inline void record_talker(const struct packet *packet, __u32 wire_len, __u64 now)
{
	__u32 window = now >> TALKER_WINDOW_SHIFT;

	count_talker(packet->src_hi, packet->src_lo, TALKER_SOURCE_PACKETS, 1, window);
	count_talker(packet->src_hi, packet->src_lo, TALKER_SOURCE_BYTES, wire_len, window);
	count_talker(packet->dst_hi, packet->dst_lo, TALKER_TARGET_PACKETS, 1, window);
	count_talker(packet->dst_hi, packet->dst_lo, TALKER_TARGET_BYTES, wire_len, window);
}
