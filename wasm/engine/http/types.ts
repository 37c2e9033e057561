// What the HTTP/1 parser keeps: a connection, its transactions, and of each transaction two messages (request and response).
// All of it lives in blocks of core/memory; what belongs to a transaction lives in its arena and dies with it.

import { Tx } from "../core/tx";

/** Stages of a direction (`Tx.progressToServer`, `Tx.progressToClient`): what has been seen completely. */
export const HTTP_LINE: u8 = 1;
export const HTTP_HEADERS: u8 = 2;
/** Body seen completely; a chunked message still has its trailer to come. */
export const HTTP_BODY: u8 = 3;
export const HTTP_TRAILER: u8 = 4;

/** Numbers of the methods that the parser or rules tell apart; METHOD_OTHER is everything else. */
export const METHOD_OTHER: u32 = 0;
export const METHOD_GET: u32 = 1;
export const METHOD_HEAD: u32 = 2;
export const METHOD_POST: u32 = 3;
export const METHOD_PUT: u32 = 4;
export const METHOD_CONNECT: u32 = 5;
export const METHOD_KNOWN: u32 = 6;

/** Protocol versions as numbers. */
export const VERSION_INVALID: u32 = 0;
export const VERSION_0_9: u32 = 9;
export const VERSION_1_0: u32 = 10;
export const VERSION_1_1: u32 = 11;

/** HttpTx.flags: what makes a message ambiguous between two readers (request smuggling), and what became of the connection. */
export const TXF_REQ_CL_AND_TE: u32 = 1 << 0;
export const TXF_REQ_TWO_CL: u32 = 1 << 1;
/** Two Content-Length values that differ, or one that is no plain number. */
export const TXF_REQ_BAD_CL: u32 = 1 << 2;
export const TXF_REQ_BAD_TE: u32 = 1 << 3;
export const TXF_REQ_OBS_FOLD: u32 = 1 << 4;
export const TXF_REQ_BARE_LF: u32 = 1 << 5;
export const TXF_REQ_SPACE_BEFORE_COLON: u32 = 1 << 6;
export const TXF_REQ_BARE_CR: u32 = 1 << 7;
export const TXF_REQ_NUL: u32 = 1 << 8;
export const TXF_RES_CL_AND_TE: u32 = 1 << 9;
export const TXF_RES_TWO_CL: u32 = 1 << 10;
export const TXF_RES_OBS_FOLD: u32 = 1 << 11;
export const TXF_RES_BARE_LF: u32 = 1 << 12;
export const TXF_RES_SPACE_BEFORE_COLON: u32 = 1 << 13;
/** A gap in the stream is somewhere in the message. */
export const TXF_REQ_GAP: u32 = 1 << 14;
export const TXF_RES_GAP: u32 = 1 << 15;
/** 2xx to CONNECT, or 101: what follows is another protocol. */
export const TXF_TUNNEL: u32 = 1 << 16;
export const TXF_UPGRADE_WEBSOCKET: u32 = 1 << 17;
export const TXF_UPGRADE_H2C: u32 = 1 << 18;
/** The response came without a request having been seen. */
export const TXF_NO_REQUEST: u32 = 1 << 19;
/** Path flags of URI decoding, as ModSecurity and Suricata tell them apart. */
export const TXF_URI_INVALID_ENCODING: u32 = 1 << 20;
export const TXF_URI_ENCODED_NUL: u32 = 1 << 21;
/** The body was longer than the limit: `body` is its beginning. */
export const TXF_REQ_BODY_CUT: u32 = 1 << 22;
export const TXF_RES_BODY_CUT: u32 = 1 << 23;

/** How a body's end is found: there is none, a declared length, chunks, or the end of the stream. */
export const CODING_NONE: u32 = 0;
export const CODING_LENGTH: u32 = 1;
export const CODING_CHUNKED: u32 = 2;
export const CODING_CLOSE: u32 = 3;

/** One header as it was sent. Offsets of the raw block until its end has been seen, addresses after that. */
@unmanaged
export class HttpHeader {
  /** Next in order of arrival. */
  next: usize;
  /** First header of the same name when this one repeats it, else 0. */
  first: usize;
  name: usize;
  value: usize;
  nameLen: u32;
  valueLen: u32;
  /** Hash of the name in small letters. */
  hash: u32;
  /** HDR_ bits. */
  flags: u32;
  /** Cached value of all headers of this name, joined by ", "; 0 until asked for. Only on the first of a name. */
  joined: usize;
  joinedLen: u32;
  /** Headers of this name that count for `joined`, this one included; 0 on a repetition that is left out of it. */
  count: u32;
}

/** Another header before it has the same name. */
export const HDR_REPEATS: u32 = 1;
/** Folded over lines: `value` is the unfolded one. */
export const HDR_FOLDED: u32 = 2;
/** `value` points into the arena already (not into the raw block). */
export const HDR_OWN_VALUE: u32 = 4;
export const HDR_NO_COLON: u32 = 8;
export const HDR_TRAILER: u32 = 16;
/** Not in the lists of headers: beyond what a connection may repeat. */
export const HDR_LEFT_OUT: u32 = 32;

/** A file that a message carries: an upload, a part of a multipart form, or the body of a response. */
@unmanaged
export class HttpFile {
  next: usize;
  /** Read it through httpFileName: a name that is the request's path is made when asked for. */
  name: usize;
  nameLen: u32;
  /** Bytes kept: at most the body limit. */
  dataLen: u32;
  /** Read it through httpFileData: the file that is a whole response is its body. */
  data: usize;
  dataCapacity: u32;
  /** 0 open, 1 complete, 2 cut off (end of stream, gap). */
  state: u32;
  /** Bytes seen, kept or not. */
  size: u64;
}

/** One message. Pointers are into the transaction's arena; 0 is "not there". */
@unmanaged
export class HttpMessage {
  line: usize;
  lineLen: u32;
  /** HTTP_VERSION number. */
  version: u32;
  protocol: usize;
  protocolLen: u32;
  /** Bytes from the start of the first header to the end of the empty line, as sent. */
  rawLen: u32;
  raw: usize;
  /** First and last HttpHeader. */
  headers: usize;
  lastHeader: usize;
  /** Names, and records including repetitions. */
  headerCount: u32;
  recordCount: u32;
  repetitions: u32;
  /** Bloom filter of name hashes. */
  seen: u64;
  /** Trailer, as sent. */
  trailer: usize;
  trailerLen: u32;
  /** CODING_ number. */
  coding: u32;
  /** Declared length, -1 without. */
  contentLength: i64;
  /** Bytes of the body as sent (without chunk framing), and after content decoding. */
  bodyRawBytes: u64;
  bodyBytes: u64;
  /** Decoded body that was kept (a core Buffer: ptr, len, capacity). */
  body: usize;
  bodyLen: u32;
  bodyCapacity: u32;
  /** Body as sent, kept only when it is encoded and WANT_RAW_BODY is set. */
  rawBody: usize;
  rawBodyLen: u32;
  rawBodyCapacity: u32;
  /** First HttpFile. */
  files: usize;
  lastFile: usize;
  /** Bytes kept in files of their own. */
  fileBytes: u32;
  /** Decompressor chain, 0 without. */
  decoder: usize;
  /** Multipart parser of an upload, 0 without. */
  multipart: usize;
  /** 1 when the body as a whole is one file. */
  wholeFile: u32;
  /** 1 for a message without headers (HTTP/0.9). */
  is09: u32;
  /** Cache of built buffers: pairs (ptr, len) by buffer id. */
  built: usize;
}

/** A transaction: the head that rules know, then the protocol's own. The two messages follow it in the same block. */
@unmanaged
export class HttpTx extends Tx {
  /** Owner. */
  conn: usize;
  /** TXF_ bits. */
  flags: u32;
  method: u32;
  /** An Arena in place: block, at, end, bytes. */
  arenaBlock: usize;
  arenaAt: usize;
  arenaEnd: usize;
  arenaBytes: u32;
  methodAt: usize;
  methodLen: u32;
  /** Status as a number, 0 when it is none. */
  status: u32;
  uri: usize;
  uriLen: u32;
  statusAt: usize;
  statusLen: u32;
  message: usize;
  messageLen: u32;
  /** Authority of an absolute URI or CONNECT (bytes in `uri`), 0 without. */
  uriHost: usize;
  uriHostLen: u32;
  /** Port there, 0 without. */
  uriPort: u32;
  /** Time of the first byte and of the last, in the engine's milliseconds. */
  firstMs: f64;
  lastMs: f64;
}

/** Message of a direction. */
// @ts-ignore: decorator
@inline export function messageOf(tx: usize, dir: u32): HttpMessage {
  return changetype<HttpMessage>(tx + offsetof<HttpTx>() + (dir as usize) * offsetof<HttpMessage>());
}

/** Bits of httpWant: what has to be kept of bodies. */
export const WANT_REQUEST_BODY: u32 = 1;
export const WANT_RESPONSE_BODY: u32 = 2;
/** Files of uploads (multipart parts) and file names. */
export const WANT_FILES: u32 = 4;
/** Undecoded body of compressed messages too. */
export const WANT_RAW_BODY: u32 = 8;

/** What `httpBuffer` gives; the same numbers for both directions where both have it. */
export const BUF_URI: u32 = 0;
export const BUF_URI_RAW: u32 = 1;
export const BUF_METHOD: u32 = 2;
export const BUF_PROTOCOL: u32 = 3;
export const BUF_HEADER: u32 = 4;
export const BUF_HEADER_RAW: u32 = 5;
export const BUF_HEADER_NAMES: u32 = 6;
/** Cookie of requests, Set-Cookie of responses. */
export const BUF_COOKIE: u32 = 7;
export const BUF_USER_AGENT: u32 = 8;
export const BUF_HOST: u32 = 9;
export const BUF_HOST_RAW: u32 = 10;
export const BUF_CONTENT_TYPE: u32 = 11;
export const BUF_CONTENT_LEN: u32 = 12;
export const BUF_REFERER: u32 = 13;
export const BUF_ACCEPT: u32 = 14;
export const BUF_ACCEPT_LANG: u32 = 15;
export const BUF_ACCEPT_ENC: u32 = 16;
export const BUF_CONNECTION: u32 = 17;
export const BUF_START: u32 = 18;
export const BUF_LOCATION: u32 = 19;
export const BUF_SERVER: u32 = 20;
export const BUF_STAT_CODE: u32 = 21;
export const BUF_STAT_MSG: u32 = 22;
/** Request or response line, without its end. */
export const BUF_LINE: u32 = 23;
/** Decoded body as far as it was kept. */
export const BUF_BODY: u32 = 24;
export const BUF_TRAILER: u32 = 25;
/** Body as sent: BUF_BODY unless it was encoded. */
export const BUF_BODY_RAW: u32 = 26;
export const BUF_COUNT: u32 = 27;
