// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether a packet belongs to a connection: the kernel's own sockets are asked, no second table of connections is kept.
 *
 * Sockets are looked for in the network namespace of the interface, or in the one that `spaces` names for the packet's
 * destination (an address of a service in a container).
 */
#pragma once
#include "defence.h"

#define MAX_SPACES 1024

/* The kernel takes a negative 32-bit number for the namespace of the interface. */
#define SPACE_OWN 0xffffffff

struct space_key {
	__u64 hi; /* address, as in struct packet */
	__u64 lo;
};

/* Addresses of this host (SPACE_OWN) and of services: the id of the service's namespace, as the interface's numbers it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SPACES);
	__type(key, struct space_key);
	__type(value, __u32);
} spaces SEC(".maps");

static __always_inline const __u32 *space_of(const struct packet *packet)
{
	struct space_key key = { .hi = packet->dst_hi, .lo = packet->dst_lo };

	return bpf_map_lookup_elem(&spaces, &key);
}

/* The packet's 5-tuple for a socket look-up; returns its size. */
static __always_inline __u32 socket_tuple(struct bpf_sock_tuple *tuple, const struct packet *packet)
{
	if (packet->family == 4) {
		tuple->ipv4.saddr = bpf_htonl((__u32)packet->src_lo);
		tuple->ipv4.daddr = bpf_htonl((__u32)packet->dst_lo);
		tuple->ipv4.sport = bpf_htons(packet->sport);
		tuple->ipv4.dport = bpf_htons(packet->dport);
		return sizeof(tuple->ipv4);
	}
	tuple->ipv6.saddr[0] = bpf_htonl(packet->src_hi >> 32);
	tuple->ipv6.saddr[1] = bpf_htonl((__u32)packet->src_hi);
	tuple->ipv6.saddr[2] = bpf_htonl(packet->src_lo >> 32);
	tuple->ipv6.saddr[3] = bpf_htonl((__u32)packet->src_lo);
	tuple->ipv6.daddr[0] = bpf_htonl(packet->dst_hi >> 32);
	tuple->ipv6.daddr[1] = bpf_htonl((__u32)packet->dst_hi);
	tuple->ipv6.daddr[2] = bpf_htonl(packet->dst_lo >> 32);
	tuple->ipv6.daddr[3] = bpf_htonl((__u32)packet->dst_lo);
	tuple->ipv6.sport = bpf_htons(packet->sport);
	tuple->ipv6.dport = bpf_htons(packet->dport);
	return sizeof(tuple->ipv6);
}

/* The namespace argument of a look-up. */
static __always_inline __u64 lookup_space(const __u32 *space)
{
	return space ? *space : SPACE_OWN;
}

SEPARATE int has_tcp_connection(struct xdp_md *ctx, const struct packet *packet)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	__u32 state;

	if (!packet)
		return 0;
	socket = bpf_skc_lookup_tcp(ctx, &tuple, socket_tuple(&tuple, packet), lookup_space(space_of(packet)), 0);
	if (!socket)
		return 0;
	state = socket->state;
	bpf_sk_release(socket);
	return state != BPF_TCP_LISTEN;
}

SEPARATE int has_udp_connection(struct xdp_md *ctx, const struct packet *packet)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	__u32 state;

	if (!packet)
		return 0;
	socket = bpf_sk_lookup_udp(ctx, &tuple, socket_tuple(&tuple, packet), lookup_space(space_of(packet)), 0);
	if (!socket)
		return 0;
	state = socket->state;
	bpf_sk_release(socket);
	return state == BPF_TCP_ESTABLISHED; /* a connected UDP socket */
}

/*
 * Whether a socket of this host, or of a service's namespace, is connected, being connected, or still closing, for the
 * packet's 5-tuple. A SYN without ACK opens a connection and belongs to none (also where the same one just closed). A
 * packet without ports, of another protocol, or to a socket that only listens or is not connected, does not either.
 */
static __always_inline int established(struct xdp_md *ctx, const struct packet *packet)
{
	if (!(packet->known & KNOWN_PORTS))
		return 0;
	if (packet->proto == IPPROTO_UDP)
		return has_udp_connection(ctx, packet);
	if (packet->proto != IPPROTO_TCP || !(packet->known & KNOWN_TCP_FLAGS) || (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return 0;
	return has_tcp_connection(ctx, packet);
}
