// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Classification: a linear scan over the entries of a policy map, in the order the agent wrote them. */
#pragma once
#include "layout.h"
#include "maps.h"
#include "parse.h"

static __always_inline __u32 address_difference(const __u32 *address, const __u32 *wanted, const __u32 *mask)
{
	return ((address[0] & mask[0]) ^ wanted[0]) | ((address[1] & mask[1]) ^ wanted[1]) |
	       ((address[2] & mask[2]) ^ wanted[2]) | ((address[3] & mask[3]) ^ wanted[3]);
}

/* Without branches on the fields: the verifier follows one path a step instead of sixty-four. */
static __always_inline int matches(const struct match *match, const struct packet *packet)
{
	__u32 differs = (match->family ^ packet->family) & match->family_mask;

	differs |= (match->proto ^ packet->proto) & match->proto_mask;
	differs |= (match->sport ^ packet->sport) & match->sport_mask;
	differs |= (match->dport ^ packet->dport) & match->dport_mask;
	differs |= match->needs & ~packet->known;
	differs |= address_difference(packet->src, match->src, match->src_mask);
	differs |= address_difference(packet->dst, match->dst, match->dst_mask);
	return differs == 0;
}

/* Whether an entry has passed its expiry; the clock is read only where one has an expiry. */
static __always_inline int expired(const struct entry *entry)
{
	return entry->expires_ns && bpf_ktime_get_ns() >= entry->expires_ns;
}

/* Elements [next, end) of `map` against `packet`; `found` is the first that matches and has not expired. */
struct scan {
	void *map;
	const struct packet *packet;
	__u32 next;
	__u32 end;
	struct entry *found;
};

static long scan_step(__u32 i, struct scan *scan)
{
	__u32 index = scan->next;
	union policy_value *value;

	if (index >= scan->end)
		return 1;
	scan->next = index + 1;
	value = bpf_map_lookup_elem(scan->map, &index);
	if (!value)
		return 1;
	if (!matches(&value->entry.match, scan->packet) || expired(&value->entry))
		return 0;
	scan->found = &value->entry;
	return 1;
}

/* First match of `packet` in elements [first, first + entries) of `map`, or NULL. `most` bounds the loop for the verifier. */
static __always_inline struct entry *first_match(void *map, const struct packet *packet, __u32 first, __u32 entries, __u32 most)
{
	struct scan scan = { .map = map, .packet = packet, .next = first, .end = first + entries };

	bpf_loop(most, scan_step, &scan, 0);
	return scan.found;
}

/* What all matching forwarding rules together ask for: one copy, for every module, with the longest snap length. */
struct collect {
	void *map;
	const struct packet *packet;
	__u64 now;
	__u32 next;
	__u32 end;
	__u32 wire_len;
	__u32 modules;
	__u32 snaplen;
	__u32 forward_id; /* the first that matched */
};

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
	if (!matches(&entry->match, collect->packet))
		return 0;
	count(&forward_counters, entry->slot, collect->wire_len, collect->now);
	collect->modules |= entry->modules;
	if (!collect->forward_id)
		collect->forward_id = entry->id;
	if (entry->snaplen > collect->snaplen)
		collect->snaplen = entry->snaplen;
	return 0;
}
