// ClientHello and ServerHello (RFC 5246 7.4.1, RFC 8446 4.1), and the ClientHello of SSLv2. The body is copied once; what it
// tells is kept as pointers into the copy.

import { arenaCopy } from "../core/arena";
import { be16 } from "./bytes";
import { txArena, txEvent } from "./conn";
import { fingerprintJa3, fingerprintJa4, HelloParts } from "./ja";
import {
  EV_TLS_HANDSHAKE_LENGTH, EV_TLS_MULTIPLE_SNI, EV_TLS_SNI_LENGTH, EV_TLS_SNI_TYPE, isGrease, TlsSide, tlsSide, TlsTx,
} from "./tls-types";

const partsAt: usize = memory.data(64, 16);

function wrongLength(tx: TlsTx): bool {
  txEvent(tx, EV_TLS_HANDSHAKE_LENGTH);
  return false;
}

/** Body of a ClientHello (dir 0) or ServerHello (dir 1). False when its lengths do not fit. */
export function readHello(tx: TlsTx, dir: u32, body: usize, len: u32): bool {
  const side = tlsSide(changetype<usize>(tx), dir);
  const again = side.helloSeen;
  side.helloSeen = true;
  const at = arenaCopy(txArena(tx), body, len);
  if (at == 0) return true;
  if (len < 2) return wrongLength(tx);
  side.version = <u16>be16(at);
  side.helloVersion = <u16>be16(at);
  if (len < 35) return wrongLength(tx);
  side.random = at + 2;
  const sessionLen: u32 = load<u8>(at + 34);
  let pos: u32 = 35 + sessionLen;
  if (pos + 2 > len) return wrongLength(tx);
  if (side.session == 0) {
    side.session = at + 35;
    side.sessionLen = sessionLen;
    if (dir == 1 && sessionLen != 0) {
      const client = tlsSide(changetype<usize>(tx), 0);
      tx.resumed = client.sessionLen == sessionLen && memory.compare(client.session, side.session, sessionLen) == 0;
    }
  }
  const parts = changetype<HelloParts>(partsAt);
  memory.fill(partsAt, 0, offsetof<HelloParts>());
  if (dir == 0) {
    parts.ciphersLen = be16(at + pos);
    pos += 2;
  } else {
    parts.ciphersLen = 2;
    side.cipher = <u16>be16(at + pos);
  }
  parts.ciphers = at + pos;
  if ((parts.ciphersLen & 1) != 0 || pos + parts.ciphersLen > len) return wrongLength(tx);
  pos += parts.ciphersLen;
  if (pos >= len) return wrongLength(tx);
  pos += dir == 0 ? 1 + <u32>load<u8>(at + pos) : 1;
  if (pos > len) return wrongLength(tx);
  let good = true;
  if (pos + 2 <= len) {
    const size = be16(at + pos);
    pos += 2;
    if (pos + size > len) return wrongLength(tx);
    parts.extensions = at + pos;
    parts.extensionsLen = size;
    good = readExtensions(tx, side, parts, dir);
  }
  // The first hello is the one that counts.
  if (good && !again) {
    fingerprintJa3(side, parts, txArena(tx), dir == 1);
    if (dir == 0) fingerprintJa4(side, parts, txArena(tx), 116);
  }
  return good;
}

function readExtensions(tx: TlsTx, side: TlsSide, parts: HelloParts, dir: u32): bool {
  const ptr = parts.extensions;
  const len = parts.extensionsLen;
  let pos: u32 = 0;
  while (pos < len) {
    if (pos + 4 > len) return wrongLength(tx);
    const type = be16(ptr + pos);
    const size = be16(ptr + pos + 2);
    const at = ptr + pos + 4;
    pos += 4 + size;
    if (pos > len) return wrongLength(tx);
    if (type == 0) parts.hasSni = true;
    if (size == 0) continue;
    if (type == 0) {
      if (!readSni(tx, side, at, size)) return false;
    } else if (type == 10) {
      if (size < 2 || be16(at) + 2 > size) return wrongLength(tx);
      parts.groups = at + 2;
      parts.groupsLen = be16(at);
    } else if (type == 11) {
      if (1 + <u32>load<u8>(at) > size) return wrongLength(tx);
      parts.points = at + 1;
      parts.pointsLen = load<u8>(at);
    } else if (type == 13) {
      if (size < 2 || be16(at) + 2 > size || (be16(at) & 1) != 0) return wrongLength(tx);
      parts.signatures = at + 2;
      parts.signaturesLen = be16(at);
    } else if (type == 16) {
      if (size < 2 || be16(at) + 2 > size) return wrongLength(tx);
      if (side.alpn == 0) {
        side.alpn = at + 2;
        side.alpnLen = be16(at);
      }
    } else if (type == 43) {
      if (!readVersions(tx, side, parts, dir, at, size)) return false;
    }
  }
  return true;
}

function readSni(tx: TlsTx, side: TlsSide, at: usize, size: u32): bool {
  if (size < 5) return wrongLength(tx);
  if (load<u8>(at + 2) != 0) {
    txEvent(tx, EV_TLS_SNI_TYPE);
    return false;
  }
  const len = be16(at + 3);
  if (len == 0 || len > 255 || len + 5 > size) {
    txEvent(tx, EV_TLS_SNI_LENGTH);
    return false;
  }
  if (side.sni != 0) {
    txEvent(tx, EV_TLS_MULTIPLE_SNI);
    return true;
  }
  side.sni = at + 5;
  side.sniLen = len;
  return true;
}

function readVersions(tx: TlsTx, side: TlsSide, parts: HelloParts, dir: u32, at: usize, size: u32): bool {
  if (dir == 1) {
    if (size < 2) return wrongLength(tx);
    side.version = <u16>be16(at);
    return true;
  }
  const len: u32 = load<u8>(at);
  if (len < 2 || 1 + len > size) return wrongLength(tx);
  let first: u32 = 0;
  for (let i: u32 = 0; i + 2 <= len; i += 2) {
    const version = be16(at + 1 + i);
    if (isGrease(version)) continue;
    if (first == 0 && tlsKnownVersion(version)) first = version;
    if (version < 0x0400) parts.highest = max(parts.highest, version);
  }
  if (first != 0) side.version = <u16>first;
  return true;
}

/** SSLv3 to TLS 1.3 and its drafts. */
export function tlsKnownVersion(version: u32): bool {
  return version - 0x0300 < 5 || version >> 8 == 0x7f;
}

/** SSLv2's ClientHello behind its type byte. */
export function readHelloV2(tx: TlsTx, body: usize, len: u32): bool {
  if (len < 8) return false;
  const side = tlsSide(changetype<usize>(tx), 0);
  side.version = <u16>be16(body);
  side.helloVersion = side.version;
  side.helloSeen = true;
  return true;
}
