// Which protocol it is, by what the bytes look like; ports only decide between protocols that begin alike.

import {
  PROTO_DCERPC, PROTO_DHCP, PROTO_DNP3, PROTO_DNS, PROTO_ENIP, PROTO_FAILED, PROTO_FTP, PROTO_HTTP, PROTO_HTTP2, PROTO_IKE,
  PROTO_IMAP, PROTO_KRB5, PROTO_MODBUS, PROTO_MQTT, PROTO_NFS, PROTO_NTP, PROTO_POP3, PROTO_QUIC, PROTO_RDP, PROTO_RFB, PROTO_SIP,
  PROTO_SMB, PROTO_SMTP, PROTO_SNMP, PROTO_SSH, PROTO_TELNET, PROTO_TFTP, PROTO_TLS, PROTO_UNKNOWN,
} from "../core/tx";
import { containsFold, findByte, inWords, isAlpha, isDigit, textByte } from "../../sdk/assembly/bytes";
import { agrees, be16, be24, be32 } from "./bytes";
import { dnsShape } from "./dns";

/** Without an answer in so many bytes of one direction there is none. */
export const DETECT_LIMIT: u32 = 2048;

const HTTP_METHODS: string =
  "GET PUT POST HEAD TRACE OPTIONS CONNECT DELETE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK CHECKOUT UNCHECKOUT " +
  "CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY MERGE INVALID VERSION-CONTROL BASELINE-CONTROL SEARCH BIND ACL";
const SIP_METHODS: string = "INVITE REGISTER OPTIONS ACK BYE CANCEL INFO MESSAGE NOTIFY PRACK PUBLISH REFER SUBSCRIBE UPDATE";
const FTP_COMMANDS: string =
  "user pass port eprt epsv pasv feat auth syst type cwd retr stor list nlst opts mkd pwd xpwd acct pbsz prot site size mdtm";
const IMAP_COMMANDS: string = "login capability id starttls authenticate logout noop select";

/** Set when a rule of the protocol said "perhaps": more bytes can still decide. */
let perhaps: bool = false;

/** Whether the bytes start with `text`; too few of them that agree so far are a "perhaps". */
function begins(ptr: usize, len: u32, text: string, fold: bool = false): bool {
  if (!agrees(ptr, len, text, fold)) return false;
  if (len >= <u32>text.length) return true;
  perhaps = true;
  return false;
}

/** Whether one of the space-separated words, then a space or tab, starts the bytes. */
function beginsWord(ptr: usize, len: u32, list: string): bool {
  const n = list.length;
  let at = 0;
  while (at < n) {
    let end = at;
    while (end < n && textByte(list, end) != 32) end++;
    const size = <u32>(end - at);
    let i: u32 = 0;
    while (i < size && i < len && <u32>load<u8>(ptr + i) == textByte(list, at + <i32>i)) i++;
    if (i == len && i <= size) perhaps = true;
    else if (i == size && (load<u8>(ptr + i) == 32 || load<u8>(ptr + i) == 9)) return true;
    at = end + 1;
  }
  return false;
}

/** The first word, up to a space or the line's end; its length, -1 when there is none within 16 letters. */
function firstWord(ptr: usize, len: u32): i32 {
  for (let i: u32 = 0; i < len && i < 17; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (isAlpha(c)) continue;
    return i > 0 && (c == 32 || c == 13 || c == 10) ? <i32>i : -1;
  }
  if (len < 17) perhaps = true;
  return -1;
}

/**
 * What the first bytes of one direction are: a protocol, PROTO_UNKNOWN when more bytes are needed, PROTO_FAILED when it is none
 * that is known. `dir` 0: from the client, and `dport` is the server's port.
 */
export function appDetect(ptr: usize, len: u32, dir: u32, sport: u32, dport: u32, l4: u32): u8 {
  if (len == 0) return PROTO_UNKNOWN;
  perhaps = false;
  const found = l4 == 17 ? detectDatagram(ptr, len, dir, sport, dport) : detectStream(ptr, len, dir, sport, dport);
  if (found != PROTO_UNKNOWN) return found;
  return perhaps && len < DETECT_LIMIT && l4 != 17 ? PROTO_UNKNOWN : PROTO_FAILED;
}

function detectStream(ptr: usize, len: u32, dir: u32, sport: u32, dport: u32): u8 {
  const first: u32 = load<u8>(ptr);
  if (first >= 32 && first < 127) {
    const text = dir == 0 ? clientText(ptr, len, dport) : serverText(ptr, len, dport);
    if (text != PROTO_UNKNOWN) return text;
  } else {
    const binary = binaryStream(ptr, len, dir, dport);
    if (binary != PROTO_UNKNOWN) return binary;
  }
  return dnsStream(ptr, len, dport);
}

/** Text protocols, as clients begin. */
function clientText(ptr: usize, len: u32, port: u32): u8 {
  if (begins(ptr, len, "SSH-")) return PROTO_SSH;
  if (begins(ptr, len, "PRI * HTTP/2.0\r\n")) return PROTO_HTTP2;
  if (begins(ptr, len, "RFB 00")) return PROTO_RFB;
  if (beginsWord(ptr, len, SIP_METHODS)) {
    const line = findByte(ptr, min<u32>(len, 512), 10);
    const end = line < 0 ? min<u32>(len, 512) : <u32>line;
    if (containsFold(ptr, end, " sip/2.0")) return PROTO_SIP;
    if (line < 0 && containsFold(ptr, end, " sip:")) {
      perhaps = true;
      return PROTO_UNKNOWN;
    }
  }
  if (beginsWord(ptr, len, HTTP_METHODS)) return PROTO_HTTP;
  if (begins(ptr, len, "ehlo", true) || begins(ptr, len, "helo", true) || begins(ptr, len, "mail from", true)) return PROTO_SMTP;
  const word = firstWord(ptr, len);
  if (word > 0) {
    if (inWords(ptr, word, "quit rset noop data starttls") && (port == 25 || port == 587)) return PROTO_SMTP;
    if (inWords(ptr, word, "user pass apop capa stls auth") && port == 110) return PROTO_POP3;
    if (inWords(ptr, word, FTP_COMMANDS)) return PROTO_FTP;
    if (inWords(ptr, word, "capa apop stls")) return PROTO_POP3;
  }
  return imapClient(ptr, len);
}

function isTagByte(c: u32): bool {
  return isAlpha(c) || isDigit(c) || c == 46;
}

/** IMAP: a tag of letters and digits, then a command. */
function imapClient(ptr: usize, len: u32): u8 {
  let tag: u32 = 0;
  while (tag < len && tag < 16 && isTagByte(load<u8>(ptr + tag))) tag++;
  if (tag == len && len < 16) perhaps = true;
  if (tag == 0 || tag >= len || load<u8>(ptr + tag) != 32) return PROTO_UNKNOWN;
  let end = tag + 1;
  while (end < len && isAlpha(load<u8>(ptr + end))) end++;
  if (end == len) {
    if (len < 40) perhaps = true;
    return PROTO_UNKNOWN;
  }
  return inWords(ptr + tag + 1, end - tag - 1, IMAP_COMMANDS) ? PROTO_IMAP : PROTO_UNKNOWN;
}

/** Text protocols, as servers begin. */
function serverText(ptr: usize, len: u32, port: u32): u8 {
  if (begins(ptr, len, "SSH-")) return PROTO_SSH;
  if (begins(ptr, len, "HTTP/")) return PROTO_HTTP;
  if (begins(ptr, len, "RFB 00")) return PROTO_RFB;
  if (begins(ptr, len, "SIP/2.0 ")) return PROTO_SIP;
  if (begins(ptr, len, "+OK")) return PROTO_POP3;
  if (begins(ptr, len, "* OK") || begins(ptr, len, "* PREAUTH") || begins(ptr, len, "* BYE")) return PROTO_IMAP;
  if (len < 4) {
    if (agrees(ptr, len, "220", false)) perhaps = true;
    return PROTO_UNKNOWN;
  }
  if (begins(ptr, len, "220 ") || begins(ptr, len, "220-") || begins(ptr, len, "421 ") || begins(ptr, len, "554 ")) {
    const line = findByte(ptr, len, 10);
    const end = line < 0 ? len : <u32>line;
    if (containsFold(ptr, end, "smtp") || containsFold(ptr, end, "mail")) return PROTO_SMTP;
    if (containsFold(ptr, end, "ftp")) return PROTO_FTP;
    if (line < 0 && len < 512) {
      perhaps = true;
      return PROTO_UNKNOWN;
    }
    if (port == 21) return PROTO_FTP;
    if (port == 25 || port == 587 || port == 465 || port == 2525) return PROTO_SMTP;
    // Both greet like this: the client's first word tells.
    perhaps = true;
  }
  return PROTO_UNKNOWN;
}

function binaryStream(ptr: usize, len: u32, dir: u32, port: u32): u8 {
  const first: u32 = load<u8>(ptr);
  const tls = tlsStream(ptr, len, dir);
  if (tls) return PROTO_TLS;
  if (first == 0 || first == 0x81 || first == 0x82) {
    const smb = netbios(ptr, len, port);
    if (smb) return PROTO_SMB;
  }
  if (first == 5) {
    if (len < 10) perhaps = len < 2 || load<u8>(ptr, 1) < 2 || load<u8>(ptr, 1) == 0x64;
    else if (dcerpcHead(ptr)) return PROTO_DCERPC;
    if (len >= 10 && load<u8>(ptr, 1) == 0x64 && load<u8>(ptr, 2) >= 5) return PROTO_DNP3;
  }
  if (first == 3) {
    if (len < 6) perhaps = true;
    else if (load<u8>(ptr, 1) == 0 && be16(ptr + 2) >= 7 && load<u8>(ptr, 5) == (dir == 0 ? 0xe0 : 0xd0)) return PROTO_RDP;
  }
  if (first == 0x10 && dir == 0) {
    const at: u32 = len > 1 && load<u8>(ptr, 1) >= 0x80 ? 3 : 2;
    if (len < at + 6) perhaps = true;
    else if (begins(ptr + at, len - at, "\x00\x04MQTT") || begins(ptr + at, len - at, "\x00\x06MQIsdp")) return PROTO_MQTT;
  }
  if (first == 0x20 && dir == 1 && port == 1883 && len >= 4 && load<u8>(ptr, 1) == 2) return PROTO_MQTT;
  if (first == 0xff) {
    if (len < 3) perhaps = true;
    else if (load<u8>(ptr, 1) - 0xfa < 5) return PROTO_TELNET;
  }
  if (first == 0 && len >= 12 && kerberos(ptr + 4, len - 4) && be32(ptr) >= 20 && be32(ptr) < 65536) return PROTO_KRB5;
  if ((first & 0x80) != 0 && len >= 28 && rpc(ptr + 4, len - 4, dir)) return PROTO_NFS;
  if (port == 502 && len >= 8 && be16(ptr + 2) == 0 && be16(ptr + 4) - 2 < 253) return PROTO_MODBUS;
  if (port == 44818 && len >= 24 && enip(ptr)) return PROTO_ENIP;
  return PROTO_UNKNOWN;
}

/** A record of SSLv3 or later that holds a handshake, or SSLv2's client hello. */
function tlsStream(ptr: usize, len: u32, dir: u32): bool {
  const first: u32 = load<u8>(ptr);
  if (first == 0x16 || (first == 0x15 && dir == 1)) {
    if (len >= 2 && load<u8>(ptr, 1) != 3) return false;
    if (len >= 3 && load<u8>(ptr, 2) > 4) return false;
    if (len >= 3) return true;
    perhaps = true;
    return false;
  }
  if ((first & 0x80) == 0) return false;
  if (len < 5) {
    perhaps = len < 3 || load<u8>(ptr, 2) == 1 || load<u8>(ptr, 2) == 4;
    return false;
  }
  const kind: u32 = load<u8>(ptr, 2);
  const size = be16(ptr) & 0x7fff;
  if (dir == 0) return kind == 1 && size >= 9 && (be16(ptr + 3) == 2 || be16(ptr + 3) - 0x0300 < 5);
  return kind == 4 && size >= 11 && load<u8>(ptr, 3) < 2;
}

/** NetBIOS session service around SMB. */
function netbios(ptr: usize, len: u32, port: u32): bool {
  const first: u32 = load<u8>(ptr);
  if (first != 0) {
    if (port != 139) return false;
    if (len < 4) {
      perhaps = true;
      return false;
    }
    return first == 0x82 ? be24(ptr + 1) == 0 : be24(ptr + 1) == 0x44;
  }
  if (len < 8) {
    if (len > 4) return false || agreesSmb(ptr, len);
    perhaps = true;
    return false;
  }
  return agreesSmb(ptr, len);
}

function agreesSmb(ptr: usize, len: u32): bool {
  const mark: u32 = load<u8>(ptr, 4);
  if (mark < 0xfc) return false;
  if (!agrees(ptr + 5, len - 5, "SMB", false)) return false;
  if (len >= 8) return true;
  perhaps = true;
  return false;
}

/** Head of a connection-oriented DCE/RPC message (10 bytes). */
export function dcerpcHead(ptr: usize): bool {
  if (load<u8>(ptr) != 5 || load<u8>(ptr, 1) > 1 || load<u8>(ptr, 2) > 19) return false;
  const order: u32 = load<u8>(ptr, 4);
  if ((order & 0xef) != 0 || load<u8>(ptr, 5) > 3 || load<u16>(ptr, 6) != 0) return false;
  const size: u32 = order == 0 ? be16(ptr + 8) : <u32>load<u16>(ptr, 8);
  return size >= 16;
}

/** DNS with its length in front. Away from its port only a whole message that fits will do. */
function dnsStream(ptr: usize, len: u32, port: u32): u8 {
  const size: u32 = len < 2 ? (<u32>load<u8>(ptr) << 8) | 0xff : be16(ptr);
  if (size < 12 || (port != 53 && size > DETECT_LIMIT - 2)) return PROTO_UNKNOWN;
  const whole = len >= 2 && len - 2 >= size;
  if (len >= 14 && (whole || port == 53) && dnsShape(ptr + 2, min(size, len - 2)) > 0) return PROTO_DNS;
  if (!whole && (len < 6 || dnsHeadFits(ptr + 2, len - 2, size))) perhaps = true;
  return PROTO_UNKNOWN;
}

/** Whether the first bytes of a message, at least its flags, can be DNS. */
function dnsHeadFits(ptr: usize, len: u32, size: u32): bool {
  const flags = be16(ptr + 2);
  if (((flags >> 11) & 15) > 6 || (flags & 15) > 11) return false;
  if (len < 12) return true;
  return (be16(ptr + 4) + be16(ptr + 6) + be16(ptr + 8) + be16(ptr + 10)) * 2 <= size && be16(ptr + 4) <= 16;
}

/** Kerberos: an application tag of AS-REQ, AS-REP, TGS-REQ, TGS-REP, AP-REQ or KRB-ERROR, then a sequence. */
function kerberos(ptr: usize, len: u32): bool {
  const tag: u32 = load<u8>(ptr);
  if (tag != 0x6a && tag != 0x6b && tag != 0x6c && tag != 0x6d && tag != 0x6e && tag != 0x7e) return false;
  const size: u32 = load<u8>(ptr, 1);
  const at: u32 = size < 0x80 ? 2 : 2 + (size & 0x7f);
  return at < 6 && at < len && load<u8>(ptr + at) == 0x30;
}

/** ONC RPC of NFS: a call of program 100003, or a reply. */
function rpc(ptr: usize, len: u32, dir: u32): bool {
  const kind = be32(ptr + 4);
  if (dir == 0) return len >= 24 && kind == 0 && be32(ptr + 8) == 2 && be32(ptr + 12) == 100003 && be32(ptr + 16) - 2 < 3;
  return len >= 24 && kind == 1 && be32(ptr + 8) < 2 && be32(ptr + 12) < 7 && be32(ptr + 20) < 6;
}

function enip(ptr: usize): bool {
  const command: u32 = load<u16>(ptr);
  return (command == 4 || command == 0x63 || command == 0x64 || command == 0x65 || command == 0x66 || command == 0x6f ||
    command == 0x70) && load<u32>(ptr, 20) == 0;
}

function detectDatagram(ptr: usize, len: u32, dir: u32, sport: u32, dport: u32): u8 {
  const first: u32 = load<u8>(ptr);
  const dnsPort = dport == 53 || dport == 5353 || dport == 5355 || sport == 53;
  if (first == 0x16 && len > 13 && (load<u8>(ptr, 1) == 0xfe)) return PROTO_UNKNOWN;
  if (len >= 240 && be32(ptr + 236) == 0x63825363 && first - 1 < 2) return PROTO_DHCP;
  if (dport == 123 && len >= 48 && (first & 7) != 0 && ((first >> 3) & 7) - 1 < 4) return PROTO_NTP;
  if ((dport == 161 || dport == 162) && first == 0x30 && len > 7) return PROTO_SNMP;
  if (dport == 88 && len >= 10 && kerberos(ptr, len)) return PROTO_KRB5;
  if ((dport == 500 || dport == 4500) && ike(ptr, len, dport)) return PROTO_IKE;
  if (dport == 69 && len > 4 && first == 0 && load<u8>(ptr, 1) - 1 < 5) return PROTO_TFTP;
  if (dir == 0 && beginsWord(ptr, len, SIP_METHODS) && containsFold(ptr, min<u32>(len, 512), " sip/2.0")) return PROTO_SIP;
  if (begins(ptr, len, "SIP/2.0 ")) return PROTO_SIP;
  if (quic(ptr, len)) return PROTO_QUIC;
  if (dport == 2049 && len >= 24 && rpc(ptr, len, dir)) return PROTO_NFS;
  if (dport == 44818 && len >= 24 && enip(ptr)) return PROTO_ENIP;
  if (dnsPort || dport > 0) {
    const shape = dnsShape(ptr, len);
    if (shape > 0 && (dnsPort || (be16(ptr + 4) == 1 && (be16(ptr + 2) & 0x7840) == 0))) return PROTO_DNS;
    // Damaged questions to a name server are still DNS, so that they show as such.
    if (dnsPort && dport == 53 && len >= 12 && (be16(ptr + 4) + be16(ptr + 6) + be16(ptr + 8) + be16(ptr + 10)) * 2 <= len &&
      ((be16(ptr + 2) >> 11) & 15) < 6 && be16(ptr + 4) == 1) return PROTO_DNS;
  }
  return PROTO_UNKNOWN;
}

function ike(ptr: usize, len: u32, port: u32): bool {
  const at: u32 = port == 4500 && len >= 4 && be32(ptr) == 0 ? 4 : 0;
  if (len < at + 28) return false;
  const version: u32 = load<u8>(ptr + at + 17);
  return (version == 0x10 || version == 0x20) && be32(ptr + at + 24) == len - at;
}

/** A long header with the fixed bit and a version that is out there (RFC 9000, 9369, drafts). */
function quic(ptr: usize, len: u32): bool {
  if (len < 20 || (load<u8>(ptr) & 0xc0) != 0xc0) return false;
  const version = be32(ptr + 1);
  if (version != 1 && version != 0x6b3343cf && version >> 8 != 0xff0000 && version >> 24 != 0x51) return false;
  return version >> 24 == 0x51 || load<u8>(ptr, 5) <= 20;
}
