// The buffers that rules name (ids of packages/suricata-rules/src/buffers.ts): where their bytes are in a transaction, and from
// which progress on.

import { BUF_DCERPC_STUB_DATA, BUF_DNS_ANSWER_NAME, BUF_DNS_QUERY, BUF_DNS_QUERY_NAME, BUF_DNS_RESPONSE_RRNAME, BUF_EMAIL_CC,
  BUF_EMAIL_DATE, BUF_EMAIL_FROM, BUF_EMAIL_MESSAGE_ID, BUF_EMAIL_RECEIVED, BUF_EMAIL_SUBJECT, BUF_EMAIL_TO, BUF_EMAIL_URL,
  BUF_EMAIL_X_MAILER, BUF_FILE_DATA, BUF_FILE_NAME, BUF_FTP_COMMAND, BUF_FTP_COMMAND_DATA, BUF_FTP_COMPLETION_CODE, BUF_FTP_REPLY,
  BUF_JA3S_HASH, BUF_JA3S_STRING, BUF_JA3_HASH, BUF_JA3_STRING, BUF_JA4_HASH, BUF_SMB_NAMED_PIPE, BUF_SMB_NTLMSSP_DOMAIN,
  BUF_SMB_NTLMSSP_USER, BUF_SMB_SHARE, BUF_SMTP_HELO, BUF_SMTP_MAIL_FROM, BUF_SMTP_RCPT_TO, BUF_SSH_HASSH, BUF_SSH_HASSH_SERVER,
  BUF_SSH_HASSH_SERVER_STRING, BUF_SSH_HASSH_STRING, BUF_SSH_PROTO, BUF_SSH_SOFTWARE, BUF_TLS_ALPN, BUF_TLS_CERTS,
  BUF_TLS_CERT_FINGERPRINT, BUF_TLS_CERT_ISSUER, BUF_TLS_CERT_SERIAL, BUF_TLS_CERT_SUBJECT, BUF_TLS_RANDOM, BUF_TLS_RANDOM_BYTES,
  BUF_TLS_RANDOM_TIME, BUF_TLS_SNI, BUF_TLS_SUBJECTALTNAME } from "../app/buffers";
import { appBuffer } from "../app/app";
import { AppTx } from "../app/conn";
import { File, fileAt } from "../app/file";
import { spanLen } from "../app/span";
import { TLS_CLIENT_CERT, TLS_CLIENT_HELLO, TLS_SERVER_CERT, TLS_SERVER_HELLO } from "../app/tls-types";
import { PROTO_FTP_DATA, PROTO_HTTP, PROTO_SMTP, PROTO_SSH, PROTO_TLS, TX_COMPLETE, Tx } from "../core/tx";
import { httpBuffer, httpBufferLen, httpFileData, httpHeaderLine } from "../http/http";
import {
  BUF_ACCEPT, BUF_ACCEPT_ENC, BUF_ACCEPT_LANG, BUF_BODY, BUF_CONNECTION, BUF_CONTENT_LEN, BUF_CONTENT_TYPE, BUF_COOKIE,
  BUF_HEADER, BUF_HEADER_NAMES, BUF_HEADER_RAW, BUF_HOST, BUF_HOST_RAW, BUF_LINE, BUF_LOCATION, BUF_METHOD, BUF_PROTOCOL,
  BUF_REFERER, BUF_SERVER, BUF_START, BUF_STAT_CODE, BUF_STAT_MSG, BUF_URI, BUF_URI_RAW, BUF_USER_AGENT, HTTP_BODY,
  HTTP_HEADERS, HTTP_LINE, HttpFile, messageOf,
} from "../http/types";
import { STAGE_BODY, STAGE_COMPLETE, STAGE_HEADERS, STAGE_LINE, STAGE_START, STAGE_TRAILER } from "./layout";

export const BUFFER_PAYLOAD: u32 = 1;
export const BUFFER_FILE_DATA: u32 = 6;
export const BUFFER_REQUEST_BODY: u32 = 7;
export const BUFFER_RESPONSE_BODY: u32 = 8;
export const BUFFER_REQUEST_HEADER: u32 = 30;
export const BUFFER_RESPONSE_HEADER: u32 = 31;
export const BUFFER_FILE_NAME: u32 = 130;
export const BUFFER_IPV4_HEADER: u32 = 140;
export const BUFFER_ICMPV6_HEADER: u32 = 145;

/** What `bufferReady` says. */
export const NOT_YET: u32 = 0;
export const GROWING: u32 = 1;
export const READY: u32 = 2;

/** Length of the bytes of the last bufferOf, and how many bytes of the whole come before them. */
export let bufferLen: u32 = 0;
export let bufferSkipped: u64 = 0;

/** The parser's number of each buffer. */
const numbers = memory.data(256);
set(2, BUF_URI); set(3, BUF_URI_RAW); set(4, BUF_METHOD); set(5, BUF_LINE); set(7, BUF_BODY); set(8, BUF_BODY); set(9, BUF_HEADER);
set(10, BUF_HEADER_RAW); set(11, BUF_COOKIE); set(12, BUF_USER_AGENT); set(13, BUF_HOST); set(14, BUF_HOST_RAW);
set(15, BUF_STAT_CODE); set(16, BUF_STAT_MSG); set(17, BUF_LINE); set(18, BUF_PROTOCOL); set(19, BUF_START);
set(20, BUF_HEADER_NAMES); set(21, BUF_ACCEPT); set(22, BUF_ACCEPT_ENC); set(23, BUF_ACCEPT_LANG); set(24, BUF_CONNECTION);
set(25, BUF_CONTENT_LEN); set(26, BUF_CONTENT_TYPE); set(27, BUF_REFERER); set(28, BUF_SERVER); set(29, BUF_LOCATION);
set(40, BUF_DNS_QUERY); set(41, BUF_DNS_ANSWER_NAME); set(42, BUF_DNS_QUERY_NAME); set(45, BUF_DNS_ANSWER_NAME);
set(43, BUF_DNS_RESPONSE_RRNAME); set(44, BUF_DNS_RESPONSE_RRNAME);
set(50, BUF_TLS_SNI); set(51, BUF_TLS_CERT_SUBJECT); set(52, BUF_TLS_CERT_ISSUER); set(53, BUF_TLS_CERT_SERIAL);
set(54, BUF_TLS_CERT_FINGERPRINT); set(55, BUF_TLS_CERTS); set(56, BUF_JA3_HASH); set(57, BUF_JA3_STRING); set(58, BUF_JA3S_HASH);
set(59, BUF_JA3S_STRING); set(60, BUF_JA4_HASH); set(61, BUF_TLS_RANDOM); set(62, BUF_TLS_RANDOM_TIME);
set(63, BUF_TLS_RANDOM_BYTES); set(64, BUF_TLS_ALPN); set(65, BUF_TLS_SUBJECTALTNAME);
set(70, BUF_SSH_PROTO); set(71, BUF_SSH_SOFTWARE); set(72, BUF_SSH_HASSH); set(73, BUF_SSH_HASSH_STRING);
set(74, BUF_SSH_HASSH_SERVER); set(75, BUF_SSH_HASSH_SERVER_STRING);
set(80, BUF_SMTP_HELO); set(81, BUF_SMTP_MAIL_FROM); set(82, BUF_SMTP_RCPT_TO); set(83, BUF_EMAIL_FROM); set(84, BUF_EMAIL_TO);
set(85, BUF_EMAIL_CC); set(86, BUF_EMAIL_SUBJECT); set(87, BUF_EMAIL_DATE); set(88, BUF_EMAIL_MESSAGE_ID);
set(89, BUF_EMAIL_X_MAILER); set(90, BUF_EMAIL_URL); set(91, BUF_EMAIL_RECEIVED);
set(100, BUF_FTP_COMMAND); set(101, BUF_FTP_COMMAND_DATA); set(102, BUF_FTP_REPLY); set(103, BUF_FTP_COMPLETION_CODE);
set(110, BUF_SMB_NAMED_PIPE); set(111, BUF_SMB_SHARE); set(112, BUF_SMB_NTLMSSP_USER); set(113, BUF_SMB_NTLMSSP_DOMAIN);
set(120, BUF_DCERPC_STUB_DATA); set(6, BUF_FILE_DATA); set(130, BUF_FILE_NAME);

function set(buffer: u32, number: u32): void {
  store<u8>(numbers + buffer, number);
}

/** Instance `index` of a buffer: its address and {@link bufferLen}; 0 when there is none (any more). */
export function bufferOf(at: usize, buffer: u32, direction: u32, index: u32): usize {
  bufferSkipped = 0;
  bufferLen = 0;
  const tx = changetype<Tx>(at);
  if (tx.proto == PROTO_HTTP) return httpOf(at, buffer, direction, index);
  if (buffer == BUFFER_FILE_DATA) {
    const place = fileAt(changetype<AppTx>(at), direction, index);
    if (place == 0) return 0;
    const file = changetype<File>(place);
    bufferLen = file.len;
    bufferSkipped = file.base;
    return file.ptr == 0 ? numbers : file.ptr;
  }
  const ptr = appBuffer(at, load<u8>(numbers + buffer), index, direction);
  bufferLen = ptr == 0 ? 0 : spanLen;
  return ptr;
}

function httpOf(at: usize, buffer: u32, direction: u32, index: u32): usize {
  if (buffer == BUFFER_REQUEST_HEADER || buffer == BUFFER_RESPONSE_HEADER) {
    const line = httpHeaderLine(at, direction, index);
    bufferLen = line == 0 ? 0 : httpBufferLen;
    return line;
  }
  if (buffer == BUFFER_FILE_NAME || (buffer == BUFFER_FILE_DATA && direction == 0)) {
    let file = messageOf(at, direction).files;
    for (let i = index; i != 0 && file != 0; i--) file = changetype<HttpFile>(file).next;
    if (file == 0) return 0;
    if (buffer == BUFFER_FILE_NAME) {
      bufferLen = changetype<HttpFile>(file).nameLen;
      return changetype<HttpFile>(file).name;
    }
    const data = httpFileData(at, direction, file);
    bufferLen = data == 0 ? 0 : httpBufferLen;
    return data == 0 ? numbers : data;
  }
  if (index != 0) return 0;
  const ptr = httpBuffer(at, buffer == BUFFER_FILE_DATA ? BUF_BODY : load<u8>(numbers + buffer), direction);
  bufferLen = ptr == 0 ? 0 : httpBufferLen;
  return ptr;
}

/** Whether a buffer of that stage can be looked at, at this progress of its direction. */
export function stageReady(proto: u8, buffer: u32, stage: u32, direction: u32, progress: u8): u32 {
  if (progress == TX_COMPLETE) return READY;
  if (proto == PROTO_HTTP) {
    if (stage == STAGE_START) return READY;
    if (stage == STAGE_LINE) return progress >= HTTP_LINE ? READY : NOT_YET;
    if (stage == STAGE_HEADERS) return progress >= HTTP_HEADERS ? READY : NOT_YET;
    if (stage == STAGE_BODY) return progress >= HTTP_BODY ? READY : progress >= HTTP_HEADERS ? GROWING : NOT_YET;
    return stage == STAGE_TRAILER && progress > HTTP_BODY ? READY : NOT_YET;
  }
  if (proto == PROTO_TLS) {
    if (stage == STAGE_START) return READY;
    if (stage == STAGE_HEADERS) return progress >= (direction == 0 ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO) ? READY : NOT_YET;
    return progress >= (direction == 0 ? TLS_CLIENT_CERT : TLS_SERVER_CERT) ? READY : NOT_YET;
  }
  if (proto == PROTO_SSH) {
    // The banner comes first, the key exchange second.
    return progress >= (stage == STAGE_COMPLETE ? 2 : 1) ? READY : NOT_YET;
  }
  if (stage == STAGE_BODY) return progress > 0 || proto == PROTO_FTP_DATA ? GROWING : NOT_YET;
  if (stage == STAGE_START && progress > 0) return proto == PROTO_SMTP && buffer >= 82 ? GROWING : READY;
  return NOT_YET;
}
