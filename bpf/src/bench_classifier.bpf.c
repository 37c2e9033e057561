// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Classifier test bench: never attached, run by test runs only (tests of the classifier, `npm run bench -- classifier`).
 *
 * Before load: value size of image_0..2 and `images` and rodata `image_mask` (size - 1), the same for sets_0..2, `sets` and
 * `sets_mask`; max entries of `flow_cache` (possible CPUs) and of `linear`.
 * After load: an image into the memory of map image_0 (buildImage of the agent's classifier writes it there), address sets into
 * sets_0 (buildSetImage), frames into `trace`.
 * `position` (.bss) is the next frame of the trace: each run takes one and copies it over the packet (of 64 bytes at least)
 * that the test run gave, so that one test run with `repeat` walks the trace. With `use_trace` 0 the given packet is taken.
 *
 * empty           does nothing; the floor of a test run
 * parse_only      takes a frame and parses it: what ratios are relative to
 * classify_trace  and finds its rule in the image, through the flow cache where `use_cache` is 1
 * linear_trace    and scans `linear_rules` rules of `linear` (from element 1 on, as in a generation) instead
 * The last two give XDP_DROP where a rule matches, else XDP_PASS, count `hits`, and write `result` where `keep_result` is 1.
 */
#pragma clang diagnostic ignored "-Wunused-function" /* the headers serve the filter, too */
#include "cache.h"
#include "classify.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define TRACE_SLOT 64
#define TRACE_FRAMES 16384 /* a power of two */

struct result {
	__u64 order;    /* of the rule, NO_ORDER none */
	__u32 id;       /* 0 none */
	__u32 monitors; /* number of monitor-only rules that count */
	__u32 volatile_;
	__u32 cached;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TRACE_FRAMES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, TRACE_SLOT);
	__uint(map_flags, BPF_F_MMAPABLE);
} trace SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, union policy_value);
	__uint(map_flags, BPF_F_MMAPABLE);
} linear SEC(".maps");

struct bench_memory {
	struct search search;
	struct flow_lookup flow;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_memory);
} memory SEC(".maps");

/* Structures of images, so that the object's BTF describes them: the agent's tests compare. */
struct {
	struct image_head image;
	struct sets_head sets;
	struct tuple tuple;
	struct bucket bucket;
	struct record record;
	struct trie_compare compare;
} layout;

__u64 position;
__u64 hits;
__u32 use_trace = 1;
__u32 use_image;
__u32 use_sets = NO_IMAGE;
__u32 use_cache;
__u32 sequence = 1; /* what dead_from is compared with, and the generation of the cache */
__u32 linear_rules;
__u32 flood;        /* 1: changes source address and port with `position`, so that every packet is a new flow for ever */
__u32 keep_result;
struct result result;

/* Reads the next packet; NULL where there is none. */
static __always_inline struct bench_memory *next_packet(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 slot = position++ & (TRACE_FRAMES - 1), zero = 0;
	__u64 *from = bpf_map_lookup_elem(&trace, &slot), *to = data;
	struct bench_memory *bench = bpf_map_lookup_elem(&memory, &zero);

	if (!from || !bench)
		return NULL;
	if (use_trace) {
		if (data + TRACE_SLOT > end)
			return NULL;
#pragma unroll
		for (int i = 0; i < TRACE_SLOT / 8; i++)
			to[i] = from[i];
	}
	__builtin_memset(&bench->search, 0, __builtin_offsetof(struct search, monitor));
	bench->search.sequence = sequence;
	bench->search.ifindex = ctx->ingress_ifindex;
	if (parse_frame(&bench->search.packet, data, end) != PARSE_OK)
		return NULL;
	if (flood) {
		bench->search.packet.sport ^= (__u16)(position >> 14);
		bench->search.packet.src_lo ^= position >> 30 & 0xff;
	}
	return bench;
}

static __always_inline int finish(const struct search *search, const struct detail *found, __u64 order, __u32 cached)
{
	if (found)
		hits++;
	if (keep_result) {
		result.id = found ? found->id : 0;
		result.order = order;
		result.volatile_ = search->volatile_;
		result.cached = cached;
		result.monitors = 0;
		for (__u32 i = 0; i < MAX_MONITORS; i++)
			result.monitors += i < search->monitors && search->monitor[i].order < order;
	}
	return found ? XDP_DROP : XDP_PASS;
}

/* The record of the packet's rule, through the cache where that is asked for. */
static __always_inline __u32 find_record(struct bench_memory *bench, void *image, __u64 *order, __u32 *cached)
{
	struct search *search = &bench->search;
	struct image_head *head = image;
	struct record *record;
	__u32 position;
	void *blob;

	bench->flow.keep = 0;
	if (use_cache && flow_find(&bench->flow, &search->packet, search->ifindex, sequence)) {
		position = bench->flow.key.position;
		*cached = 1;
		if (position == NO_POSITION)
			return NO_RECORD;
		record = record_at(image, position);
		*order = record->rule.order;
		if (!is_deleted(&record->rule, search) && (record->marks & RECORD_PLAIN || !has_expired(&record->detail)))
			return position;
		*cached = 0;
		*order = NO_ORDER;
	}
	blob = head->needs_sets && use_sets < POLICY_IMAGES ? image_of(&sets, use_sets) : NULL;
	if (blob)
		find_sets(blob, search);
	position = classify(image, search, order);
	if (!search->volatile_ && !search->monitors)
		flow_keep(&bench->flow, position);
	return position;
}

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int parse_only(struct xdp_md *ctx)
{
	return next_packet(ctx) ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int classify_trace(struct xdp_md *ctx)
{
	struct bench_memory *bench = next_packet(ctx);
	__u32 record, cached = 0;
	__u64 order = NO_ORDER;
	void *image;

	if (!bench)
		return XDP_ABORTED;
	image = image_of(&images, use_image);
	if (!image)
		return XDP_ABORTED;
	record = find_record(bench, image, &order, &cached);
	return finish(&bench->search, record == NO_RECORD ? NULL : &record_at(image, record)->detail, order, cached);
}

SEC("xdp")
int linear_trace(struct xdp_md *ctx)
{
	struct bench_memory *bench = next_packet(ctx);
	struct detail *found;
	__u64 order = NO_ORDER;

	if (!bench)
		return XDP_ABORTED;
	found = first_match(&linear, &bench->search, linear_rules, MAX_RULES, &order);
	return finish(&bench->search, found, order, 0);
}
