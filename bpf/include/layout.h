// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the XDP program and the agent share: every structure that crosses between kernel and user space.
 * The agent's TypeScript offsets are compared with these through BTF by a test; change both together and
 * raise LAYOUT_VERSION, which the agent checks on pinned maps.
 */
#pragma once
#include <linux/types.h>
#include "secuxflow_abi.h"

#define LAYOUT_VERSION 1

#define MAX_RULES 4096
#define MAX_FORWARDS 64
#define MAX_ALLOWED 64
#define POLICY_GENERATIONS 16
#define SNAPLEN_MAX 9216

enum verdict { VERDICT_PASS = 0, VERDICT_DROP = 1, VERDICT_COUNT };

enum total { TOTAL_PASS = 0, TOTAL_DROP, TOTAL_UNPARSED, TOTAL_SAMPLED, TOTAL_RING_LOST, TOTAL_COUNT };

/* struct match.needs and struct packet.known: what must have been read from the packet for the rule to match. */
enum known { KNOWN_PORTS = 1 << 0 };

/*
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one comparison
 * serves both families. A mask of all ones wants the field, zero ignores it; masked-out bits of a field are zero.
 */
struct match {
	__u32 src[4];
	__u32 src_mask[4];
	__u32 dst[4];
	__u32 dst_mask[4];
	__u16 sport; /* host order */
	__u16 dport; /* host order */
	__u16 sport_mask;
	__u16 dport_mask;
	__u8 proto;
	__u8 proto_mask;
	__u8 family; /* 4 or 6 */
	__u8 family_mask;
	__u32 needs; /* KNOWN_PORTS where a port is named */
};

/* One filter rule, or one forwarding rule (verdict unused, modules and snaplen used). */
struct entry {
	struct match match;
	__u32 id;
	__u32 slot;         /* index of its counters */
	__u64 expires_ns;   /* CLOCK_MONOTONIC; 0 means never */
	__u32 verdict;
	__u32 modules;      /* bit mask of the modules that get a copy */
	__u32 snaplen;
	__u32 pad;
};

struct control {
	__u32 active; /* index of the generation in force */
	__u32 layout_version;
};

/* Element 0 of a policy map. Rules follow in the order they are tried, then the forwarding rules. */
struct policy_head {
	__u64 revision;
	__u32 rules;
	__u32 forwards;
};

/* An element of a policy map. */
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
