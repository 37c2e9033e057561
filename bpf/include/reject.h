// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rejecting: a TCP packet is answered by a reset (RFC 9293 3.5.2 and 3.10.7.1), everything else by ICMP "port
 * unreachable" (RFC 792, RFC 4443: the code that nftables sends too) that quotes as much of the packet as the RFCs let
 * it. What must not be answered (RFC 1122 3.2.2, RFC 4443 2.4 e: errors, broadcasts, multicasts, later fragments,
 * sources that are not one host; RFC 9293: resets), or cannot be, is dropped in silence, and so is what exceeds the
 * rate of answers (RFC 1812 4.3.2.8, RFC 4443 2.4 f). TCP checksums are not checked: over veth they may not be there yet.
 */
#pragma once
#include "answer.h"
#include "limit.h"

#define QUOTE_IPV4 (576 - 20 - 8)   /* RFC 1812 4.3.2.3 */
#define QUOTE_IPV6 (1280 - 40 - 8)  /* RFC 4443 3.1 */
#define CHUNK sizeof(((struct answer_scratch *)0)->chunk) /* bytes summed at a time */
#define MOST_CHUNKS ((QUOTE_IPV6 + CHUNK - 1) / CHUNK)
#define ICMP_HEADER 8

/* RFC 792 and 1122 3.2.2; up to 18 types are questions, answers or errors, what is above is not known. */
enum icmp_type { ICMP_UNREACHABLE = 3, ICMP_QUENCH = 4, ICMP_REDIRECT = 5, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12, ICMP_LAST = 18 };
/* RFC 4443 2.1: errors are below 128; RFC 4861 4.5. */
enum icmpv6_type { ICMPV6_UNREACHABLE = 1, ICMPV6_FIRST_INFORMATIONAL = 128, ICMPV6_REDIRECT = 137 };
enum unreachable_code { ICMP_PORT = 3, ICMPV6_PORT = 4 };

/* RFC 1122 3.2.1.2: a header with a wrong checksum is discarded in silence. */
static __always_inline int has_good_ip_checksum(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet)
{
	__u32 length = packet->l4_offset - packet->l3_offset;

	if (packet->family != 4)
		return 1;
	if (length < 20)
		return 0;
	barrier_var(length);
	__builtin_memset(scratch->ip, 0, sizeof(scratch->ip));
	if (length > sizeof(scratch->ip) || bpf_xdp_load_bytes(ctx, packet->l3_offset, scratch->ip, length))
		return 0;
	return checksum_of((__u32)bpf_csum_diff(NULL, 0, (__be32 *)scratch->ip, sizeof(scratch->ip), 0)) == 0;
}

/* Whether a packet may be answered by an ICMP error: it is not itself one, a redirect, or an unknown kind of ICMP. */
static __always_inline int is_no_error(const struct packet *packet)
{
	__u8 type = packet->icmp_type;

	if (packet->proto != IPPROTO_ICMP && packet->proto != IPPROTO_ICMPV6)
		return 1;
	if (!(packet->known & KNOWN_ICMP))
		return 0;
	if (packet->proto == IPPROTO_ICMPV6)
		return type >= ICMPV6_FIRST_INFORMATIONAL && type != ICMPV6_REDIRECT;
	return type <= ICMP_LAST && type != ICMP_UNREACHABLE && type != ICMP_QUENCH && type != ICMP_REDIRECT &&
	       type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER;
}

/* Whether a TCP packet can be reset: whole, with a header that fits into it, and not itself a reset. */
static __always_inline int is_resettable(const struct packet *packet)
{
	return packet->fragment == FRAGMENT_NO && packet->known & KNOWN_TCP_FLAGS && !(packet->tcp_flags & TCP_RST) &&
	       packet->payload_offset >= packet->l4_offset + sizeof(struct tcp_header) &&
	       packet->length >= packet->payload_offset - packet->l3_offset;
}

/* 0, or negative where the frame could not be changed. */
static __noinline int reset_connection(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet)
{
	struct tcp_header tcp = {}, answer = { .data_offset = sizeof(answer) / 4 << 4, .flags = TCP_RST };
	__u32 length;

	if (bpf_xdp_load_bytes(ctx, packet->l4_offset, &tcp, sizeof(tcp)))
		return -1;
	length = packet->length - (packet->payload_offset - packet->l3_offset) + !!(tcp.flags & TCP_SYN) + !!(tcp.flags & TCP_FIN);
	if (tcp.flags & TCP_ACK) {
		answer.seq = tcp.ack_seq;
	} else {
		answer.flags |= TCP_ACK;
		answer.ack_seq = bpf_htonl(bpf_ntohl(tcp.seq) + length);
	}
	return write_tcp_answer(ctx, scratch, packet, &answer, sizeof(answer));
}

/* Adds the sum of `length` bytes of the frame from `offset` on. */
static __always_inline __u64 frame_sum(struct xdp_md *ctx, struct answer_scratch *scratch, __u32 offset, __u32 length)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < MOST_CHUNKS; i++) {
		__u32 left = length - i * CHUNK;

		if (i * CHUNK >= length)
			break;
		if (left < CHUNK)
			__builtin_memset(scratch->chunk, 0, CHUNK);
		else
			left = CHUNK;
		barrier_var(left); /* or the compiler leaves out what tells the verifier the bounds */
		left = ((left - 1) & (CHUNK - 1)) + 1;
		if (bpf_xdp_load_bytes(ctx, offset + i * CHUNK, scratch->chunk, left))
			break;
		sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)scratch->chunk, CHUNK, 0);
	}
	return sum;
}

/* 0, or negative where the frame could not be changed. */
static __noinline int send_unreachable(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet)
{
	int v4 = packet->family == 4;
	__u32 quote = packet->length, most = v4 ? QUOTE_IPV4 : QUOTE_IPV6;
	__u32 growth = answer_ip_length(packet) + ICMP_HEADER;
	__u8 protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct { __u8 type; __u8 code; __u16 check; __u32 unused; } icmp = {
		.type = v4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE, .code = v4 ? ICMP_PORT : ICMPV6_PORT,
	};
	__u64 sum;

	if (quote > most)
		quote = most;
	if (bpf_xdp_adjust_tail(ctx, (int)(packet->l3_offset + quote) - (int)bpf_xdp_get_buff_len(ctx)) ||
	    bpf_xdp_adjust_head(ctx, -(int)growth))
		return -1;
	sum = frame_sum(ctx, scratch, packet->l3_offset + growth, quote) + icmp.type + ((__u32)icmp.code << 8);
	if (!v4)
		sum += pseudo_sum(packet, protocol, ICMP_HEADER + quote);
	icmp.check = checksum_of(sum);
	if (write_ethernet(ctx, scratch, packet, growth) || write_ip(ctx, scratch, packet, protocol, ICMP_HEADER + quote))
		return -1;
	return bpf_xdp_store_bytes(ctx, packet->l3_offset + answer_ip_length(packet), &icmp, sizeof(icmp));
}

static __always_inline int within_answer_limit(const struct protection *shield, const struct packet *packet, __u64 now)
{
	struct defence_state *state = shared_state();
	__u64 cost = limit_ticks(shield->answer_unit_ns, 1);
	struct limit_price price = { .now = now << LIMIT_SHIFT, .cost = cost, .burst = shield->answer_burst_ns << LIMIT_SHIFT, .most = cost };

	return !state || limit_charge(&state->answers_due, packet, &price);
}

/*
 * Turns the packet into its answer: XDP_TX, or XDP_DROP where there is none. `option` is the rule's detail.option; any
 * clock of CLOCK_MONOTONIC will do for `now`. Pointers into the frame are void afterwards.
 */
SEPARATE int reject_packet(struct xdp_md *ctx, const struct protection *shield, const struct packet *packet, __u32 option, __u64 now)
{
	struct answer_scratch *scratch = answer_scratch();
	int reset;

	if (!scratch || !shield || !packet)
		return XDP_DROP;
	reset = packet->proto == IPPROTO_TCP && !(option & REJECT_UNREACHABLE);
	/* A packet that claims to be longer than its frame is damaged. */
	if (packet->l3_offset + packet->length > bpf_xdp_get_buff_len(ctx) || !is_answerable(ctx, packet) ||
	    !(reset ? is_resettable(packet) : is_no_error(packet)) || !has_good_ip_checksum(ctx, scratch, packet)) {
		count_defence(DEFENCE_SILENT, packet);
		return XDP_DROP;
	}
	if (!within_answer_limit(shield, packet, now)) {
		count_defence(DEFENCE_OVER_RATE, packet);
		return XDP_DROP;
	}
	if (reset ? reset_connection(ctx, scratch, packet) : send_unreachable(ctx, scratch, packet)) {
		count_defence(DEFENCE_SILENT, packet);
		return XDP_DROP;
	}
	count_defence(reset ? DEFENCE_RESETS : DEFENCE_UNREACHABLES, packet);
	return XDP_TX;
}
