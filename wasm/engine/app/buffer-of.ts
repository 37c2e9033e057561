// One way to all buffers of all protocols of this room, and to EVE.

import { PROTO_DCERPC, PROTO_DNS, PROTO_FTP, PROTO_HTTP, PROTO_SMB, PROTO_SMTP, PROTO_SSH, PROTO_TLS, Tx } from "../core/tx";
import {
  BUF_DCERPC_STUB_DATA, BUF_DNS_ANSWER_NAME, BUF_DNS_QUERY, BUF_DNS_QUERY_NAME, BUF_DNS_RESPONSE_RRNAME, BUF_EMAIL_CC,
  BUF_EMAIL_DATE, BUF_EMAIL_FROM, BUF_EMAIL_MESSAGE_ID, BUF_EMAIL_RECEIVED, BUF_EMAIL_SUBJECT, BUF_EMAIL_TO, BUF_EMAIL_URL,
  BUF_EMAIL_X_MAILER, BUF_FILE_NAME, BUF_FTP_COMMAND, BUF_FTP_COMMAND_DATA, BUF_FTP_COMPLETION_CODE, BUF_FTP_REPLY,
  BUF_SMB_NAMED_PIPE, BUF_SMB_NTLMSSP_DOMAIN, BUF_SMB_NTLMSSP_USER, BUF_SMB_SHARE, BUF_SMTP_HELO, BUF_SMTP_MAIL_FROM,
  BUF_SMTP_RCPT_TO, BUF_SSH_HASSH, BUF_SSH_HASSH_SERVER, BUF_SSH_HASSH_SERVER_STRING, BUF_SSH_HASSH_STRING, BUF_SSH_PROTO,
  BUF_SSH_SOFTWARE, BUF_TLS_SNI, BUF_JA4_HASH,
} from "./buffers";
import { AppTx } from "./conn";
import { DcerpcTx } from "./dcerpc";
import { DNS_ANSWER, DNS_QUERY, dnsAnyName, dnsName, DnsTx } from "./dns";
import { eveDns } from "./dns-eve";
import { eveFtp, eveSmb, eveSmtp, eveSsh, eveDcerpc } from "./eve";
import { File, fileAt } from "./file";
import { eveHttp } from "./http-eve";
import { ftpReplyAt, FtpTx } from "./ftp";
import { JsonWriter } from "./json";
import {
  EmailField, FIELD_CC, FIELD_DATE, FIELD_FROM, FIELD_MESSAGE_ID, FIELD_RECEIVED, FIELD_SUBJECT, FIELD_TO, FIELD_URL,
  FIELD_X_MAILER, mimeField,
} from "./mime";
import { SmbTx } from "./smb-types";
import { SmtpTx } from "./smtp";
import { noSpan, span } from "./span";
import { SshSide, sshSide } from "./ssh";
import { eveTls, tlsBuffer } from "./tls-buffers";

/**
 * The bytes of a buffer (BUF_…) of a transaction: the result points at them (0: there is none), `spanLen` is their length.
 * `index` counts where there can be several; `dir` is the direction that the rule looks at.
 */
export function appBuffer(tx: usize, buffer: u32, index: u32, dir: u32): usize {
  // HTTP keeps its own buffers and files: engine/http.
  if (changetype<Tx>(tx).proto == PROTO_HTTP) return noSpan();
  if (buffer <= BUF_FILE_NAME) return fileBuffer(changetype<AppTx>(tx), buffer, index, dir);
  switch (changetype<Tx>(tx).proto) {
    case PROTO_DNS: return dnsBuffer(tx, buffer, index);
    case PROTO_TLS: return buffer >= BUF_TLS_SNI && buffer <= BUF_JA4_HASH ? tlsBuffer(tx, buffer, index, dir) : noSpan();
    case PROTO_SMTP: return smtpBuffer(changetype<SmtpTx>(tx), buffer, index);
    case PROTO_FTP: return ftpBuffer(changetype<FtpTx>(tx), buffer, index);
    case PROTO_SSH: return index == 0 ? sshBuffer(tx, buffer, dir) : noSpan();
    case PROTO_SMB: return index == 0 ? smbBuffer(changetype<SmbTx>(tx), buffer, dir) : noSpan();
    case PROTO_DCERPC: {
      if (buffer != BUF_DCERPC_STUB_DATA || index != 0) return noSpan();
      return stubData(changetype<DcerpcTx>(tx), dir);
    }
    default: return noSpan();
  }
}

/** Writes what EVE says about the transaction, as members of the object that is open. `dir`: the direction of the alert. */
export function appEve(tx: usize, dir: u32, out: JsonWriter): void {
  switch (changetype<Tx>(tx).proto) {
    case PROTO_HTTP: return eveHttp(tx, out);
    case PROTO_DNS: return eveDns(tx, out);
    case PROTO_TLS: return eveTls(tx, out);
    case PROTO_SMTP: return eveSmtp(tx, out);
    case PROTO_FTP: return eveFtp(tx, out);
    case PROTO_SSH: return eveSsh(tx, out);
    case PROTO_SMB: return eveSmb(tx, out);
    case PROTO_DCERPC: return eveDcerpc(tx, out);
    default: return;
  }
}

function some(ptr: usize, len: u32): usize {
  return ptr == 0 ? noSpan() : span(ptr, len);
}

function fileBuffer(tx: AppTx, buffer: u32, index: u32, dir: u32): usize {
  const at = fileAt(tx, dir, index);
  if (at == 0) return noSpan();
  const file = changetype<File>(at);
  // A file without content is still one: the pointer must not be 0.
  if (buffer == BUF_FILE_NAME) return span(file.name == 0 ? at : file.name, file.nameLen);
  return span(file.ptr == 0 ? at : file.ptr, file.len);
}

function dnsBuffer(tx: usize, buffer: u32, index: u32): usize {
  const response = changetype<DnsTx>(tx).response != 0;
  if (buffer == BUF_DNS_QUERY) return response ? noSpan() : dnsName(tx, DNS_QUERY, index);
  if (buffer == BUF_DNS_QUERY_NAME) return dnsName(tx, DNS_QUERY, index);
  if (buffer == BUF_DNS_ANSWER_NAME) return dnsName(tx, DNS_ANSWER, index);
  if (buffer == BUF_DNS_RESPONSE_RRNAME) return response ? dnsAnyName(tx, index) : noSpan();
  return noSpan();
}

function email(tx: SmtpTx, kind: u8, index: u32): usize {
  const at = mimeField(tx.fields, kind, index);
  return at == 0 ? noSpan() : span(changetype<EmailField>(at).ptr, changetype<EmailField>(at).len);
}

function smtpBuffer(tx: SmtpTx, buffer: u32, index: u32): usize {
  if (buffer == BUF_SMTP_RCPT_TO) {
    const at = mimeField(tx.recipients, 0, index);
    return at == 0 ? noSpan() : span(changetype<EmailField>(at).ptr, changetype<EmailField>(at).len);
  }
  if (buffer == BUF_EMAIL_RECEIVED) return email(tx, FIELD_RECEIVED, index);
  if (buffer == BUF_EMAIL_URL) return email(tx, FIELD_URL, index);
  if (index != 0) return noSpan();
  switch (buffer) {
    case BUF_SMTP_HELO: return some(tx.helo, tx.heloLen);
    case BUF_SMTP_MAIL_FROM: return some(tx.mailFrom, tx.mailFromLen);
    case BUF_EMAIL_FROM: return email(tx, FIELD_FROM, 0);
    case BUF_EMAIL_SUBJECT: return email(tx, FIELD_SUBJECT, 0);
    case BUF_EMAIL_TO: return email(tx, FIELD_TO, 0);
    case BUF_EMAIL_CC: return email(tx, FIELD_CC, 0);
    case BUF_EMAIL_DATE: return email(tx, FIELD_DATE, 0);
    case BUF_EMAIL_MESSAGE_ID: return email(tx, FIELD_MESSAGE_ID, 0);
    case BUF_EMAIL_X_MAILER: return email(tx, FIELD_X_MAILER, 0);
    default: return noSpan();
  }
}

function ftpBuffer(tx: FtpTx, buffer: u32, index: u32): usize {
  if (buffer == BUF_FTP_REPLY) return ftpReplyAt(tx, index, false);
  if (buffer == BUF_FTP_COMPLETION_CODE) return ftpReplyAt(tx, index, true);
  if (index != 0) return noSpan();
  if (buffer == BUF_FTP_COMMAND) return some(tx.command, tx.commandLen);
  if (buffer == BUF_FTP_COMMAND_DATA) return some(tx.data, tx.dataLen);
  return noSpan();
}

function hasshString(side: SshSide): usize {
  return side.hassh == 0 ? noSpan() : span(side.hasshString, side.hasshStringLen);
}

function sshBuffer(tx: usize, buffer: u32, dir: u32): usize {
  const side = sshSide(tx, dir);
  switch (buffer) {
    case BUF_SSH_PROTO: return some(side.proto, side.protoLen);
    case BUF_SSH_SOFTWARE: return some(side.software, side.softwareLen);
    case BUF_SSH_HASSH: return some(sshSide(tx, 0).hassh, 32);
    case BUF_SSH_HASSH_STRING: return hasshString(sshSide(tx, 0));
    case BUF_SSH_HASSH_SERVER: return some(sshSide(tx, 1).hassh, 32);
    case BUF_SSH_HASSH_SERVER_STRING: return hasshString(sshSide(tx, 1));
    default: return noSpan();
  }
}

function stubData(tx: DcerpcTx, dir: u32): usize {
  return dir == 0 ? some(tx.stubToServer, tx.stubToServerLen) : some(tx.stubToClient, tx.stubToClientLen);
}

function smbBuffer(tx: SmbTx, buffer: u32, dir: u32): usize {
  switch (buffer) {
    case BUF_SMB_NAMED_PIPE: return some(tx.pipe, tx.pipeLen);
    case BUF_SMB_SHARE: return some(tx.share, tx.shareLen);
    case BUF_SMB_NTLMSSP_USER: return some(tx.user, tx.userLen);
    case BUF_SMB_NTLMSSP_DOMAIN: return some(tx.domain, tx.domainLen);
    case BUF_DCERPC_STUB_DATA: return stubData(tx, dir);
    default: return noSpan();
  }
}
