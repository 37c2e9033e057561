// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The maps of the data plane. All are pinned by the agent under its own folder, so that they outlive it. */
#pragma once
#include "layout.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * One generation: element 0 is the head, then the rules that are not in the image, then forwarding rules. Mapped into
 * the agent's memory, which writes a generation that no packet reads.
 */
struct policy_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 + MAX_OVERLAY_RULES + MAX_FORWARDS);
	__type(key, __u32);
	__type(value, union policy_value);
	__uint(map_flags, BPF_F_MMAPABLE);
} policy_0 SEC(".maps"), policy_1 SEC(".maps"), policy_2 SEC(".maps"), policy_3 SEC(".maps"), policy_4 SEC(".maps"),
	policy_5 SEC(".maps"), policy_6 SEC(".maps"), policy_7 SEC(".maps"), policy_8 SEC(".maps"), policy_9 SEC(".maps"),
	policy_10 SEC(".maps"), policy_11 SEC(".maps"), policy_12 SEC(".maps"), policy_13 SEC(".maps"), policy_14 SEC(".maps"),
	policy_15 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_GENERATIONS);
	__type(key, __u32);
	__array(values, struct policy_map);
} policies SEC(".maps") = {
	.values = { &policy_0, &policy_1, &policy_2, &policy_3, &policy_4, &policy_5, &policy_6, &policy_7, &policy_8, &policy_9,
		    &policy_10, &policy_11, &policy_12, &policy_13, &policy_14, &policy_15 },
};

/* Which generation is in force. One store here is the whole-policy swap: a packet reads it once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
	__uint(map_flags, BPF_F_MMAPABLE);
} control SEC(".maps");

/* The management allow-list: head, then entries; local configuration, tried before any rule. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ALLOWED + 1);
	__type(key, __u32);
	__type(value, union policy_value);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_RULES);
	__type(key, __u32);
	__type(value, struct counter);
} rule_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_FORWARDS);
	__type(key, __u32);
	__type(value, struct counter);
} forward_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TOTAL_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} totals SEC(".maps");

/* Copies of forwarded packets; the agent sets the size before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} samples SEC(".maps");

/* Adds one packet to a counter of this CPU. An index past the end counts nothing. */
static __always_inline void count(void *map, __u32 index, __u32 bytes, __u64 now)
{
	struct counter *counter = bpf_map_lookup_elem(map, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
	if (now)
		counter->last_ns = now;
}
