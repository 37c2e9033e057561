// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a frame to the fields that rules look at. Bounds: two VLAN tags, six IPv6 extension headers.
 *
 * What the parser promises (docs/dataplane.md tells users):
 * - no IP: PARSE_NOT_IP, the frame passes and no rule sees it (ARP, LLDP, ...).
 * - IP header cut or wrong (version, header length): PARSE_BAD, the frame passes to the stack, which drops it; counted.
 * - a fragment that is not the first, or a transport header that is cut: addresses and protocol are known,
 *   ports are not, so that rules with a port do not match and the others do.
 */
#pragma once
#include "layout.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_VLAN_TAGS 2
#define MAX_EXTENSION_HEADERS 6
#define TCP_DATA_OFFSET 12 /* RFC 9293 3.1 */

enum parse_result { PARSE_OK = 0, PARSE_NOT_IP, PARSE_BAD };

struct packet {
	__u32 src[4];
	__u32 dst[4];
	__u16 sport;
	__u16 dport;
	__u16 l3_offset;
	__u16 l4_offset;
	__u16 payload_offset;
	__u16 vlan;
	__u8 proto;
	__u8 family;
	__u8 fragment;
	__u8 pad;
	__u32 known;
};

struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

struct ports {
	__be16 source;
	__be16 dest;
};

/* RFC 8200 4.3 to 4.6: options headers and routing share this head; RFC 4302 counts its length in other units. */
struct extension {
	__u8 next;
	__u8 length;
	__be16 data;
};

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/*
 * Ports wherever their four bytes are there: a first fragment may be cut right behind them (RFC 1858), and must not
 * slip past a rule that names a port. The payload offset where the rest of the header is there, too. `l4` may lie
 * anywhere, also past `end`.
 */
static __always_inline void parse_transport(struct packet *packet, void *l4, void *end)
{
	__u32 offset = packet->l4_offset;

	if (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP || packet->proto == IPPROTO_SCTP) {
		struct ports *ports = l4;

		if ((void *)(ports + 1) > end)
			return;
		packet->sport = bpf_ntohs(ports->source);
		packet->dport = bpf_ntohs(ports->dest);
		packet->known = KNOWN_PORTS;
		if (packet->proto == IPPROTO_TCP) {
			__u8 *data_offset = l4 + TCP_DATA_OFFSET;

			if ((void *)(data_offset + 1) <= end)
				packet->payload_offset = offset + (*data_offset >> 4) * 4;
			return;
		}
		packet->payload_offset = offset + (packet->proto == IPPROTO_UDP ? 8 : 12);
	} else if (packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6) {
		packet->payload_offset = offset + 8;
	} else {
		packet->payload_offset = offset;
	}
}

static __always_inline int parse_ipv4(struct packet *packet, void *data, void *at, void *end)
{
	struct iphdr *ip = at;
	__u32 header;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSE_BAD;
	header = ip->ihl * 4;
	packet->family = 4;
	packet->proto = ip->protocol;
	packet->src[2] = packet->dst[2] = bpf_htonl(0xffff);
	packet->src[3] = ip->saddr;
	packet->dst[3] = ip->daddr;
	packet->l3_offset = at - data;
	packet->l4_offset = packet->l3_offset + header;
	packet->fragment = (ip->frag_off & bpf_htons(0x3fff)) != 0;
	if (ip->frag_off & bpf_htons(0x1fff))
		packet->l4_offset = SXF_LIMIT_NO_OFFSET;
	else
		parse_transport(packet, at + header, end);
	return PARSE_OK;
}

static __always_inline int parse_ipv6(struct packet *packet, void *data, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	void *next_header;
	__u32 offset;
	__u8 next;
	int first_fragment = 1;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return PARSE_BAD;
	packet->family = 6;
	__builtin_memcpy(packet->src, &ip->saddr, 16);
	__builtin_memcpy(packet->dst, &ip->daddr, 16);
	packet->l3_offset = at - data;
	offset = packet->l3_offset + sizeof(*ip);
	next = ip->nexthdr;
	next_header = ip + 1;
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		struct extension *extension = next_header;
		__u32 length;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if ((void *)(extension + 1) > end)
			break;
		length = (extension->length + 1) * 8;
		if (next == IPPROTO_FRAGMENT) {
			length = 8;
			packet->fragment = 1;
			if (extension->data & bpf_htons(0xfff8))
				first_fragment = 0;
		} else if (next == IPPROTO_AH) {
			length = (extension->length + 2) * 4;
		}
		next = extension->next;
		next_header += length;
		offset += length;
		if (!first_fragment)
			break;
	}
	packet->proto = next;
	packet->l4_offset = offset;
	if (first_fragment)
		parse_transport(packet, next_header, end);
	else
		packet->l4_offset = SXF_LIMIT_NO_OFFSET;
	return PARSE_OK;
}

/* `packet` must be zeroed by the caller. */
static __always_inline int parse_frame(struct packet *packet, void *data, void *end)
{
	struct ethhdr *eth = data;
	void *at = eth + 1;
	__be16 protocol;

	/* Until a transport header is read. */
	packet->payload_offset = SXF_LIMIT_NO_OFFSET;
	if (at > end)
		return PARSE_BAD;
	protocol = eth->h_proto;
#pragma unroll
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag = at;

		if (!is_vlan(protocol))
			break;
		if ((void *)(tag + 1) > end)
			return PARSE_BAD;
		if (i == 0)
			packet->vlan = bpf_ntohs(tag->tci) & 0x0fff;
		protocol = tag->protocol;
		at = tag + 1;
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(packet, data, at, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(packet, data, at, end);
	return PARSE_NOT_IP;
}
