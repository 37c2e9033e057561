// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter, run on a UDP frame whose source port takes the next of `flows` values each time: for test runs on the maps of
 * a running agent, so that packets arrive as fast as the ring buffer takes them.
 */
#include "filter.h"

const volatile __u32 flows = 1;
__u32 position;

SEC("xdp.frags")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be16 *source = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(source + 1) > end)
		return XDP_ABORTED;
	*source = bpf_htons(10000 + position++ % flows);
	return filter_packet(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
