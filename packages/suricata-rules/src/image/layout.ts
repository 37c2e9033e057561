// How rules lie in the section RULES of an image; wasm/engine/detect/layout.ts is the reader's side, and a test compares the two.
// Numbers are u32, little-endian, offsets from the start of the section.

export const LAYOUT_VERSION = 1;

/** Words of the section's header: table offsets and sizes. */
export const HEADER = [
  "version", "rules", "rulesAt", "inspections", "inspectionsAt", "matches", "matchesAt", "conditions", "conditionsAt", "posts",
  "postsAt", "limits", "limitsAt", "v4", "v4At", "v4ClassAt", "v6", "v6At", "v6ClassAt", "addressClasses", "addressWords",
  "addressAt", "addressSets", "portClassAt", "portClasses", "portWords", "portAt", "portSets", "slots", "slotsAt", "lists",
  "listsAt", "always", "alwaysAt", "ipClassAt", "ipGeneralAt", "ipGeneral", "events", "eventsAt", "wanted", "stringsAt", "strings",
] as const;
export const HEADER_BYTES = 256;

export const RULE_BYTES = 96;
export const INSPECTION_BYTES = 32;
export const MATCH_BYTES = 64;
export const CONDITION_BYTES = 48;
export const POST_BYTES = 32;
export const LIMIT_BYTES = 32;
export const SLOT_BYTES = 64;
export const ALWAYS_BYTES = 16;

/** Kinds of a match. */
export const MATCH = {
  content: 1, pcre: 2, byte_test: 3, byte_jump: 4, byte_extract: 5, byte_math: 6, isdataat: 7, bsize: 8, base64: 9, dataset: 10, asn1: 11,
} as const;

/** Flags of a match: common ones, then those of contents and of byte_ keywords. */
export const M = { negated: 1, relative: 2, retry: 4 } as const;
export const C = {
  nocase: 0x10000, ends: 0x20000, depth: 0x40000, distance: 0x80000, within: 0x100000, offsetVar: 0x200000, depthVar: 0x400000,
  distanceVar: 0x800000, withinVar: 0x1000000, starts: 0x2000000,
} as const;
export const B = {
  string: 0x10000, little: 0x20000, align: 0x40000, fromBeginning: 0x80000, fromEnd: 0x100000, valueVar: 0x200000,
  offsetVar: 0x400000, bytesVar: 0x800000, mask: 0x1000000, dce: 0x2000000,
} as const;
export const OP = {
  "<": 0, ">": 1, "=": 2, "==": 2, "<=": 3, ">=": 4, "!=": 5, "&": 6, "^": 7, "+": 9, "-": 10, "*": 11, "/": 12, "<<": 13, ">>": 14,
} as const;

/** Flags of a rule. */
export const R = {
  noalert: 1, bidirectional: 2, established: 4, notEstablished: 8, onlyStream: 16, noStream: 32, onlyFrag: 64, noFrag: 128,
  /** Has more than one threshold-like limit, see the limits table. */
  limits: 256, perPacket: 512, bypass: 1024, payloadStream: 2048, payloadPacket: 4096, both: 8192, transactional: 16384,
} as const;

export const ACTION = { pass: 0, drop: 1, reject: 2, rejectsrc: 2, rejectdst: 3, rejectboth: 4, alert: 5 } as const;
export const KIND = { ip: 0, decoder: 1, packet: 2, payload: 3, transaction: 4 } as const;

/** What a list of rules without a prefilter, or a slot of payload, is for. */
export const GROUP = { stream: 0, tcp: 1, udp: 2, icmp: 3, other: 4 } as const;
export const GROUPS = 5;

/** Stages in the order in which a transaction reaches them. */
export const STAGE = { packet: 0, start: 1, line: 2, headers: 3, body: 4, trailer: 5, complete: 6 } as const;

/** Kinds of a condition. */
export const CONDITION = {
  dsize: 1, ttl: 2, itype: 3, icode: 4, icmp_id: 5, icmp_seq: 6, "icmpv6.mtu": 7, ip_id: 8, tos: 9, fragoffset: 10, "tcp.seq": 11,
  "tcp.ack": 12, "tcp.window": 13, "tcp.mss": 14, "tcp.wscale": 15, "flow.age": 16, "flow.pkts_toserver": 17,
  "flow.pkts_toclient": 18, "flow.bytes_toserver": 19, "flow.bytes_toclient": 20, "flow.pkts": 21, "flow.bytes": 22,
  "vlan.layers": 23, flags: 24, fragbits: 25, ip_proto: 26, ipopts: 27, sameip: 28, stream_size: 29, "app-layer-protocol": 30,
  "decode-event": 31, "stream-event": 32, "app-layer-event": 33, flowbits: 34, xbits: 35, hostbits: 36, flowint: 37, ftpbounce: 38,
  filesize: 39, "dns.opcode": 40, "dns.rcode": 41, "dns.rrtype": 42, "tls.version": 43, ssl_state: 44, "tls.cert_expired": 45,
  "tls.cert_valid": 46, "tls.cert_notbefore": 47, "tls.cert_notafter": 48, "tls.cert_chain_len": 49, "dcerpc.iface": 50,
  "dcerpc.opnum": 51,
} as const;

/** Kinds of what happens after a match. */
export const POST = { flowbits: 1, xbits: 2, hostbits: 3, flowint: 4, tag: 5, bypass: 6 } as const;

/** Kinds of limits. */
export const LIMIT = { limit: 1, threshold: 2, both: 3, backoff: 4, detectionFilter: 5, rateFilter: 6, suppress: 7 } as const;
export const TRACK = { by_src: 1, by_dst: 2, by_both: 3, by_rule: 4, by_flow: 5, by_either: 6 } as const;

/** Transformations beyond those of packages/rule-image: they have parameters. */
export const TRANSFORM = { gunzip: 200, zlib_deflate: 201, from_base64: 202 } as const;
