// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter under test (fuzz/): one test run with `repeat` judges a different frame in every repetition. A program
 * that only waits for test runs would need a system call a packet; this one takes the next frame from a mapped array,
 * makes the packet of the test run equal to it, filters, and leaves what happened in another mapped array. It is the
 * filter as it is: only `count` is watched, to tell which counters one packet has moved. Never attached.
 */
#include "maps.h"

#define FUZZ_FRAMES 8192
#define FUZZ_FRAME_BYTES 512
#define FUZZ_LISTED 4

struct fuzz_frame {
	__u32 length;
	__u8 data[FUZZ_FRAME_BYTES];
};

struct fuzz_result {
	__u32 verdict;
	__u32 totals;            /* bit i: total i was counted */
	__u32 rules;             /* how many rules were counted */
	__u32 forwards;          /* how many forwarding rules were */
	__u32 rule_mix;          /* the sum of fuzz_mix over their slots */
	__u32 forward_mix;
	__u32 slots[FUZZ_LISTED]; /* the first rules counted */
};

struct fuzz_cursor {
	__u32 next;
	__u32 failed; /* frames that could not be put into the packet */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FUZZ_FRAMES);
	__type(key, __u32);
	__type(value, struct fuzz_frame);
	__uint(map_flags, BPF_F_MMAPABLE);
} fuzz_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FUZZ_FRAMES);
	__type(key, __u32);
	__type(value, struct fuzz_result);
	__uint(map_flags, BPF_F_MMAPABLE);
} fuzz_results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fuzz_cursor);
	__uint(map_flags, BPF_F_MMAPABLE);
} fuzz_cursor SEC(".maps");

/* Of the packet that is being judged. Test runs of one program do not overlap here. */
static struct fuzz_result seen;
static __u32 index;
/* Where the packet began before the filter and after it: an answer may have another length in front. */
static __u64 data_before, data_after;

static __always_inline __u32 fuzz_mix(__u32 slot)
{
	slot = (slot + 1) * 0x9e3779b1;
	return slot ^ slot >> 15;
}

static __always_inline void fuzz_count(void *map, __u32 slot, __u32 bytes, __u64 now)
{
	count(map, slot, bytes, now);
	if (map == &rule_counters) {
		if (seen.rules < FUZZ_LISTED)
			seen.slots[seen.rules] = slot;
		seen.rules++;
		seen.rule_mix += fuzz_mix(slot);
	} else if (map == &forward_counters) {
		seen.forwards++;
		seen.forward_mix += fuzz_mix(slot);
	} else if (map == &totals) {
		seen.totals |= 1u << (slot & 31);
	}
}

#define count fuzz_count
#include "filter.h"
#undef count

/* Makes the packet of the test run equal to the frame, whatever the last repetition left of it. */
static __always_inline int put_frame(struct xdp_md *ctx, struct fuzz_frame *frame)
{
	__u32 length = frame->length;

	bpf_xdp_adjust_head(ctx, (int)(*(volatile __u64 *)&data_before - *(volatile __u64 *)&data_after));
	*(volatile __u64 *)&data_before = *(volatile __u64 *)&data_after = 0;
	if (length < ETH_HLEN || length > FUZZ_FRAME_BYTES)
		return -1;
	if (bpf_xdp_adjust_tail(ctx, (int)length - (int)bpf_xdp_get_buff_len(ctx)))
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, frame->data, length);
}

static __always_inline void take_result(void)
{
	__u32 at = index;
	struct fuzz_result *result = bpf_map_lookup_elem(&fuzz_results, &at);

	if (result)
		*result = seen;
}

/*
 * The filter and nothing else: all of the stack is the filter's. Pointers as numbers go through memory, where the
 * verifier forgets what they were.
 */
SEC("xdp.frags")
int fuzz_filter(struct xdp_md *ctx)
{
	*(volatile __u64 *)&data_before = (__u64)(long)ctx->data;
	seen.verdict = filter_packet(ctx);
	*(volatile __u64 *)&data_after = (__u64)(long)ctx->data;
	take_result();
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int (void *));
} fuzz_next SEC(".maps") = { .values = { (void *)&fuzz_filter } };

SEC("xdp.frags")
int fuzz_dataplane(struct xdp_md *ctx)
{
	__u32 zero = 0, at;
	struct fuzz_cursor *cursor = bpf_map_lookup_elem(&fuzz_cursor, &zero);
	struct fuzz_frame *frame;

	if (!cursor)
		return XDP_ABORTED;
	index = at = cursor->next++;
	frame = bpf_map_lookup_elem(&fuzz_frames, &at);
	if (!frame || put_frame(ctx, frame)) {
		cursor->failed++;
		return XDP_ABORTED;
	}
	__builtin_memset(&seen, 0, sizeof(seen));
	bpf_tail_call(ctx, &fuzz_next, 0);
	cursor->failed++;
	return XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
