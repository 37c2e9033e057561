// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a frame to the fields that rules look at. Bounds: two VLAN tags, six IPv6 extension headers.
 *
 * What the parser promises (docs/dataplane.md tells users):
 * - no IP: PARSE_NOT_IP, the frame passes and no rule sees it (ARP, LLDP, ...).
 * - IP header cut or wrong (version, header length, IPv4-mapped address): PARSE_BAD, the frame passes to the stack, which drops it; counted.
 * - a fragment that is not the first, or a transport header that is cut: what is not there is not known, and a rule
 *   that names it does not match; the others do.
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
#define V4_MAPPED 0x0000ffff00000000ULL
#define LONGEST 0xffff /* what is longer counts as this long */

enum parse_result { PARSE_OK = 0, PARSE_NOT_IP, PARSE_BAD };

/* Addresses as in struct rule: two words in host order, IPv4 as ::ffff:a.b.c.d. */
struct packet {
	__u64 src_hi;
	__u64 src_lo;
	__u64 dst_hi;
	__u64 dst_lo;
	__u16 sport;
	__u16 dport;
	__u16 vlan;       /* id of the outer tag, or VLAN_NONE */
	__u16 inner_vlan;
	__u16 length;     /* IP packet: header and payload */
	__u16 l3_offset;
	__u16 l4_offset;  /* SXF_LIMIT_NO_OFFSET in fragments that are not the first */
	__u16 payload_offset;
	__u8 proto;
	__u8 family;      /* 4 or 6 */
	__u8 fragment;    /* one bit of enum fragment */
	__u8 known;       /* enum known */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 pad;
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
 * Each field wherever its bytes are there: a first fragment may be cut right behind the ports (RFC 1858), and must not
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

			if ((void *)(data_offset + 2) <= end) {
				packet->payload_offset = offset + (data_offset[0] >> 4) * 4;
				packet->tcp_flags = data_offset[1];
				packet->known |= KNOWN_TCP_FLAGS;
			} else if ((void *)(data_offset + 1) <= end) {
				packet->payload_offset = offset + (data_offset[0] >> 4) * 4;
			}
			return;
		}
		packet->payload_offset = offset + (packet->proto == IPPROTO_UDP ? 8 : 12);
	} else if (packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6) {
		__u8 *type = l4;

		if ((void *)(type + 2) <= end) {
			packet->icmp_type = type[0];
			packet->icmp_code = type[1];
			packet->known = KNOWN_ICMP;
		}
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
	packet->src_lo = V4_MAPPED | bpf_ntohl(ip->saddr);
	packet->dst_lo = V4_MAPPED | bpf_ntohl(ip->daddr);
	packet->length = bpf_ntohs(ip->tot_len);
	packet->l3_offset = at - data;
	packet->l4_offset = packet->l3_offset + header;
	if (ip->frag_off & bpf_htons(0x1fff)) {
		packet->fragment = FRAGMENT_LATER;
		packet->l4_offset = SXF_LIMIT_NO_OFFSET;
		return PARSE_OK;
	}
	packet->fragment = ip->frag_off & bpf_htons(0x2000) ? FRAGMENT_FIRST : FRAGMENT_NO;
	parse_transport(packet, at + header, end);
	return PARSE_OK;
}

/* ::ffff:a.b.c.d must not be in a packet (RFC 4942 2.2): here it would look like IPv4. The stack drops such sources. */
static __always_inline int is_mapped(__u64 hi, __u64 lo)
{
	return !hi && lo >> 32 == V4_MAPPED >> 32;
}

static __always_inline int parse_ipv6(struct packet *packet, void *data, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	__be64 *addresses = (__be64 *)&ip->saddr;
	void *next_header;
	__u32 offset, length;
	__u8 next;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return PARSE_BAD;
	packet->family = 6;
	packet->fragment = FRAGMENT_NO;
	packet->src_hi = bpf_be64_to_cpu(addresses[0]);
	packet->src_lo = bpf_be64_to_cpu(addresses[1]);
	packet->dst_hi = bpf_be64_to_cpu(addresses[2]);
	packet->dst_lo = bpf_be64_to_cpu(addresses[3]);
	if (is_mapped(packet->src_hi, packet->src_lo) || is_mapped(packet->dst_hi, packet->dst_lo))
		return PARSE_BAD;
	length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->length = length < LONGEST ? length : LONGEST;
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
			if (extension->data & bpf_htons(0xfff8))
				packet->fragment = FRAGMENT_LATER;
			else if (packet->fragment == FRAGMENT_NO && extension->data & bpf_htons(1))
				packet->fragment = FRAGMENT_FIRST;
		} else if (next == IPPROTO_AH) {
			length = (extension->length + 2) * 4;
		}
		next = extension->next;
		next_header += length;
		offset += length;
		if (packet->fragment == FRAGMENT_LATER)
			break;
	}
	packet->proto = next;
	packet->l4_offset = offset;
	if (packet->fragment == FRAGMENT_LATER)
		packet->l4_offset = SXF_LIMIT_NO_OFFSET;
	else
		parse_transport(packet, next_header, end);
	return PARSE_OK;
}

/* `packet` must be zeroed by the caller. */
static __always_inline int parse_frame(struct packet *packet, void *data, void *end)
{
	struct ethhdr *eth = data;
	void *at = eth + 1;
	__be16 protocol;

	/* Until a transport header, or a tag, is read. */
	packet->payload_offset = SXF_LIMIT_NO_OFFSET;
	packet->vlan = packet->inner_vlan = VLAN_NONE;
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
		else
			packet->inner_vlan = bpf_ntohs(tag->tci) & 0x0fff;
		protocol = tag->protocol;
		at = tag + 1;
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(packet, data, at, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(packet, data, at, end);
	return PARSE_NOT_IP;
}
