// Conditions on packet headers.

import { syntax, unsupported } from "../errors.js";
import { fastPattern } from "./content.js";
import type { Draft, Keyword } from "../draft.js";
import type { PacketCondition } from "../ir.js";
import type { RawOption } from "../raw.js";
import { parseRange, type RangeRules, splitCommas, unquote } from "../values.js";

const U8 = 255;
const U16 = 65_535;
const U32 = 0xffff_ffff;

type RangeType = Extract<PacketCondition, { range: unknown; type: string }>["type"];
type PlainRangeType = Exclude<RangeType, "stream_size" | "dcerpc.opnum">;

/** A keyword whose value is a range. */
function ranged(type: PlainRangeType, max: number, more: Partial<RangeRules> = {}): Keyword {
  return (draft, option) => {
    const range = parseRange(unquote(draft.value(option)), { what: option.name, max, ...more });
    draft.conditions.push({ type, range } as PacketCondition);
  };
}

const ICMP_TYPES = {
  "echo-reply": 0,
  "destination-unreachable": 3,
  "source-quench": 4,
  redirect: 5,
  "echo-request": 8,
  "time-exceeded": 11,
};

/** IANA names of protocol numbers, as far as rules use them. */
const IP_PROTOCOLS: Record<string, number> = {
  ip: 0,
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ggp: 3,
  ipip: 4,
  "ip-encap": 4,
  st: 5,
  tcp: 6,
  egp: 8,
  igp: 9,
  pup: 12,
  udp: 17,
  hmp: 20,
  "xns-idp": 22,
  rdp: 27,
  "iso-tp4": 29,
  dccp: 33,
  xtp: 36,
  ddp: 37,
  "idpr-cmtp": 38,
  ipv6: 41,
  "ipv6-route": 43,
  "ipv6-frag": 44,
  idrp: 45,
  rsvp: 46,
  gre: 47,
  esp: 50,
  "ipsec-esp": 50,
  ah: 51,
  "ipsec-ah": 51,
  skip: 57,
  "ipv6-icmp": 58,
  icmpv6: 58,
  "ipv6-nonxt": 59,
  "ipv6-opts": 60,
  rspf: 73,
  vmtp: 81,
  eigrp: 88,
  ospf: 89,
  ospfigp: 89,
  "ax.25": 93,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  isis: 124,
  sctp: 132,
  fc: 133,
  udplite: 136,
  "mpls-in-ip": 137,
};

const FLAG_BITS: Record<string, number> = {
  F: 0x01,
  S: 0x02,
  R: 0x04,
  P: 0x08,
  A: 0x10,
  U: 0x20,
  E: 0x40,
  C: 0x80,
  "2": 0x40,
  "1": 0x80,
  "0": 0,
};
type FlagMode = "equal" | "all" | "any" | "not";
const FLAG_MODES: Record<string, FlagMode> = { "+": "all", "*": "any", "!": "not", "-": "not" };

function letters(text: string, at: number, bits: Record<string, number>, what: string): { value: number; mode: FlagMode } {
  let value = 0;
  let mode: FlagMode = "equal";
  for (const char of text) {
    if (char === " ") continue;
    const modifier = FLAG_MODES[char];
    if (modifier !== undefined) {
      if (mode !== "equal") throw syntax(at, `${what}: only one of + * ! may be used`);
      mode = modifier;
      continue;
    }
    const bit = bits[char];
    if (bit === undefined) throw syntax(at, `${what}: "${char}" is not a flag`);
    value |= bit;
  }
  return { value, mode };
}

function flags(draft: Draft, option: RawOption): void {
  const parts = splitCommas(unquote(draft.value(option)));
  if (parts.length > 2) throw syntax(option.valueAt, "flags takes flags and, behind a comma, flags to ignore");
  const { value, mode } = letters(parts[0]!.text.toUpperCase(), parts[0]!.at, FLAG_BITS, "flags");
  const ignored = parts[1] === undefined ? 0 : letters(parts[1].text.toUpperCase(), parts[1].at, FLAG_BITS, "flags").value;
  draft.conditions.push({ type: "flags", value, ignored, mode });
}

function fragbits(draft: Draft, option: RawOption): void {
  const { text, at } = unquote(draft.value(option));
  draft.conditions.push({ type: "fragbits", ...letters(text.toUpperCase(), at, { M: 1, D: 2, R: 4 }, "fragbits") });
}

const IP_OPTIONS: Record<string, number> = {
  eol: 0,
  nop: 1,
  rr: 7,
  qs: 25,
  ts: 68,
  sec: 130,
  lsrr: 131,
  lsrre: 131,
  esec: 133,
  cipso: 134,
  satid: 136,
  ssrr: 137,
  rtralt: 148,
  any: 256,
};

function ipopts(draft: Draft, option: RawOption): void {
  const { text, at } = unquote(draft.value(option));
  const number = IP_OPTIONS[text.toLowerCase()];
  if (number === undefined) throw syntax(at, `ipopts: "${text}" is not an IP option`);
  draft.conditions.push({ type: "ipopts", option: number });
}

function tos(draft: Draft, option: RawOption): void {
  const value = unquote(draft.value(option));
  // Hexadecimal is written x1f here.
  const text = value.text.replace(/^(!?)\s*x/i, "$10x");
  draft.conditions.push({ type: "tos", range: parseRange({ text, at: value.at }, { what: "tos", max: U8 }) });
}

function streamSize(draft: Draft, option: RawOption): void {
  const parts = splitCommas(unquote(draft.value(option)));
  const side = parts[0]?.text;
  if (parts.length !== 3 || (side !== "server" && side !== "client" && side !== "both" && side !== "either")) {
    throw syntax(option.valueAt, "stream_size is written side,operator,number");
  }
  const range = parseRange({ text: `${parts[1]!.text}${parts[2]!.text}`, at: parts[1]!.at }, { what: "stream_size", max: U32 });
  draft.conditions.push({ type: "stream_size", side, range });
}

const icmpHeader = { inclusive: false };

export const PACKET: Record<string, Keyword> = {
  dsize(draft, option) {
    draft.once(option);
    ranged("dsize", U16)(draft, option);
  },
  ttl: ranged("ttl", U8, { inclusive: false }),
  itype: ranged("itype", U8, { ...icmpHeader, names: ICMP_TYPES }),
  icode: ranged("icode", U8, icmpHeader),
  icmp_id: ranged("icmp_id", U16),
  icmp_seq: ranged("icmp_seq", U16),
  "icmpv6.mtu": ranged("icmpv6.mtu", U32),
  id: ranged("ip_id", U16),
  tos,
  fragoffset: ranged("fragoffset", U16),
  fragbits,
  flags,
  "tcp.flags": flags,
  seq: ranged("tcp.seq", U32),
  "tcp.seq": ranged("tcp.seq", U32),
  ack: ranged("tcp.ack", U32),
  "tcp.ack": ranged("tcp.ack", U32),
  window: ranged("tcp.window", U16),
  "tcp.window": ranged("tcp.window", U16),
  "tcp.mss": ranged("tcp.mss", U16),
  "tcp.wscale": ranged("tcp.wscale", U8),
  ip_proto: ranged("ip_proto", U8, { names: IP_PROTOCOLS }),
  ipopts,
  sameip(draft, option) {
    draft.noValue(option);
    draft.conditions.push({ type: "sameip" });
  },
  stream_size: streamSize,
  "flow.age": ranged("flow.age", U32),
  "flow.pkts": ranged("flow.pkts", U32),
  "flow.pkts_toserver": ranged("flow.pkts_toserver", U32),
  "flow.pkts_toclient": ranged("flow.pkts_toclient", U32),
  "flow.bytes": ranged("flow.bytes", Number.MAX_SAFE_INTEGER),
  "flow.bytes_toserver": ranged("flow.bytes_toserver", Number.MAX_SAFE_INTEGER),
  "flow.bytes_toclient": ranged("flow.bytes_toclient", Number.MAX_SAFE_INTEGER),
  "vlan.layers": ranged("vlan.layers", 3),
  filesize: ranged("filesize", Number.MAX_SAFE_INTEGER),
  prefilter(draft, option) {
    draft.noValue(option);
    // Behind a content, it is fast_pattern.
    if (draft.conditions.length === 0) fastPattern(draft, option);
    else draft.prefilter = draft.conditions.length - 1;
  },
};
const REFUSED =
  "geoip iprep lua luajit filemd5 filesha1 filesha256 filemagic file.magic vlan.id vlan frame flowvar pktvar rpc entropy nfq_set_mark " +
  "ftpdata_command ftp.mode ftp.dynamic_port ftp.reply_received smb.version flow.rate flow.elephant";
for (const name of REFUSED.split(" ")) {
  PACKET[name] ??= (_draft, option): void => {
    throw unsupported(option.at, `${option.name} is not supported`);
  };
}
