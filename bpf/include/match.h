// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether a rule matches a packet, and the linear scan over the rules of a generation, in the order the agent wrote
 * them. Large policies stand in an image (classify.h), which uses the same two comparisons.
 */
#pragma once
#include "layout.h"
#include "maps.h"
#include "parse.h"

#define MAX_MONITORS 8 /* monitor-only rules that count one packet */

/* What is looked for, and what was met on the way. */
struct search {
	struct packet packet;
	__u64 src_sets;   /* bit mask of the address sets that hold the source */
	__u64 dst_sets;
	__u32 sequence;   /* of the generation: rules that died by then are dead */
	__u32 ifindex;
	__u8 state;       /* DETAIL_NEW, DETAIL_ESTABLISHED, or 0 where nobody asks */
	__u8 volatile_;   /* a rule was met that looks at more than the flow */
	__u8 sets_known;  /* src_sets and dst_sets are filled in */
	__u8 monitors;    /* filled elements of the list: rules that match, but only count */
	struct { __u64 order; __u32 slot; __u32 pad; } monitor[MAX_MONITORS];
};

/* Masks of a prefix length over 128 bits. */
static __always_inline __u64 prefix_mask_hi(__u32 length)
{
	return length >= 64 ? ~0ULL : ~(~0ULL >> length);
}

static __always_inline __u64 prefix_mask_lo(__u32 length)
{
	return length <= 64 ? 0 : ~0ULL << (128 - length);
}

/* The part of a rule in struct rule. */
static __always_inline int rule_matches(const struct rule *rule, const struct packet *packet)
{
	if ((packet->dst_lo ^ rule->dst_lo) & prefix_mask_lo(rule->dst_len) || (packet->src_lo ^ rule->src_lo) & prefix_mask_lo(rule->src_len))
		return 0;
	if ((packet->dst_hi ^ rule->dst_hi) & prefix_mask_hi(rule->dst_len) || (packet->src_hi ^ rule->src_hi) & prefix_mask_hi(rule->src_len))
		return 0;
	return packet->dport >= rule->dport_min && packet->dport <= rule->dport_max && packet->sport >= rule->sport_min &&
	       packet->sport <= rule->sport_max && !((packet->proto ^ rule->proto) & rule->proto_mask);
}

static __always_inline int in_set(__u64 sets, __u8 set)
{
	return !set || sets >> ((set - 1) & 63) & 1;
}

static __always_inline int rare_conditions_match(const struct detail *detail, const struct search *search)
{
	const struct packet *packet = &search->packet;

	if (detail->vlan != VLAN_ANY && detail->vlan != packet->vlan)
		return 0;
	if (detail->inner_vlan != VLAN_ANY && detail->inner_vlan != packet->inner_vlan)
		return 0;
	if (detail->ifindex && detail->ifindex != search->ifindex)
		return 0;
	if (detail->family && detail->family != packet->family)
		return 0;
	if (!in_set(search->src_sets, detail->src_set) || !in_set(search->dst_sets, detail->dst_set))
		return 0;
	if (packet->length < detail->length_min || packet->length > detail->length_max)
		return 0;
	if (!(detail->fragments & packet->fragment) || (packet->tcp_flags & detail->tcp_mask) != detail->tcp_value)
		return 0;
	if ((packet->icmp_type ^ detail->icmp_type) & detail->icmp_type_mask || (packet->icmp_code ^ detail->icmp_code) & detail->icmp_code_mask)
		return 0;
	if (detail->flags & (DETAIL_NEW | DETAIL_ESTABLISHED))
		return detail->flags & search->state;
	return 1;
}

/* The part of a rule in struct detail, for a rule whose other part matches. Notes in `search` what the answer hangs on. */
static __always_inline int detail_matches(const struct detail *detail, struct search *search)
{
	if (detail->flags & DETAIL_VOLATILE)
		search->volatile_ = 1;
	if (detail->needs & ~search->packet.known)
		return 0;
	return !(detail->flags & DETAIL_RARE) || rare_conditions_match(detail, search);
}

/* The clock is read only where a rule has an expiry. */
static __always_inline int has_expired(const struct detail *detail)
{
	return detail->expires_ns && bpf_ktime_get_ns() >= detail->expires_ns;
}

static __always_inline int is_deleted(const struct rule *rule, const struct search *search)
{
	return rule->dead_from && search->sequence >= rule->dead_from;
}

static __always_inline int is_dead(const struct rule *rule, const struct detail *detail, const struct search *search)
{
	return is_deleted(rule, search) || has_expired(detail);
}

/* Keeps a monitor-only rule that matches; `count_monitors` counts it if no rule before it decides. */
static __always_inline void note_monitor(struct search *search, __u64 order, __u32 slot)
{
	__u32 index = search->monitors;

	if (index >= MAX_MONITORS)
		return;
	search->monitor[index].order = order;
	search->monitor[index].slot = slot;
	search->monitors = index + 1;
}

static __always_inline void count_monitors(const struct search *search, __u64 decided, __u32 bytes, __u64 now)
{
	for (__u32 i = 0; i < MAX_MONITORS; i++) {
		if (i >= search->monitors)
			break;
		if (search->monitor[i].order < decided)
			count(&rule_counters, search->monitor[i].slot, bytes, now);
	}
}

/* Elements [next, end) of `map`; `found` is the first that decides, if it comes before `before`. */
struct scan {
	void *map;
	struct search *search;
	__u64 before;
	__u32 next;
	__u32 end;
	struct detail *found;
};

static long scan_step(__u32 i, struct scan *scan)
{
	__u32 index = scan->next;
	union policy_value *value;
	struct entry *entry;

	if (index >= scan->end)
		return 1;
	scan->next = index + 1;
	value = bpf_map_lookup_elem(scan->map, &index);
	if (!value)
		return 1;
	entry = &value->entry;
	if (entry->rule.order >= scan->before)
		return 1;
	if (!rule_matches(&entry->rule, &scan->search->packet) || !detail_matches(&entry->detail, scan->search) ||
	    is_dead(&entry->rule, &entry->detail, scan->search))
		return 0;
	if (entry->detail.flags & DETAIL_MONITOR) {
		note_monitor(scan->search, entry->rule.order, entry->detail.slot);
		return 0;
	}
	scan->found = &entry->detail;
	scan->before = entry->rule.order;
	return 1;
}

/*
 * First rule in elements [1, 1 + rules) of `map` that decides about the packet, if it comes before `*before`, which it
 * lowers; else NULL. `most` bounds the loop for the verifier.
 */
static __always_inline struct detail *first_match(void *map, struct search *search, __u32 rules, __u32 most, __u64 *before)
{
	struct scan scan = { .map = map, .search = search, .before = *before, .next = 1, .end = 1 + rules };

	bpf_loop(most, scan_step, &scan, 0);
	*before = scan.before;
	return scan.found;
}

/* What all matching forwarding rules together ask for: one copy, for every module, with the longest snap length. */
struct collect {
	void *map;
	struct search *search;
	__u64 now;
	__u64 flow_hash;
	__u32 next;
	__u32 end;
	__u32 wire_len;
	__u32 modules;
	__u32 snaplen;
	__u32 forward_id; /* the first that matched */
	__u32 direction;  /* DETAIL_TO_SERVICE or DETAIL_FROM_SERVICE */
};

/* One of `sample` flows: by bits of the flow hash that neither partitions nor caches use. */
static __always_inline int is_sampled_flow(__u64 flow_hash, __u32 sample)
{
	return sample <= 1 || ((flow_hash >> 32) * sample) >> 32 == 0;
}

static long collect_step(__u32 i, struct collect *collect)
{
	__u32 index = collect->next;
	union policy_value *value;
	struct entry *entry;

	if (index >= collect->end)
		return 1;
	collect->next = index + 1;
	value = bpf_map_lookup_elem(collect->map, &index);
	if (!value)
		return 1;
	entry = &value->entry;
	if (!(entry->detail.flags & collect->direction) || !rule_matches(&entry->rule, &collect->search->packet) ||
	    !detail_matches(&entry->detail, collect->search) || !is_sampled_flow(collect->flow_hash, entry->sample))
		return 0;
	count(&forward_counters, entry->detail.slot, collect->wire_len, collect->now);
	collect->modules |= entry->detail.target;
	if (!collect->forward_id)
		collect->forward_id = entry->detail.id;
	if (entry->detail.snaplen > collect->snaplen)
		collect->snaplen = entry->detail.snaplen;
	return 0;
}
