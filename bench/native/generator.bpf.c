// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sends the frame it is run on out of one interface, each time from the next of `flows` source ports. For test runs with live frames. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 ifindex = 0;
const volatile __u32 flows = 1;
__u32 position;

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(udp + 1) > end)
		return XDP_ABORTED;
	udp->source = bpf_htons(10000 + position++ % flows);
	return bpf_redirect(ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
