// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lets everything pass. The lab attaches it at the far end of a veth pair, which gets what XDP sends back (XDP_TX) only with a program of its own. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
