// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The programs that are attached. What they do is in include/. */
#include "filter.h"

SEC("xdp.frags")
int secuxflow(struct xdp_md *ctx)
{
	return filter_packet(ctx);
}

/* At the host's end of a container's veth pair. */
SEC("xdp.frags")
int secuxflow_service(struct xdp_md *ctx)
{
	return filter_answer(ctx);
}

/* Keeps a veth peer's NAPI on, which native XDP at the other end needs, and changes nothing. */
SEC("xdp.frags")
int secuxflow_passthrough(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
