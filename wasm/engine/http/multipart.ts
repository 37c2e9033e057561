// multipart/form-data uploads: a streaming parser that hands the parts that are files to files.ts. Bytes wait only for the end of
// a part's header, or as long as they might be the start of a boundary.

import { Buffer, bufferAppend, bufferDrop, bufferFree } from "../core/buffer";
import { arenaTake } from "../core/arena";
import { TO_SERVER } from "../core/tx";
import { isSpaceByte, scan } from "./bytes";
import { EV_MULTIPART_GENERIC_ERROR, EV_MULTIPART_INVALID_HEADER, EV_MULTIPART_NO_FILEDATA, raise } from "./events";
import { dispositionName, fileData, fileEnd, fileOpen, nameAt, nameLen, parameter } from "./files";
import { arenaOf } from "./headers";
import { HttpFile, HttpMessage, HttpTx } from "./types";
import { startsFold } from "../../sdk/assembly/bytes";

const PREAMBLE: u32 = 0;
/** Behind a boundary: the rest of its line. */
const BOUNDARY_LINE: u32 = 1;
const PART_HEADER: u32 = 2;
const PART_DATA: u32 = 3;
const DONE: u32 = 4;

const HEADER_LIMIT: u32 = 8192;
const BOUNDARY_LIMIT: u32 = 200;
const PENDING_LIMIT: u32 = 1 << 24;

/** Lives in the transaction's arena; `pending` is a core Buffer in place. */
@unmanaged
class Multipart {
  state: u32;
  /** "--" and the boundary. */
  boundary: usize;
  boundaryLen: u32;
  file: usize;
  pending: usize;
  pendingLen: u32;
  pendingCapacity: u32;
}

// @ts-ignore: decorator
@inline function pendingOf(m: Multipart): Buffer {
  return changetype<Buffer>(changetype<usize>(m) + offsetof<Multipart>("pending"));
}

/** Sets the parser up when the Content-Type says that the body is a form with parts; whether it does. */
export function multipartStart(tx: HttpTx, message: HttpMessage, ptr: usize, len: u32): bool {
  if (!startsFold(ptr, len, "multipart/form-data")) return false;
  if (!parameter(ptr, len, "boundary")) {
    raise(tx, EV_MULTIPART_GENERIC_ERROR);
    return false;
  }
  if (nameLen == 0 || nameLen > BOUNDARY_LIMIT) {
    raise(tx, EV_MULTIPART_GENERIC_ERROR);
    return false;
  }
  const at = arenaTake(arenaOf(tx), offsetof<Multipart>() + nameLen + 2);
  if (at == 0) return false;
  memory.fill(at, 0, offsetof<Multipart>());
  const m = changetype<Multipart>(at);
  m.boundary = at + offsetof<Multipart>();
  m.boundaryLen = nameLen + 2;
  store<u16>(m.boundary, 0x2d2d);
  memory.copy(m.boundary + 2, nameAt, nameLen);
  message.multipart = at;
  return true;
}

export function multipartFree(message: HttpMessage): void {
  if (message.multipart != 0) bufferFree(pendingOf(changetype<Multipart>(message.multipart)));
  message.multipart = 0;
}

/** Next bytes of the body. */
export function multipartData(tx: HttpTx, message: HttpMessage, ptr: usize, len: u32): void {
  const m = changetype<Multipart>(message.multipart);
  if (m.state == DONE) return;
  const pending = pendingOf(m);
  if (pending.len == 0) {
    const used = run(tx, m, ptr, len);
    if (used < len && !bufferAppend(pending, ptr + used, len - used, PENDING_LIMIT)) m.state = DONE;
    return;
  }
  if (!bufferAppend(pending, ptr, len, PENDING_LIMIT)) {
    m.state = DONE;
    return;
  }
  bufferDrop(pending, run(tx, m, pending.ptr, pending.len));
}

/** The body has ended. */
export function multipartEnd(tx: HttpTx, message: HttpMessage): void {
  const m = changetype<Multipart>(message.multipart);
  const pending = pendingOf(m);
  if (m.state == PART_DATA) {
    if (pending.len > 0) fileData(tx, TO_SERVER, m.file, pending.ptr, pending.len);
    finishFile(tx, m, false);
  } else if (m.state == PART_HEADER) raise(tx, EV_MULTIPART_INVALID_HEADER);
  else if (m.state == PREAMBLE) raise(tx, EV_MULTIPART_GENERIC_ERROR);
  bufferFree(pending);
  m.state = DONE;
}

/** Goes as far as the bytes allow; the bytes used. */
function run(tx: HttpTx, m: Multipart, ptr: usize, len: u32): u32 {
  let at = ptr;
  const end = ptr + len;
  while (m.state != DONE) {
    const before = at;
    const state = m.state;
    if (state == PREAMBLE || state == PART_DATA) at = toBoundary(tx, m, at, end);
    else if (state == BOUNDARY_LINE) at = boundaryLine(m, at, end);
    else at = partHeader(tx, m, at, end);
    if (at == before && m.state == state) return <u32>(at - ptr);
  }
  return len;
}

/** Up to the next boundary at the start of a line (in the preamble also at the very start). */
function toBoundary(tx: HttpTx, m: Multipart, ptr: usize, end: usize): usize {
  const inPart = m.state == PART_DATA;
  const n = m.boundaryLen;
  let at = ptr;
  while (true) {
    const dash = scan(at, end, 45);
    if (dash + n > end) {
      const rest = lineStart(dash, ptr, end);
      if (inPart) fileData(tx, TO_SERVER, m.file, ptr, <u32>(rest - ptr));
      return rest;
    }
    if (memory.compare(dash, m.boundary, n) == 0 && (!inPart || dash == ptr || load<u8>(dash - 1) == 10)) {
      if (inPart) {
        let stop = dash;
        if (stop > ptr && load<u8>(stop - 1) == 10) stop--;
        if (stop > ptr && load<u8>(stop - 1) == 13) stop--;
        fileData(tx, TO_SERVER, m.file, ptr, <u32>(stop - ptr));
        finishFile(tx, m, true);
      }
      m.state = BOUNDARY_LINE;
      return dash + n;
    }
    at = dash + 1;
  }
}

/** Where to go on when what starts at `dash` may become a boundary: the line ending before it belongs to the boundary. */
function lineStart(dash: usize, ptr: usize, end: usize): usize {
  let at = dash;
  if (at > ptr && load<u8>(at - 1) == 10) at--;
  if (at > ptr && load<u8>(at - 1) == 13 && (at < end || at == dash)) at--;
  return at;
}

function boundaryLine(m: Multipart, ptr: usize, end: usize): usize {
  if (end - ptr < 2) return ptr;
  if (load<u8>(ptr) == 45 && load<u8>(ptr + 1) == 45) {
    m.state = DONE;
    return end;
  }
  const lf = scan(ptr, end, 10);
  if (lf == end) {
    if (end - ptr > HEADER_LIMIT) m.state = DONE;
    return ptr;
  }
  m.state = PART_HEADER;
  return lf + 1;
}

/** The header of a part, once all of it is there. */
function partHeader(tx: HttpTx, m: Multipart, ptr: usize, end: usize): usize {
  let at = ptr;
  while (true) {
    const lf = scan(at, end, 10);
    if (lf == end) {
      if (end - ptr > HEADER_LIMIT) {
        raise(tx, EV_MULTIPART_INVALID_HEADER);
        m.state = DONE;
      }
      return ptr;
    }
    if (lf == at || (lf == at + 1 && load<u8>(at) == 13)) {
      headerLines(tx, m, ptr, at);
      m.state = PART_DATA;
      return lf + 1;
    }
    at = lf + 1;
  }
}

/** Opens a file when one of the lines in [ptr, end) names one. */
function headerLines(tx: HttpTx, m: Multipart, ptr: usize, end: usize): void {
  m.file = 0;
  let at = ptr;
  let disposition = false;
  while (at < end) {
    const lf = scan(at, end, 10);
    let stop = min(lf, end);
    // A line that starts with a blank goes on with the one before.
    while (stop + 1 < end && (load<u8>(stop + 1) == 32 || load<u8>(stop + 1) == 9)) stop = scan(stop + 1, end, 10);
    const colon = scan(at, stop, 58);
    if (colon == stop) raise(tx, EV_MULTIPART_INVALID_HEADER);
    let nameEnd = colon;
    while (nameEnd > at && isSpaceByte(load<u8>(nameEnd - 1))) nameEnd--;
    if (nameEnd - at == 19 && startsFold(at, 19, "content-disposition")) {
      disposition = true;
      if (m.file == 0 && dispositionName(colon + 1, <u32>(stop - colon - 1)) && nameLen > 0) {
        const name = arenaTake(arenaOf(tx), nameLen);
        if (name != 0) {
          memory.copy(name, nameAt, nameLen);
          m.file = fileOpen(tx, TO_SERVER, name, nameLen);
        }
      }
    }
    at = stop + 1;
  }
  if (!disposition && end > ptr) raise(tx, EV_MULTIPART_INVALID_HEADER);
}

function finishFile(tx: HttpTx, m: Multipart, whole: bool): void {
  if (m.file == 0) return;
  if (changetype<HttpFile>(m.file).size == 0) raise(tx, EV_MULTIPART_NO_FILEDATA);
  fileEnd(m.file, whole);
  m.file = 0;
}
