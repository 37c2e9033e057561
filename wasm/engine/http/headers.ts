// Header blocks: from bytes to HttpHeader records, with the line endings and foldings that browsers and servers put up with
// (responses: CR, LF, CRLF, LFCR and some deformed endings; requests: LF and CRLF). Incremental: a header is taken when its
// end is certain, which needs the byte after it (folding).

import { Arena, arenaTake } from "../core/arena";
import { TO_CLIENT } from "../core/tx";
import {
  HASH_PRIME, HASH_START, hashName, hashText, isBlank, isSpaceByte, sameFold, scan, scan2, skipSpace, trimEnd,
} from "./bytes";
import { fieldLimit, headerCountLimit } from "./config";
import {
  EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST, EV_INVALID_REQUEST_FIELD_FOLDING, EV_REQUEST_FIELD_MISSING_COLON,
  EV_REQUEST_HEADER_INVALID, EV_REQUEST_HEADER_REPETITION, EV_REQUEST_TOO_MANY_HEADERS, raise,
  EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_RESPONSE, EV_INVALID_RESPONSE_FIELD_FOLDING, EV_RESPONSE_FIELD_MISSING_COLON,
  EV_RESPONSE_HEADER_INVALID, EV_RESPONSE_HEADER_REPETITION, EV_RESPONSE_TOO_MANY_HEADERS,
} from "./events";
import { parseLength } from "./length";
import {
  HDR_FOLDED, HDR_LEFT_OUT, HDR_NO_COLON, HDR_OWN_VALUE, HDR_REPEATS, HttpHeader, HttpMessage, HttpTx, TXF_REQ_BARE_CR,
  TXF_REQ_BARE_LF, TXF_REQ_NUL, TXF_REQ_OBS_FOLD, TXF_REQ_SPACE_BEFORE_COLON, TXF_REQ_TWO_CL, TXF_RES_BARE_LF,
  TXF_RES_OBS_FOLD, TXF_RES_SPACE_BEFORE_COLON, TXF_RES_TWO_CL,
} from "./types";

/** Results of parseHeaders. */
export const HEADERS_MORE: u32 = 0;
export const HEADERS_END: u32 = 1;
export const HEADERS_ERROR: u32 = 2;

/** Bytes taken by the last call of parseHeaders. */
export let headersTaken: u32 = 0;
/** The block ended with the LF of an LF CR pair whose CR may be among the next bytes. */
export let headersCutPair: bool = false;

const MAX_FOLDS: u32 = 128;
const MAX_REPETITIONS: u32 = 64;
const NONE: usize = 0;

// Of the value being parsed: where its text is, where parsing goes on, and whether it was folded.
let valueAt: usize = 0;
let valueLen: u32 = 0;
let valueFolded: bool = false;
let rest: usize = 0;
// Of the line ending that was last looked at.
let eolEnd: usize = 0;
let folds: bool = false;
let bareLf: bool = false;

/** A byte of a token (RFC 2616: printable and no separator) in small letters; 0 for every other byte. */
const TOKEN = memory.data(256, 16);
const SEPARATORS = "()<>@,;:\\\"/[]?={} ";

function fillTokens(): void {
  for (let c: u32 = 33; c < 127; c++) store<u8>(TOKEN + c, c - 65 < 26 ? c | 32 : c);
  for (let i = 0; i < SEPARATORS.length; i++) store<u8>(TOKEN + load<u16>(changetype<usize>(SEPARATORS) + (i << 1)), 0);
}
fillTokens();

// @ts-ignore: decorator
@inline function isToken(c: u32): bool {
  return load<u8>(TOKEN + c) != 0;
}

/**
 * Takes the headers in [ptr, ptr + len) that are complete, and says whether the block's end was among them. `headersTaken` is
 * how far it came: later calls go on from there. `base` is subtracted from addresses kept in the records (see settleHeaders).
 * @param closed no byte will follow: what is there counts as complete
 */
export function parseHeaders(tx: HttpTx, message: HttpMessage, dir: u32, ptr: usize, len: u32, base: usize, flags: u32,
                             closed: bool): u32 {
  const end = ptr + len;
  let at = ptr;
  headersTaken = 0;
  headersCutPair = false;
  if (at < end) {
    if (load<u8>(at) == 13 && at + 1 == end && !closed) return HEADERS_MORE;
    const empty = emptyLine(ptr, end, dir == TO_CLIENT && ptr != base, lfCr(ptr, base, dir));
    if (empty != NONE) {
      headersTaken = <u32>(empty - ptr);
      return HEADERS_END;
    }
  }
  while (at < end) {
    if (!takeHeader(tx, message, dir, at, end, base, flags, closed)) return HEADERS_MORE;
    if (message.headerCount > headerCountLimit || message.recordCount > headerCountLimit * 2) {
      raise(tx, dir == TO_CLIENT ? EV_RESPONSE_TOO_MANY_HEADERS : EV_REQUEST_TOO_MANY_HEADERS);
      return HEADERS_ERROR;
    }
    at = rest;
    headersTaken = <u32>(at - ptr);
    if (at < end) {
      if (load<u8>(at) == 13 && at + 1 == end && !closed) {
        // CR or CRLF: the header is taken, the end of the block not yet certain.
        return HEADERS_MORE;
      }
      const empty = emptyLine(at, end, dir == TO_CLIENT, lfCr(at, base, dir));
      if (empty != NONE) {
        headersTaken = <u32>(empty - ptr);
        return HEADERS_END;
      }
    }
  }
  return HEADERS_MORE;
}

/** Whether the line before ended with LF CR, so that the empty line may as well. */
// @ts-ignore: decorator
@inline function lfCr(at: usize, base: usize, dir: u32): bool {
  return dir == TO_CLIENT && at >= base + 2 && load<u8>(at - 1) == 13 && load<u8>(at - 2) == 10;
}

/** End of an empty line at `at`, or 0. `lenient`: CR alone is one; `pairs`: LF CR is one. */
function emptyLine(at: usize, end: usize, lenient: bool, pairs: bool): usize {
  if (at >= end) return NONE;
  const c: u32 = load<u8>(at);
  if (c == 13) {
    if (at + 1 < end && load<u8>(at + 1) == 10) return at + 2;
    return lenient ? at + 1 : NONE;
  }
  if (c != 10) return NONE;
  if (!pairs) return at + 1;
  headersCutPair = at + 1 == end;
  return at + 1 < end && load<u8>(at + 1) == 13 ? at + 2 : at + 1;
}

/** One header; false when its end is not certain yet. `rest` is where the next starts. */
function takeHeader(tx: HttpTx, message: HttpMessage, dir: u32, at: usize, end: usize, base: usize, flags: u32,
                    closed: bool): bool {
  // Nearly all names are tokens with a colon behind: one pass for their end and hash.
  let i = at;
  let hash: u32 = HASH_START;
  while (i < end) {
    const c: u32 = load<u8>(TOKEN + <u32>load<u8>(i));
    if (c == 0) break;
    hash = (hash ^ c) * HASH_PRIME;
    i++;
  }
  const clean = i > at && i < end && load<u8>(i) == 58;
  const colon = clean ? i : nameEnd(at, end, dir);
  let name = at;
  let nameLen: u32 = 0;
  let own = flags;
  bareLf = false;
  if (colon != NONE) {
    let v = colon + 1;
    while (v < end && isBlank(load<u8>(v))) v++;
    if (v == end && !closed) return false;
    if (!takeValue(tx, dir, v, end, closed)) return false;
    if (clean) nameLen = <u32>(colon - at);
    else {
      nameFlags(tx, dir, at, colon);
      name = skipSpace(at, colon);
      nameLen = <u32>(trimEnd(name, colon) - name);
    }
    if (nameLen == 0 && colon == at) raise(tx, dir == TO_CLIENT ? EV_RESPONSE_HEADER_INVALID : EV_REQUEST_HEADER_INVALID);
  } else {
    if (!takeValue(tx, dir, at, end, closed)) return false;
    own |= HDR_NO_COLON;
    raise(tx, dir == TO_CLIENT ? EV_RESPONSE_FIELD_MISSING_COLON : EV_REQUEST_FIELD_MISSING_COLON);
  }
  if (bareLf) tx.flags |= dir == TO_CLIENT ? TXF_RES_BARE_LF : TXF_REQ_BARE_LF;
  if (valueFolded) {
    own |= HDR_FOLDED | HDR_OWN_VALUE;
    tx.flags |= dir == TO_CLIENT ? TXF_RES_OBS_FOLD : TXF_REQ_OBS_FOLD;
  }
  if (!clean) hash = hashName(name, nameLen);
  return addHeader(tx, message, dir, name, nameLen, hash, base, own);
}

/** Where the colon of the header at `at` is, or 0 when it has none. Names may go on over lines that start with a space. */
function nameEnd(at: usize, end: usize, dir: u32): usize {
  let ended: u32 = 0;
  const stop = min(end, at + fieldLimit);
  for (let i = at; i < stop; i++) {
    const c: u32 = load<u8>(i);
    if (ended == 0) {
      if (c == 58) return i;
      if (c == 10 || (c == 13 && dir == TO_CLIENT)) ended = c;
    } else if (c == 32 || (c == 9 && blankTo(i, end))) ended = 0;
    else if (c == 10 && ended == 13) ended = 10;
    else return NONE;
  }
  return NONE;
}

/** Whether only blanks are between `at` and a colon or another line ending. */
function blankTo(at: usize, end: usize): bool {
  while (at < end && isBlank(load<u8>(at))) at++;
  if (at == end) return false;
  const c: u32 = load<u8>(at);
  return c == 58 || c == 13 || c == 10;
}

/** Raises what is odd about the name in [at, colon). */
function nameFlags(tx: HttpTx, dir: u32, at: usize, colon: usize): void {
  let i = at;
  while (i < colon && isToken(load<u8>(i))) i++;
  if (i == colon || at == colon) return;
  const response = dir == TO_CLIENT;
  if (isBlank(load<u8>(at))) raise(tx, response ? EV_INVALID_RESPONSE_FIELD_FOLDING : EV_INVALID_REQUEST_FIELD_FOLDING);
  if (isSpaceByte(load<u8>(colon - 1))) {
    raise(tx, response ? EV_RESPONSE_HEADER_INVALID : EV_REQUEST_HEADER_INVALID);
    tx.flags |= response ? TXF_RES_SPACE_BEFORE_COLON : TXF_REQ_SPACE_BEFORE_COLON;
  }
  i = at;
  while (i < colon && isBlank(load<u8>(i))) i++;
  while (i < colon && isToken(load<u8>(i))) i++;
  while (i < colon && isBlank(load<u8>(i))) i++;
  if (i < colon) raise(tx, response ? EV_RESPONSE_HEADER_INVALID : EV_REQUEST_HEADER_INVALID);
}

/** Looks at the line ending at `at`: sets `eolEnd` and `folds`. False: more bytes are needed. */
function lineEnding(at: usize, end: usize, dir: u32, closed: bool): bool {
  const response = dir == TO_CLIENT;
  const left = end - at;
  const c0: u32 = load<u8>(at);
  const c1: u32 = left > 1 ? load<u8>(at + 1) : 0;
  let regular = at + 1;
  if (c0 == 13 && c1 == 10 && left > 1) regular = at + 2;
  else {
    if (c0 == 10) bareLf = true;
    if (response && c0 == 10 && c1 == 13 && left > 1) regular = at + 2;
  }
  folds = false;
  eolEnd = regular;
  if (regular >= end) return closed;
  const next: u32 = load<u8>(regular);
  if (next == 32 || next == 9 || next == 0) {
    folds = true;
    return true;
  }
  // LF CR CR LF before an empty line, and (requests) LF CR before one.
  if (c0 == 10 && c1 == 13) {
    if (left < 6 && !closed && next == 13) return false;
    if (left >= 5 && load<u8>(at + 2) == 13 && load<u8>(at + 3) == 10) {
      if (load<u8>(at + 4) == 10 || (left >= 6 && load<u8>(at + 4) == 13 && load<u8>(at + 5) == 10)) {
        eolEnd = at + 4;
        return true;
      }
    }
    if (!response && left >= 4 && load<u8>(at + 2) == 13 && load<u8>(at + 3) == 10) eolEnd = at + 2;
    return true;
  }
  // CR LF CR and blanks: an ending that browsers skip, unless an empty line follows.
  if (response && c0 == 13 && c1 == 10 && next == 13) {
    let i = at + 3;
    while (i < end && (load<u8>(i) == 13 || isBlank(load<u8>(i)))) i++;
    if (i == end) return closed;
    if (i > at + 3) {
      if (load<u8>(i) == 10) i++;
      if (i == end && !closed) return false;
      const empty = emptyLine(i, end, false, false);
      if (empty == NONE) {
        if (i < end && load<u8>(i) == 13 && i + 1 == end && !closed) return false;
        eolEnd = i;
      }
    }
  }
  return true;
}

/** The value at `at` with all its folded lines; false when its end is not certain yet. */
function takeValue(tx: HttpTx, dir: u32, at: usize, end: usize, closed: bool): bool {
  const response = dir == TO_CLIENT;
  let stop = response ? scan2(at, end, 10, 13) : scan(at, end, 10);
  if (stop == end) return false;
  if (!response && stop > at && load<u8>(stop - 1) == 13) stop--;
  if (!lineEnding(stop, end, dir, closed)) return false;
  valueAt = skipSpace(at, stop);
  valueLen = <u32>(trimEnd(valueAt, stop) - valueAt);
  valueFolded = false;
  rest = eolEnd;
  return folds ? takeFolds(tx, dir, at, stop, end, closed) : true;
}

/** The lines that a folded value goes on with. The text is put together in the arena. */
function takeFolds(tx: HttpTx, dir: u32, start: usize, firstStop: usize, end: usize, closed: bool): bool {
  const response = dir == TO_CLIENT;
  // First pass: where does it end? Second pass: copy.
  let size: u32 = <u32>(firstStop - start);
  let at = eolEnd + 1;
  let fold: u32 = load<u8>(eolEnd);
  let count: u32 = 0;
  rest = at;
  let lastAt = at;
  let copyEnd = at;
  let any = false;
  while (true) {
    if (response) {
      const look = newHeaderAt(at, end);
      if (look == 2 && !closed) return false;
      if (look == 1) {
        rest = at;
        break;
      }
    }
    let stop = response ? scan2(at, end, 10, 13) : scan(at, end, 10);
    if (stop == end) return false;
    if (!response && stop > at && load<u8>(stop - 1) == 13) stop--;
    if (!lineEnding(stop, end, dir, closed)) return false;
    const after = eolEnd + (folds ? 1 : 0);
    size += <u32>(stop - at) + 1;
    any = true;
    if (stop > at || eolEnd - stop > 1) {
      rest = after;
      copyEnd = stop;
    } else if (after < end && load<u8>(after) == 10) rest = after;
    lastAt = after;
    at = after;
    if (++count >= MAX_FOLDS || !folds) break;
  }
  valueFolded = any;
  if (!any) return true;
  const text = arenaTake(arenaOf(tx), size + 1);
  if (text == 0) {
    valueFolded = false;
    return true;
  }
  let w = text;
  const n = firstStop - start;
  memory.copy(w, start, n);
  w += n;
  at = firstStop;
  // Walk again over what was accepted: each line ending and its blank become that blank.
  let lines = count;
  while (lines-- > 0) {
    lineEnding(at, end, dir, closed);
    fold = load<u8>(eolEnd);
    const lineAt = eolEnd + 1;
    let stop = response ? scan2(lineAt, end, 10, 13) : scan(lineAt, end, 10);
    if (!response && stop > lineAt && stop < end && load<u8>(stop - 1) == 13) stop--;
    if (w > text) store<u8>(w++, fold);
    memory.copy(w, lineAt, stop - lineAt);
    w += stop - lineAt;
    at = stop;
  }
  valueAt = skipSpace(text, w);
  valueLen = <u32>(trimEnd(valueAt, w) - valueAt);
  return true;
}

/** Whether what comes after a fold looks like a header of its own: 0 no, 1 yes, 2 not enough bytes to tell. */
function newHeaderAt(at: usize, end: usize): u32 {
  while (at < end && isBlank(load<u8>(at))) at++;
  const from = at;
  while (at < end && isToken(load<u8>(at))) at++;
  const tokens = at > from;
  while (at < end && isBlank(load<u8>(at))) at++;
  if (at == end) return 2;
  return tokens && load<u8>(at) == 58 ? 1 : 0;
}

/** The transaction's arena. */
// @ts-ignore: decorator
@inline export function arenaOf(tx: HttpTx): Arena {
  return changetype<Arena>(changetype<usize>(tx) + offsetof<HttpTx>("arenaBlock"));
}

const HASH_CONTENT_LENGTH: u32 = hashText("content-length");

/** Appends the record; false when memory is short. */
function addHeader(tx: HttpTx, message: HttpMessage, dir: u32, name: usize, nameLen: u32, hash: u32, base: usize,
                   flags: u32): bool {
  const at = arenaTake(arenaOf(tx), offsetof<HttpHeader>());
  if (at == 0) return true;
  const header = changetype<HttpHeader>(at);
  header.next = 0;
  header.first = 0;
  header.nameLen = nameLen;
  header.valueLen = valueLen;
  header.hash = hash;
  header.joined = 0;
  header.joinedLen = 0;
  header.count = 1;
  const own = flags & HDR_OWN_VALUE;
  const bit = (1 as u64) << ((hash >> 26) as u64);
  let bits = flags;
  if (message.seen & bit) {
    let h = message.headers;
    while (h != 0) {
      const other = changetype<HttpHeader>(h);
      if (other.hash == hash && other.nameLen == nameLen && other.first == 0) {
        const otherName = other.flags & SETTLED ? other.name : other.name + base;
        if (sameFold(otherName, name, nameLen)) {
          const otherValue = other.flags & (HDR_OWN_VALUE | SETTLED) ? other.value : other.value + base;
          bits |= repeated(tx, message, dir, other, header, hash, otherValue);
          break;
        }
      }
      h = other.next;
    }
  }
  message.seen |= bit;
  message.recordCount++;
  if (!(bits & HDR_REPEATS)) message.headerCount++;
  header.flags = bits;
  header.name = name - base;
  header.value = own ? valueAt : valueAt - base;
  if (dir != TO_CLIENT) oddBytes(tx, header, valueAt);
  if (message.lastHeader != 0) changetype<HttpHeader>(message.lastHeader).next = at;
  else message.headers = at;
  message.lastHeader = at;
  return true;
}

/** Set by settleHeaders: name and value are addresses. */
export const SETTLED: u32 = 0x80000000;

/** Bookkeeping of a header whose name was there before; the bits to add to it. */
function repeated(tx: HttpTx, message: HttpMessage, dir: u32, first: HttpHeader, header: HttpHeader, hash: u32,
                  firstValue: usize): u32 {
  const response = dir == TO_CLIENT;
  header.first = changetype<usize>(first);
  header.count = 0;
  if (first.count == 1) raise(tx, response ? EV_RESPONSE_HEADER_REPETITION : EV_REQUEST_HEADER_REPETITION);
  else if (message.repetitions < MAX_REPETITIONS) message.repetitions++;
  else return HDR_REPEATS | HDR_LEFT_OUT;
  if (hash == HASH_CONTENT_LENGTH && first.nameLen == 14) {
    tx.flags |= response ? TXF_RES_TWO_CL : TXF_REQ_TWO_CL;
    const a = parseLength(firstValue, first.valueLen);
    if (a < 0 || a != parseLength(valueAt, valueLen)) {
      raise(tx, response ? EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_RESPONSE : EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST);
    }
    if (first.count == 1) first.count = 2;
    return HDR_REPEATS | HDR_LEFT_OUT;
  }
  first.count++;
  first.joined = 0;
  return HDR_REPEATS;
}

/** Notes NUL and lone CR in a request's header value: servers disagree about them. */
function oddBytes(tx: HttpTx, header: HttpHeader, value: usize): void {
  const end = value + header.valueLen;
  const at = scan2(value, end, 0, 13);
  if (at == end) return;
  tx.flags |= load<u8>(at) == 0 ? TXF_REQ_NUL : TXF_REQ_BARE_CR;
}

/** Turns offsets of the raw block into addresses, once the block is where it stays. */
export function settleHeaders(message: HttpMessage, base: usize): void {
  let h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (!(header.flags & SETTLED)) {
      header.name += base;
      if (!(header.flags & HDR_OWN_VALUE)) header.value += base;
      header.flags |= SETTLED;
    }
    h = header.next;
  }
}
