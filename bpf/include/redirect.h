// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets straight from the interface where they came to a service's container, and its answers straight back.
 *
 * Towards a service: the next hop that the agent keeps with the backend, else the kernel's FIB. What cannot go that way
 * (options, TTL used up, too long, no neighbour, an interface that takes no XDP frames) goes to the stack, translated
 * where the service is: the stack forwards it, asks for the neighbour, or tells the sender.
 *
 * Answers: the FIB. An answer must not reach a client under the backend's own address: where the service is translated,
 * the stack gets it translated as well, but untranslated where the error goes back to the container (TTL, length) or the
 * receiver is this host itself (a health check).
 */
#pragma once
#include "layout.h"
#include "maglev.h"
#include "maps.h"
#include "parse.h"
#include "service.h"

#define AF_INET_ 2
#define AF_INET6_ 10
#define MAX_L3_OFFSET (ETH_HLEN + 4 * MAX_VLAN_TAGS)
#define MAX_L4_OFFSET 512
#define TCP_CHECK 16 /* RFC 9293 3.1 */
#define UDP_CHECK 6  /* RFC 768 */
#define DIVERSIONS 32768
#define NEIGHBOURS 4096

enum forward_result {
	FORWARD_TO_SERVICE = 0,  /* redirected */
	FORWARD_FROM_SERVICE,    /* ... answers */
	FORWARD_UNKNOWN_PORT,    /* to the stack: not for this host's address on an interface or VLAN that the agent knows */
	FORWARD_NO_BACKEND,      /* ... no backend is up */
	FORWARD_ODD,             /* ... options, fragments, a source that cannot be, a protocol that cannot be translated */
	FORWARD_TTL,             /* ... the TTL is used up */
	FORWARD_TOO_LONG,        /* ... longer than the way allows */
	FORWARD_NO_NEIGHBOUR,    /* ... the next hop's address is not known yet */
	FORWARD_NO_ROUTE,        /* ... the FIB has no way that forwards */
	FORWARD_NO_EXIT,         /* ... the way leads through an interface that takes no XDP frames */
	FORWARD_LOCAL,           /* ... an answer for this host itself */
	FORWARD_LEARNED,         /* redirected by the addresses of the client's own frames: no neighbour yet */
	FORWARD_NO_ROOM,         /* dropped: no room for a VLAN tag */
	FORWARD_RESULTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FORWARD_RESULTS);
	__type(key, __u32);
	__type(value, struct counter);
} service_results SEC(".maps");

/* Interfaces that services are reached through: which addresses of frames are ours, and which interface routes them. */
struct port_key {
	__u32 ifindex;
	__u16 vlan; /* id, or VLAN_NONE */
	__u16 pad;
};

struct port {
	__u32 l3_ifindex; /* itself, its VLAN device or its bridge */
	__u8 mac[6];
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct port_key);
	__type(value, struct port);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} service_ports SEC(".maps");

/* Interfaces that the FIB may name and that take XDP frames, themselves or (VLAN devices) the one below. */
struct exit {
	__u32 ifindex;
	__u16 vlan; /* tag to put on, or VLAN_NONE */
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct exit);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} service_exits SEC(".maps");

/* Where a packet was going before a rule sent it to a service. `check` is the hash ^ hi ^ lo ^ word, as in struct flow. */
struct diversion {
	__u64 check;
	__u64 hi;
	__u64 lo;
	__u64 word; /* port 0..15, second of the last packet 32..62, confirmed 63 */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DIVERSIONS);
	__type(key, __u32);
	__type(value, struct diversion);
} service_diversions SEC(".maps");

/*
 * From which hardware address a client's packets come, for translated answers while the kernel has no neighbour: the stack
 * sees no packet of such a connection, and would not forward an answer that bears its own address either.
 */
struct neighbour {
	__u64 check; /* hash of the client's address ^ word */
	__u64 word;  /* hardware address 0..47, 1 in 48 */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEIGHBOURS);
	__type(key, __u32);
	__type(value, struct neighbour);
} service_neighbours SEC(".maps");

/* Too large for a stack that all functions of the program share; a CPU handles one packet at a time. */
struct redirect_state {
	struct bpf_fib_lookup fib;
	struct service_key key;
	struct hop hop;
	__u64 hi;     /* what `translate` puts into the packet */
	__u64 lo;
	__u16 port;
	__u8 pad[2];
	__u32 ready;  /* the answer can be sent by `hop` */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct redirect_state);
} service_scratch SEC(".maps");

static __always_inline void count_forward(__u32 result, __u32 bytes)
{
	count(&service_results, result, bytes, 0);
}

static __always_inline struct redirect_state *redirect_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&service_scratch, &zero);
}

/* RFC 1624 (eqn. 3): HC' = ~(~HC + ~m + m'), where `change` is the sum of the ~m and m'. */
static __always_inline __u16 changed_check(__u16 check, __u64 change)
{
	__u64 sum = (__u16)~check + (change & 0xffffffff) + (change >> 32);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(__u16)sum;
}

/* What replacing one 32-bit word does to the sum. */
static __always_inline __u64 word_change(__u32 old, __u32 new)
{
	return (__u64)(__u32)~old + new;
}

/* Which end of a packet is changed. */
enum end { END_SOURCE = 0, END_DESTINATION };

/*
 * Gives one end of a TCP or UDP packet the address (of the same family) and port of `state`, in the frame and in
 * `packet`, with all checksums. Changes nothing and returns -1 where that is not possible.
 */
static __noinline int translate(struct xdp_md *ctx, struct packet *packet, struct redirect_state *state, __u32 which)
{
	__u64 hi = state->hi, lo = state->lo;
	__u16 port = state->port;
	void *data = (void *)(long)ctx->data, *frame_end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3_offset, l4 = packet->l4_offset;
	__u32 family = (hi == 0 && lo >> 32 == 0xffff) ? 4 : 6;
	__u32 check_at = packet->proto == IPPROTO_TCP ? TCP_CHECK : UDP_CHECK;
	__be16 *check, *ports, new_port = bpf_htons(port);
	__u64 change = 0;

	if (packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP)
		return -1;
	if (packet->fragment != FRAGMENT_NO || !(packet->known & KNOWN_PORTS) || family != packet->family)
		return -1;
	if (l3 > MAX_L3_OFFSET || l4 > MAX_L4_OFFSET)
		return -1;
	ports = data + l4;
	if ((void *)ports + UDP_CHECK + 2 > frame_end)
		return -1;
	if (packet->proto == IPPROTO_TCP && (void *)ports + TCP_CHECK + 2 > frame_end)
		return -1;
	check = (void *)ports + check_at;
	if ((void *)(check + 1) > frame_end)
		return -1;
	if (family == 4) {
		struct iphdr *ip = data + l3;
		__be32 *address, new = bpf_htonl((__u32)lo);

		if ((void *)(ip + 1) > frame_end)
			return -1;
		address = which == END_SOURCE ? &ip->saddr : &ip->daddr;
		change = word_change(*address, new);
		ip->check = changed_check(ip->check, change);
		*address = new;
	} else {
		struct ipv6hdr *ip = data + l3;
		__be32 *address;
		__u64 new[2] = { bpf_cpu_to_be64(hi), bpf_cpu_to_be64(lo) };

		if ((void *)(ip + 1) > frame_end)
			return -1;
		address = which == END_SOURCE ? (__be32 *)&ip->saddr : (__be32 *)&ip->daddr;
		change = word_change(address[0], (__u32)new[0]) + word_change(address[1], new[0] >> 32) +
			 word_change(address[2], (__u32)new[1]) + word_change(address[3], new[1] >> 32);
		address[0] = (__u32)new[0];
		address[1] = new[0] >> 32;
		address[2] = (__u32)new[1];
		address[3] = new[1] >> 32;
	}
	if (which == END_SOURCE) {
		change += (__u16)~ports[0] + new_port;
		ports[0] = new_port;
		packet->src_hi = hi;
		packet->src_lo = lo;
		packet->sport = port;
	} else {
		change += (__u16)~ports[1] + new_port;
		ports[1] = new_port;
		packet->dst_hi = hi;
		packet->dst_lo = lo;
		packet->dport = port;
	}
	/* UDP: 0 says that there is none, and stays; a sum of 0 is sent as 0xffff (RFC 768). */
	if (packet->proto == IPPROTO_UDP) {
		if (*check) {
			__u16 sum = changed_check(*check, change);

			*check = sum ? sum : 0xffff;
		}
	} else {
		*check = changed_check(*check, change);
	}
	return 0;
}

/* Asks the FIB for the way to the packet's destination, as it is in `packet`. Fills state->hop. A BPF_FIB_LKUP_RET_ code or -1. */
static __noinline int find_way(struct xdp_md *ctx, const struct packet *packet, struct redirect_state *state, __u32 ifindex)
{
	struct bpf_fib_lookup *fib = &state->fib;
	struct exit *exit;
	__u32 out;
	long code;

	__builtin_memset(fib, 0, sizeof(*fib));
	fib->l4_protocol = packet->proto;
	fib->sport = bpf_htons(packet->sport);
	fib->dport = bpf_htons(packet->dport);
	fib->tot_len = packet->length;
	fib->ifindex = ifindex;
	if (packet->family == 4) {
		fib->family = AF_INET_;
		fib->ipv4_src = bpf_htonl((__u32)packet->src_lo);
		fib->ipv4_dst = bpf_htonl((__u32)packet->dst_lo);
	} else {
		fib->family = AF_INET6_;
		fib->ipv6_src[0] = bpf_htonl(packet->src_hi >> 32);
		fib->ipv6_src[1] = bpf_htonl((__u32)packet->src_hi);
		fib->ipv6_src[2] = bpf_htonl(packet->src_lo >> 32);
		fib->ipv6_src[3] = bpf_htonl((__u32)packet->src_lo);
		fib->ipv6_dst[0] = bpf_htonl(packet->dst_hi >> 32);
		fib->ipv6_dst[1] = bpf_htonl((__u32)packet->dst_hi);
		fib->ipv6_dst[2] = bpf_htonl(packet->dst_lo >> 32);
		fib->ipv6_dst[3] = bpf_htonl((__u32)packet->dst_lo);
	}
	code = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	if (code != BPF_FIB_LKUP_RET_SUCCESS && code != BPF_FIB_LKUP_RET_NO_NEIGH)
		return code < 0 ? -1 : code;
	out = fib->ifindex;
	exit = bpf_map_lookup_elem(&service_exits, &out);
	if (!exit)
		return -1;
	state->hop.ifindex = exit->ifindex;
	state->hop.vlan = exit->vlan;
	state->hop.mtu = 0xffff; /* the FIB has looked at it */
	__builtin_memcpy(state->hop.dmac, fib->dmac, 6);
	__builtin_memcpy(state->hop.smac, fib->smac, 6);
	return code;
}

/* Why a packet did not get a way. */
static __always_inline __u32 way_result(int code)
{
	switch (code) {
	case -1:
		return FORWARD_NO_EXIT;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return FORWARD_NO_NEIGHBOUR;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return FORWARD_TOO_LONG;
	default:
		return FORWARD_NO_ROUTE;
	}
}

/* What a router must look at itself, or must not forward. FORWARD_RESULTS: nothing of that. */
static __always_inline __u32 must_not_skip_the_stack(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3_offset;

	if (l3 > MAX_L3_OFFSET)
		return FORWARD_ODD;
	if (packet->family == 4) {
		struct iphdr *ip = data + l3;
		__u8 net;

		if ((void *)(ip + 1) > end)
			return FORWARD_ODD;
		net = (__u32)packet->src_lo >> 24;
		if (ip->ihl != 5 || net == 0 || net == 127 || net >= 224)
			return FORWARD_ODD;
		return ip->ttl <= 1 ? FORWARD_TTL : FORWARD_RESULTS;
	} else {
		struct ipv6hdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return FORWARD_ODD;
		/* Unspecified, loopback, multicast and link-local sources (RFC 4291 2.4) go nowhere. */
		if (ip->nexthdr == IPPROTO_HOPOPTS || (packet->src_hi == 0 && packet->src_lo <= 1) || packet->src_hi >> 56 == 0xff ||
		    packet->src_hi >> 54 == 0x3fa)
			return FORWARD_ODD;
		return ip->hop_limit <= 1 ? FORWARD_TTL : FORWARD_RESULTS;
	}
}

/* One hop less, and the checksum of the IPv4 header with it (RFC 1624). The frame was looked at before. */
static __always_inline int take_hop(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3_offset;

	if (l3 > MAX_L3_OFFSET)
		return -1;
	if (packet->family == 4) {
		struct iphdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return -1;
		ip->check = changed_check(ip->check, (__u16)~bpf_htons((__u16)ip->ttl << 8) + bpf_htons((__u16)(ip->ttl - 1) << 8));
		ip->ttl--;
	} else {
		struct ipv6hdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return -1;
		ip->hop_limit--;
	}
	return 0;
}

/* Sends the frame on its way: one hop less, its own Ethernet header, tags off or on. XDP_DROP where there is no room. */
static __noinline int send_frame(struct xdp_md *ctx, const struct packet *packet, struct redirect_state *state)
{
	__u32 tagged = state->hop.vlan != VLAN_NONE;
	int spare = packet->l3_offset - ETH_HLEN - (tagged ? sizeof(struct vlan_tag) : 0);
	void *data, *end;
	struct ethhdr *eth;

	if (take_hop(ctx, packet) || (spare && bpf_xdp_adjust_head(ctx, spare)))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, state->hop.dmac, 6);
	__builtin_memcpy(eth->h_source, state->hop.smac, 6);
	eth->h_proto = packet->family == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (tagged) {
		struct vlan_tag *tag = (void *)(eth + 1);

		if ((void *)(tag + 1) > end)
			return XDP_DROP;
		tag->tci = bpf_htons(state->hop.vlan);
		tag->protocol = eth->h_proto;
		eth->h_proto = bpf_htons(ETH_P_8021Q);
	}
	return bpf_redirect(state->hop.ifindex, 0);
}

/* The interface that routes the packet, where the frame is for it; NULL where the agent does not know. */
static __always_inline struct port *ingress_port(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct port_key key = { .ifindex = ctx->ingress_ifindex, .vlan = packet->vlan };
	struct ethhdr *eth = data;
	struct port *port;

	if ((void *)(eth + 1) > end || packet->inner_vlan != VLAN_NONE)
		return NULL;
	port = bpf_map_lookup_elem(&service_ports, &key);
	if (!port)
		return NULL;
	for (int i = 0; i < 6; i++)
		if (eth->h_dest[i] != port->mac[i])
			return NULL;
	return port;
}

/* Keeps a source's hardware address, or (`found` given) looks it up: 0 where it is there. */
static __always_inline int neighbour(const __u64 key[2], __u64 hi, __u64 lo, __u8 *learn, __u8 *found)
{
	__u64 hash = connection_hash(key, hi, lo, 0, 0, 0, 0, 0), word = 0;
	__u32 index = hash & (NEIGHBOURS - 1);
	struct neighbour *slot = bpf_map_lookup_elem(&service_neighbours, &index);

	if (!slot)
		return -1;
	if (learn) {
		for (int i = 0; i < 6; i++)
			word |= (__u64)learn[i] << (8 * i);
		word |= 1ULL << 48;
		if (slot->word != word || slot->check != (hash ^ word)) {
			*(volatile __u64 *)&slot->check = hash ^ word;
			*(volatile __u64 *)&slot->word = word;
		}
		return 0;
	}
	word = *(volatile __u64 *)&slot->word;
	if (!word || (*(volatile __u64 *)&slot->check ^ word) != hash)
		return -1;
	for (int i = 0; i < 6; i++)
		found[i] = word >> (8 * i);
	return 0;
}

static __always_inline __u64 diversion_hash(const struct service_control *settings, __u64 client_hi, __u64 client_lo, __u16 client_port,
					    const struct backend *backend, __u16 backend_port, __u8 proto)
{
	return connection_hash(settings->key, client_hi, client_lo, backend->hi, backend->lo, client_port, backend_port, proto);
}

/* Remembers where a diverted packet was going; -1 where a busy connection has the place. */
static __always_inline int note_diversion(const struct packet *packet, __u64 hash, __u32 clock)
{
	__u32 index = hash & (DIVERSIONS - 1);
	struct diversion *slot = bpf_map_lookup_elem(&service_diversions, &index);
	__u64 word = packet->dport | (__u64)clock << 32, held;

	if (!slot)
		return -1;
	held = slot->word;
	if (held && (slot->check ^ slot->hi ^ slot->lo ^ held) == hash) {
		word |= FLOW_CONFIRMED;
		if (word == held && slot->hi == packet->dst_hi && slot->lo == packet->dst_lo)
			return 0;
	} else if (held & FLOW_CONFIRMED && ((clock - (__u32)(held >> 32)) & FLOW_SEEN_MASK) < FLOW_IDLE_S) {
		return -1;
	}
	*(volatile __u64 *)&slot->check = hash ^ packet->dst_hi ^ packet->dst_lo ^ word;
	*(volatile __u64 *)&slot->hi = packet->dst_hi;
	*(volatile __u64 *)&slot->lo = packet->dst_lo;
	*(volatile __u64 *)&slot->word = word;
	return 0;
}

/* Which backend gets a packet, as an index within the service; MAX_BACKENDS: none. Keeps the flow where that is wanted. */
static __always_inline __u32 choose_backend(const struct packet *packet, const struct service *service, __u32 index,
					    const struct service_control *settings, __u64 now)
{
	__u32 chosen = service->backend, clock = flow_clock(now), slot, way = 0;
	int syn = packet->proto == IPPROTO_TCP && (packet->tcp_flags & 0x12) == 0x02; /* ... and no ACK */
	struct backend *backend;
	struct flow_line *line;
	__u64 hash, word;

	if (!(service->flags & SERVICE_TRACKED)) {
		if (syn)
			count_service(index, SERVICE_FLOWS, 0, 0);
		return chosen;
	}
	hash = connection_hash(settings->key, packet->src_hi, packet->src_lo, service->hi, service->lo, packet->sport,
			       service->port ? service->port : packet->dport, packet->proto);
	line = flow_line(hash);
	if (!line)
		return MAX_BACKENDS;
	word = find_flow(line, hash, &way);
	if (word) {
		slot = word & 0xffff;
		backend = bpf_map_lookup_elem(&service_backends, &slot);
		/* A connection stays with its backend while that exists; what opens one, or is none, goes to a backend that is up. */
		if (backend && slot / MAX_BACKENDS == index && backend->flags & BACKEND_USED &&
		    backend->generation == (__u16)(word >> 16) && (backend->flags & BACKEND_UP || (packet->proto == IPPROTO_TCP && !syn))) {
			touch_flow(line, way, hash, word, clock);
			return slot & (MAX_BACKENDS - 1);
		}
	}
	if (service->table != NO_TABLE)
		chosen = maglev_backend(service->table, hash);
	if (chosen >= MAX_BACKENDS)
		return MAX_BACKENDS;
	slot = index * MAX_BACKENDS + chosen;
	backend = bpf_map_lookup_elem(&service_backends, &slot);
	if (!backend || !(backend->flags & BACKEND_USED))
		return MAX_BACKENDS;
	count_service(index, SERVICE_FLOWS, 0, 0);
	if (word)
		write_flow(line, way, hash, flow_word(slot, backend->generation, clock));
	else
		insert_flow(line, hash, flow_word(slot, backend->generation, clock), clock);
	return chosen;
}

/* Sends a frame that bears the backend's address already. An enum forward_result. */
static __always_inline __u32 send_to_backend(struct xdp_md *ctx, const struct packet *packet, struct redirect_state *state,
					     const struct backend *backend, const struct port *port)
{
	__u32 index = backend->hop;
	int code;

	if (index && index <= MAX_HOPS) {
		struct hop *hop;

		index--;
		hop = bpf_map_lookup_elem(&service_hops, &index);
		if (!hop)
			return FORWARD_ODD;
		state->hop = *hop;
		if (packet->length > state->hop.mtu)
			return FORWARD_TOO_LONG;
	} else {
		code = find_way(ctx, packet, state, port->l3_ifindex);
		if (code)
			return way_result(code);
	}
	code = send_frame(ctx, packet, state);
	return code == XDP_REDIRECT ? FORWARD_TO_SERVICE : FORWARD_NO_ROOM;
}

/* Finds the backend and the way, translates and sends. */
static __always_inline __u32 forward_to(struct xdp_md *ctx, struct packet *packet, struct service *service, __u32 index, __u64 now)
{
	struct redirect_state *state = redirect_scratch();
	struct service_control *settings = service_settings();
	__u32 chosen, slot, obstacle;
	struct backend *backend;
	struct port *port;

	if (!state || !settings)
		return FORWARD_ODD;
	port = ingress_port(ctx, packet);
	if (!port)
		return FORWARD_UNKNOWN_PORT;
	obstacle = must_not_skip_the_stack(ctx, packet);
	if (obstacle == FORWARD_ODD)
		return FORWARD_ODD;
	chosen = choose_backend(packet, service, index, settings, now);
	slot = index * MAX_BACKENDS + (chosen & (MAX_BACKENDS - 1));
	backend = chosen < MAX_BACKENDS ? bpf_map_lookup_elem(&service_backends, &slot) : NULL;
	if (!backend || !(backend->flags & BACKEND_USED))
		return FORWARD_NO_BACKEND;
	state->hi = backend->hi;
	state->lo = backend->lo;
	state->port = backend->port ? backend->port : packet->dport;
	if (packet->dst_hi != state->hi || packet->dst_lo != state->lo || packet->dport != state->port) {
		struct ethhdr *eth = (void *)(long)ctx->data;

		if (packet->dst_hi != service->hi || packet->dst_lo != service->lo || (service->port && packet->dport != service->port)) {
			__u64 hash = diversion_hash(settings, packet->src_hi, packet->src_lo, packet->sport, backend, state->port, packet->proto);

			if (note_diversion(packet, hash, flow_clock(now)))
				return FORWARD_ODD;
			if (!settings->diverted)
				settings->diverted = 1;
		}
		if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
			return FORWARD_ODD;
		neighbour(settings->key, packet->src_hi, packet->src_lo, eth->h_source, NULL);
		if (translate(ctx, packet, state, END_DESTINATION))
			return FORWARD_ODD;
	}
	return obstacle == FORWARD_RESULTS ? send_to_backend(ctx, packet, state, backend, port) : obstacle;
}

/* Counts what became of a packet for a service, and says it as an XDP action. */
static __always_inline int count_result(__u32 result, __u32 index, __u32 bytes, __u64 now)
{
	count_forward(result, bytes);
	if (result == FORWARD_TO_SERVICE) {
		count_service(index, SERVICE_REDIRECTED, bytes, now);
		count(&totals, TOTAL_REDIRECTED, bytes, 0);
		return XDP_REDIRECT;
	}
	if (result == FORWARD_NO_ROOM)
		return XDP_DROP;
	count_service(index, SERVICE_STACK, bytes, now);
	return XDP_PASS;
}

/*
 * Sends a packet that passes to the service `index` (of service_of). Returns XDP_REDIRECT, XDP_PASS where the stack has
 * to do it, or XDP_DROP where that is not possible either. Counts all of it. Changes `packet` where it translates.
 */
static __noinline int redirect_packet(struct xdp_md *ctx, struct packet *packet, __u32 index, __u32 bytes, __u64 now)
{
	struct service *service = bpf_map_lookup_elem(&services, &index);

	if (!service || index >= MAX_SERVICES)
		return XDP_PASS;
	return count_result(forward_to(ctx, packet, service, index, now), index, bytes, now);
}

/* Where the packet lies that an ICMP error is about, from the start of the frame; 0 where the packet is no error. */
static __always_inline __u32 erroneous_at(const struct packet *packet)
{
	__u8 type = packet->icmp_type;

	if (!(packet->known & KNOWN_ICMP) || packet->fragment != FRAGMENT_NO || packet->l4_offset > MAX_L4_OFFSET)
		return 0;
	if (packet->family == 4 && packet->proto == IPPROTO_ICMP && (type == 3 || type == 11 || type == 12)) /* RFC 792 */
		return packet->l4_offset + 8;
	if (packet->family == 6 && packet->proto == IPPROTO_ICMPV6 && type >= 1 && type <= 4) /* RFC 4443 */
		return packet->l4_offset + 8;
	return 0;
}

/* The backend that a flow has, or would get; keeps nothing: anybody can send errors. */
static __always_inline struct backend *backend_of_flow(const struct packet *flow, const struct service *service, __u32 index,
						       const struct service_control *settings)
{
	__u64 hash = connection_hash(settings->key, flow->src_hi, flow->src_lo, service->hi, service->lo, flow->sport, flow->dport, flow->proto);
	struct flow_line *line = service->flags & SERVICE_TRACKED ? flow_line(hash) : NULL;
	__u32 way = 0, slot = service->backend;
	__u64 word = line ? find_flow(line, hash, &way) : 0;

	if (service->table != NO_TABLE)
		slot = maglev_backend(service->table, hash);
	slot = word ? word & 0xffff : index * MAX_BACKENDS + slot;
	return slot / MAX_BACKENDS == index ? bpf_map_lookup_elem(&service_backends, &slot) : NULL;
}

/* Reads the packet that an error is about as one towards the service: its source is the service. 0 where it is there. */
static __always_inline int read_erroneous(struct xdp_md *ctx, const struct packet *packet, __u32 at, struct packet *flow)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ports *ports;

	if (at > MAX_L4_OFFSET + 8)
		return -1;
	if (packet->family == 4) {
		struct iphdr *ip = data + at;

		ports = (void *)(ip + 1);
		if ((void *)(ports + 1) > end || ip->ihl != 5 || ip->frag_off & bpf_htons(0x1fff))
			return -1;
		flow->dst_lo = V4_MAPPED | bpf_ntohl(ip->saddr);
		flow->src_lo = V4_MAPPED | bpf_ntohl(ip->daddr);
		flow->proto = ip->protocol;
	} else {
		struct ipv6hdr *ip = data + at;
		__be64 *addresses = (__be64 *)&ip->saddr;

		ports = (void *)(ip + 1);
		if ((void *)(ports + 1) > end)
			return -1;
		flow->dst_hi = bpf_be64_to_cpu(addresses[0]);
		flow->dst_lo = bpf_be64_to_cpu(addresses[1]);
		flow->src_hi = bpf_be64_to_cpu(addresses[2]);
		flow->src_lo = bpf_be64_to_cpu(addresses[3]);
		flow->proto = ip->nexthdr;
	}
	flow->dport = bpf_ntohs(ports->source);
	flow->sport = bpf_ntohs(ports->dest);
	return flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP ? 0 : -1;
}

/*
 * Gives an ICMP error the backend's address: its destination, and the source of the packet that it is about. All sums are
 * kept, but for the transport checksum of the packet inside, which is often cut and which nobody looks at.
 */
static __noinline int translate_error(struct xdp_md *ctx, struct packet *packet, struct redirect_state *state)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3_offset, l4 = packet->l4_offset;
	__be16 *icmp_check, new_port = bpf_htons(state->port);
	struct ports *ports;
	__u64 change;

	if (l3 > MAX_L3_OFFSET || l4 > MAX_L4_OFFSET)
		return -1;
	icmp_check = data + l4 + 2;
	if (packet->family == 4) {
		struct iphdr *outer = data + l3, *inner = data + l4 + 8;
		__be32 new = bpf_htonl((__u32)state->lo);
		__u16 check;

		ports = (void *)(inner + 1);
		if ((void *)(outer + 1) > end || (void *)(ports + 1) > end)
			return -1;
		outer->check = changed_check(outer->check, word_change(outer->daddr, new));
		outer->daddr = new;
		change = word_change(inner->saddr, new);
		check = changed_check(inner->check, change);
		change += (__u16)~inner->check + check;
		inner->check = check;
		inner->saddr = new;
	} else {
		struct ipv6hdr *outer = data + l3, *inner = data + l4 + 8;
		__be32 *daddr = (__be32 *)&outer->daddr, *saddr = (__be32 *)&inner->saddr;
		__be32 new[4] = { bpf_htonl(state->hi >> 32), bpf_htonl((__u32)state->hi), bpf_htonl(state->lo >> 32), bpf_htonl((__u32)state->lo) };

		ports = (void *)(inner + 1);
		if ((void *)(outer + 1) > end || (void *)(ports + 1) > end)
			return -1;
		change = 0;
		for (int i = 0; i < 4; i++) {
			/* The outer destination is in the pseudo-header (RFC 4443 2.3). */
			change += word_change(daddr[i], new[i]) + word_change(saddr[i], new[i]);
			daddr[i] = new[i];
			saddr[i] = new[i];
		}
	}
	change += (__u16)~ports->source + new_port;
	ports->source = new_port;
	*icmp_check = changed_check(*icmp_check, change);
	packet->dst_hi = state->hi;
	packet->dst_lo = state->lo;
	return 0;
}

/*
 * An ICMP error that is for a translated service (too big, unreachable, time exceeded) is for the backend of the connection
 * it is about: without it, path MTU discovery would fail there. Everything else is left alone: XDP_PASS.
 */
static __noinline int redirect_error(struct xdp_md *ctx, struct packet *packet, __u32 bytes, __u64 now)
{
	struct redirect_state *state = redirect_scratch();
	struct service_control *settings = service_settings();
	__u32 at = erroneous_at(packet), target, index, obstacle;
	struct packet flow = {};
	struct service *service;
	struct backend *backend;
	struct port *port;

	if (!at || !state || !settings || !settings->services || read_erroneous(ctx, packet, at, &flow))
		return XDP_PASS;
	__builtin_memset(&state->key, 0, sizeof(state->key));
	state->key.hi = flow.dst_hi;
	state->key.lo = flow.dst_lo;
	state->key.port = flow.dport;
	state->key.proto = flow.proto;
	target = service_target(&state->key);
	if (!target || packet->dst_hi != flow.dst_hi || packet->dst_lo != flow.dst_lo)
		return XDP_PASS;
	index = (target - 1) / MAX_BACKENDS;
	service = bpf_map_lookup_elem(&services, &index);
	if (!service || !(service->flags & SERVICE_TRANSLATED))
		return XDP_PASS;
	port = ingress_port(ctx, packet);
	obstacle = must_not_skip_the_stack(ctx, packet);
	backend = port && obstacle != FORWARD_ODD ? backend_of_flow(&flow, service, index, settings) : NULL;
	if (!backend || !(backend->flags & BACKEND_USED))
		return XDP_PASS;
	state->hi = backend->hi;
	state->lo = backend->lo;
	state->port = backend->port ? backend->port : flow.dport;
	if (translate_error(ctx, packet, state))
		return XDP_PASS;
	return count_result(obstacle == FORWARD_RESULTS ? send_to_backend(ctx, packet, state, backend, port) : obstacle, index, bytes, now);
}

/* Where the client of an answer believes to be talking to, into `state`. Returns 0, or -1 where the packet is no answer. */
static __always_inline int answers_as(const struct packet *packet, const struct service *service, const struct backend *backend,
				      const struct service_control *settings, struct redirect_state *state, __u32 clock)
{
	state->hi = service->hi;
	state->lo = service->lo;
	state->port = service->port ? service->port : packet->sport;
	if (settings->diverted) {
		__u64 hash = diversion_hash(settings, packet->dst_hi, packet->dst_lo, packet->dport, backend, packet->sport, packet->proto);
		__u32 index = hash & (DIVERSIONS - 1);
		struct diversion *slot = bpf_map_lookup_elem(&service_diversions, &index);

		if (slot) {
			__u64 was_hi = *(volatile __u64 *)&slot->hi, was_lo = *(volatile __u64 *)&slot->lo;
			__u64 word = *(volatile __u64 *)&slot->word;

			if (word && (*(volatile __u64 *)&slot->check ^ was_hi ^ was_lo ^ word) == hash &&
			    ((clock - (__u32)(word >> 32)) & FLOW_SEEN_MASK) < FLOW_IDLE_S) {
				state->hi = was_hi;
				state->lo = was_lo;
				state->port = word;
				return 0;
			}
		}
	}
	/* Without a port, only the flow tells an answer from a connection that the container opened itself. */
	if (!service->port) {
		__u64 hash = connection_hash(settings->key, packet->dst_hi, packet->dst_lo, service->hi, service->lo, packet->dport,
					     state->port, packet->proto);
		struct flow_line *line = flow_line(hash);
		__u32 way = 0;

		if (!line || !find_flow(line, hash, &way))
			return -1;
	}
	return 0;
}

/* Whether an answer too long for its way must come back to the container as an error: it may not be cut into fragments. */
static __always_inline int keeps_together(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3_offset;
	struct iphdr *ip;

	if (packet->family == 6 || l3 > MAX_L3_OFFSET)
		return 1;
	ip = data + l3;
	return (void *)(ip + 1) > end || ip->frag_off & bpf_htons(0x4000);
}

/*
 * The service that a packet out of a container answers for, or NO_SERVICE. Finds its way and puts the service's address
 * into it, in the frame and in `packet`: a copy taken now shows what the client will see. `send_answer` then sends it.
 */
static __noinline __u32 find_answer(struct xdp_md *ctx, struct packet *packet, __u32 bytes, __u64 now)
{
	struct redirect_state *state = redirect_scratch();
	struct service_control *settings = service_settings();
	__u32 target, index, result, slot;
	struct service *service;
	struct backend *backend;
	struct port *port;
	int code, translated;

	if (!state || !settings)
		return NO_SERVICE;
	state->ready = 0;
	if (!settings->services)
		return NO_SERVICE;
	__builtin_memset(&state->key, 0, sizeof(state->key));
	state->key.hi = packet->src_hi;
	state->key.lo = packet->src_lo;
	state->key.port = packet->fragment == FRAGMENT_NO ? packet->sport : 0;
	state->key.proto = packet->proto;
	state->key.answers = 1;
	target = service_target(&state->key);
	if (!target)
		return NO_SERVICE;
	slot = target - 1;
	index = slot / MAX_BACKENDS;
	service = bpf_map_lookup_elem(&services, &index);
	backend = bpf_map_lookup_elem(&service_backends, &slot);
	if (!service || !backend || index >= MAX_SERVICES)
		return NO_SERVICE;
	if (answers_as(packet, service, backend, settings, state, flow_clock(now)))
		return NO_SERVICE;
	port = ingress_port(ctx, packet);
	if (!port)
		return NO_SERVICE;
	count_service(index, SERVICE_RETURNED, bytes, now);
	translated = packet->src_hi != state->hi || packet->src_lo != state->lo || packet->sport != state->port;
	result = must_not_skip_the_stack(ctx, packet);
	if (result != FORWARD_RESULTS) {
		count_forward(result, bytes);
		return index;
	}
	code = find_way(ctx, packet, state, port->l3_ifindex);
	if (code == BPF_FIB_LKUP_RET_NOT_FWDED) {
		count_forward(FORWARD_LOCAL, bytes);
		return index;
	}
	if (code == BPF_FIB_LKUP_RET_FRAG_NEEDED && keeps_together(ctx, packet)) {
		count_forward(FORWARD_TOO_LONG, bytes);
		return index;
	}
	if (translated && translate(ctx, packet, state, END_SOURCE)) {
		count_forward(FORWARD_ODD, bytes);
		return index;
	}
	if (code == BPF_FIB_LKUP_RET_NO_NEIGH && translated &&
	    !neighbour(settings->key, packet->dst_hi, packet->dst_lo, NULL, state->hop.dmac)) {
		struct port_key key = { .ifindex = state->hop.ifindex, .vlan = state->hop.vlan };
		struct port *exit = bpf_map_lookup_elem(&service_ports, &key);

		if (exit) {
			__builtin_memcpy(state->hop.smac, exit->mac, 6);
			count_forward(FORWARD_LEARNED, bytes);
			code = 0;
		}
	}
	if (code) {
		count_forward(way_result(code), bytes);
		return index;
	}
	state->ready = 1;
	return index;
}

/* Sends the packet of the last `find_answer`: XDP_REDIRECT, XDP_PASS for the stack, XDP_DROP without room for a tag. */
static __noinline int send_answer(struct xdp_md *ctx, const struct packet *packet, __u32 bytes)
{
	struct redirect_state *state = redirect_scratch();
	int code;

	if (!state || !state->ready)
		return XDP_PASS;
	state->ready = 0;
	code = send_frame(ctx, packet, state);
	count_forward(code == XDP_REDIRECT ? FORWARD_FROM_SERVICE : FORWARD_NO_ROOM, bytes);
	return code;
}
