// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the parts of the first line of defence share: their configuration, their counters, and the hash of a source.
 *
 * The configuration is swapped whole: the agent writes the spare half of `defence`, then turns `active`; a packet reads
 * `active` once. The agent waits for an RCU grace period before it writes the half that it left.
 */
#pragma once
#include "layout.h"
#include "flow_hash.h"
#include "parse.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * A function of its own, checked by the verifier once and not for every path that leads to it. Its pointers may be NULL,
 * for all that the verifier knows.
 */
#define SEPARATE __attribute__((noinline))

enum tcp_flag { TCP_FIN = 1 << 0, TCP_SYN = 1 << 1, TCP_RST = 1 << 2, TCP_ACK = 1 << 4 };

enum syn_mode { SYN_OFF = 0, SYN_ON, SYN_AUTO };

/* Rates are pairs: what one costs, in ns of fixed point 32.32, and how many ns may be owed. */
struct protection {
	__u32 syn_mode;       /* enum syn_mode */
	__u32 syn_window_on;  /* SYNs in one window that turn automatic protection on */
	__u32 syn_window_off; /* as many keep it on */
	__u32 top_on;         /* top talkers are counted */
	__u64 source_unit_ns; /* a packet of any one source; 0 no limit */
	__u64 source_burst_ns;
	__u64 answer_unit_ns; /* an answer to a rejected packet; 0 no limit */
	__u64 answer_burst_ns;
};

struct defence {
	__u32 active; /* 0 or 1 */
	__u32 pad;
	struct protection halves[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct defence);
	__uint(map_flags, BPF_F_MMAPABLE);
} defence SEC(".maps");

enum defence_count {
	DEFENCE_SYNS = 0,       /* SYNs seen while protection is on or automatic */
	DEFENCE_COOKIES,        /* SYNs answered with a cookie */
	DEFENCE_NO_LISTENER,    /* SYNs under attack left to the stack: no known address, or no listening socket */
	DEFENCE_NO_COOKIE,      /* ... the kernel gave no cookie (sysctl tcp_syncookies, queue not full), or odd headers */
	DEFENCE_ACK_VALID,      /* ACKs that carried a valid cookie */
	DEFENCE_ACK_INVALID,    /* ACKs dropped: no connection, no valid cookie */
	DEFENCE_SOURCE_LIMITED, /* packets over the per-source limit */
	DEFENCE_EVICTED,        /* per-source cells lost while something was owed */
	DEFENCE_CONTENDED,      /* packets that no limit could be charged for: other CPUs were faster every time */
	DEFENCE_RESETS,         /* rejected packets answered by RST */
	DEFENCE_UNREACHABLES,   /* ... by ICMP */
	DEFENCE_SILENT,         /* ... that must not, or cannot, be answered */
	DEFENCE_OVER_RATE,      /* ... not answered: too many answers */
	DEFENCE_ESTABLISHED,    /* packets that passed before the rules: their connection exists */
	DEFENCE_COUNT,
};

struct tally {
	__u64 packets;
	__u64 bytes; /* IP packets, header and payload */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DEFENCE_COUNT);
	__type(key, __u32);
	__type(value, struct tally);
} defence_counters SEC(".maps");

/* What all CPUs share: written by packets, read by the agent. */
struct defence_state {
	__u64 answers_due;      /* limit cell (limit.h) of the answers to rejected packets */
	__u64 syn_window;       /* number of the window << 32 | SYNs seen in it */
	__u64 syn_active_until; /* CLOCK_MONOTONIC, ns: automatic protection is on */
	__u64 syn_turned_on;    /* how often it was turned on */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct defence_state);
} defence_state SEC(".maps");

/* Random, set by the agent at every load: who does not know it cannot choose addresses that meet in one set. */
const volatile __u64 defence_seed = 0;

static __always_inline void count_defence(__u32 index, const struct packet *packet)
{
	struct tally *tally = bpf_map_lookup_elem(&defence_counters, &index);

	if (!tally)
		return;
	tally->packets++;
	tally->bytes += packet->length;
}

/* The configuration in force; NULL never happens, but the verifier does not know. */
static __always_inline const struct protection *protection_in_force(void)
{
	__u32 zero = 0;
	struct defence *both = bpf_map_lookup_elem(&defence, &zero);

	if (!both)
		return NULL;
	return &both->halves[*(volatile __u32 *)&both->active & 1];
}

static __always_inline struct defence_state *shared_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&defence_state, &zero);
}

/* Seeded hash of two words and a salt. Set-index and tag of the tables are parts of it. */
static __always_inline __u64 seeded_hash(__u64 hi, __u64 lo, __u32 salt)
{
	__u64 h = (lo ^ defence_seed) * SXF_HASH_K1;

	h ^= h >> 32;
	h = (h + hi) * SXF_HASH_K2;
	h ^= h >> 29;
	h = (h + salt + (defence_seed >> 32)) * SXF_HASH_K3;
	h ^= h >> 32;
	h *= SXF_HASH_K1;
	return h ^ (h >> 29);
}
