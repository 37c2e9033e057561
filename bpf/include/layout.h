// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the XDP program and the agent share: every structure that crosses between kernel and user space.
 * The agent's TypeScript offsets are compared with these through BTF by a test; change both together and
 * raise LAYOUT_VERSION, which the agent checks on pinned maps.
 */
#pragma once
#include <linux/types.h>
#include "secuxflow_abi.h"

#define LAYOUT_VERSION 2

#define MAX_RULES 131072        /* counters; rules of an image and an overlay together */
#define MAX_OVERLAY_RULES 256   /* rules that a generation holds beside its image */
#define MAX_FORWARDS 64
#define MAX_ALLOWED 64
#define POLICY_GENERATIONS 16
#define POLICY_IMAGES 3
#define SNAPLEN_MAX 9216

#define NO_IMAGE 0xffffffff
#define NO_ORDER 0xffffffffffffffffULL

enum verdict {
	VERDICT_PASS = 0,
	VERDICT_DROP,
	VERDICT_LIMIT,    /* passes within a rate, drops above it */
	VERDICT_REJECT,   /* drops and tells the sender */
	VERDICT_REDIRECT, /* passes straight to a service */
};

enum total {
	TOTAL_PASS = 0,
	TOTAL_DROP,
	TOTAL_UNPARSED,
	TOTAL_SAMPLED,
	TOTAL_RING_LOST,
	TOTAL_LIMITED,    /* of the drops: over a rate */
	TOTAL_REJECTED,   /* of the drops: answered by RST or ICMP */
	TOTAL_REDIRECTED, /* of the passes: straight to a service */
	TOTAL_CACHED,     /* verdicts taken from the flow cache */
	TOTAL_COUNT,
};

/* struct rule.needs and struct packet.known: what must have been read from the packet for the rule to match. */
enum known { KNOWN_PORTS = 1 << 0, KNOWN_TCP_FLAGS = 1 << 1, KNOWN_ICMP = 1 << 2 };

/* struct packet.fragment, and the same bits in struct detail.fragments: which of these a rule takes. */
enum fragment { FRAGMENT_NO = 1 << 0, FRAGMENT_FIRST = 1 << 1, FRAGMENT_LATER = 1 << 2, FRAGMENT_ANY = 7 };

#define VLAN_ANY 0xffff
#define VLAN_NONE 0x1000

/*
 * The part of a rule that is looked at first: one cache line. Addresses are two words in host order, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one comparison serves both families; masked-out bits are zero.
 * A rule with several port ranges stands there once for each of them; a packet matches one at most.
 */
struct rule {
	__u64 src_hi;
	__u64 src_lo;
	__u64 dst_hi;
	__u64 dst_lo;
	__u64 order;     /* priority << 32 | id: lower wins */
	__u16 sport_min; /* host order */
	__u16 sport_max;
	__u16 dport_min;
	__u16 dport_max;
	__u8 src_len;    /* prefix length over the 128 bits; an IPv4 prefix has 96 more */
	__u8 dst_len;
	__u8 proto;
	__u8 proto_mask; /* 0 any, 0xff this one */
	__u32 dead_from; /* head.sequence from which on the rule is deleted; 0 never */
};

/* What is looked at where the first part matches: rarer conditions, and what to do. */
struct detail {
	__u16 vlan;       /* id, VLAN_NONE or VLAN_ANY */
	__u16 inner_vlan;
	__u32 ifindex;    /* 0 any */
	__u16 length_min; /* IP packet */
	__u16 length_max;
	__u8 tcp_mask;    /* flags & tcp_mask == tcp_value */
	__u8 tcp_value;
	__u8 icmp_type;
	__u8 icmp_type_mask;
	__u8 icmp_code;
	__u8 icmp_code_mask;
	__u8 family;      /* 4, 6 or 0 any */
	__u8 fragments;   /* enum fragment */
	__u8 src_set;     /* 0 none, else bit index + 1 */
	__u8 dst_set;
	__u8 needs;       /* enum known */
	__u8 flags;       /* enum detail_flag */
	__u32 id;
	__u32 slot;       /* index of its counters */
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0 means never */
	__u8 verdict;     /* enum verdict */
	__u8 option;      /* enum detail_option, of the verdict */
	__u16 snaplen;    /* forwarding rule: bytes of a copy */
	__u32 target;     /* redirect: index + 1 of the service; forwarding rule: bit mask of the modules that get a copy */
	__u64 unit_ns;    /* limit: what one packet or one byte costs, nanoseconds in fixed point 32.32 */
	__u64 burst_ns;   /* limit: how much may be taken ahead */
};

enum detail_option {
	LIMIT_BYTES = 1 << 0,        /* counts bytes, not packets */
	LIMIT_PER_SOURCE = 1 << 1,
	REJECT_UNREACHABLE = 1 << 2, /* ICMP also for TCP */
};

enum detail_flag {
	DETAIL_MONITOR = 1 << 0,      /* counts, does not act */
	DETAIL_VOLATILE = 1 << 1,     /* looks at more than 5-tuple, VLAN and interface: the verdict is not for the whole flow */
	DETAIL_NEW = 1 << 2,          /* wants that no socket is established for the flow */
	DETAIL_ESTABLISHED = 1 << 3,  /* wants that one is */
	DETAIL_TO_SERVICE = 1 << 4,   /* forwarding rule: packets towards a service */
	DETAIL_FROM_SERVICE = 1 << 5, /* forwarding rule: packets from one */
	DETAIL_RARE = 1 << 6,         /* has a condition of this struct other than `needs`; without it none is looked at */
};

/* An element of a generation: one whole rule. */
struct entry {
	struct rule rule;
	struct detail detail;
	__u32 sample; /* forwarding rule: copies of 1 of `sample` flows */
	__u32 pad;
};

struct control {
	__u32 active; /* index of the generation in force */
	__u32 layout_version;
};

enum head_flag {
	HEAD_CACHE = 1 << 0,            /* the flow cache pays */
	HEAD_ESTABLISHED_PASS = 1 << 1, /* packets of established sockets pass before any rule */
	HEAD_STATE = 1 << 2,            /* a rule asks whether a socket is established */
};

/* Element 0 of a generation. Rules follow in the order they are tried, then the forwarding rules. */
struct policy_head {
	__u64 revision;
	__u32 rules;
	__u32 forwards;
	__u32 image;    /* index of the base image, or NO_IMAGE */
	__u32 sets;     /* index of the set image, or NO_IMAGE */
	__u32 sequence; /* grows with every generation; tells records of the image that are deleted */
	__u32 flags;    /* enum head_flag */
};

union policy_value {
	struct policy_head head;
	struct entry entry;
};

struct counter {
	__u64 packets;
	__u64 bytes;
	__u64 last_ns; /* CLOCK_MONOTONIC (coarse) of the newest packet */
};

/*
 * A ring-buffer record is a `struct sxf_record` of the inspection ABI (wasm/abi/secuxflow_abi.h) and `data_len` bytes
 * of the frame, so that the agent copies it into a batch as it is. Only in the ring, `stream_offset` holds the time of
 * the packet (CLOCK_MONOTONIC, ns), which the agent takes out.
 */
