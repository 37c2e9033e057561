// Conditions of a rule that are not on a buffer: on the packet, its flow, what is known of hosts, and numbers of a transaction.

import { dcerpcInterface, dcerpcOpnum } from "../app/dcerpc";
import { AppConn, AppTx } from "../app/conn";
import { dnsOpcode, dnsRcode, dnsRrtype } from "../app/dns";
import { File, fileAt } from "../app/file";
import { ftpDynamicAddress } from "../app/ftp";
import { tlsChainLen, tlsNotAfter, tlsNotBefore, tlsStates, tlsVersion } from "../app/tls-buffers";
import {
  PROTO_DNS, PROTO_DCERPC, PROTO_FAILED, PROTO_FTP, PROTO_HTTP, PROTO_SMB, PROTO_TLS, PROTO_UNKNOWN, Tx,
} from "../core/tx";
import { hasEvent, STREAM_EVENT_BASE } from "../decode/events";
import {
  Packet, PF_DF, PF_ESTABLISHED, PF_FRAGMENT, PF_MF, PF_REASSEMBLED, PF_RESERVED_BIT, TCPOPT_MSS, TCPOPT_WSCALE,
} from "../decode/packet";
import { FF_ESTABLISHED_SEEN, Flow } from "../flow/flow";
import { HttpFile, messageOf } from "../http/types";
import { streamSize } from "../tcp/window";
import {
  barePacket, destinationAddress, direction, directionless, flow, now, packet, proto, sourceAddress, state,
} from "./context";
import { FlowState, hasBit, intOf } from "./flow-state";
import { hostBit, hostKey } from "./host-bits";
import { inRange } from "./inspect";
import {
  CONDITION_BYTES, COND_APP_LAYER_EVENT, COND_APP_LAYER_PROTOCOL, COND_DCERPC_IFACE, COND_DCERPC_OPNUM, COND_DECODE_EVENT,
  COND_DNS_OPCODE, COND_DNS_RCODE, COND_DNS_RRTYPE, COND_DSIZE, COND_FILESIZE, COND_FLAGS, COND_FLOWBITS, COND_FLOWINT,
  COND_FLOW_AGE, COND_FLOW_BYTES, COND_FLOW_BYTES_TOCLIENT, COND_FLOW_BYTES_TOSERVER, COND_FLOW_PKTS, COND_FLOW_PKTS_TOCLIENT,
  COND_FLOW_PKTS_TOSERVER, COND_FRAGBITS, COND_FRAGOFFSET, COND_FTPBOUNCE, COND_HOSTBITS, COND_ICMPV6_MTU, COND_ICMP_ID,
  COND_ICMP_SEQ, COND_ICODE, COND_IPOPTS, COND_IP_ID, COND_IP_PROTO, COND_ITYPE, COND_SAMEIP, COND_SSL_STATE, COND_STREAM_EVENT,
  COND_STREAM_SIZE, COND_TCP_ACK, COND_TCP_MSS, COND_TCP_SEQ, COND_TCP_WINDOW, COND_TCP_WSCALE, COND_TLS_CERT_CHAIN_LEN,
  COND_TLS_CERT_EXPIRED, COND_TLS_CERT_NOTAFTER, COND_TLS_CERT_NOTBEFORE, COND_TLS_CERT_VALID, COND_TLS_VERSION, COND_TOS,
  COND_TTL, COND_VLAN_LAYERS, COND_XBITS, RULE_CONDITIONS, RULE_CONDITION_FIRST, RULE_DIRECTIONS, RULE_FLAGS, R_ESTABLISHED,
  R_NOT_ESTABLISHED, R_NO_FRAG, R_NO_STREAM, R_ONLY_FRAG, R_ONLY_STREAM,
} from "./layout";
import { conditionsAt, section } from "./rules";

/** The transaction that is being looked at, or 0. */
export let currentTx: usize = 0;
/** The bytes being looked at are of a reassembled stream. */
export let inStream: bool = false;

export function setCurrentTx(tx: usize): void {
  currentTx = tx;
}
export function setInStream(stream: bool): void {
  inStream = stream;
}

/** `flow:` of the rule: direction, state, and what the data comes from. */
export function flowHolds(rule: usize): bool {
  const directions: u32 = load<u8>(rule + RULE_DIRECTIONS);
  if ((directions & (1 << direction)) == 0 && !directionless) return false;
  const flags = load<u32>(rule + RULE_FLAGS);
  if ((flags & (R_ESTABLISHED | R_NOT_ESTABLISHED | R_ONLY_STREAM | R_NO_STREAM | R_ONLY_FRAG | R_NO_FRAG)) == 0) {
    return directions == 3 || !directionless;
  }
  const hasFlow = changetype<usize>(flow) != 0;
  if ((flags & R_ESTABLISHED) != 0 && !(hasFlow && established())) return false;
  if ((flags & R_NOT_ESTABLISHED) != 0 && hasFlow && established()) return false;
  if ((flags & R_ONLY_STREAM) != 0 && !inStream) return false;
  if ((flags & R_NO_STREAM) != 0 && inStream) return false;
  const made = changetype<usize>(packet) != 0 && (packet.flags & (PF_REASSEMBLED | PF_FRAGMENT)) != 0;
  if ((flags & R_ONLY_FRAG) != 0 && !made) return false;
  if ((flags & R_NO_FRAG) != 0 && made) return false;
  return directions == 3 || !directionless;
}

function established(): bool {
  if (barePacket && changetype<usize>(packet) != 0) return (packet.flags & PF_ESTABLISHED) != 0;
  return (flow.flags & FF_ESTABLISHED_SEEN) != 0;
}

/** Whether all conditions of the rule hold now. */
export function conditionsHold(rule: usize): bool {
  const n: u32 = load<u16>(rule + RULE_CONDITIONS);
  let at = conditionsAt + <usize>load<u32>(rule + RULE_CONDITION_FIRST) * CONDITION_BYTES;
  for (let i: u32 = 0; i < n; i++, at += CONDITION_BYTES) if (!holds(at)) return false;
  return true;
}

function holds(at: usize): bool {
  const type = load<u32>(at);
  if (type == COND_FLOWBITS) return flowbits(at);
  if (type <= COND_TCP_WSCALE || (type >= COND_VLAN_LAYERS && type <= COND_SAMEIP)) return onPacket(type, at);
  if (type <= COND_FLOW_BYTES) return onFlow(type, at);
  if (type == COND_STREAM_SIZE) return sizeOfStream(at);
  if (type == COND_APP_LAYER_PROTOCOL) return spoken(at);
  if (type == COND_DECODE_EVENT) return changetype<usize>(packet) != 0 && hasEvent(packet, load<u32>(at, 8));
  if (type == COND_STREAM_EVENT) return changetype<usize>(packet) != 0 && hasEvent(packet, STREAM_EVENT_BASE + load<u32>(at, 8));
  if (type == COND_APP_LAYER_EVENT) return appEvent(load<u32>(at, 8), load<u32>(at, 12));
  if (type == COND_XBITS || type == COND_HOSTBITS) return hostBitHolds(type, at);
  if (type == COND_FLOWINT) return flowint(at);
  return onTransaction(type, at);
}

function onPacket(type: u32, at: usize): bool {
  if (changetype<usize>(packet) == 0) return false;
  const p = packet;
  if (type == COND_DSIZE) return inRange(at, p.payloadLen);
  if (type == COND_FLAGS) return proto == 6 && p.l4 != 0 && bits(load<u32>(at, 4), p.tcpFlags & ~load<u32>(at, 12), load<u32>(at, 8));
  if (type == COND_TTL) return p.family != 0 && inRange(at, p.ttl);
  if (type == COND_ITYPE) return isIcmp(p) && inRange(at, p.icmpType);
  if (type == COND_ICODE) return isIcmp(p) && inRange(at, p.icmpCode);
  if (type == COND_ICMP_ID) return isIcmp(p) && hasId(p) && inRange(at, p.icmpId);
  if (type == COND_ICMP_SEQ) return isIcmp(p) && hasId(p) && inRange(at, p.icmpSeq);
  if (type == COND_ICMPV6_MTU) {
    return p.proto == 58 && p.l4 != 0 && p.icmpType == 2 && p.l4 + 8 <= p.ip + p.ipLen && inRange(at, bswap<u32>(load<u32>(p.l4 + 4)));
  }
  if (type == COND_IP_ID) return p.family == 4 && inRange(at, p.ipId);
  if (type == COND_TOS) return p.family != 0 && inRange(at, p.tos);
  if (type == COND_FRAGOFFSET) return p.family != 0 && inRange(at, p.fragOffset >>> 3);
  if (type == COND_IP_PROTO) return p.family != 0 && inRange(at, p.proto);
  if (type == COND_SAMEIP) return p.family != 0 && p.src0 == p.dst0 && p.src1 == p.dst1;
  if (type == COND_FRAGBITS) {
    const set = ((p.flags & PF_MF) != 0 ? 1 : 0) | ((p.flags & PF_DF) != 0 ? 2 : 0) | ((p.flags & PF_RESERVED_BIT) != 0 ? 4 : 0);
    return p.family == 4 && bits(load<u32>(at, 4), set, load<u32>(at, 8));
  }
  if (type == COND_IPOPTS) return ipOption(p, load<u32>(at, 8));
  if (type == COND_VLAN_LAYERS) return inRange(at, p.vlans);
  if (p.proto != 6 || p.l4 == 0) return false;
  if (type == COND_TCP_SEQ) return inRange(at, p.tcpSeq);
  if (type == COND_TCP_ACK) return inRange(at, p.tcpAck);
  if (type == COND_TCP_WINDOW) return inRange(at, p.tcpWindow);
  if (type == COND_TCP_MSS) return (p.tcpOptions & TCPOPT_MSS) != 0 && inRange(at, p.tcpMss);
  if (type == COND_TCP_WSCALE) return (p.tcpOptions & TCPOPT_WSCALE) != 0 && inRange(at, p.tcpWscale);
  return false;
}

/** Flags as `flags` and `fragbits` compare them: equal, all of them, any of them, none of them. */
function bits(mode: u32, have: u32, wanted: u32): bool {
  if (mode == 0) return have == wanted;
  if (mode == 1) return (have & wanted) == wanted;
  if (mode == 2) return (have & wanted) != 0;
  return (have & wanted) == 0;
}

function isIcmp(p: Packet): bool {
  return (p.proto == 1 || p.proto == 58) && p.l4 != 0;
}

/** Echo and the like: messages with an identifier and a sequence number. */
function hasId(p: Packet): bool {
  const t = p.icmpType;
  return p.proto == 58 ? t == 128 || t == 129 : t == 0 || t == 8 || (t >= 13 && t <= 18);
}

/** Bits of Packet.ipOptions by option number (see decode/packet.ts). */
function ipOption(p: Packet, option: u32): bool {
  if (p.family != 4) return false;
  if (option == 256) return p.ipOptions != 0;
  let bit: u32 = 0;
  if (option == 0) bit = 1;
  else if (option == 1) bit = 2;
  else if (option == 7) bit = 4;
  else if (option == 68) bit = 8;
  else if (option == 130) bit = 16;
  else if (option == 133) bit = 32;
  else if (option == 131) bit = 64;
  else if (option == 137) bit = 128;
  else if (option == 136) bit = 256;
  else if (option == 134) bit = 512;
  else if (option == 25) bit = 1024;
  else if (option == 148) bit = 2048;
  return (p.ipOptions & bit) != 0;
}

function onFlow(type: u32, at: usize): bool {
  if (changetype<usize>(flow) == 0) return false;
  const f = flow;
  if (type == COND_FLOW_AGE) return inRange(at, (f.lastNs - f.startNs) / 1000000000);
  if (type == COND_FLOW_PKTS_TOSERVER) return inRange(at, f.packetsToServer);
  if (type == COND_FLOW_PKTS_TOCLIENT) return inRange(at, f.packetsToClient);
  if (type == COND_FLOW_BYTES_TOSERVER) return inRange(at, f.bytesToServer);
  if (type == COND_FLOW_BYTES_TOCLIENT) return inRange(at, f.bytesToClient);
  if (type == COND_FLOW_PKTS) return inRange(at, f.packetsToServer + f.packetsToClient);
  return inRange(at, f.bytesToServer + f.bytesToClient);
}

function sizeOfStream(at: usize): bool {
  if (changetype<usize>(flow) == 0 || flow.session == 0) return false;
  const side = load<u32>(at, 8);
  // "server" means what the server has sent.
  const client = inRange(at, streamSize(flow, 0));
  const server = inRange(at, streamSize(flow, 1));
  if (side == 0) return server;
  if (side == 1) return client;
  return side == 2 ? client && server : client || server;
}

function spoken(at: usize): bool {
  if (changetype<usize>(flow) == 0) return false;
  const wanted = <u8>load<u32>(at, 8);
  const mode = load<u32>(at, 12);
  const negated = (load<u32>(at, 4) & 1) != 0;
  if (mode == 2) {
    if (flow.appToServer == PROTO_UNKNOWN && flow.appToClient == PROTO_UNKNOWN) return wanted == PROTO_UNKNOWN && !negated;
    return (flow.appToServer == wanted || flow.appToClient == wanted) != negated;
  }
  let have = flow.app;
  if (mode == 3 || (mode == 0 && direction == 0)) have = flow.appToServer;
  else if (mode == 4 || mode == 0) have = flow.appToClient;
  else if (mode == 5 && state != 0 && changetype<FlowState>(state).app != 0) {
    const before = changetype<AppConn>(changetype<FlowState>(state).app).protoBefore;
    have = before == PROTO_UNKNOWN ? flow.app : before;
  }
  if (have == PROTO_UNKNOWN && wanted != PROTO_UNKNOWN) return false;
  if (wanted == PROTO_FAILED) return (have == PROTO_FAILED) != negated;
  return (have == wanted) != negated;
}

function appEvent(event: u32, app: u32): bool {
  if (app != 0) {
    return currentTx != 0 && <u32>changetype<Tx>(currentTx).proto == app && ((changetype<Tx>(currentTx).events >> event) & 1) != 0;
  }
  if (state == 0) return false;
  const conn = changetype<FlowState>(state).app;
  return conn != 0 && ((changetype<AppConn>(conn).events >> event) & 1) != 0;
}

function flowbits(at: usize): bool {
  const names = section + load<u32>(at, 8);
  const count = load<u32>(at, 12);
  const absent = (load<u32>(at, 4) & 1) != 0;
  if (changetype<usize>(flow) == 0) return false;
  for (let i: u32 = 0; i < count; i++) if (hasBit(state, load<u32>(names + (<usize>i << 2)))) return !absent;
  return absent;
}

/** Key of a bit on the source (0), the destination (1) or both. */
export function hostBitKey(type: u32, hash: u32, where: u32): u64 {
  const kind: u32 = type == COND_XBITS ? where : where == 2 ? 2 : 3;
  if (where == 2) return hostKey(hash, kind, sourceAddress(), destinationAddress());
  return hostKey(hash, kind, where == 0 ? sourceAddress() : destinationAddress(), 0);
}

function hostBitHolds(type: u32, at: usize): bool {
  return hostBit(hostBitKey(type, load<u32>(at, 8), load<u32>(at, 12)), now) != ((load<u32>(at, 4) & 1) != 0);
}

function flowint(at: usize): bool {
  const value = intOf(state, load<u32>(at, 8));
  const op = load<u32>(at, 12);
  if (op == 6) return value >= 0;
  if (op == 7) return value < 0;
  let wanted = <i64>load<u32>(at, 16);
  if (load<u32>(at, 20) != 0) wanted = intOf(state, load<u32>(at, 16));
  if (value < 0 || wanted < 0) return false;
  if (op == 0) return value < wanted;
  if (op == 1) return value <= wanted;
  if (op == 2) return value == wanted;
  if (op == 3) return value != wanted;
  if (op == 4) return value >= wanted;
  return value > wanted;
}

function onTransaction(type: u32, at: usize): bool {
  if (currentTx == 0) return false;
  const p = changetype<Tx>(currentTx).proto;
  if (type == COND_FILESIZE) return anyFile(at, p);
  if (p == PROTO_DNS) {
    if (type == COND_DNS_OPCODE) return inRange(at, <u64>dnsOpcode(currentTx));
    if (type == COND_DNS_RCODE) return dnsRcode(currentTx) >= 0 && inRange(at, <u64>dnsRcode(currentTx));
    if (type == COND_DNS_RRTYPE) {
      for (let i: u32 = 0; i < 64; i++) {
        const value = dnsRrtype(currentTx, i);
        if (value < 0) return false;
        if (inRange(at, <u64>value)) return true;
      }
    }
    return false;
  }
  if (p == PROTO_TLS) return onTls(type, at);
  if (type == COND_FTPBOUNCE) return p == PROTO_FTP && bounces();
  if (p != PROTO_DCERPC && p != PROTO_SMB) return false;
  if (type == COND_DCERPC_OPNUM) {
    const value = dcerpcOpnum(currentTx);
    const ranges = section + load<u32>(at, 8);
    for (let i: u32 = 0; i < load<u32>(at, 12); i++) {
      const entry = ranges + i * 12;
      const inside = value >= 0 && <u32>value >= load<u32>(entry) && <u32>value <= load<u32>(entry, 4);
      if (inside != (load<u32>(entry, 8) != 0)) return value >= 0;
    }
    return false;
  }
  if (type == COND_DCERPC_IFACE) {
    const iface = dcerpcInterface(currentTx);
    if (iface == 0 || memory.compare(iface, section + load<u32>(at, 8), 16) != 0) return false;
    return (load<u32>(at, 4) & 4) == 0 || inRange(at, load<u16>(iface, 16));
  }
  return false;
}

function onTls(type: u32, at: usize): bool {
  if (type == COND_TLS_VERSION) return (tlsVersion(currentTx, direction) == load<u32>(at, 8)) != ((load<u32>(at, 4) & 1) != 0);
  if (type == COND_SSL_STATE) {
    const seen = tlsStates(currentTx);
    const wanted = load<u32>(at, 8);
    const unwanted = load<u32>(at, 12);
    return (wanted == 0 || (seen & wanted) != 0) && (seen & unwanted) == 0;
  }
  if (type == COND_TLS_CERT_CHAIN_LEN) return inRange(at, tlsChainLen(currentTx, direction));
  const from = tlsNotBefore(currentTx, direction);
  const until = tlsNotAfter(currentTx, direction);
  if (from == 0 && until == 0) return false;
  const seconds = <i64>(now / 1000000000);
  if (type == COND_TLS_CERT_EXPIRED) return until < seconds;
  if (type == COND_TLS_CERT_VALID) return from <= seconds && seconds <= until;
  if (type == COND_TLS_CERT_NOTBEFORE) return inRange(at, <u64>max<i64>(from, 0));
  if (type == COND_TLS_CERT_NOTAFTER) return inRange(at, <u64>max<i64>(until, 0));
  return false;
}

/** PORT names another host than the client. */
function bounces(): bool {
  const address = ftpDynamicAddress(currentTx);
  if (address == 0 || direction != 0) return false;
  if ((load<u64>(address) | load<u64>(address, 8)) == 0) return false;
  return load<u64>(address) != flow.client0 || load<u64>(address, 8) != flow.client1;
}

function anyFile(at: usize, p: u8): bool {
  if (p == PROTO_HTTP) {
    for (let f = messageOf(currentTx, direction).files; f != 0; f = changetype<HttpFile>(f).next) {
      if (inRange(at, changetype<HttpFile>(f).size)) return true;
    }
    return false;
  }
  for (let i: u32 = 0; i < 64; i++) {
    const f = fileAt(changetype<AppTx>(currentTx), direction, i);
    if (f == 0) return false;
    if (inRange(at, changetype<File>(f).size)) return true;
  }
  return false;
}
