// The checked form of a Suricata rule: names resolved, numbers in range, defaults filled in. What is in here can be executed;
// what cannot was refused by the compiler, by sid and with the reason.

import type { CompiledRegex } from "./regex.js";

/** What a matching rule asks for. `reject*` are drops that also send resets; who cannot send any treats them as drop. */
export type Action = "alert" | "drop" | "reject" | "rejectsrc" | "rejectdst" | "rejectboth" | "pass";

/** Inclusive range of unsigned integers; every comparison of a rule (`<`, `>`, `a<>b`, `!`) becomes one. */
export interface Range {
  min: number;
  max: number;
  /** True: matches what lies outside. */
  negated: boolean;
}

/** A number known now, or one that byte_extract or byte_math puts into a slot of the rule while it runs. */
export type Operand = number | Variable;

/** Index into the rule's variables: 0 to `Rule.variables.length - 1`. */
export interface Variable {
  variable: number;
}

/** Inclusive ranges of addresses, sorted, apart and not adjacent; negations and nested groups are already worked in. */
export interface AddressSet {
  /** Every address; the lists then hold the whole space, too. */
  any: boolean;
  v4: { from: number; to: number }[];
  v6: { from: bigint; to: bigint }[];
}

/** Inclusive ranges of ports, sorted, apart and not adjacent. */
export interface PortSet {
  any: boolean;
  ranges: { from: number; to: number }[];
}

/** First part of a rule. Shared between rules that are written alike: do not change it. */
export interface Header {
  /** As written, in lower case: `ip`, `tcp`, `tcp-pkt`, `tcp-stream`, `udp`, `icmp`, `http`, `dns` … */
  protocol: string;
  /** IP protocol numbers of packets that the rule looks at; empty for all. Application protocols give their transports. */
  transports: number[];
  /** Only this IP version, or 0. */
  ipVersion: 0 | 4 | 6;
  /** Application protocol the flow must have: PROTO_* number of the engine (see protocols.ts), or 0. */
  app: number;
  src: AddressSet;
  srcPorts: PortSet;
  dst: AddressSet;
  dstPorts: PortSet;
  /** `<>`: source and destination may be exchanged. */
  bidirectional: boolean;
  /** `=>`: the rule is about a request and its response; addresses and ports are the request's. */
  transactional: boolean;
}

/** The `flow` keyword, together with what follows from buffers that exist in one direction only. */
export interface FlowCondition {
  /** 1 to the server, 2 to the client, 3 either. */
  directions: 1 | 2 | 3;
  /** `stateless` and no keyword are both `any`. */
  state: "any" | "established" | "not_established";
  onlyStream: boolean;
  noStream: boolean;
  onlyFrag: boolean;
  noFrag: boolean;
}

/** Conditions on the packet, its flow or its headers; all of them must hold. `range` fields count as their name says. */
export type PacketCondition =
  | {
      type: "dsize" | "ttl" | "itype" | "icode" | "icmp_id" | "icmp_seq" | "icmpv6.mtu" | "ip_id" | "tos" | "fragoffset";
      range: Range;
    }
  | { type: "tcp.seq" | "tcp.ack" | "tcp.window" | "tcp.mss" | "tcp.wscale"; range: Range }
  | {
      type: "flow.age" | "flow.pkts_toserver" | "flow.pkts_toclient" | "flow.bytes_toserver" | "flow.bytes_toclient";
      range: Range;
    }
  | { type: "flow.pkts" | "flow.bytes" | "vlan.layers"; range: Range }
  /**
   * TCP flags: let f = flags & ~ignored. `equal`: f == value; `all`: (f & value) == value; `any`: (f & value) != 0;
   * `not`: (f & value) != value, and with value 0: f != 0. With value 0, `ignored` does not count.
   */
  | { type: "flags"; value: number; ignored: number; mode: "equal" | "all" | "any" | "not" }
  /** Bits: 1 more fragments, 2 don't fragment, 4 reserved; modes as with `flags`. */
  | { type: "fragbits"; value: number; mode: "equal" | "all" | "any" | "not" }
  /** Protocol number of the IP header (the last of IPv6's). */
  | { type: "ip_proto"; range: Range }
  /** IPv4 option number that must be there (`any`: 256; `lsrre` is 131, too). */
  | { type: "ipopts"; option: number }
  | { type: "sameip" }
  /** Bytes of stream seen, without SYN and FIN. `either`: one of the two; `both`: each of them. */
  | { type: "stream_size"; side: "server" | "client" | "both" | "either"; range: Range }
  /** `app`: PROTO_* number. `final`/`either` as in Suricata; `final` asks for what detection came to in the end. */
  | {
      type: "app-layer-protocol";
      app: number;
      negated: boolean;
      mode: "direction" | "final" | "either" | "to_server" | "to_client" | "original";
    }
  /** Index into DECODE_EVENTS, STREAM_EVENTS (events.ts). */
  | { type: "decode-event" | "stream-event"; event: number }
  /** Index into the events of that protocol (APP_EVENTS in events.ts). */
  | { type: "app-layer-event"; app: number; event: number }
  | {
      type: "flowbits";
      operation: "isset" | "isnotset";
      /** One of them is enough (isset) or none may be set (isnotset). */ names: string[];
    }
  | { type: "xbits"; operation: "isset" | "isnotset"; name: string; track: "ip_src" | "ip_dst" | "ip_pair" }
  | { type: "hostbits"; operation: "isset" | "isnotset"; name: string; host: "src" | "dst" | "both" }
  | { type: "flowint"; operation: "<" | "<=" | "==" | "!=" | ">=" | ">"; name: string; value: number | { name: string } }
  | { type: "flowint"; operation: "isset" | "notset"; name: string }
  /** The FTP keyword ftpbounce: PORT asks for another host than the client. */
  | { type: "ftpbounce" }
  /** Size of a file that the transaction carries. */
  | { type: "filesize"; range: Range }
  | { type: "dns.opcode" | "dns.rcode" | "dns.rrtype"; range: Range }
  | { type: "tls.version"; version: number; negated: boolean }
  | {
      type: "ssl_state";
      /** 1 client hello, 2 server hello, 4 client key exchange, 8 server key exchange, 16 unknown. */ states: number;
      negated: number;
    }
  | { type: "tls.cert_expired" | "tls.cert_valid" }
  | { type: "tls.cert_notbefore" | "tls.cert_notafter"; /** Unix seconds. */ range: Range }
  | { type: "tls.cert_chain_len"; range: Range }
  /** DCE/RPC interface as 16 bytes in the order of the text; `any_frag`. */
  | { type: "dcerpc.iface"; uuid: Uint8Array; version?: Range; anyFrag: boolean }
  | { type: "dcerpc.opnum"; ranges: Range[] };

/** What happens to a flow or a host after a match. */
export type PostAction =
  | { type: "flowbits"; operation: "set" | "unset" | "toggle"; names: string[] }
  | {
      type: "xbits";
      operation: "set" | "unset" | "toggle";
      name: string;
      track: "ip_src" | "ip_dst" | "ip_pair";
      /** Seconds. */ expire: number;
    }
  | { type: "hostbits"; operation: "set" | "unset" | "toggle"; name: string; host: "src" | "dst" | "both"; expire: number }
  | { type: "flowint"; operation: "=" | "+" | "-"; name: string; value: number | { name: string } }
  | { type: "tag"; scope: "session" | "host"; count: number; unit: "packets" | "seconds" | "bytes"; host: "src" | "dst" }
  /** Stop looking at this flow. */
  | { type: "bypass" };

export type TrackBy = "by_src" | "by_dst" | "by_both" | "by_rule" | "by_flow";

/** How often a match becomes an alert. */
export interface Threshold {
  type: "limit" | "threshold" | "both" | "backoff";
  track: TrackBy;
  count: number;
  seconds: number;
  /** Only with `backoff`: alerts at count, count × multiplier, … */
  multiplier: number;
  /** Counts only packets with a port that has not been counted yet (in Suricata for detection_filter only). */
  uniqueOn?: "src_port" | "dst_port";
}

/** Matches only from the count-th on within the seconds. */
export interface DetectionFilter {
  track: TrackBy;
  count: number;
  seconds: number;
  /** Counts only packets with a port that has not been counted yet. */
  uniqueOn?: "src_port" | "dst_port";
}

/** From a threshold.config: another action while a rate is exceeded. */
export interface RateFilter {
  track: TrackBy;
  count: number;
  seconds: number;
  newAction: "alert" | "drop" | "pass" | "reject";
  timeout: number;
}

/** From a threshold.config: no alerts for these addresses, or at all without `track`. */
export interface Suppression {
  track?: "by_src" | "by_dst" | "by_either";
  addresses?: AddressSet;
}

/** What is done to a buffer before it is matched; in order. */
export type Transform =
  | { type: "dotprefix" | "strip_whitespace" | "compress_whitespace" | "to_md5" | "to_sha1" | "to_sha256" }
  | { type: "url_decode" | "to_lowercase" | "to_uppercase" | "header_lowercase" | "strip_pseudo_headers" | "domain" | "tld" }
  | { type: "xor"; key: Uint8Array }
  | { type: "gunzip" | "zlib_deflate"; maxSize: number }
  | { type: "from_base64"; mode: "rfc4648" | "rfc2045" | "strict"; offset: number; bytes: number };

/** Bytes that must (not) be there. Positions are relative to the last match when distance or within is given. */
export interface ContentMatch {
  type: "content";
  bytes: Uint8Array;
  nocase: boolean;
  negated: boolean;
  /** Before transformation and decoding; the engine may look at the same bytes. */
  rawBytes: boolean;
  /** First position it may start at, from the start of the buffer. */
  offset?: Operand;
  /** It must end within this many bytes from `offset` (or from the start). */
  depth?: Operand;
  /** First position it may start at, from the end of the match before; may be negative. */
  distance?: Operand;
  /** It must end within this many bytes of `distance` behind the end of the match before. */
  within?: Operand;
  /** It is at the start of the buffer (`depth` and `offset` say so, too). */
  startsWith: boolean;
  /** It is at the end of the buffer. */
  endsWith: boolean;
}

/** A regular expression. */
export interface PcreMatch {
  type: "pcre";
  /** Between the slashes. */
  source: string;
  /** Flags of the expression itself: of `imsxAEG`. */
  flags: string;
  program: CompiledRegex;
  negated: boolean;
  /** Starts at the end of the match before. */
  relative: boolean;
  rawBytes: boolean;
  /** Groups that are kept: n-th group to a named flow or packet variable, or into the alert. */
  captures: { group: number; scope: "flow" | "pkt" | "alert"; name: string }[];
}

export type ByteOrder = "big" | "little" | "dce";
/** Base of a number that is written as text. */
export type TextBase = "hex" | "dec" | "oct";

/** Where a number is read, and how. */
export interface ByteSource {
  /** Bytes to read: 1 to 8, with `text` 0 to 23, where 0 stands for as many digits as there are; 0 in byte_jump: none. */
  bytes: Operand;
  offset: Operand;
  relative: boolean;
  order: ByteOrder;
  text?: TextBase;
  /** Mask on the value, which is then shifted right by the mask's trailing zeros; 0 for none. */
  bitmask: number;
}

export interface ByteTestMatch extends ByteSource {
  type: "byte_test";
  operator: "<" | ">" | "=" | "<=" | ">=" | "&" | "^";
  negated: boolean;
  value: bigint | Variable;
}

export interface ByteJumpMatch extends ByteSource {
  type: "byte_jump";
  multiplier: number;
  /** Rounds the jump up to 4. */
  align: boolean;
  /** From where the jump counts: the end of the number read, or the start or end of the buffer. */
  from: "here" | "beginning" | "end";
  postOffset: Operand;
}

export interface ByteExtractMatch extends ByteSource {
  type: "byte_extract";
  variable: number;
  multiplier: number;
  /** 0 or 2 or 4: rounds the value up. */
  align: number;
}

export interface ByteMathMatch extends ByteSource {
  type: "byte_math";
  operator: "+" | "-" | "*" | "/" | "<<" | ">>";
  operand: Operand;
  variable: number;
}

/** There is (no) byte at this position. */
export interface IsDataAtMatch {
  type: "isdataat";
  offset: Operand;
  relative: boolean;
  negated: boolean;
}

/** Length of the buffer; also made of urilen. */
export interface BsizeMatch {
  type: "bsize";
  range: Range;
}

/** Decodes base64 at this place and matches the result. */
export interface Base64Match {
  type: "base64";
  /** Bytes to decode at most, 0 for the rest. */
  bytes: number;
  offset: number;
  relative: boolean;
  /** What base64_data asks for; empty without it. */
  matches: Match[];
}

/** The buffer as a whole is (not) in a set. */
export interface DatasetMatch {
  type: "dataset";
  name: string;
  negated: boolean;
  /** How members are kept: the buffer itself, or a digest of it. */
  kind: "string" | "md5" | "sha256" | "ipv4" | "ip";
  values: Uint8Array[];
}

/** Shapes of ASN.1 data in the payload. */
export interface Asn1Match {
  type: "asn1";
  bitstringOverflow: boolean;
  doubleOverflow: boolean;
  oversizeLength?: number;
  offset: number;
  relative: boolean;
}

/** Absent: the buffer must not exist; with `orElse` the matches that follow apply when it does. */
export interface AbsentMatch {
  type: "absent";
  orElse: boolean;
}

export type Match =
  | ContentMatch
  | PcreMatch
  | ByteTestMatch
  | ByteJumpMatch
  | ByteExtractMatch
  | ByteMathMatch
  | IsDataAtMatch
  | BsizeMatch
  | Base64Match
  | DatasetMatch
  | Asn1Match
  | AbsentMatch;

/** Matches on one buffer, in the order written, which is also what "relative" refers to. All must hold on the same instance. */
export interface Inspection {
  /** Id of BUFFERS (buffers.ts). */
  buffer: number;
  /** Directions in which the buffer is looked at: 1 to the server, 2 to the client, 3 either. */
  directions: 1 | 2 | 3;
  transforms: Transform[];
  matches: Match[];
}

/** What a prefilter should look for before the rule is tried: a content of an inspection, or a part of it. */
export interface FastPattern {
  /** Index into Rule.inspections. */
  inspection: number;
  /** Index into that inspection's matches. */
  match: number;
  /** What to search: the content, or the part that `fast_pattern:offset,length` chose. */
  bytes: Uint8Array;
  nocase: boolean;
  /** The content is negated: nothing can be concluded from not finding it. Only when the rule has no other. */
  negated: boolean;
  /** `fast_pattern:only`: finding it is enough, the content need not be verified. */
  only: boolean;
  explicit: boolean;
}

/** What the rule needs to be evaluated on, in the order of cost. */
export type RuleKind =
  /** Only addresses, protocol: once for a flow and direction. */
  | "ip"
  /** Only decoder events. */
  | "decoder"
  /** Packet conditions, once a packet. */
  | "packet"
  /** Bytes of packets and/or of the stream (`Rule.payload` says which). */
  | "payload"
  /** Buffers or events of the application layer, once a transaction and progress. */
  | "transaction";

/** One executable rule. */
export interface Rule {
  file: string;
  line: number;
  gid: number;
  sid: number;
  rev: number;
  msg: string;
  action: Action;
  /** Matches without an alert (`noalert`, `flowbits:noalert`). */
  noalert: boolean;
  /** "" when there is none. */
  classtype: string;
  /** Text of the class from classification.config; EVE's alert.category. */
  category: string;
  /** 1 (worst) to 255: the rule's, or its class's, or 3. EVE's alert.severity. */
  priority: number;
  /** Of a finding: 1 to 4, the priority cut to that range. */
  severity: 1 | 2 | 3 | 4;
  /** Scheme, value and, for a scheme that reference.config knows, the address. */
  references: { scheme: string; value: string; url?: string }[];
  metadata: { key: string; value: string }[];
  target?: "src_ip" | "dest_ip";
  header: Header;
  flow: FlowCondition;
  kind: RuleKind;
  /**
   * For the buffer `payload` over TCP: whether single packets, the reassembled stream or both are searched; `none` without that
   * buffer. What is not TCP is always searched packet by packet.
   */
  payload: "none" | "packet" | "stream" | "both";
  /** All of them, in the order written. */
  conditions: PacketCondition[];
  /** Grouped by buffer, in the order in which the buffers first appear. */
  inspections: Inspection[];
  /** Names of variables, by index. */
  variables: string[];
  fastPattern?: FastPattern;
  /** Prefilter keywords on conditions, e.g. `flags:S; prefilter;`: index into conditions. */
  prefilter?: number;
  threshold?: Threshold;
  detectionFilter?: DetectionFilter;
  rateFilter?: RateFilter;
  suppressions: Suppression[];
  post: PostAction[];
  /** Keywords that were understood and change nothing here (filestore, config …). */
  ignored: string[];
}

/** Why a line of a rule file is not among the rules. */
export interface Refusal {
  file: string;
  /** Both from 1; column counts UTF-16 units. */
  line: number;
  column: number;
  /** 0 when it could not be read. */
  sid: number;
  reason: string;
  /** Broader class of the reason, for counting. */
  kind: "syntax" | "semantics" | "unsupported" | "duplicate" | "limit";
}
