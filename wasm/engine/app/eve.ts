// The "smtp", "email", "ftp", "ssh", "smb" and "dcerpc" objects of EVE.

import { putHex, putNumber } from "./bytes";
import { DcerpcTx } from "./dcerpc";
import { File } from "./file";
import { FtpReply, FtpTx } from "./ftp";
import {
  jsonArray, jsonArrayEnd, jsonBytes, jsonBytesIf, jsonClose, jsonItem, jsonNumber, jsonObject, jsonText, JsonWriter,
} from "./json";
import { EmailField, FIELD_CC, FIELD_FROM, FIELD_MESSAGE_ID, FIELD_SUBJECT, FIELD_TO, FIELD_URL, mimeField } from "./mime";
import { SmbTx } from "./smb-types";
import { SmtpTx } from "./smtp";
import { SshSide, sshSide } from "./ssh";

const text: usize = memory.data(64, 16);
const LIST: u32 = 32;

/** An array of the fields of a kind, or nothing. */
function fields(out: JsonWriter, key: string, first: usize, kind: u8): void {
  if (mimeField(first, kind, 0) == 0) return;
  jsonArray(out, key);
  for (let i: u32 = 0; i < LIST; i++) {
    const at = mimeField(first, kind, i);
    if (at == 0) break;
    jsonItem(out, changetype<EmailField>(at).ptr, changetype<EmailField>(at).len);
  }
  jsonArrayEnd(out);
}

function field(out: JsonWriter, key: string, first: usize, kind: u8): void {
  const at = mimeField(first, kind, 0);
  if (at != 0) jsonBytes(out, key, changetype<EmailField>(at).ptr, changetype<EmailField>(at).len);
}

/** Addresses of a header, at the commas outside of quotes. */
function addresses(out: JsonWriter, key: string, first: usize, kind: u8): void {
  const at = mimeField(first, kind, 0);
  if (at == 0) return;
  const ptr = changetype<EmailField>(at).ptr;
  const len = changetype<EmailField>(at).len;
  jsonArray(out, key);
  let start: u32 = 0;
  let quoted = false;
  let count: u32 = 0;
  for (let i: u32 = 0; i <= len && count < LIST; i++) {
    const c: u32 = i < len ? load<u8>(ptr + i) : 44;
    if (c == 34) quoted = !quoted;
    if (i < len && (c != 44 || quoted)) continue;
    let from = start;
    while (from < i && load<u8>(ptr + from) <= 32) from++;
    let end = i;
    while (end > from && load<u8>(ptr + end - 1) <= 32) end--;
    if (end > from) {
      jsonItem(out, ptr + from, end - from);
      count++;
    }
    start = i + 1;
  }
  jsonArrayEnd(out);
}

/** Writes `"smtp":{…},"email":{…}`. */
export function eveSmtp(at: usize, out: JsonWriter): void {
  const tx = changetype<SmtpTx>(at);
  jsonObject(out, "smtp");
  jsonBytesIf(out, "helo", tx.helo, tx.heloLen);
  jsonBytesIf(out, "mail_from", tx.mailFrom, tx.mailFromLen);
  fields(out, "rcpt_to", tx.recipients, 0);
  jsonClose(out);
  if (tx.fields == 0) return;
  jsonObject(out, "email");
  jsonText(out, "status", tx.progressToServer == 255 ? "PARSE_DONE" : "BODY_STARTED");
  field(out, "from", tx.fields, FIELD_FROM);
  addresses(out, "to", tx.fields, FIELD_TO);
  addresses(out, "cc", tx.fields, FIELD_CC);
  field(out, "subject", tx.fields, FIELD_SUBJECT);
  field(out, "message_id", tx.fields, FIELD_MESSAGE_ID);
  if (tx.files != 0) {
    jsonArray(out, "attachment");
    for (let file = tx.files; file != 0; file = changetype<File>(file).next) {
      jsonItem(out, changetype<File>(file).name, changetype<File>(file).nameLen);
    }
    jsonArrayEnd(out);
  }
  fields(out, "url", tx.fields, FIELD_URL);
  jsonClose(out);
}

/** Writes `"ftp":{…}`. */
export function eveFtp(at: usize, out: JsonWriter): void {
  const tx = changetype<FtpTx>(at);
  jsonObject(out, "ftp");
  jsonBytesIf(out, "command", tx.command, tx.commandLen);
  jsonBytesIf(out, "command_data", tx.data, tx.dataLen);
  if (tx.replies != 0) {
    jsonArray(out, "completion_code");
    for (let reply = tx.replies; reply != 0; reply = changetype<FtpReply>(reply).next) {
      const item = changetype<FtpReply>(reply);
      if (item.len >= 3 && load<u8>(item.ptr) - 48 < 10) jsonItem(out, item.ptr, 3);
    }
    jsonArrayEnd(out);
    jsonArray(out, "reply");
    for (let reply = tx.replies; reply != 0; reply = changetype<FtpReply>(reply).next) {
      const item = changetype<FtpReply>(reply);
      const from = min<u32>(4, item.len);
      jsonItem(out, item.ptr + from, item.len - from);
    }
    jsonArrayEnd(out);
  }
  if (tx.port != 0) {
    jsonText(out, "mode", tx.mode == 1 ? "active" : "passive");
    jsonNumber(out, "dynamic_port", tx.port);
  }
  jsonText(out, "reply_received", tx.replied ? "yes" : "no");
  jsonClose(out);
}

function sshSideOut(out: JsonWriter, key: string, side: SshSide): void {
  if (side.proto == 0) return;
  jsonObject(out, key);
  jsonBytes(out, "proto_version", side.proto, side.protoLen);
  jsonBytesIf(out, "software_version", side.software, side.softwareLen);
  if (side.hassh != 0) {
    jsonObject(out, "hassh");
    jsonBytes(out, "hash", side.hassh, 32);
    jsonBytes(out, "string", side.hasshString, side.hasshStringLen);
    jsonClose(out);
  }
  jsonClose(out);
}

/** Writes `"ssh":{…}`. */
export function eveSsh(at: usize, out: JsonWriter): void {
  jsonObject(out, "ssh");
  sshSideOut(out, "client", sshSide(at, 0));
  sshSideOut(out, "server", sshSide(at, 1));
  jsonClose(out);
}

function commandName(version: u8, command: u32): string {
  if (version == 1) {
    switch (command) {
      case 0x04: return "SMB1_COMMAND_CLOSE";
      case 0x25: return "SMB1_COMMAND_TRANS";
      case 0x2e: return "SMB1_COMMAND_READ_ANDX";
      case 0x2f: return "SMB1_COMMAND_WRITE_ANDX";
      case 0x32: return "SMB1_COMMAND_TRANS2";
      case 0x71: return "SMB1_COMMAND_TREE_DISCONNECT";
      case 0x72: return "SMB1_COMMAND_NEGOTIATE_PROTOCOL";
      case 0x73: return "SMB1_COMMAND_SESSION_SETUP_ANDX";
      case 0x74: return "SMB1_COMMAND_LOGOFF_ANDX";
      case 0x75: return "SMB1_COMMAND_TREE_CONNECT_ANDX";
      case 0xa2: return "SMB1_COMMAND_NT_CREATE_ANDX";
      default: return "UNKNOWN";
    }
  }
  switch (command) {
    case 0: return "SMB2_COMMAND_NEGOTIATE_PROTOCOL";
    case 1: return "SMB2_COMMAND_SESSION_SETUP";
    case 2: return "SMB2_COMMAND_SESSION_LOGOFF";
    case 3: return "SMB2_COMMAND_TREE_CONNECT";
    case 4: return "SMB2_COMMAND_TREE_DISCONNECT";
    case 5: return "SMB2_COMMAND_CREATE";
    case 6: return "SMB2_COMMAND_CLOSE";
    case 7: return "SMB2_COMMAND_FLUSH";
    case 8: return "SMB2_COMMAND_READ";
    case 9: return "SMB2_COMMAND_WRITE";
    case 10: return "SMB2_COMMAND_LOCK";
    case 11: return "SMB2_COMMAND_IOCTL";
    case 12: return "SMB2_COMMAND_CANCEL";
    case 13: return "SMB2_COMMAND_KEEPALIVE";
    case 14: return "SMB2_COMMAND_FIND";
    case 15: return "SMB2_COMMAND_CHANGE_NOTIFY";
    case 16: return "SMB2_COMMAND_GET_INFO";
    case 17: return "SMB2_COMMAND_SET_INFO";
    case 18: return "SMB2_COMMAND_OPLOCK_BREAK";
    default: return "UNKNOWN";
  }
}

function statusName(status: u32): string {
  switch (status) {
    case 0: return "STATUS_SUCCESS";
    case 0x80000006: return "STATUS_NO_MORE_FILES";
    case 0xc000000d: return "STATUS_INVALID_PARAMETER";
    case 0xc0000011: return "STATUS_END_OF_FILE";
    case 0xc0000016: return "STATUS_MORE_PROCESSING_REQUIRED";
    case 0xc0000022: return "STATUS_ACCESS_DENIED";
    case 0xc0000034: return "STATUS_OBJECT_NAME_NOT_FOUND";
    case 0xc000006d: return "STATUS_LOGON_FAILURE";
    case 0xc00000cc: return "STATUS_BAD_NETWORK_NAME";
    default: return "";
  }
}

function hexNumber(at: usize, value: u32): u32 {
  let to = at;
  store<u8>(to++, 48);
  store<u8>(to++, 120);
  let shift = 28;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 15;
    store<u8>(to++, digit < 10 ? 48 + digit : 87 + digit);
  }
  return <u32>(to - at);
}

/** Writes `"smb":{…}`. */
export function eveSmb(at: usize, out: JsonWriter): void {
  const tx = changetype<SmbTx>(at);
  jsonObject(out, "smb");
  jsonNumber(out, "id", <u64>tx.id + 1);
  if (tx.version == 1) jsonText(out, "dialect", "NT LM 0.12");
  else if (tx.dialect != 0) dialect(out, tx.dialect);
  jsonText(out, "command", commandName(tx.version, tx.command));
  if (tx.answered) {
    const name = statusName(tx.status);
    if (name.length != 0) jsonText(out, "status", name);
    jsonBytes(out, "status_code", text, hexNumber(text, tx.status));
  }
  jsonNumber(out, "session_id", tx.session);
  jsonNumber(out, "tree_id", tx.tree);
  jsonBytesIf(out, "filename", tx.name, tx.nameLen);
  jsonBytesIf(out, "share", tx.share, tx.shareLen);
  jsonBytesIf(out, "named_pipe", tx.pipe, tx.pipeLen);
  if (tx.user != 0 || tx.domain != 0) {
    jsonObject(out, "ntlmssp");
    jsonBytes(out, "domain", tx.domain, tx.domainLen);
    jsonBytes(out, "user", tx.user, tx.userLen);
    jsonClose(out);
  }
  if (tx.hasCall) call(tx, out);
  jsonClose(out);
}

function dialect(out: JsonWriter, value: u32): void {
  if (value == 0x0202) jsonText(out, "dialect", "2.02");
  else if (value == 0x0210) jsonText(out, "dialect", "2.10");
  else if (value == 0x0300) jsonText(out, "dialect", "3.00");
  else if (value == 0x0302) jsonText(out, "dialect", "3.02");
  else if (value == 0x0311) jsonText(out, "dialect", "3.11");
  else jsonText(out, "dialect", "2.FF");
}

function call(tx: DcerpcTx, out: JsonWriter): void {
  jsonObject(out, "dcerpc");
  jsonText(out, "request", "REQUEST");
  jsonText(out, "response", tx.progressToClient == 255 ? "RESPONSE" : "UNREPLIED");
  jsonNumber(out, "opnum", <u64>max(tx.opnum, 0));
  jsonNumber(out, "call_id", tx.callId);
  if (tx.iface != 0) {
    let to = text;
    for (let i: u32 = 0; i < 16; i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) store<u8>(to++, 45);
      to = putHex(to, load<u8>(tx.iface + i));
    }
    jsonBytes(out, "interface", text, <u32>(to - text));
    to = putNumber(text, bswap<u16>(load<u16>(tx.iface, 16)));
    store<u8>(to++, 46);
    to = putNumber(to, bswap<u16>(load<u16>(tx.iface, 18)));
    jsonBytes(out, "version", text, <u32>(to - text));
  }
  jsonClose(out);
}

/** Writes `"dcerpc":{…}`. */
export function eveDcerpc(at: usize, out: JsonWriter): void {
  call(changetype<DcerpcTx>(at), out);
}
