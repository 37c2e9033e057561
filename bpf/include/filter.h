// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The SecuXFlow packet filter.
 *
 * A packet is parsed, tried against the management allow-list, then against the rules of the policy in force
 * (first match by priority, then by id; what matches none passes), counted, and, where it passes, copied to user
 * space for the modules of every forwarding rule that it matches.
 */
#pragma once
#include "layout.h"
#include "maps.h"
#include "match.h"
#include "parse.h"
#include "sample.h"

/* The policy map in force. The generation is read once, so that a packet is judged by one policy from end to end. */
static __always_inline void *active_policy(void)
{
	__u32 zero = 0, generation;
	struct control *in_force = bpf_map_lookup_elem(&control, &zero);

	if (!in_force)
		return NULL;
	generation = *(volatile __u32 *)&in_force->active;
	return bpf_map_lookup_elem(&policies, &generation);
}

static __always_inline struct policy_head *head_of(void *map)
{
	__u32 zero = 0;
	union policy_value *value = bpf_map_lookup_elem(map, &zero);

	return value ? &value->head : NULL;
}

/* Copies a packet that passes to user space where forwarding rules want it. */
static __always_inline void forward_copies(struct xdp_md *ctx, void *map, const struct policy_head *head,
					   struct packet *packet, __u32 wire_len, __u64 now)
{
	struct collect collect = {
		.map = map, .packet = packet, .now = now, .wire_len = wire_len,
		.next = 1 + head->rules, .end = 1 + head->rules + head->forwards,
	};

	bpf_loop(MAX_FORWARDS, collect_step, &collect, 0);
	if (collect.modules)
		sample_packet(ctx, packet, wire_len, collect.modules, collect.forward_id, collect.snaplen);
}

/* The whole filter; returns XDP_PASS or XDP_DROP. */
static __always_inline int filter_packet(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 wire_len = bpf_xdp_get_buff_len(ctx);
	struct packet packet = {};
	struct policy_head *head;
	struct entry *rule;
	__u64 now;
	void *map;
	int parsed = parse_frame(&packet, data, end);

	if (parsed != PARSE_OK) {
		count(&totals, TOTAL_PASS, wire_len, 0);
		if (parsed == PARSE_BAD)
			count(&totals, TOTAL_UNPARSED, wire_len, 0);
		return XDP_PASS;
	}
	map = active_policy();
	head = map ? head_of(map) : NULL;
	if (!head) {
		count(&totals, TOTAL_PASS, wire_len, 0);
		return XDP_PASS;
	}
	now = bpf_ktime_get_coarse_ns();
	struct policy_head *allow = head_of(&allowed);
	if (!(allow && allow->rules && first_match(&allowed, &packet, 1, allow->rules, MAX_ALLOWED))) {
		rule = head->rules ? first_match(map, &packet, 1, head->rules, MAX_RULES) : NULL;
		if (rule) {
			count(&rule_counters, rule->slot, wire_len, now);
			if (rule->verdict == VERDICT_DROP) {
				count(&totals, TOTAL_DROP, wire_len, 0);
				return XDP_DROP;
			}
		}
	}
	count(&totals, TOTAL_PASS, wire_len, 0);
	if (head->forwards)
		forward_copies(ctx, map, head, &packet, wire_len, now);
	return XDP_PASS;
}
