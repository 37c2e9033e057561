// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The SecuXFlow packet filter: from a frame to its verdict.
 *
 * A packet is parsed, tried against the management allow-list, then against the policy in force (first match by priority,
 * then by id; what matches none passes). What passes is guarded against SYN floods, copied to user space for the modules
 * of every forwarding rule that it matches, and, where it is for a service, sent straight to its container.
 */
#pragma once
#include "cache.h"
#include "classify.h"
#include "image.h"
#include "layout.h"
#include "limit.h"
#include "maps.h"
#include "match.h"
#include "parse.h"
#include "redirect.h"
#include "reject.h"
#include "sample.h"
#include "state.h"
#include "syn.h"
#include "top.h"
#include <stddef.h>

/*
 * What a program needs of memory for a packet beside its 512 bytes of stack; one packet at a time runs on a CPU. It keeps
 * verification short, too: the verifier follows each value on the stack, but none in a map.
 */
struct scratch {
	struct search search;
	struct flow_lookup flow;
	__u64 tick;   /* when `now` was read */
	__u64 now;
	__u32 random; /* state of a cheap generator: the helper costs more than the rest of a packet's share in the statistics */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* The coarse clock, which only moves with the tick: asked once a tick, since reading jiffies costs nothing and a call does. */
static __always_inline __u64 coarse_now(struct scratch *memory)
{
	__u64 tick = bpf_jiffies64();

	if (memory->tick != tick) {
		memory->tick = tick;
		memory->now = bpf_ktime_get_coarse_ns();
	}
	return memory->now;
}

/* One packet on its way through the filter. */
struct passage {
	struct xdp_md *ctx;
	void *map;                          /* the generation in force */
	const struct policy_head *head;
	const struct protection *shield;
	struct search *search;
	struct scratch *memory;
	__u32 wire_len;
	__u32 service;                      /* while judged: what a redirecting rule names, index + 1, or 0; then the service, or NO_SERVICE */
	__u32 reject;                       /* options of a rejecting rule + 1, or 0 */
};

/* The generation in force. It is named once, so that a packet is judged by one policy from end to end. */
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

/* Fills in which address sets the packet is in, where a rule asks. */
static __noinline int look_up_sets(struct passage *passage)
{
	void *blob = image_of(&sets, passage->head->sets);

	if (blob)
		find_sets(blob, passage->search);
	passage->search->sets_known = 1;
	return 0;
}

/* Copies a packet that passes to user space where forwarding rules, or the service it belongs to, want it. */
static __noinline int forward_copies(struct passage *passage, __u32 direction)
{
	struct collect collect = {
		.map = passage->map, .search = passage->search, .now = coarse_now(passage->memory), .wire_len = passage->wire_len,
		.direction = direction, .flow_hash = packet_flow_hash(&passage->search->packet),
		.next = 1 + passage->head->rules, .end = 1 + passage->head->rules + passage->head->forwards,
	};

	/* A packet that no rule was tried for (kept verdict, allow-list, answer) has been looked for neither in sets nor sockets. */
	if (passage->head->forwards && passage->head->sets != NO_IMAGE && !passage->search->sets_known)
		look_up_sets(passage);
	if (passage->head->forwards && passage->head->flags & HEAD_STATE && !passage->search->state)
		passage->search->state = established(passage->ctx, &passage->search->packet) ? DETAIL_ESTABLISHED : DETAIL_NEW;
	if (passage->head->forwards)
		bpf_loop(MAX_FORWARDS, collect_step, &collect, 0);
	if (passage->service != NO_SERVICE)
		inspect_service(passage->service, &collect.modules, &collect.snaplen);
	if (collect.modules)
		sample_packet(passage->ctx, &passage->search->packet, &collect);
	return 0;
}

/* The verdict of the rule that decides: XDP_PASS or XDP_DROP; what `passage` says is then still to be done. */
static __always_inline int act(struct passage *passage, const struct detail *detail)
{
	__u32 wire_len = passage->wire_len;

	count(&rule_counters, detail->slot, wire_len, coarse_now(passage->memory));
	switch (detail->verdict) {
	case VERDICT_DROP:
		return XDP_DROP;
	case VERDICT_LIMIT:
		if (within_limit(detail, &passage->search->packet, wire_len, bpf_ktime_get_ns()))
			return XDP_PASS;
		count(&totals, TOTAL_LIMITED, wire_len, 0);
		return XDP_DROP;
	case VERDICT_REJECT:
		passage->reject = detail->option + 1;
		return XDP_DROP;
	case VERDICT_REDIRECT:
		passage->service = detail->target;
	}
	return XDP_PASS;
}

/* Answers a packet that a rule rejects: XDP_TX, or XDP_DROP where it gets no answer. */
static __always_inline int answer(struct passage *passage)
{
	int verdict = reject_packet(passage->ctx, passage->shield, &passage->search->packet, passage->reject - 1, bpf_ktime_get_coarse_ns());

	if (verdict == XDP_TX)
		count(&totals, TOTAL_REJECTED, passage->wire_len, 0);
	return verdict;
}

/* A function of its own: what it needs of the stack is free again for what comes after it. */
static __noinline int search_allowed(struct search *search, __u32 entries)
{
	__u64 order = NO_ORDER;

	return first_match(&allowed, search, entries, MAX_ALLOWED, &order) != NULL;
}

/* Whether the allow-list of this host's configuration has the packet. */
static __always_inline int is_allowed(struct search *search)
{
	struct policy_head *allow = head_of(&allowed);

	return allow && allow->rules && search_allowed(search, allow->rules);
}

/* The verdict of a rule of an image. */
static __always_inline int act_on(struct passage *passage, const struct record *record)
{
	if (!(record->marks & RECORD_PLAIN))
		return act(passage, &record->detail);
	count(&rule_counters, record->slot, passage->wire_len, coarse_now(passage->memory));
	return record->marks & RECORD_DROPS ? XDP_DROP : XDP_PASS;
}

/* The verdict that is kept for the packet's flow, or -1. */
static __always_inline int kept_verdict(struct passage *passage, void *image)
{
	struct flow_lookup *flow = &passage->memory->flow;
	struct record *record;

	if (!flow_find(flow, &passage->search->packet, passage->search->ifindex, passage->head->sequence))
		return -1;
	if (flow->key.position == NO_POSITION) {
		count(&totals, TOTAL_CACHED, passage->wire_len, 0);
		return XDP_PASS;
	}
	/* Deleted rules are of an earlier generation; only expiry comes by itself. */
	record = record_at(image, flow->key.position);
	if (!(record->marks & RECORD_PLAIN) && has_expired(&record->detail))
		return -1;
	count(&totals, TOTAL_CACHED, passage->wire_len, 0);
	return act_on(passage, record);
}

/*
 * The verdict of overlay and image together. Where the flow cache pays, a verdict that holds for the whole flow is kept in
 * it, as the position of its rule's record in the image: not while there is an overlay, which is empty but for moments
 * after a change.
 */
static __always_inline int judge_by_rules(struct passage *passage)
{
	const struct policy_head *head = passage->head;
	struct search *search = passage->search;
	void *image = head->image == NO_IMAGE ? NULL : image_of(&images, head->image);
	__u32 position = NO_RECORD;
	__u64 order = NO_ORDER;
	struct detail *nearer;

	passage->memory->flow.keep = 0;
	if (image && head->flags & HEAD_CACHE && !head->rules) {
		int verdict = kept_verdict(passage, image);

		if (verdict >= 0)
			return verdict;
	}
	if (head->sets != NO_IMAGE)
		look_up_sets(passage);
	search->volatile_ = 0; /* what the allow-list met does not count */
	if (image) {
		position = classify(image, search, &order);
		if (!search->volatile_ && !search->monitors)
			flow_keep(&passage->memory->flow, position);
	}
	nearer = head->rules ? first_match(passage->map, search, head->rules, MAX_OVERLAY_RULES, &order) : NULL;
	if (search->monitors)
		count_monitors(search, order, passage->wire_len, coarse_now(passage->memory));
	if (nearer)
		return act(passage, nearer);
	return image && position != NO_RECORD ? act_on(passage, record_at(image, position)) : XDP_PASS;
}

/* Whether protection stops or lets through a packet before any rule; else -1. */
static __noinline int judge_source(struct passage *passage)
{
	const struct protection *shield = passage->shield;
	struct search *search = passage->search;
	__u32 flags = passage->head->flags;

	if (flags & (HEAD_ESTABLISHED_PASS | HEAD_STATE)) {
		search->state = established(passage->ctx, &search->packet) ? DETAIL_ESTABLISHED : DETAIL_NEW;
		if (flags & HEAD_ESTABLISHED_PASS && search->state == DETAIL_ESTABLISHED) {
			count_defence(DEFENCE_ESTABLISHED, &search->packet);
			return XDP_PASS;
		}
	}
	if (shield->source_unit_ns && !within_source_limit(shield, &search->packet, bpf_ktime_get_ns())) {
		count(&totals, TOTAL_LIMITED, passage->wire_len, 0);
		return XDP_DROP;
	}
	return -1;
}

/* The verdict of the policy in force. */
static __noinline int judge(struct passage *passage)
{
	/* Calls cost: several nanoseconds each where returns are guarded against speculation. */
	if (passage->shield->source_unit_ns || passage->head->flags & (HEAD_ESTABLISHED_PASS | HEAD_STATE)) {
		int verdict = judge_source(passage);

		if (verdict >= 0)
			return verdict;
	}
	return judge_by_rules(passage);
}

static __noinline int guard(struct passage *passage)
{
	const struct packet *packet = &passage->search->packet;
	int of_service = service_of(packet, passage->service) != NO_SERVICE;

	return guard_connections(passage->ctx, passage->shield, packet, bpf_ktime_get_coarse_ns(), of_service);
}

/* Adds 1 of TALKER_SAMPLE packets to the statistics of top talkers. */
static __always_inline void sample_talkers(struct passage *passage, struct scratch *memory)
{
	memory->random = memory->random * 1664525 + 1013904223; /* Numerical Recipes, 7.1: a quick generator */
	if (memory->random >> 8 & (TALKER_SAMPLE - 1))
		return;
	memory->random ^= bpf_get_prandom_u32();
	record_talker(&memory->search.packet, passage->wire_len, bpf_ktime_get_coarse_ns());
}

/* Reads the frame; returns 0 where the filter is to judge it. */
static __always_inline int begin(struct passage *passage)
{
	struct xdp_md *ctx = passage->ctx;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct scratch *memory;
	__u32 zero = 0;
	int parsed;

	passage->wire_len = end - data;
	memory = bpf_map_lookup_elem(&scratch, &zero);
	passage->shield = protection_in_force();
	passage->map = active_policy();
	passage->head = passage->map ? head_of(passage->map) : NULL;
	if (!memory || !passage->shield || !passage->head)
		return -1;
	passage->search = &memory->search;
	passage->memory = memory;
	__builtin_memset(&memory->search, 0, offsetof(struct search, monitor));
	parsed = parse_frame(&memory->search.packet, data, end);
	/* The rest of a frame in several buffers is asked for only where there can be one. */
	if (parsed != PARSE_OK || memory->search.packet.l3_offset + memory->search.packet.length > passage->wire_len)
		passage->wire_len = bpf_xdp_get_buff_len(ctx);
	if (parsed == PARSE_BAD)
		count(&totals, TOTAL_UNPARSED, passage->wire_len, 0);
	if (parsed != PARSE_OK)
		return -1;
	memory->search.sequence = passage->head->sequence;
	memory->search.ifindex = ctx->ingress_ifindex;
	if (passage->shield->top_on)
		sample_talkers(passage, memory);
	return 0;
}

/* The whole filter, for packets that come to this host; returns an XDP action. */
static __always_inline int filter_packet(struct xdp_md *ctx)
{
	struct passage passage = { .ctx = ctx };
	struct packet *packet;
	int verdict = XDP_PASS;
	__u32 service;

	if (begin(&passage)) {
		count(&totals, TOTAL_PASS, passage.wire_len, 0);
		return XDP_PASS;
	}
	packet = &passage.search->packet;
	if (!is_allowed(passage.search))
		verdict = judge(&passage);
	if (verdict == XDP_PASS && passage.shield->syn_mode != SYN_OFF)
		verdict = guard(&passage);
	if (verdict != XDP_PASS) {
		count(&totals, TOTAL_DROP, passage.wire_len, 0);
		return passage.reject ? answer(&passage) : verdict;
	}
	count(&totals, TOTAL_PASS, passage.wire_len, 0);
	service = service_of(packet, passage.service);
	passage.service = service;
	if (passage.head->forwards || service != NO_SERVICE)
		forward_copies(&passage, DETAIL_TO_SERVICE);
	if (service != NO_SERVICE)
		return redirect_packet(ctx, packet, service, passage.wire_len, coarse_now(passage.memory));
	return packet->known & KNOWN_ICMP ? redirect_error(ctx, packet, passage.wire_len, bpf_ktime_get_coarse_ns()) : XDP_PASS;
}

/* Packets that come out of a container: rules do not judge them; answers are copied, counted and sent straight back. */
static __always_inline int filter_answer(struct xdp_md *ctx)
{
	struct passage passage = { .ctx = ctx };
	struct packet *packet;

	if (begin(&passage))
		return XDP_PASS;
	packet = &passage.search->packet;
	passage.service = find_answer(ctx, packet, passage.wire_len, coarse_now(passage.memory));
	if (passage.service == NO_SERVICE)
		return XDP_PASS;
	forward_copies(&passage, DETAIL_FROM_SERVICE);
	return send_answer(ctx, packet, passage.wire_len);
}
