// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Another project's program on the frames of a trace, by a tail call, and a parse-only program on the same frames; the
 * classifier's own programs (bpf/src/bench_classifier.bpf.c) take their frames in the same way.
 */
#include "layout.h"
#include "parse.h"
#include "trace.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

__u64 hits;

static __always_inline int parsed_frame(struct xdp_md *ctx, struct packet *packet)
{
	if (next_frame(ctx))
		return -1;
	return parse_frame(packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

SEC("xdp")
int replay_parse(struct xdp_md *ctx)
{
	struct packet packet = {};

	if (parsed_frame(ctx, &packet))
		return XDP_ABORTED;
	/* Uses every field, so that the compiler leaves none out. */
	if ((packet.src_lo ^ packet.dst_lo ^ packet.sport ^ packet.dport ^ packet.proto) == 0x5ec0f10e)
		hits++;
	return XDP_DROP;
}

SEC("xdp")
int replay_program(struct xdp_md *ctx)
{
	if (next_frame(ctx))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
