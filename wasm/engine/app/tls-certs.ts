// The Certificate message (RFC 5246 7.4.2): the chain is copied, the first certificate that can be read is described.

import { Arena, arenaCopy, arenaTake } from "../core/arena";
import { be24, putHex } from "./bytes";
import { txArena, txEvent } from "./conn";
import { sha1Hash } from "./hash";
import { noSpan, span } from "./span";
import { EV_TLS_CERTIFICATE, TlsSide, tlsSide, TlsTx } from "./tls-types";
import {
  issuerLen, issuerText, notAfter, notBefore, readX509, sansLen, sansText, serialLen, serialText, subjectLen, subjectText,
} from "./x509";

const MAX_CHAIN: u32 = 64;
const digest: usize = memory.data(32, 16);

/** The body of a Certificate message. False when something in it is damaged (an event says what). */
export function readCertificates(tx: TlsTx, dir: u32, body: usize, len: u32): bool {
  const side = tlsSide(changetype<usize>(tx), dir);
  if (len < 3 || be24(body) + 3 > len || side.certsSeen) return false;
  side.certsSeen = true;
  const listLen = be24(body);
  const list = arenaCopy(txArena(tx), body + 3, listLen);
  if (list == 0) return true;
  side.certs = list;
  let pos: u32 = 0;
  let good = true;
  while (pos < listLen) {
    if (pos + 3 > listLen || pos + 3 + be24(list + pos) > listLen) {
      txEvent(tx, EV_TLS_CERTIFICATE);
      good = false;
      break;
    }
    const size = be24(list + pos);
    if (side.subject == 0 && side.chain < MAX_CHAIN) {
      const wrong = readX509(list + pos + 3, size);
      if (wrong >= 0) {
        txEvent(tx, wrong);
        good = false;
      } else describe(side, txArena(tx), list + pos + 3, size);
    }
    side.chain++;
    pos += 3 + size;
    side.certsLen = pos;
  }
  return good;
}

function describe(side: TlsSide, arena: Arena, ptr: usize, len: u32): void {
  side.subject = arenaCopy(arena, subjectText, subjectLen);
  side.subjectLen = side.subject == 0 ? 0 : subjectLen;
  side.issuer = arenaCopy(arena, issuerText, issuerLen);
  side.issuerLen = side.issuer == 0 ? 0 : issuerLen;
  side.serial = arenaCopy(arena, serialText, serialLen);
  side.serialLen = side.serial == 0 ? 0 : serialLen;
  side.sans = arenaCopy(arena, sansText, sansLen);
  side.sansLen = side.sans == 0 ? 0 : sansLen;
  side.notBefore = notBefore;
  side.notAfter = notAfter;
  const at = arenaTake(arena, 64);
  if (at == 0) return;
  sha1Hash(ptr, len, digest);
  let to = at;
  for (let i: usize = 0; i < 20; i++) {
    if (i != 0) store<u8>(to++, 58);
    to = putHex(to, load<u8>(digest + i));
  }
  side.fingerprint = at;
}

/** The DER of certificate number `index` of that side's chain. */
export function tlsCertificate(side: TlsSide, index: u32): usize {
  let pos: u32 = 0;
  for (let i: u32 = 0; pos + 3 <= side.certsLen; i++) {
    const size = be24(side.certs + pos);
    if (i == index) return span(side.certs + pos + 3, size);
    pos += 3 + size;
  }
  return noSpan();
}

/** Alternative name number `index` of that side's first certificate. */
export function tlsAlternative(side: TlsSide, index: u32): usize {
  let pos: u32 = 0;
  for (let i: u32 = 0; pos + 2 <= side.sansLen; i++) {
    const size: u32 = load<u16>(side.sans + pos);
    if (i == index) return span(side.sans + pos + 2, size);
    pos += 2 + size;
  }
  return noSpan();
}
