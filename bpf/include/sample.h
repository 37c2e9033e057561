// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Copies of forwarded packets into the ring buffer. A record's size must be known to the verifier, so copies
 * go into the smallest of four size classes. The packet path never waits: what does not fit is counted.
 */
#pragma once
#include "flow_hash.h"
#include "layout.h"
#include "maps.h"
#include "match.h"
#include "parse.h"

/* One number for a whole deployment: agents must agree for the two halves of a flow to meet. */
const volatile __u32 flow_hash_seed = 0;

/* An address in network order as two words, as the flow hash and records have it. */
static __always_inline void network_address(__u64 address[2], __u64 hi, __u64 lo)
{
	address[0] = bpf_cpu_to_be64(hi);
	address[1] = bpf_cpu_to_be64(lo);
}

/* Fragments are hashed without ports, so that all parts of a datagram reach the same inspector. */
static __always_inline __u64 packet_flow_hash(const struct packet *packet)
{
	__u16 sport = packet->fragment == FRAGMENT_NO ? packet->sport : 0, dport = packet->fragment == FRAGMENT_NO ? packet->dport : 0;
	__u64 src[2], dst[2];

	network_address(src, packet->src_hi, packet->src_lo);
	network_address(dst, packet->dst_hi, packet->dst_lo);
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
		/* One less, so that kernels before 6.8, too, see from one comparison that it is neither 0 nor too much. */ \
		length = head->data_len - 1;                                                                            \
		asm volatile("" : "+r"(length));                                                                        \
		if (length >= CAPACITY)                                                                                 \
			return -1;                                                                                          \
		record = bpf_ringbuf_reserve(&samples, sizeof(*record), 0);                                             \
		if (!record)                                                                                            \
			return -1;                                                                                          \
		record->head = *head;                                                                                   \
		if (bpf_xdp_load_bytes(ctx, 0, record->data, length + 1)) {                                                 \
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

/* Copies the head of a packet for the modules that want it. Counts the copy, or its loss, in the totals. */
static __always_inline void sample_packet(struct xdp_md *ctx, const struct packet *packet, const struct collect *wanted)
{
	__u32 data_len = wanted->wire_len < wanted->snaplen ? wanted->wire_len : wanted->snaplen;
	int whole = packet->fragment == FRAGMENT_NO;
	struct sxf_record head = {
		.flow_id = wanted->flow_hash,
		.stream_offset = bpf_ktime_get_ns(),
		.data_len = data_len,
		.wire_len = wanted->wire_len,
		.l3_offset = packet->l3_offset,
		.l4_offset = packet->l4_offset,
		.payload_offset = packet->payload_offset,
		.sport = whole ? packet->sport : 0,
		.dport = whole ? packet->dport : 0,
		.family = packet->family,
		.proto = packet->proto,
		.kind = SXF_KIND_PACKET,
		.direction = wanted->direction == DETAIL_FROM_SERVICE ? SXF_DIRECTION_TO_CLIENT : SXF_DIRECTION_TO_SERVER,
		.flags = (data_len < wanted->wire_len ? SXF_RECORD_FLAG_TRUNCATED : 0) | (whole ? 0 : SXF_RECORD_FLAG_FRAGMENT),
		.vlan = packet->vlan == VLAN_NONE ? 0 : packet->vlan,
		.ifindex = ctx->ingress_ifindex,
		.modules = wanted->modules,
		.forward_id = wanted->forward_id,
	};
	__u64 address[2];
	int failed;

	network_address(address, packet->src_hi, packet->src_lo);
	__builtin_memcpy(head.src, address, 16);
	network_address(address, packet->dst_hi, packet->dst_lo);
	__builtin_memcpy(head.dst, address, 16);
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
