// Finding headers, and the value of all headers of a name joined by ", ".

import { arenaTake } from "../core/arena";
import { equalsFoldNoNul } from "./bytes";
import { arenaOf, SETTLED } from "./headers";
import { HDR_LEFT_OUT, HDR_REPEATS, HttpHeader, HttpMessage, HttpTx } from "./types";

/** Length of the last value that headerValue gave. */
export let headerValueLen: u32 = 0;

/** First header of the name (in small letters; NUL bytes in sent names do not count), or 0. */
export function findHeader(message: HttpMessage, name: string, hash: u32): usize {
  if (!(message.seen & ((1 as u64) << ((hash >> 26) as u64)))) return 0;
  let h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (header.hash == hash && !(header.flags & HDR_REPEATS) && (header.flags & SETTLED) != 0
      && equalsFoldNoNul(header.name, header.nameLen, name)) return h;
    h = header.next;
  }
  return 0;
}

/** Value of a header found by findHeader, with those of its repetitions; `headerValueLen` is its length. */
export function headerValue(tx: HttpTx, h: usize): usize {
  const first = changetype<HttpHeader>(h);
  if (first.count <= 1) {
    headerValueLen = first.valueLen;
    return first.value;
  }
  if (first.joined == 0) join(tx, first);
  headerValueLen = first.joinedLen;
  return first.joined;
}

function join(tx: HttpTx, first: HttpHeader): void {
  const me = changetype<usize>(first);
  let size: u32 = first.valueLen;
  let h = first.next;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (header.first == me && !(header.flags & HDR_LEFT_OUT)) size += header.valueLen + 2;
    h = header.next;
  }
  const to = arenaTake(arenaOf(tx), max<u32>(size, 1));
  if (to == 0) {
    first.joined = first.value;
    first.joinedLen = first.valueLen;
    return;
  }
  memory.copy(to, first.value, first.valueLen);
  let w = to + first.valueLen;
  h = first.next;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (header.first == me && !(header.flags & HDR_LEFT_OUT)) {
      store<u16>(w, 0x202c);
      memory.copy(w + 2, header.value, header.valueLen);
      w += 2 + header.valueLen;
    }
    h = header.next;
  }
  first.joined = to;
  first.joinedLen = size;
}
