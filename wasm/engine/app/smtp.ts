// SMTP (RFC 5321, 3030): a transaction is one mail, from the command that starts it to the answer after its end.

import { arenaCopy, arenaTake } from "../core/arena";
import { give, take, takeZeroed } from "../core/memory";
import { PROTO_SMTP, PROTO_TLS, TX_COMPLETE } from "../core/tx";
import { isDigit, startsFold } from "../../sdk/assembly/bytes";
import { AppConn, AppTx, txArena, txEvent, txNew, txProgress } from "./conn";
import { EmailField, Mime, MIME_BYTES, mimeEnd, mimeFree, mimeGap, mimeLine, mimeStart } from "./mime";
import { lineCut, lineDelimiter, lineFree, lineLen, linePtr, LineReader, lineUsed, nextLine } from "./line";

export const SMTP_COMMANDS: u8 = 1;
export const SMTP_DATA: u8 = 2;
export const SMTP_BODY: u8 = 3;

const EV_INVALID_REPLY: u32 = 0;
const EV_UNMATCHED_REPLY: u32 = 1;
const EV_COMMAND_LONG: u32 = 2;
const EV_REPLY_LONG: u32 = 3;
const EV_PIPELINED: u32 = 4;
const EV_BDAT: u32 = 5;
const EV_NO_WELCOME: u32 = 6;
const EV_TLS_REJECTED: u32 = 7;
const EV_DATA_REJECTED: u32 = 8;
const EV_DUPLICATE: u32 = 20;
const EV_UNPARSABLE: u32 = 21;
const EV_TRUNCATED: u32 = 22;

const LINE: u32 = 4096;
const DATA_LINE: u32 = 65536;
const LONG: u32 = 510;
const MAX_RECIPIENTS: u32 = 256;

const CMD_OTHER: u8 = 0;
const CMD_DATA: u8 = 1;
const CMD_STARTTLS: u8 = 2;
const CMD_BDAT: u8 = 3;
/** The end of a mail waits for its answer. */
const CMD_END: u8 = 4;
const CMD_RSET: u8 = 5;
const QUEUE: u32 = 64;

@unmanaged
export class SmtpTx extends AppTx {
  helo: usize;
  heloLen: u32;
  mailFrom: usize;
  mailFromLen: u32;
  /** EmailField list. */
  recipients: usize;
  lastRecipient: usize;
  recipientCount: u32;
  /** EmailField list of the message. */
  fields: usize;
  bodySeen: bool;
}

@unmanaged
class SmtpConn {
  toServer: usize;
  toClient: usize;
  tx: usize;
  mime: usize;
  /** HELO of the session, for the mails after the first. */
  helo: usize;
  heloLen: u32;
  /** Commands that wait for their replies: a ring. */
  queue: usize;
  queued: u32;
  queueAt: u32;
  bdatLeft: u64;
  inData: bool;
  inBdat: bool;
  bdatLast: bool;
  welcomed: bool;
}

function stateOf(conn: AppConn): SmtpConn | null {
  if (conn.state != 0) return changetype<SmtpConn>(conn.state);
  const line = <u32>((offsetof<LineReader>() + 7) & ~7);
  const head = <u32>((offsetof<SmtpConn>() + 7) & ~7);
  const at = takeZeroed(head + 2 * line + QUEUE);
  if (at == 0) return null;
  const state = changetype<SmtpConn>(at);
  state.toServer = at + head;
  state.toClient = at + head + line;
  state.queue = at + head + 2 * line;
  conn.state = at;
  return state;
}

export function smtpFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  const state = stateOf(conn);
  if (state === null) return false;
  return dir == 0 ? toServer(conn, state, ptr, len) : toClient(conn, state, ptr, len);
}

/** The mail that commands belong to now; 0 when there is no room. */
function current(conn: AppConn, state: SmtpConn): usize {
  if (state.tx != 0) return state.tx;
  const at = txNew(conn, PROTO_SMTP, offsetof<SmtpTx>());
  if (at == 0) return 0;
  const tx = changetype<SmtpTx>(at);
  tx.progressToServer = SMTP_COMMANDS;
  tx.progressToClient = SMTP_COMMANDS;
  if (state.helo != 0) {
    tx.helo = arenaCopy(txArena(tx), state.helo, state.heloLen);
    tx.heloLen = tx.helo == 0 ? 0 : state.heloLen;
  }
  state.tx = at;
  return at;
}

/** The mail is over in both directions. */
function finish(state: SmtpConn): void {
  if (state.tx == 0) return;
  endMime(state);
  const tx = changetype<SmtpTx>(state.tx);
  txProgress(tx, 0, TX_COMPLETE);
  txProgress(tx, 1, TX_COMPLETE);
  tx.done = true;
  state.tx = 0;
}

function endMime(state: SmtpConn): void {
  if (state.mime == 0) return;
  const mime = changetype<Mime>(state.mime);
  if (state.tx != 0) mimeEnd(mime, changetype<AppTx>(state.tx));
  if (state.tx != 0) changetype<SmtpTx>(state.tx).fields = mime.fields;
  mimeFree(mime);
  give(state.mime);
  state.mime = 0;
}

function startMime(state: SmtpConn): void {
  if (state.mime != 0) return;
  state.mime = takeZeroed(MIME_BYTES);
  if (state.mime != 0) mimeStart(changetype<Mime>(state.mime));
}

function toServer(conn: AppConn, state: SmtpConn, ptr: usize, len: u32): bool {
  let at = ptr;
  let left = len;
  const reader = changetype<LineReader>(state.toServer);
  while (left != 0) {
    let size = left;
    if (state.inBdat && state.bdatLeft < <u64>left) size = <u32>state.bdatLeft;
    const chunk = state.inBdat;
    const before = conn.offsetToServer;
    const whole = nextLine(reader, at, size, state.inData || chunk ? DATA_LINE : LINE);
    const used = whole ? lineUsed : size;
    if (whole) {
      const tx = current(conn, state);
      if (tx == 0) return false;
      if (chunk || state.inData) dataLine(state, changetype<SmtpTx>(tx), chunk);
      else command(conn, state, changetype<SmtpTx>(tx));
    }
    at += used;
    left -= used;
    conn.offsetToServer = before + used;
    if (chunk) endOfChunk(conn, state, reader, used, left);
  }
  return true;
}

/** After bytes of a BDAT chunk: when it is whole, commands come again. */
function endOfChunk(conn: AppConn, state: SmtpConn, reader: LineReader, used: u32, left: u32): void {
  state.bdatLeft -= used;
  if (state.bdatLeft != 0) return;
  if (state.tx != 0 && reader.len != 0 && !reader.given) {
    const tx = changetype<SmtpTx>(state.tx);
    // The chunk ends inside a line: what follows in the same line is beyond it.
    if (left != 0) txEvent(tx, EV_BDAT);
    if (state.mime != 0) mimeLine(changetype<Mime>(state.mime), tx, reader.ptr, reader.len, 0);
  }
  lineFree(reader);
  state.inBdat = false;
  if (!state.bdatLast || state.tx == 0) return;
  endOfMail(state);
}

function endOfMail(state: SmtpConn): void {
  endMime(state);
  if (state.tx == 0) return;
  const tx = changetype<SmtpTx>(state.tx);
  txProgress(tx, 0, TX_COMPLETE);
  push(state, CMD_END);
}

/** A line of the message. */
function dataLine(state: SmtpConn, tx: SmtpTx, chunk: bool): void {
  let at = linePtr;
  let len = lineLen;
  if (lineCut) txEvent(tx, EV_TRUNCATED);
  if (!chunk) {
    if (len == 1 && load<u8>(at) == 46) {
      state.inData = false;
      endOfMail(state);
      return;
    }
    if (len > 1 && load<u8>(at) == 46) {
      at++;
      len--;
    }
  }
  if (state.mime == 0) return;
  const mime = changetype<Mime>(state.mime);
  mimeLine(mime, tx, at, len, lineDelimiter);
  tx.fields = mime.fields;
  if (!mime.inHeaders) txProgress(tx, 0, SMTP_BODY);
}

function push(state: SmtpConn, command: u8): void {
  if (state.queued >= QUEUE) return;
  store<u8>(state.queue + ((state.queueAt + state.queued) & (QUEUE - 1)), command);
  state.queued++;
}

function command(conn: AppConn, state: SmtpConn, first: SmtpTx): void {
  let tx = first;
  const ptr = linePtr;
  const len = lineLen;
  if (tx.progressToServer == TX_COMPLETE) {
    // The answer to the mail before has not come: the next command starts the next one all the same.
    finish(state);
    const next = current(conn, state);
    if (next == 0) return;
    tx = changetype<SmtpTx>(next);
  }
  if (!state.welcomed) txEvent(tx, EV_NO_WELCOME);
  if (lineCut) txEvent(tx, EV_TRUNCATED);
  if (len > LONG) txEvent(tx, EV_COMMAND_LONG);
  let kind = CMD_OTHER;
  if (startsFold(ptr, len, "starttls")) kind = CMD_STARTTLS;
  else if (startsFold(ptr, len, "data") && len < 6) {
    kind = CMD_DATA;
    txProgress(tx, 0, SMTP_DATA);
    startMime(state);
    // Whoever listens to one direction only does not see the server agree.
    if (!state.welcomed) state.inData = true;
  } else if (startsFold(ptr, len, "bdat")) {
    kind = CMD_BDAT;
    txProgress(tx, 0, SMTP_DATA);
    startMime(state);
    bdat(state, tx, ptr + 4, len - 4);
  } else if (startsFold(ptr, len, "helo") || startsFold(ptr, len, "ehlo")) {
    if (tx.helo != 0) txEvent(tx, EV_DUPLICATE);
    else hello(state, tx, ptr + 4, len - 4);
  } else if (startsFold(ptr, len, "mail from")) {
    if (tx.mailFrom != 0) txEvent(tx, EV_DUPLICATE);
    else if (argument(ptr + 9, len - 9)) {
      tx.mailFrom = arenaCopy(txArena(tx), argumentPtr, argumentLen);
      tx.mailFromLen = tx.mailFrom == 0 ? 0 : argumentLen;
    }
  } else if (startsFold(ptr, len, "rcpt to")) {
    if (argument(ptr + 7, len - 7)) recipient(tx);
  } else if (startsFold(ptr, len, "rset")) {
    kind = CMD_RSET;
    state.bdatLeft = 0;
    state.inBdat = false;
  }
  push(state, kind);
  if (kind == CMD_RSET) finish(state);
}

function hello(state: SmtpConn, tx: SmtpTx, ptr: usize, len: u32): void {
  if (!argument(ptr, len)) return;
  tx.helo = arenaCopy(txArena(tx), argumentPtr, argumentLen);
  tx.heloLen = tx.helo == 0 ? 0 : argumentLen;
  if (state.helo != 0) return;
  state.helo = take(argumentLen);
  if (state.helo == 0) return;
  memory.copy(state.helo, argumentPtr, argumentLen);
  state.heloLen = argumentLen;
}

let argumentPtr: usize = 0;
let argumentLen: u32 = 0;

/** What is behind a command: without spaces and a colon in front, up to the next space. */
function argument(ptr: usize, len: u32): bool {
  let at: u32 = 0;
  while (at < len && (load<u8>(ptr + at) == 32 || load<u8>(ptr + at) == 9 || load<u8>(ptr + at) == 58)) at++;
  let end = at;
  while (end < len && load<u8>(ptr + end) > 32) end++;
  argumentPtr = ptr + at;
  argumentLen = end - at;
  return end > at;
}

function recipient(tx: SmtpTx): void {
  if (tx.recipientCount >= MAX_RECIPIENTS) return;
  const text = arenaCopy(txArena(tx), argumentPtr, argumentLen);
  const entry = arenaTake(txArena(tx), <u32>offsetof<EmailField>());
  if (text == 0 || entry == 0) return;
  const field = changetype<EmailField>(entry);
  field.next = 0;
  field.kind = 0;
  field.ptr = text;
  field.len = argumentLen;
  if (tx.lastRecipient == 0) tx.recipients = entry;
  else changetype<EmailField>(tx.lastRecipient).next = entry;
  tx.lastRecipient = entry;
  tx.recipientCount++;
}

/** `BDAT 86` or `BDAT 86 LAST`. */
function bdat(state: SmtpConn, tx: SmtpTx, ptr: usize, len: u32): void {
  let at: u32 = 0;
  while (at < len && load<u8>(ptr + at) == 32) at++;
  let size: u64 = 0;
  const start = at;
  while (at < len && isDigit(load<u8>(ptr + at)) && at - start < 18) size = size * 10 + <u64>(load<u8>(ptr + at++) - 48);
  if (at == start) {
    txEvent(tx, EV_UNPARSABLE);
    return;
  }
  while (at < len && load<u8>(ptr + at) == 32) at++;
  state.bdatLast = startsFold(ptr + at, len - at, "last");
  state.bdatLeft = size;
  state.inBdat = size != 0;
  if (size == 0 && state.bdatLast) endOfMail(state);
}

const CODES: string =
  "101 111 200 211 214 220 221 235 250 251 252 334 354 401 402 420 421 422 431 432 435 441 442 446 447 450 451 452 454 455 " +
  "471 500 501 502 503 504 505 510 511 512 513 515 521 523 525 530 531 532 533 534 535 538 541 550 551 552 553 554 555 556";

function knownCode(code: u32): bool {
  for (let i = 0; i < CODES.length; i += 4) {
    const value = (textDigit(i) * 10 + textDigit(i + 1)) * 10 + textDigit(i + 2);
    if (value == code) return true;
  }
  return false;
}

function textDigit(i: i32): u32 {
  return <u32>load<u16>(changetype<usize>(CODES) + ((<usize>i) << 1)) - 48;
}

function toClient(conn: AppConn, state: SmtpConn, ptr: usize, len: u32): bool {
  let at = ptr;
  let left = len;
  const reader = changetype<LineReader>(state.toClient);
  while (left != 0) {
    const whole = nextLine(reader, at, left, LINE);
    const used = whole ? lineUsed : left;
    if (whole) {
      const tx = current(conn, state);
      if (tx == 0) return false;
      reply(conn, state, changetype<SmtpTx>(tx));
    }
    at += used;
    left -= used;
    conn.offsetToClient += used;
  }
  return true;
}

function reply(conn: AppConn, state: SmtpConn, tx: SmtpTx): void {
  const ptr = linePtr;
  const len = lineLen;
  if (lineCut) txEvent(tx, EV_TRUNCATED);
  if (len > LONG) txEvent(tx, EV_REPLY_LONG);
  let code: u32 = 0;
  if (len >= 3 && isDigit(load<u8>(ptr)) && isDigit(load<u8>(ptr, 1)) && isDigit(load<u8>(ptr, 2))) {
    code = (<u32>load<u8>(ptr) - 48) * 100 + (<u32>load<u8>(ptr, 1) - 48) * 10 + <u32>load<u8>(ptr, 2) - 48;
  }
  if (!knownCode(code)) {
    txEvent(tx, EV_INVALID_REPLY);
    return;
  }
  // "250-" goes on.
  if (len > 3 && load<u8>(ptr, 3) == 45) return;
  if (!state.welcomed) {
    state.welcomed = true;
    if (state.queued == 0) return;
  }
  if (state.queued == 0) {
    if (code != 421) txEvent(tx, EV_UNMATCHED_REPLY);
    return;
  }
  const kind = load<u8>(state.queue + state.queueAt);
  state.queueAt = (state.queueAt + 1) & (QUEUE - 1);
  state.queued--;
  if (kind == CMD_STARTTLS) {
    if (code != 220) {
      txEvent(tx, EV_TLS_REJECTED);
      return;
    }
    finish(state);
    conn.expected = PROTO_TLS;
    conn.upgrade = true;
  } else if (kind == CMD_DATA) {
    if (code == 354) {
      if (state.queued != 0) txEvent(tx, EV_PIPELINED);
      state.inData = true;
      startMime(state);
    } else {
      txEvent(tx, EV_DATA_REJECTED);
      endMime(state);
    }
  } else if (kind == CMD_END) {
    if (tx.progressToServer == TX_COMPLETE) finish(state);
  }
}

export function smtpGap(conn: AppConn, dir: u32, bytes: u32): void {
  if (conn.state == 0) return;
  const state = changetype<SmtpConn>(conn.state);
  lineFree(changetype<LineReader>(dir == 0 ? state.toServer : state.toClient));
  changetype<LineReader>(dir == 0 ? state.toServer : state.toClient).skipping = true;
  if (dir == 0 && state.mime != 0) mimeGap(changetype<Mime>(state.mime));
  if (dir == 0 && state.inBdat) {
    state.bdatLeft -= min<u64>(bytes, state.bdatLeft);
    if (state.bdatLeft == 0) state.inBdat = false;
  }
}

export function smtpEnd(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  const state = changetype<SmtpConn>(conn.state);
  if (state.tx == 0) return;
  if (dir == 0) endMime(state);
  const tx = changetype<SmtpTx>(state.tx);
  txProgress(tx, dir, TX_COMPLETE);
  if (tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE) finish(state);
}

export function smtpForget(conn: AppConn, tx: usize): void {
  if (conn.state == 0 || changetype<SmtpConn>(conn.state).tx != tx) return;
  const state = changetype<SmtpConn>(conn.state);
  endMime(state);
  state.tx = 0;
}

export function smtpFree(conn: AppConn): void {
  if (conn.state == 0) return;
  const state = changetype<SmtpConn>(conn.state);
  if (state.mime != 0) mimeFree(changetype<Mime>(state.mime));
  give(state.mime);
  give(state.helo);
  lineFree(changetype<LineReader>(state.toServer));
  lineFree(changetype<LineReader>(state.toClient));
  give(conn.state);
  conn.state = 0;
}
