// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the agent tells the program about services, and the look-ups: which service a packet is for, which backend of it
 * gets the packet, and which service an answer comes from.
 *
 * Everything but the keys lies in mapped arrays. What a packet may be reading is not written: the agent fills a spare
 * next hop or Maglev table, stores its index, and uses the old one again after an RCU grace period.
 */
#pragma once
#include "layout.h"
#include "maglev.h"
#include "maps.h"
#include "parse.h"

#define MAX_HOPS 4096
#define NO_SERVICE 0xffffffff

/*
 * An address with a port and protocol, or (both 0) the address itself. `answers` is 0 for where packets are sent to, 1
 * for where they come from. Addresses are two words in host order, as in struct rule.
 */
struct service_key {
	__u64 hi;
	__u64 lo;
	__u16 port; /* host order */
	__u8 proto;
	__u8 answers;
	__u32 pad;
};

enum service_match_flag {
	MATCH_PORTS = 1 << 0,     /* the address has keys with ports */
	MATCH_PROTOCOLS = 1 << 1, /* ... and keys with a protocol and no port */
};

struct service_match {
	__u32 target; /* 0 none; else service * MAX_BACKENDS + backend + 1 (towards services: backend is 0) */
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, struct service_match);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} service_keys SEC(".maps");

enum service_flag {
	SERVICE_TRANSLATED = 1 << 0, /* a backend has another address or port */
	SERVICE_TRACKED = 1 << 1,    /* flows are kept: several backends, or no port that tells answers */
};

struct service {
	__u64 hi;      /* its address */
	__u64 lo;
	__u16 port;    /* host order, 0 any */
	__u8 proto;    /* 0 any */
	__u8 family;
	__u32 flags;   /* enum service_flag */
	__u32 table;   /* of service_tables, or NO_TABLE: all to `backend` */
	__u32 backend; /* index within the service; MAX_BACKENDS: none, the stack decides */
	__u32 modules; /* that inspect both directions */
	__u32 snaplen;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct service);
	__uint(map_flags, BPF_F_MMAPABLE);
} services SEC(".maps");

enum backend_flag {
	BACKEND_USED = 1 << 0,
	BACKEND_UP = 1 << 1, /* gets new connections */
};

/* Element service * MAX_BACKENDS + backend. While a slot is used, address and port stay; then the generation grows. */
struct backend {
	__u64 hi;
	__u64 lo;
	__u16 port;       /* host order; 0: the packet's own */
	__u16 generation; /* never 0 */
	__u32 flags;      /* enum backend_flag */
	__u32 hop;        /* index + 1 of its next hop; 0: the FIB knows */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES * MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
	__uint(map_flags, BPF_F_MMAPABLE);
} service_backends SEC(".maps");

/* How a container is reached: the interface that takes the frame, and the two addresses of the frame. */
struct hop {
	__u32 ifindex;
	__u16 mtu;  /* IP packet */
	__u16 vlan; /* tag to put on, or VLAN_NONE */
	__u8 dmac[6];
	__u8 smac[6];
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_HOPS);
	__type(key, __u32);
	__type(value, struct hop);
	__uint(map_flags, BPF_F_MMAPABLE);
} service_hops SEC(".maps");

struct service_control {
	__u64 key[2]; /* of connection_hash; random, and kept, or connections would move at a restart */
	__u32 services; /* 0: no look-ups */
	__u32 diverted; /* set by the program once a rule has redirected a packet from elsewhere to a service */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct service_control);
	__uint(map_flags, BPF_F_MMAPABLE);
} service_control SEC(".maps");

enum service_count {
	SERVICE_REDIRECTED = 0, /* sent straight to a backend */
	SERVICE_STACK,          /* left to the stack */
	SERVICE_RETURNED,       /* answers */
	SERVICE_FLOWS,          /* flows that were given a backend */
	SERVICE_COUNTS,
};

/* Element service * SERVICE_COUNTS + enum service_count. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_SERVICES * SERVICE_COUNTS);
	__type(key, __u32);
	__type(value, struct counter);
} service_counters SEC(".maps");

static __always_inline struct service_control *service_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&service_control, &zero);
}

static __always_inline void count_service(__u32 service, __u32 what, __u32 bytes, __u64 now)
{
	count(&service_counters, service * SERVICE_COUNTS + what, bytes, now);
}

/* The target of an end of a packet: of its port where the service has one, else of its address. 0: none. */
static __noinline __u32 service_target(struct service_key *key)
{
	__u16 port = key->port;
	__u8 proto = key->proto;
	struct service_match *match;
	__u32 whole, flags;

	key->port = 0;
	key->proto = 0;
	match = bpf_map_lookup_elem(&service_keys, key);
	if (!match)
		return 0;
	whole = match->target;
	flags = match->flags;
	key->proto = proto;
	if (flags & MATCH_PORTS && port) {
		key->port = port;
		match = bpf_map_lookup_elem(&service_keys, key);
		if (match)
			return match->target;
		key->port = 0;
	}
	if (flags & MATCH_PROTOCOLS) {
		match = bpf_map_lookup_elem(&service_keys, key);
		if (match)
			return match->target;
	}
	return whole;
}

/*
 * The service a packet is for, or NO_SERVICE. `wanted` is the target of a redirecting rule (index + 1), or 0: then the
 * packet's destination decides. Fragments of a service with a port have no answer here: the stack puts them together.
 */
static __always_inline __u32 service_of(const struct packet *packet, __u32 wanted)
{
	struct service_control *settings;
	struct service_key key = {};
	__u32 target;

	if (wanted)
		return wanted - 1 < MAX_SERVICES ? wanted - 1 : NO_SERVICE;
	settings = service_settings();
	if (!settings || !settings->services)
		return NO_SERVICE;
	key.hi = packet->dst_hi;
	key.lo = packet->dst_lo;
	key.port = packet->fragment == FRAGMENT_NO ? packet->dport : 0;
	key.proto = packet->proto;
	target = service_target(&key);
	return target ? (target - 1) / MAX_BACKENDS : NO_SERVICE;
}

/* Adds what a service wants inspected to the modules and the length of a copy. */
static __always_inline void inspect_service(__u32 index, __u32 *modules, __u32 *snaplen)
{
	struct service *service = bpf_map_lookup_elem(&services, &index);

	if (!service || !service->modules)
		return;
	*modules |= service->modules;
	if (service->snaplen > *snaplen)
		*snaplen = service->snaplen;
}
