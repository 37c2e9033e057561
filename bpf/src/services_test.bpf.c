// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Forwarding to services alone, without rules: for tests and measurements. */
#include "redirect.h"

SEC("xdp.frags")
int to_service(struct xdp_md *ctx)
{
	__u32 bytes = bpf_xdp_get_buff_len(ctx), service;
	struct packet packet = {};

	if (parse_frame(&packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end) != PARSE_OK)
		return XDP_PASS;
	service = service_of(&packet, 0);
	if (service == NO_SERVICE)
		return redirect_error(ctx, &packet, bytes, bpf_ktime_get_coarse_ns());
	return redirect_packet(ctx, &packet, service, bytes, bpf_ktime_get_coarse_ns());
}

/* As a rule that redirects to the first service does it. */
SEC("xdp.frags")
int divert(struct xdp_md *ctx)
{
	__u32 bytes = bpf_xdp_get_buff_len(ctx);
	struct packet packet = {};

	if (parse_frame(&packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end) != PARSE_OK)
		return XDP_PASS;
	return redirect_packet(ctx, &packet, service_of(&packet, 1), bytes, bpf_ktime_get_coarse_ns());
}

SEC("xdp.frags")
int from_service(struct xdp_md *ctx)
{
	__u32 bytes = bpf_xdp_get_buff_len(ctx);
	struct packet packet = {};

	if (parse_frame(&packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end) != PARSE_OK)
		return XDP_PASS;
	if (find_answer(ctx, &packet, bytes, bpf_ktime_get_coarse_ns()) == NO_SERVICE)
		return XDP_PASS;
	return send_answer(ctx, &packet, bytes);
}

SEC("xdp.frags")
int passthrough(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
