// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flow-verdict cache: direct-mapped, one for each CPU, so that a miss costs one look into a small table of tags and
 * nothing is evicted by a list (an LRU map makes a flood of new flows several times dearer than no cache at all). A flow
 * is kept when its second packet comes while no other asked for its place in between: what a flood sends once never
 * displaces an entry. Entries carry the generation of the policy; a new one makes all others worthless at once.
 *
 * Only verdicts that hold for the whole flow belong here: the caller asks neither for fragments nor where a rule was met
 * that looks at more than the key, and looks at expiry and dead_from again on a hit.
 */
#pragma once
#include "layout.h"
#include "parse.h"

#define FLOW_CACHE_BITS 14
#define FLOW_CACHE_FLOWS (1 << FLOW_CACHE_BITS)
#define NO_POSITION 0xffffffff

struct flow {
	__u64 src_hi;
	__u64 src_lo;
	__u64 dst_hi;
	__u64 dst_lo;
	__u64 rest; /* ports, VLANs */
	__u32 ifindex;
	__u8 proto;
	__u8 family;
	__u8 known;
	__u8 pad;
	__u32 generation;
	__u32 position; /* where the rule that decides stands, in the caller's terms; NO_POSITION: none */
	__u64 unused;
};

struct flow_tag {
	__u32 kept;  /* of the flow in the same place of `flows` */
	__u32 asked; /* of the last one that was not found */
};

struct flow_cache {
	struct flow_tag tags[FLOW_CACHE_FLOWS];
	struct flow flows[FLOW_CACHE_FLOWS];
};

/* One element for each possible CPU: the agent sets max_entries before load. (Per-CPU maps allow values of 32 KiB only.) */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_cache);
} flow_cache SEC(".maps");

/* A question to the cache, kept until the verdict is known. */
struct flow_lookup {
	struct flow key;
	__u32 place;
	__u32 tag;
	__u8 keep; /* the verdict is worth keeping; the packet does not go past the cache */
};

static __always_inline __u64 flow_mix(const struct flow *key)
{
	__u64 hash = (key->src_lo ^ key->src_hi * 0x9ddfea08eb382d69ULL) * 0x9e3779b97f4a7c15ULL;

	hash += (key->dst_lo ^ key->dst_hi * 0xc6a4a7935bd1e995ULL) * 0xff51afd7ed558ccdULL;
	hash += (key->rest + key->proto) * 0xc4ceb9fe1a85ec53ULL;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

/*
 * Whether the packet's flow is kept for `generation` (not 0); then key.position says what was decided. `lookup` goes to
 * flow_keep where the answer is 0.
 */
static __always_inline int flow_find(struct flow_lookup *lookup, const struct packet *packet, __u32 ifindex, __u32 generation)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct flow *key = &lookup->key, *flow;
	struct flow_cache *cache;
	struct flow_tag *tag;
	__u64 hash;

	lookup->keep = 0;
	if (packet->fragment != FRAGMENT_NO)
		return 0;
	cache = bpf_map_lookup_elem(&flow_cache, &cpu);
	if (!cache)
		return 0;
	key->src_hi = packet->src_hi;
	key->src_lo = packet->src_lo;
	key->dst_hi = packet->dst_hi;
	key->dst_lo = packet->dst_lo;
	key->rest = (__u64)packet->sport << 48 | (__u64)packet->dport << 32 | (__u32)packet->vlan << 16 | packet->inner_vlan;
	key->ifindex = ifindex;
	key->proto = packet->proto;
	key->family = packet->family;
	key->known = packet->known & KNOWN_PORTS;
	key->generation = generation;
	hash = flow_mix(key);
	lookup->place = hash >> (64 - FLOW_CACHE_BITS);
	lookup->tag = hash | 1;
	tag = &cache->tags[lookup->place & (FLOW_CACHE_FLOWS - 1)];
	if (tag->kept != lookup->tag) {
		lookup->keep = tag->asked == lookup->tag;
		tag->asked = lookup->tag;
		return 0;
	}
	flow = &cache->flows[lookup->place & (FLOW_CACHE_FLOWS - 1)];
	if ((flow->src_lo ^ key->src_lo) | (flow->dst_lo ^ key->dst_lo) | (flow->src_hi ^ key->src_hi) | (flow->dst_hi ^ key->dst_hi) |
	    (flow->rest ^ key->rest) | (flow->ifindex ^ key->ifindex) | (flow->generation ^ generation) | (flow->proto ^ key->proto) |
	    (flow->family ^ key->family) | (flow->known ^ key->known)) {
		lookup->keep = 1; /* an earlier generation, or (rarely) another flow of this tag */
		return 0;
	}
	key->position = flow->position;
	return 1;
}

/* Keeps what was decided, where that pays. */
static __always_inline void flow_keep(struct flow_lookup *lookup, __u32 position)
{
	__u32 cpu = bpf_get_smp_processor_id(), place = lookup->place & (FLOW_CACHE_FLOWS - 1);
	struct flow_cache *cache;

	if (!lookup->keep)
		return;
	cache = bpf_map_lookup_elem(&flow_cache, &cpu);
	if (!cache)
		return;
	lookup->key.position = position;
	cache->flows[place] = lookup->key;
	cache->tags[place].kept = lookup->tag;
}
