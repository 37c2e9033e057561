// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SYN floods: while protection is on, a SYN to a listening socket is answered here with a SYN cookie of the kernel's
 * making (RFC 4987 3.6), no socket buffer or request is allocated, and the kernel completes the connection when the ACK
 * brings the cookie back. An ACK that belongs to no connection and brings no valid cookie is dropped.
 *
 * The kernel gives cookies (bpf_tcp_gen_syncookie) always where sysctl net.ipv4.tcp_syncookies is 2, only while the
 * listener's queue is full where it is 1 (so a flood fills the queue first), never where it is 0, nor for a listener
 * whose accept queue is full. What gets no cookie goes to the stack. Only addresses in `spaces` are guarded: a socket
 * that listens on all addresses would be found also for those of other hosts. Packets of a service are only where its
 * address is in `spaces` with its namespace: a cookie of the host's own socket would be wrong there.
 *
 * Automatic protection: SYNs are counted in windows of 2^27 ns (0.13 s), over all CPUs. `syn_window_on` in one window
 * turn it on at once; it stays on for two seconds after the last window with `syn_window_off` of them.
 */
#pragma once
#include "answer.h"
#include "state.h"

#define SYN_WINDOW_SHIFT 27
#define SYN_HOLD_NS 2000000000ULL
#define SYN_ACK_MSS_OPTION 4     /* bytes: kind 2, length 4, value (RFC 9293 3.7.1) */
#define INITIAL_WINDOW_SEGMENTS 10 /* RFC 6928: more is not sent before the kernel says its own window */
#define FALLBACK_MTU 1280

/* Counts a SYN towards automatic protection, which may turn on, or stay on, with it. */
static __always_inline void count_syn(const struct protection *shield, struct defence_state *state, __u64 now)
{
	__u64 window = now >> SYN_WINDOW_SHIFT << 32, found = *(volatile __u64 *)&state->syn_window, until;
	__u32 seen;

	if (found >> 32 != window >> 32)
		__sync_val_compare_and_swap(&state->syn_window, found, window);
	seen = (__u32)__sync_fetch_and_add(&state->syn_window, 1) + 1;
	until = *(volatile __u64 *)&state->syn_active_until;
	if (now < until ? seen < shield->syn_window_off : seen < shield->syn_window_on)
		return;
	/* Whoever writes first is right: the others would write nearly the same. */
	if (until < now + SYN_HOLD_NS && __sync_val_compare_and_swap(&state->syn_active_until, until, now + SYN_HOLD_NS) == until && now >= until)
		__sync_fetch_and_add(&state->syn_turned_on, 1);
}

/* Copies the headers that the kernel's helpers want to see. Not with IP options or extension headers. */
static __always_inline int read_headers(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet)
{
	__u32 ip_length = answer_ip_length(packet), tcp_length = packet->payload_offset - packet->l4_offset;

	if (packet->l4_offset - packet->l3_offset != ip_length || tcp_length < sizeof(struct tcp_header))
		return -1;
	barrier_var(tcp_length);
	if (tcp_length > sizeof(scratch->tcp) || bpf_xdp_load_bytes(ctx, packet->l3_offset, scratch->ip, ip_length))
		return -1;
	return bpf_xdp_load_bytes(ctx, packet->l4_offset, scratch->tcp, tcp_length);
}

/* What the answer says this side can take: the interface's MTU without headers. */
static __always_inline __u32 own_mss(struct xdp_md *ctx, const struct packet *packet)
{
	__u32 mtu = 0, headers = answer_ip_length(packet) + sizeof(struct tcp_header);

	if (bpf_check_mtu(ctx, 0, &mtu, 0, 0) < 0 || mtu <= headers)
		mtu = FALLBACK_MTU;
	mtu -= headers;
	return mtu < 0xffff ? mtu : 0xffff;
}

static __noinline int write_syn_ack(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet, __u32 cookie, __be32 sequence)
{
	struct { struct tcp_header tcp; __u8 kind; __u8 length; __be16 mss; } answer = {
		.tcp = { .seq = bpf_htonl(cookie), .ack_seq = bpf_htonl(bpf_ntohl(sequence) + 1), .data_offset = sizeof(answer) / 4 << 4,
			 .flags = TCP_SYN | TCP_ACK },
		.kind = 2, .length = SYN_ACK_MSS_OPTION,
	};
	__u32 mss = own_mss(ctx, packet), window = mss * INITIAL_WINDOW_SEGMENTS;

	answer.mss = bpf_htons(mss);
	answer.tcp.window = bpf_htons(window < 0xffff ? window : 0xffff);
	return write_tcp_answer(ctx, scratch, packet, &answer.tcp, sizeof(answer));
}

/* The kernel's answer for a packet to a listening socket; else one of these. */
enum cookie_answer { COOKIE_NO_LISTENER = -1000, COOKIE_OTHER_SOCKET };

static __noinline __s64 ask_kernel(struct xdp_md *ctx, struct answer_scratch *scratch, const struct packet *packet, int of_service)
{
	const __u32 *space = space_of(packet);
	struct bpf_sock_tuple tuple = {};
	__u32 ip_length = answer_ip_length(packet), tcp_length = packet->payload_offset - packet->l4_offset;
	struct bpf_sock *socket;
	__s64 answer;

	if (!space || (of_service && *space == SPACE_OWN) || tcp_length < sizeof(struct tcp_header))
		return COOKIE_NO_LISTENER;
	barrier_var(tcp_length);
	if (tcp_length > sizeof(scratch->tcp))
		return COOKIE_NO_LISTENER;
	socket = bpf_skc_lookup_tcp(ctx, &tuple, socket_tuple(&tuple, packet), *space, 0);
	if (!socket)
		return COOKIE_NO_LISTENER;
	if (socket->state != BPF_TCP_LISTEN)
		answer = COOKIE_OTHER_SOCKET;
	else if (packet->tcp_flags & TCP_SYN)
		answer = bpf_tcp_gen_syncookie(socket, scratch->ip, ip_length, (void *)scratch->tcp, tcp_length);
	else
		answer = bpf_tcp_check_syncookie(socket, scratch->ip, ip_length, (void *)scratch->tcp, tcp_length);
	bpf_sk_release(socket);
	return answer;
}

SEPARATE int guard_connection(struct xdp_md *ctx, const struct packet *packet, int of_service)
{
	struct answer_scratch *scratch = answer_scratch();
	__s64 answer;
	int syn;

	if (!scratch || !packet)
		return XDP_PASS;
	syn = packet->tcp_flags & TCP_SYN;
	if (read_headers(ctx, scratch, packet) || !is_answerable(ctx, packet)) {
		if (syn)
			count_defence(DEFENCE_NO_COOKIE, packet);
		return XDP_PASS;
	}
	answer = ask_kernel(ctx, scratch, packet, of_service);
	if (answer == COOKIE_OTHER_SOCKET)
		return XDP_PASS;
	if (answer == COOKIE_NO_LISTENER) {
		if (syn)
			count_defence(DEFENCE_NO_LISTENER, packet);
		return XDP_PASS;
	}
	if (!syn) {
		count_defence(answer ? DEFENCE_ACK_INVALID : DEFENCE_ACK_VALID, packet);
		return answer ? XDP_DROP : XDP_PASS;
	}
	if (answer < 0) {
		count_defence(DEFENCE_NO_COOKIE, packet);
		return XDP_PASS;
	}
	/* Where the frame could not be changed it may be half changed: it must not go on. */
	if (write_syn_ack(ctx, scratch, packet, answer, ((struct tcp_header *)scratch->tcp)->seq))
		return XDP_DROP;
	count_defence(DEFENCE_COOKIES, packet);
	return XDP_TX;
}

/*
 * For packets that the rules let pass. XDP_PASS: go on; XDP_TX: became a SYN-ACK (pointers into the frame are void);
 * XDP_DROP: a forged ACK. Any clock of CLOCK_MONOTONIC will do for `now`. `of_service`: the packet goes to a service.
 */
static __always_inline int guard_connections(struct xdp_md *ctx, const struct protection *shield, const struct packet *packet, __u64 now,
					     int of_service)
{
	__u8 flags = packet->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK);
	struct defence_state *state;

	if (shield->syn_mode == SYN_OFF || packet->proto != IPPROTO_TCP || packet->fragment != FRAGMENT_NO ||
	    !(packet->known & KNOWN_TCP_FLAGS) || (flags != TCP_SYN && flags != TCP_ACK))
		return XDP_PASS;
	state = shared_state();
	if (!state)
		return XDP_PASS;
	if (flags == TCP_SYN) {
		count_defence(DEFENCE_SYNS, packet);
		count_syn(shield, state, now);
	}
	if (shield->syn_mode == SYN_AUTO && now >= *(volatile __u64 *)&state->syn_active_until)
		return XDP_PASS;
	return guard_connection(ctx, packet, of_service);
}
