// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A trace of frames in the kernel, from which each run of a program takes the next. */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define TRACE_SLOT 64
#define TRACE_FRAMES 16384 /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TRACE_FRAMES);
	__type(key, __u32);
	__uint(value_size, TRACE_SLOT);
	__uint(map_flags, BPF_F_MMAPABLE);
} trace SEC(".maps");

__u64 position;

/* Writes the next frame of the trace over the packet's first bytes; 0, or -1 where the packet is shorter. */
static __always_inline int next_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 slot = position++ & (TRACE_FRAMES - 1);
	__u64 *from = bpf_map_lookup_elem(&trace, &slot), *to = data;

	if (!from || data + TRACE_SLOT > end)
		return -1;
#pragma unroll
	for (int i = 0; i < TRACE_SLOT / 8; i++)
		to[i] = from[i];
	return 0;
}
