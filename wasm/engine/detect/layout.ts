// How rules lie in an image: the other side of packages/suricata-rules/src/image/layout.ts (a test compares the two). All numbers
// are u32, little-endian; offsets count from the start of the section.

/** Version of this layout; an image of another one is refused. */
export const LAYOUT_VERSION: u32 = 1;

// ---- a match: one condition on a buffer, 64 bytes
export const MATCH_BYTES: u32 = 64;
export const MATCH_CONTENT: u32 = 1;
export const MATCH_PCRE: u32 = 2;
export const MATCH_BYTE_TEST: u32 = 3;
export const MATCH_BYTE_JUMP: u32 = 4;
export const MATCH_BYTE_EXTRACT: u32 = 5;
export const MATCH_BYTE_MATH: u32 = 6;
export const MATCH_ISDATAAT: u32 = 7;
export const MATCH_SIZE: u32 = 8;
export const MATCH_BASE64_DECODE: u32 = 9;
export const MATCH_DATASET: u32 = 10;
export const MATCH_ASN1: u32 = 11;
export const MATCH_LAST: u32 = 11;

/** Flags of a match (second word). The low half is common, the high half belongs to the kind. */
export const M_NEGATED: u32 = 1;
/** Counts from the end of the match before. */
export const M_RELATIVE: u32 = 2;
/** A later condition counts from this one: it is tried again at its next occurrence when the later one fails. */
export const M_RETRY: u32 = 4;

export const C_NOCASE: u32 = 0x10000;
export const C_ENDS: u32 = 0x20000;
export const C_DEPTH: u32 = 0x40000;
export const C_DISTANCE: u32 = 0x80000;
export const C_WITHIN: u32 = 0x100000;
export const C_OFFSET_VAR: u32 = 0x200000;
export const C_DEPTH_VAR: u32 = 0x400000;
export const C_DISTANCE_VAR: u32 = 0x800000;
export const C_WITHIN_VAR: u32 = 0x1000000;
export const C_STARTS: u32 = 0x2000000;

export const B_STRING: u32 = 0x10000;
export const B_LITTLE: u32 = 0x20000;
export const B_ALIGN: u32 = 0x40000;
export const B_FROM_BEGINNING: u32 = 0x80000;
export const B_FROM_END: u32 = 0x100000;
export const B_VALUE_VAR: u32 = 0x200000;
export const B_OFFSET_VAR: u32 = 0x400000;
export const B_BYTES_VAR: u32 = 0x800000;
export const B_MASK: u32 = 0x1000000;
/** Byte order by the DCE header. */
export const B_DCE: u32 = 0x2000000;

/** Comparisons of numbers. */
export const OP_LT: u32 = 0;
export const OP_GT: u32 = 1;
export const OP_EQ: u32 = 2;
export const OP_LE: u32 = 3;
export const OP_GE: u32 = 4;
export const OP_NE: u32 = 5;
export const OP_AND: u32 = 6;
export const OP_XOR: u32 = 7;
/** Between two bounds, without them. */
export const OP_RANGE: u32 = 8;
/** Byte_math's. */
export const OP_ADD: u32 = 9;
export const OP_SUB: u32 = 10;
export const OP_MUL: u32 = 11;
export const OP_DIV: u32 = 12;
export const OP_SHL: u32 = 13;
export const OP_SHR: u32 = 14;

/** Variables that byte_extract and byte_math of one rule may set. */
export const VARIABLES: u32 = 32;

// ---- words of the section's header
export const H_VERSION: u32 = 0;
export const H_RULES: u32 = 1;
export const H_RULES_AT: u32 = 2;
export const H_INSPECTIONS: u32 = 3;
export const H_INSPECTIONS_AT: u32 = 4;
export const H_MATCHES: u32 = 5;
export const H_MATCHES_AT: u32 = 6;
export const H_CONDITIONS: u32 = 7;
export const H_CONDITIONS_AT: u32 = 8;
export const H_POSTS: u32 = 9;
export const H_POSTS_AT: u32 = 10;
export const H_LIMITS: u32 = 11;
export const H_LIMITS_AT: u32 = 12;
export const H_V4: u32 = 13;
export const H_V4_AT: u32 = 14;
export const H_V4_CLASS_AT: u32 = 15;
export const H_V6: u32 = 16;
export const H_V6_AT: u32 = 17;
export const H_V6_CLASS_AT: u32 = 18;
export const H_ADDRESS_CLASSES: u32 = 19;
export const H_ADDRESS_WORDS: u32 = 20;
export const H_ADDRESS_AT: u32 = 21;
export const H_ADDRESS_SETS: u32 = 22;
export const H_PORT_CLASS_AT: u32 = 23;
export const H_PORT_CLASSES: u32 = 24;
export const H_PORT_WORDS: u32 = 25;
export const H_PORT_AT: u32 = 26;
export const H_PORT_SETS: u32 = 27;
export const H_SLOTS: u32 = 28;
export const H_SLOTS_AT: u32 = 29;
export const H_LISTS: u32 = 30;
export const H_LISTS_AT: u32 = 31;
export const H_ALWAYS: u32 = 32;
export const H_ALWAYS_AT: u32 = 33;
export const H_IP_CLASS_AT: u32 = 34;
export const H_IP_GENERAL_AT: u32 = 35;
export const H_IP_GENERAL: u32 = 36;
export const H_EVENTS: u32 = 37;
export const H_EVENTS_AT: u32 = 38;
export const H_WANTED: u32 = 39;
export const H_STRINGS_AT: u32 = 40;
export const H_STRINGS: u32 = 41;
export const HEADER_BYTES: u32 = 256;

// ---- a rule: 24 words
export const RULE_BYTES: u32 = 96;
export const RULE_SID: u32 = 0;
export const RULE_GID: u32 = 4;
export const RULE_REV: u32 = 8;
/** Bytes: action, severity, kind, priority. */
export const RULE_ACTION: u32 = 12;
export const RULE_SEVERITY: u32 = 13;
export const RULE_KIND: u32 = 14;
export const RULE_FLAGS: u32 = 16;
/** u16 each: numbers of address and port sets. */
export const RULE_SRC: u32 = 20;
export const RULE_DST: u32 = 22;
export const RULE_SPORT: u32 = 24;
export const RULE_DPORT: u32 = 26;
/** Four protocol numbers, and how many of them count (0: all). */
export const RULE_TRANSPORTS: u32 = 28;
export const RULE_IP_VERSION: u32 = 32;
export const RULE_APP: u32 = 33;
export const RULE_DIRECTIONS: u32 = 34;
export const RULE_TRANSPORT_COUNT: u32 = 35;
export const RULE_INSPECTION_FIRST: u32 = 36;
/** u16 each. */
export const RULE_INSPECTIONS: u32 = 40;
export const RULE_CONDITIONS: u32 = 42;
export const RULE_CONDITION_FIRST: u32 = 44;
export const RULE_POST_FIRST: u32 = 48;
export const RULE_POSTS: u32 = 52;
export const RULE_LIMITS: u32 = 54;
export const RULE_LIMIT_FIRST: u32 = 56;
/** Number of the inspection that the prefilter is of, plus one. */
export const RULE_FAST: u32 = 60;
/** Bit per application protocol. */
export const RULE_PROTOCOLS: u32 = 64;
export const RULE_USED_DIRECTIONS: u32 = 68;

export const R_NOALERT: u32 = 1;
export const R_BIDIRECTIONAL: u32 = 2;
export const R_ESTABLISHED: u32 = 4;
export const R_NOT_ESTABLISHED: u32 = 8;
export const R_ONLY_STREAM: u32 = 16;
export const R_NO_STREAM: u32 = 32;
export const R_ONLY_FRAG: u32 = 64;
export const R_NO_FRAG: u32 = 128;
export const R_BYPASS: u32 = 1024;
export const R_PAYLOAD_STREAM: u32 = 2048;
export const R_PAYLOAD_PACKET: u32 = 4096;
export const R_TRANSACTIONAL: u32 = 16384;

export const ACTION_PASS: u32 = 0;
export const ACTION_DROP: u32 = 1;
export const ACTION_REJECT: u32 = 2;
export const ACTION_REJECT_DST: u32 = 3;
export const ACTION_REJECT_BOTH: u32 = 4;
export const ACTION_ALERT: u32 = 5;

export const KIND_IP: u32 = 0;
export const KIND_DECODER: u32 = 1;
export const KIND_PACKET: u32 = 2;
export const KIND_PAYLOAD: u32 = 3;
export const KIND_TRANSACTION: u32 = 4;

export const GROUP_STREAM: u32 = 0;
export const GROUP_TCP: u32 = 1;
export const GROUP_UDP: u32 = 2;
export const GROUP_ICMP: u32 = 3;
export const GROUP_OTHER: u32 = 4;
export const GROUPS: u32 = 5;

export const STAGE_START: u32 = 1;
export const STAGE_LINE: u32 = 2;
export const STAGE_HEADERS: u32 = 3;
export const STAGE_BODY: u32 = 4;
export const STAGE_TRAILER: u32 = 5;
export const STAGE_COMPLETE: u32 = 6;

// ---- an inspection: 8 words
export const INSPECTION_BYTES: u32 = 32;
/** Bytes: buffer, directions, stage, flags (1 must be absent, 2 absent or matching, 4 several instances). */
export const INSPECTION_BUFFER: u32 = 0;
export const INSPECTION_DIRECTIONS: u32 = 1;
export const INSPECTION_STAGE: u32 = 2;
export const INSPECTION_FLAGS: u32 = 3;
export const INSPECTION_MATCH_FIRST: u32 = 4;
export const INSPECTION_MATCHES: u32 = 8;
export const INSPECTION_TRANSFORMS: u32 = 12;

export const CONDITION_BYTES: u32 = 48;
export const POST_BYTES: u32 = 32;
export const LIMIT_BYTES: u32 = 32;

// ---- a slot: where the literals of one buffer are looked for, 16 words
export const SLOT_BYTES: u32 = 64;
export const SLOT_BUFFER: u32 = 0;
export const SLOT_DIRECTION: u32 = 4;
export const SLOT_TRANSFORMS: u32 = 8;
export const SLOT_LITERALS: u32 = 12;
export const SLOT_LITERALS_LEN: u32 = 16;
export const SLOT_PATTERNS: u32 = 20;
/** Pairs (start in the lists, count) by pattern. */
export const SLOT_PATTERN_TABLE: u32 = 24;
export const SLOT_DOMAINS: u32 = 28;
export const SLOT_DOMAINS_LEN: u32 = 32;
export const SLOT_NAMES: u32 = 36;
export const SLOT_NAME_TABLE: u32 = 40;
/** GROUP_ plus one for payload, else 0. */
export const SLOT_GROUP: u32 = 44;
export const SLOT_STAGE: u32 = 48;
export const SLOT_PROTOCOLS: u32 = 52;

// ---- lists of rules that are tried each time: key, start, count
export const ALWAYS_BYTES: u32 = 16;
export const ALWAYS_TRANSACTION: u32 = 0;
export const ALWAYS_PAYLOAD: u32 = 1;
export const ALWAYS_PACKET: u32 = 2;
export const ALWAYS_EVENTS: u32 = 3;

// ---- kinds of conditions
export const COND_DSIZE: u32 = 1;
export const COND_TTL: u32 = 2;
export const COND_ITYPE: u32 = 3;
export const COND_ICODE: u32 = 4;
export const COND_ICMP_ID: u32 = 5;
export const COND_ICMP_SEQ: u32 = 6;
export const COND_ICMPV6_MTU: u32 = 7;
export const COND_IP_ID: u32 = 8;
export const COND_TOS: u32 = 9;
export const COND_FRAGOFFSET: u32 = 10;
export const COND_TCP_SEQ: u32 = 11;
export const COND_TCP_ACK: u32 = 12;
export const COND_TCP_WINDOW: u32 = 13;
export const COND_TCP_MSS: u32 = 14;
export const COND_TCP_WSCALE: u32 = 15;
export const COND_FLOW_AGE: u32 = 16;
export const COND_FLOW_PKTS_TOSERVER: u32 = 17;
export const COND_FLOW_PKTS_TOCLIENT: u32 = 18;
export const COND_FLOW_BYTES_TOSERVER: u32 = 19;
export const COND_FLOW_BYTES_TOCLIENT: u32 = 20;
export const COND_FLOW_PKTS: u32 = 21;
export const COND_FLOW_BYTES: u32 = 22;
export const COND_VLAN_LAYERS: u32 = 23;
export const COND_FLAGS: u32 = 24;
export const COND_FRAGBITS: u32 = 25;
export const COND_IP_PROTO: u32 = 26;
export const COND_IPOPTS: u32 = 27;
export const COND_SAMEIP: u32 = 28;
export const COND_STREAM_SIZE: u32 = 29;
export const COND_APP_LAYER_PROTOCOL: u32 = 30;
export const COND_DECODE_EVENT: u32 = 31;
export const COND_STREAM_EVENT: u32 = 32;
export const COND_APP_LAYER_EVENT: u32 = 33;
export const COND_FLOWBITS: u32 = 34;
export const COND_XBITS: u32 = 35;
export const COND_HOSTBITS: u32 = 36;
export const COND_FLOWINT: u32 = 37;
export const COND_FTPBOUNCE: u32 = 38;
export const COND_FILESIZE: u32 = 39;
export const COND_DNS_OPCODE: u32 = 40;
export const COND_DNS_RCODE: u32 = 41;
export const COND_DNS_RRTYPE: u32 = 42;
export const COND_TLS_VERSION: u32 = 43;
export const COND_SSL_STATE: u32 = 44;
export const COND_TLS_CERT_EXPIRED: u32 = 45;
export const COND_TLS_CERT_VALID: u32 = 46;
export const COND_TLS_CERT_NOTBEFORE: u32 = 47;
export const COND_TLS_CERT_NOTAFTER: u32 = 48;
export const COND_TLS_CERT_CHAIN_LEN: u32 = 49;
export const COND_DCERPC_IFACE: u32 = 50;
export const COND_DCERPC_OPNUM: u32 = 51;
export const COND_LAST: u32 = 51;

export const POST_FLOWBITS: u32 = 1;
export const POST_XBITS: u32 = 2;
export const POST_HOSTBITS: u32 = 3;
export const POST_FLOWINT: u32 = 4;
export const POST_TAG: u32 = 5;
export const POST_BYPASS: u32 = 6;

export const LIMIT_LIMIT: u32 = 1;
export const LIMIT_THRESHOLD: u32 = 2;
export const LIMIT_BOTH: u32 = 3;
export const LIMIT_BACKOFF: u32 = 4;
export const LIMIT_DETECTION_FILTER: u32 = 5;
export const LIMIT_RATE_FILTER: u32 = 6;
export const LIMIT_SUPPRESS: u32 = 7;
export const TRACK_SRC: u32 = 1;
export const TRACK_DST: u32 = 2;
export const TRACK_BOTH: u32 = 3;
export const TRACK_RULE: u32 = 4;
export const TRACK_FLOW: u32 = 5;
export const TRACK_EITHER: u32 = 6;

export const TRANSFORM_GUNZIP: u32 = 200;
export const TRANSFORM_ZLIB: u32 = 201;
export const TRANSFORM_BASE64: u32 = 202;
