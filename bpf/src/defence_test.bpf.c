// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The parts of the first line of defence one by one, on a clock that the test sets, for test runs and for real links. */
#include "limit.h"
#include "reject.h"
#include "state.h"
#include "syn.h"
#include "top.h"

struct detail test_detail; /* of the rule that the packet is said to have matched */
__u32 test_service;        /* whether packets are said to be of a service */
__u64 test_now;            /* ns; 0: the kernel's clock */
__u64 passed;              /* packets that a program let pass, on all CPUs */

static __always_inline __u64 clock_now(void)
{
	return test_now ? test_now : bpf_ktime_get_ns();
}

static __always_inline int parse(struct xdp_md *ctx, struct packet *packet)
{
	return parse_frame(packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

static __always_inline int pass_if(int within)
{
	if (!within)
		return XDP_DROP;
	__sync_fetch_and_add(&passed, 1);
	return XDP_PASS;
}

SEC("xdp.frags")
int limit_rule(struct xdp_md *ctx)
{
	struct packet packet = {};

	if (parse(ctx, &packet) != PARSE_OK)
		return XDP_PASS;
	return pass_if(within_limit(&test_detail, &packet, bpf_xdp_get_buff_len(ctx), clock_now()));
}

SEC("xdp.frags")
int limit_every_source(struct xdp_md *ctx)
{
	const struct protection *shield = protection_in_force();
	struct packet packet = {};

	if (!shield || parse(ctx, &packet) != PARSE_OK)
		return XDP_PASS;
	return pass_if(within_source_limit(shield, &packet, clock_now()));
}

/* Rejects IP packets to ports below 1024, and those without ports. */
SEC("xdp.frags")
int reject_low_ports(struct xdp_md *ctx)
{
	const struct protection *shield = protection_in_force();
	struct packet packet = {};

	if (!shield || parse(ctx, &packet) != PARSE_OK || packet.dport >= 1024)
		return XDP_PASS;
	return reject_packet(ctx, shield, &packet, test_detail.option, clock_now());
}

SEC("xdp.frags")
int guard(struct xdp_md *ctx)
{
	const struct protection *shield = protection_in_force();
	struct packet packet = {};

	if (!shield || parse(ctx, &packet) != PARSE_OK)
		return XDP_PASS;
	return guard_connections(ctx, shield, &packet, clock_now(), test_service);
}

SEC("xdp.frags")
int is_established(struct xdp_md *ctx)
{
	struct packet packet = {};

	if (parse(ctx, &packet) != PARSE_OK)
		return XDP_ABORTED;
	return established(ctx, &packet) ? XDP_PASS : XDP_DROP;
}

/* Every packet is counted: the test samples by itself. */
SEC("xdp.frags")
int count_talkers(struct xdp_md *ctx)
{
	struct packet packet = {};

	if (parse(ctx, &packet) == PARSE_OK)
		record_talker(&packet, bpf_xdp_get_buff_len(ctx), clock_now());
	return XDP_PASS;
}

/* Keeps a veth peer's NAPI on, which XDP_TX at the other end needs. */
SEC("xdp.frags")
int let_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
