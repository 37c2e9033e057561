// Events of HTTP transactions: bits of `Tx.events`. Their names in rules are in wasm/src/engine/http/http-events.ts, in this
// order.

import { Tx } from "../core/tx";

export const EV_UNKNOWN_ERROR: u32 = 0;
export const EV_GZIP_DECOMPRESSION_FAILED: u32 = 1;
export const EV_REQUEST_FIELD_MISSING_COLON: u32 = 2;
export const EV_RESPONSE_FIELD_MISSING_COLON: u32 = 3;
export const EV_INVALID_REQUEST_CHUNK_LEN: u32 = 4;
export const EV_INVALID_RESPONSE_CHUNK_LEN: u32 = 5;
export const EV_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST: u32 = 6;
export const EV_INVALID_TRANSFER_ENCODING_VALUE_IN_RESPONSE: u32 = 7;
export const EV_INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST: u32 = 8;
export const EV_INVALID_CONTENT_LENGTH_FIELD_IN_RESPONSE: u32 = 9;
export const EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST: u32 = 10;
export const EV_DUPLICATE_CONTENT_LENGTH_FIELD_IN_RESPONSE: u32 = 11;
export const EV_CONTINUE_ALREADY_SEEN: u32 = 12;
export const EV_UNABLE_TO_MATCH_RESPONSE_TO_REQUEST: u32 = 13;
export const EV_INVALID_SERVER_PORT_IN_REQUEST: u32 = 14;
export const EV_INVALID_AUTHORITY_PORT: u32 = 15;
export const EV_REQUEST_HEADER_INVALID: u32 = 16;
export const EV_RESPONSE_HEADER_INVALID: u32 = 17;
export const EV_MISSING_HOST_HEADER: u32 = 18;
export const EV_HOST_HEADER_AMBIGUOUS: u32 = 19;
export const EV_INVALID_REQUEST_FIELD_FOLDING: u32 = 20;
export const EV_INVALID_RESPONSE_FIELD_FOLDING: u32 = 21;
export const EV_REQUEST_FIELD_TOO_LONG: u32 = 22;
export const EV_RESPONSE_FIELD_TOO_LONG: u32 = 23;
export const EV_FILE_NAME_TOO_LONG: u32 = 24;
export const EV_REQUEST_LINE_INVALID: u32 = 25;
export const EV_REQUEST_BODY_UNEXPECTED: u32 = 26;
export const EV_REQUEST_SERVER_PORT_TCP_PORT_MISMATCH: u32 = 27;
export const EV_REQUEST_URI_HOST_INVALID: u32 = 28;
export const EV_REQUEST_HEADER_HOST_INVALID: u32 = 29;
export const EV_REQUEST_AUTH_UNRECOGNIZED: u32 = 30;
export const EV_REQUEST_HEADER_REPETITION: u32 = 31;
export const EV_RESPONSE_HEADER_REPETITION: u32 = 32;
export const EV_DOUBLE_ENCODED_URI: u32 = 33;
export const EV_URI_DELIM_NON_COMPLIANT: u32 = 34;
export const EV_METHOD_DELIM_NON_COMPLIANT: u32 = 35;
export const EV_REQUEST_LINE_LEADING_WHITESPACE: u32 = 36;
export const EV_TOO_MANY_ENCODING_LAYERS: u32 = 37;
export const EV_REQUEST_TOO_MANY_HEADERS: u32 = 38;
export const EV_RESPONSE_TOO_MANY_HEADERS: u32 = 39;
export const EV_ABNORMAL_CE_HEADER: u32 = 40;
export const EV_RESPONSE_MULTIPART_BYTERANGES: u32 = 41;
export const EV_RESPONSE_ABNORMAL_TRANSFER_ENCODING: u32 = 42;
export const EV_RESPONSE_CHUNKED_OLD_PROTO: u32 = 43;
export const EV_RESPONSE_INVALID_PROTOCOL: u32 = 44;
export const EV_RESPONSE_INVALID_STATUS: u32 = 45;
export const EV_REQUEST_LINE_INCOMPLETE: u32 = 46;
export const EV_LZMA_MEMLIMIT_REACHED: u32 = 47;
export const EV_COMPRESSION_BOMB: u32 = 48;
export const EV_MULTIPART_GENERIC_ERROR: u32 = 49;
export const EV_MULTIPART_NO_FILEDATA: u32 = 50;
export const EV_MULTIPART_INVALID_HEADER: u32 = 51;
export const EV_TOO_MANY_WARNINGS: u32 = 52;
export const EV_RANGE_INVALID: u32 = 53;
export const EV_FAILED_PROTOCOL_CHANGE: u32 = 54;
export const EV_REQUEST_CHUNK_EXTENSION: u32 = 55;
export const EV_RESPONSE_CHUNK_EXTENSION: u32 = 56;
export const EV_REQUEST_LINE_MISSING_PROTOCOL: u32 = 57;
export const EV_RESPONSE_BODY_UNEXPECTED: u32 = 58;

// Only engines know when it happens: EV_FAILED_PROTOCOL_CHANGE, when the protocol that TXF_TUNNEL announces is not taken up.
// EV_RESPONSE_BODY_UNEXPECTED has no name of its own in Suricata, where it counts as EV_UNKNOWN_ERROR; both are raised.

/** Raises an event of the transaction. */
export function raise(tx: Tx, event: u32): void {
  tx.events |= (1 as u64) << (event as u64);
}
