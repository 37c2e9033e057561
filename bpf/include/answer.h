// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet turned into its answer, sent back by XDP_TX: Ethernet addresses and IP addresses change places, VLAN tags
 * stay, everything else is written anew. Checksums are computed in full from bytes that are written here or read from
 * the frame: a checksum field that the sender left to its hardware (veth) is never built on.
 */
#pragma once
#include "defence.h"

#define ANSWER_TTL 64
#define ETHER_ADDRESSES 12 /* bytes */

/* RFC 9293 3.1. */
struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u8 data_offset; /* words << 4 */
	__u8 flags;
	__be16 window;
	__u16 check;
	__be16 urgent;
};

/* RFC 1071: the one's complement sum to 16 bits, complemented. */
static __always_inline __u16 checksum_of(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Sum over the pseudo-header (RFC 9293 3.1, RFC 8200 8.1), which is the same in both directions. */
static __always_inline __u64 pseudo_sum(const struct packet *packet, __u8 protocol, __u32 length)
{
	__u64 sum = bpf_htonl(length) + (__u64)bpf_htonl(protocol);

	if (packet->family == 4)
		return sum + bpf_htonl((__u32)packet->src_lo) + bpf_htonl((__u32)packet->dst_lo);
	return sum + bpf_htonl((__u32)packet->src_lo) + bpf_htonl(packet->src_lo >> 32) + bpf_htonl((__u32)packet->src_hi) +
	       bpf_htonl(packet->src_hi >> 32) + bpf_htonl((__u32)packet->dst_lo) + bpf_htonl(packet->dst_lo >> 32) +
	       bpf_htonl((__u32)packet->dst_hi) + bpf_htonl(packet->dst_hi >> 32);
}

/* Not one host (RFC 1122 3.2.1.3, 3.2.2; RFC 4443 2.4 e): "this" network, loopback, multicast, reserved, broadcast. */
static __always_inline int is_one_host(__u8 family, __u64 hi, __u64 lo)
{
	__u8 first = lo >> 24;

	if (family == 4)
		return first != 0 && first != 127 && first < 224;
	return hi >> 56 != 0xff && (hi || lo > 1);
}

/*
 * Whether a packet may be answered by an error or a cookie: sent to one host, by one host that is another, and not by
 * Ethernet broadcast or multicast, which also covers broadcasts to a subnet.
 */
static __always_inline int is_answerable(struct xdp_md *ctx, const struct packet *packet)
{
	__u8 addresses[ETHER_ADDRESSES];

	if (packet->fragment == FRAGMENT_LATER || bpf_xdp_load_bytes(ctx, 0, addresses, sizeof(addresses)) || (addresses[0] | addresses[6]) & 1)
		return 0;
	if (packet->src_hi == packet->dst_hi && packet->src_lo == packet->dst_lo)
		return 0;
	return is_one_host(packet->family, packet->src_hi, packet->src_lo) && is_one_host(packet->family, packet->dst_hi, packet->dst_lo);
}

/* Length of the IP header that `write_ip` writes. */
static __always_inline __u32 answer_ip_length(const struct packet *packet)
{
	return packet->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* Working memory of this CPU: the stack is short, and packets are handled one after the other. */
struct answer_scratch {
	__u8 ip[60];
	__u8 tcp[60];
	__u8 old_ethernet[ETHER_ADDRESSES + 12]; /* with two tags 22 bytes are used */
	__u8 new_ethernet[ETHER_ADDRESSES + 12];
	__u8 chunk[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answer_scratch);
} answer_memory SEC(".maps");

static __always_inline struct answer_scratch *answer_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&answer_memory, &zero);
}

/* Makes the Ethernet header of the answer from the one at `from`: to offset 0, addresses swapped, tags as they are. */
static __always_inline int write_ethernet(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet, __u32 from)
{
	__u8 *old = scratch->old_ethernet, *new = scratch->new_ethernet;
	__u32 length = packet->l3_offset; /* 14, and 4 for each tag */

	if (length < 14)
		return -1;
	barrier_var(length); /* or one comparison is made of two, which the verifier cannot follow */
	if (length > sizeof(scratch->old_ethernet) || bpf_xdp_load_bytes(ctx, from, old, length))
		return -1;
	__builtin_memcpy(new, old + 6, 6);
	__builtin_memcpy(new + 6, old, 6);
	__builtin_memcpy(new + 12, old + 12, 12);
	return bpf_xdp_store_bytes(ctx, 0, new, length);
}

struct ipv6_header {
	__be32 version; /* class, flow label */
	__be16 length;
	__u8 next;
	__u8 hops;
	__be64 source[2];
	__be64 target[2];
};

/* Writes the IP header of the answer, before `length` bytes of `protocol`. */
static __always_inline int write_ip(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet, __u8 protocol, __u32 length)
{
	if (packet->family == 4) {
		struct iphdr *ip = (void *)scratch->ip;

		__builtin_memset(ip, 0, sizeof(*ip));
		scratch->ip[0] = 0x45;
		ip->tot_len = bpf_htons(sizeof(*ip) + length);
		ip->frag_off = bpf_htons(0x4000); /* do not fragment: no identification is needed (RFC 6864) */
		ip->ttl = ANSWER_TTL;
		ip->protocol = protocol;
		ip->saddr = bpf_htonl((__u32)packet->dst_lo);
		ip->daddr = bpf_htonl((__u32)packet->src_lo);
		ip->check = checksum_of((__u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
		return bpf_xdp_store_bytes(ctx, packet->l3_offset, ip, sizeof(*ip));
	}
	struct ipv6_header *ip = (void *)scratch->ip;

	ip->version = bpf_htonl(6U << 28);
	ip->length = bpf_htons(length);
	ip->next = protocol;
	ip->hops = ANSWER_TTL;
	ip->source[0] = bpf_cpu_to_be64(packet->dst_hi);
	ip->source[1] = bpf_cpu_to_be64(packet->dst_lo);
	ip->target[0] = bpf_cpu_to_be64(packet->src_hi);
	ip->target[1] = bpf_cpu_to_be64(packet->src_lo);
	return bpf_xdp_store_bytes(ctx, packet->l3_offset, ip, sizeof(*ip));
}

/*
 * The whole answer of a TCP packet: `tcp` with sequence numbers, flags and options filled in, `length` a constant of at
 * most 24 bytes. 0, or negative where the frame could not be changed.
 */
static __always_inline int write_tcp_answer(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet,
					    struct tcp_header *tcp, const __u32 length)
{
	__u32 ip_length = answer_ip_length(packet);
	int size = packet->l3_offset + ip_length + length;

	tcp->source = bpf_htons(packet->dport);
	tcp->dest = bpf_htons(packet->sport);
	tcp->check = 0;
	tcp->check = checksum_of((__u32)bpf_csum_diff(NULL, 0, (__be32 *)tcp, length, 0) + pseudo_sum(packet, IPPROTO_TCP, length));
	if (bpf_xdp_adjust_tail(ctx, size - (int)bpf_xdp_get_buff_len(ctx)))
		return -1;
	if (write_ethernet(ctx, scratch, packet, 0) || write_ip(ctx, scratch, packet, IPPROTO_TCP, length))
		return -1;
	return bpf_xdp_store_bytes(ctx, packet->l3_offset + ip_length, tcp, length);
}
