// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Traffic for the dataplane suite: frames of a trace out of an interface, and the smallest programs at the other end. */
#include "trace.h"

const volatile __u32 out_ifindex = 0;

/* For live frames (BPF_F_TEST_XDP_LIVE_FRAMES): each is the next of the trace and leaves through an interface. */
SEC("xdp")
int transmit(struct xdp_md *ctx)
{
	if (next_frame(ctx))
		return XDP_ABORTED;
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp")
int empty_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int empty_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
