// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Copies of forwarded packets into the ring buffer. A record's size must be known to the verifier, so copies
 * go into the smallest of four size classes. The packet path never waits: what does not fit is counted.
 */
#pragma once
#include "flow_hash.h"
#include "layout.h"
#include "maps.h"
#include "parse.h"

/* One number for a whole deployment: agents must agree for the two halves of a flow to meet. */
const volatile __u32 flow_hash_seed = 0;

/* Fragments are hashed without ports, so that all parts of a datagram reach the same inspector. */
static __always_inline __u64 packet_flow_hash(const struct packet *packet)
{
	__u64 src[2], dst[2];
	__u16 sport = packet->fragment ? 0 : packet->sport, dport = packet->fragment ? 0 : packet->dport;

	__builtin_memcpy(src, packet->src, 16);
	__builtin_memcpy(dst, packet->dst, 16);
	return sxf_flow_hash(src[0], src[1], dst[0], dst[1], sport, dport, packet->proto, flow_hash_seed);
}

#define DEFINE_SAMPLE_CLASS(CAPACITY)                                                                          \
	static __noinline int sample_##CAPACITY(struct xdp_md *ctx, struct sxf_record *head)   \
	{                                                                                                           \
		struct { struct sxf_record head; __u8 data[CAPACITY]; } *record;                                            \
		__u32 length;                                                                                           \
                                                                                                                \
		if (!head)                                                                                   \
			return -1;                                                                                          \
		length = head->data_len;                                                                                 \
		if (length == 0 || length > CAPACITY)                                                                   \
			return -1;                                                                                          \
		record = bpf_ringbuf_reserve(&samples, sizeof(*record), 0);                                             \
		if (!record)                                                                                            \
			return -1;                                                                                          \
		record->head = *head;                                                                                   \
		if (bpf_xdp_load_bytes(ctx, 0, record->data, length)) {                                                 \
			bpf_ringbuf_discard(record, 0);                                                                     \
			return -1;                                                                                          \
		}                                                                                                       \
		bpf_ringbuf_submit(record, 0);                                                                          \
		return 0;                                                                                               \
	}

DEFINE_SAMPLE_CLASS(160)
DEFINE_SAMPLE_CLASS(544)
DEFINE_SAMPLE_CLASS(1568)
DEFINE_SAMPLE_CLASS(9216)

/* Copies the first `snaplen` bytes for `modules`. Counts the copy, or its loss, in the totals. */
static __always_inline void sample_packet(struct xdp_md *ctx, struct packet *packet, __u32 wire_len,
					  __u32 modules, __u32 forward_id, __u32 snaplen)
{
	__u32 data_len = wire_len < snaplen ? wire_len : snaplen;
	struct sxf_record head = {
		.flow_id = packet_flow_hash(packet),
		.stream_offset = bpf_ktime_get_ns(),
		.data_len = data_len,
		.wire_len = wire_len,
		.l3_offset = packet->l3_offset,
		.l4_offset = packet->l4_offset,
		.payload_offset = packet->payload_offset,
		.sport = packet->fragment ? 0 : packet->sport,
		.dport = packet->fragment ? 0 : packet->dport,
		.family = packet->family,
		.proto = packet->proto,
		.kind = SXF_KIND_PACKET,
		.direction = SXF_DIRECTION_TO_SERVER,
		.flags = (data_len < wire_len ? SXF_RECORD_FLAG_TRUNCATED : 0) |
			 (packet->fragment ? SXF_RECORD_FLAG_FRAGMENT : 0),
		.vlan = packet->vlan,
		.ifindex = ctx->ingress_ifindex,
		.modules = modules,
		.forward_id = forward_id,
	};
	int failed;

	__builtin_memcpy(head.src, packet->src, 16);
	__builtin_memcpy(head.dst, packet->dst, 16);
	if (head.data_len <= 160)
		failed = sample_160(ctx, &head);
	else if (head.data_len <= 544)
		failed = sample_544(ctx, &head);
	else if (head.data_len <= 1568)
		failed = sample_1568(ctx, &head);
	else
		failed = sample_9216(ctx, &head);
	count(&totals, failed ? TOTAL_RING_LOST : TOTAL_SAMPLED, head.data_len, 0);
}
