// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rate limits: the generic cell rate algorithm (ITU-T I.371 annex A, ATM Forum Traffic Management 4.1 section 4.4.2,
 * virtual scheduling). A limit is one number, the time at which everything that passed is paid for. A packet passes if
 * what is owed, with its own cost, stays within the burst; then its cost is added by one compare-and-exchange, so that
 * CPUs together never let more pass than one would. A packet dearer than the whole burst passes where nothing is owed.
 *
 * Limits per source stand in a table of sets of four lines. A line whose time has passed says no more than an empty one:
 * it is given to another source without loss. Where all four are owed for, the one that is owed least is given up.
 */
#pragma once
#include "defence.h"

#define LIMIT_SHIFT 4 /* times are kept in 1/16 ns: rates within 0.06 % at 10 million a second, for 36 years of uptime */
#define LIMIT_TRIES 8
#define LIMIT_WAYS 4
#define LIMIT_SETS 65536 /* times 64 bytes */
#define LIMIT_LONGEST 65536 /* bytes of a packet at most */
#define SALT_ALL_RULES 0xffffffff /* in place of a rule's id: the limit on every source */

struct limit_line {
	__u64 tag; /* rule and source, hashed */
	__u64 due;
};

struct limit_set {
	struct limit_line line[LIMIT_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_RULES);
	__type(key, __u32);
	__type(value, struct limit_line); /* its tag is the rule's id */
} limit_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIMIT_SETS);
	__type(key, __u32);
	__type(value, struct limit_set);
} limit_sources SEC(".maps");

/* A time of fixed point 32.32 ns, so many times, in 1/16 ns. `times` is at most 2^17. */
static __always_inline __u64 limit_ticks(__u64 unit_ns, __u32 times)
{
	return ((unit_ns >> 32) * times << LIMIT_SHIFT) + ((unit_ns & 0xffffffff) * times >> (32 - LIMIT_SHIFT));
}

/* What a packet costs, in 1/16 ns. */
struct limit_price {
	__u64 now;
	__u64 cost;
	__u64 burst;
	__u64 rule; /* id */
	__u64 most; /* that any packet of the limit can cost: a cell in which more than burst and this is owed was another rule's */
};

/* Charges a cell; 1 if the packet was within the limit. */
static __always_inline int limit_charge(__u64 *cell, const struct packet *packet, const struct limit_price *price)
{
	__u64 now = price->now, depth = price->burst > price->cost ? price->burst : price->cost;
	__u64 found = *(volatile __u64 *)cell, due, seen;

	for (int i = 0; i < LIMIT_TRIES; i++) {
		due = found > now ? found : now;
		if (due - now > price->burst + price->most)
			due = now;
		if (due - now + price->cost > depth)
			return 0;
		seen = __sync_val_compare_and_swap(cell, found, due + price->cost);
		if (seen == found)
			return 1;
		found = seen;
	}
	count_defence(DEFENCE_CONTENDED, packet);
	return 0;
}

/* The line of the set that is `tag`'s own, or else is owed least for: its index. */
static __always_inline __u32 limit_line_for(const struct limit_set *set, __u64 tag)
{
	__u64 least_due = ~0ULL;
	__u32 least = 0;

#pragma unroll
	for (__u32 way = 0; way < LIMIT_WAYS; way++) {
		__u64 due = *(volatile __u64 *)&set->line[way].tag == tag ? 0 : *(volatile __u64 *)&set->line[way].due | 1;

		least = due < least_due ? way : least;
		least_due = due < least_due ? due : least_due;
	}
	barrier_var(least);
	return least & (LIMIT_WAYS - 1);
}

/* The cell of a source: its own, or taken from the line that is owed least for. NULL where other CPUs were faster twice. */
static __always_inline __u64 *limit_source_cell(const struct packet *packet, __u32 salt, __u64 now)
{
	/* An IPv6 source is a /64, the least that a site is given (RFC 6177): a host may change the rest at will. */
	__u64 lo = packet->family == 4 ? packet->src_lo : 0;
	__u64 hash = seeded_hash(packet->src_hi, lo, salt), tag = hash | 1;
	__u32 index = (hash >> 32) & (LIMIT_SETS - 1);
	struct limit_set *set = bpf_map_lookup_elem(&limit_sources, &index);

	if (!set)
		return NULL;
	for (int i = 0; i < 2; i++) {
		struct limit_line *line = &set->line[limit_line_for(set, tag)];
		__u64 old = *(volatile __u64 *)&line->tag, due = *(volatile __u64 *)&line->due;

		if (old == tag)
			return &line->due;
		if (__sync_val_compare_and_swap(&line->tag, old, tag) != old)
			continue;
		if (due > now) {
			/* If this fails, the line's last owner is charged at this moment: its cost is ours then. */
			__sync_val_compare_and_swap(&line->due, due, now);
			count_defence(DEFENCE_EVICTED, packet);
		}
		return &line->due;
	}
	count_defence(DEFENCE_CONTENDED, packet);
	return NULL;
}

SEPARATE int charge_source(const struct packet *packet, __u32 salt, const struct limit_price *price)
{
	__u64 *cell;

	if (!packet || !price)
		return 1;
	cell = limit_source_cell(packet, salt, price->now);
	return !cell || limit_charge(cell, packet, price);
}

SEPARATE int charge_rule(const struct packet *packet, __u32 slot, const struct limit_price *price)
{
	struct limit_line *line = bpf_map_lookup_elem(&limit_rules, &slot);

	if (!line || !packet || !price)
		return 1;
	/* A slot passes from rule to rule, an id does not: what the last rule's packets owe is not this one's. */
	if (*(volatile __u64 *)&line->tag != price->rule) {
		*(volatile __u64 *)&line->due = 0;
		*(volatile __u64 *)&line->tag = price->rule;
	}
	return limit_charge(&line->due, packet, price);
}

/*
 * 1: the packet is within the limit of its rule and was charged; 0: over it, and was not. Bytes are those from the IP
 * header on. `now` is bpf_ktime_get_ns(): the coarse clock stands still for milliseconds, in which only a burst passes.
 */
static __always_inline int within_limit(const struct detail *detail, const struct packet *packet, __u32 wire_len, __u64 now)
{
	__u32 bytes = detail->option & LIMIT_BYTES;
	__u32 amount = bytes ? (wire_len - packet->l3_offset) & (2 * LIMIT_LONGEST - 1) : 1;
	struct limit_price price = {
		.now = now << LIMIT_SHIFT, .cost = limit_ticks(detail->unit_ns, amount), .burst = detail->burst_ns << LIMIT_SHIFT,
		.most = limit_ticks(detail->unit_ns, bytes ? LIMIT_LONGEST : 1), .rule = detail->id,
	};

	if (detail->option & LIMIT_PER_SOURCE)
		return charge_source(packet, detail->id, &price);
	return charge_rule(packet, detail->slot, &price);
}

/*
 * The same for the limit on every source, where there is one. Call before the rules. What it refuses is counted. `now` is
 * bpf_ktime_get_ns() where shield->source_unit_ns is not 0.
 */
static __always_inline int within_source_limit(const struct protection *shield, const struct packet *packet, __u64 now)
{
	struct limit_price price = { .now = now << LIMIT_SHIFT, .burst = shield->source_burst_ns << LIMIT_SHIFT };

	if (!shield->source_unit_ns)
		return 1;
	price.cost = price.most = limit_ticks(shield->source_unit_ns, 1);
	if (charge_source(packet, SALT_ALL_RULES, &price))
		return 1;
	count_defence(DEFENCE_SOURCE_LIMITED, packet);
	return 0;
}
