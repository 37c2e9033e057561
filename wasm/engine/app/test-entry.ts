// What the tests of this room call.

import { give, memoryTaken, setMemoryBudget, take } from "../core/memory";
import { Tx } from "../core/tx";
import { appBuffer, appDetect, appEnd, appEve, appFeed, appFirst, appFree, appGap, appNew, appNext, appTxFree } from "./app";
import { AppConn, setOnExpectation, setOnTxFree } from "./conn";
import { JsonWriter, jsonClose, jsonOpen, jsonStart } from "./json";
import { dcerpcInterface, dcerpcOpnum } from "./dcerpc";
import { dnsOpcode, dnsRcode, dnsRrtype } from "./dns";
import { ftpDataAdopt, ftpDataCommand, ftpDynamicAddress, ftpDynamicPort, ftpMode, ftpReplied } from "./ftp";
import { spanLen } from "./span";
import { tlsChainLen, tlsNotAfter, tlsNotBefore, tlsStatesSeen, tlsVersion } from "./tls-buffers";

export { give, memoryTaken, setMemoryBudget, take };
export { appBuffer, appDetect, appEnd, appFeed, appFirst, appFree, appGap, appNew, appNext, appTxFree };
export { dcerpcInterface, dcerpcOpnum, dnsOpcode, dnsRcode, dnsRrtype };
export { ftpDataCommand, ftpDynamicAddress, ftpDynamicPort, ftpMode, ftpReplied };
export { tlsChainLen, tlsNotAfter, tlsNotBefore, tlsStatesSeen, tlsVersion };

let freed: u32 = 0;
let expectedPort: u32 = 0;

setOnTxFree((tx: usize): void => {
  freed++;
});
setOnExpectation((conn: usize, tx: usize, address: usize, port: u32, toServer: u32): void => {
  expectedPort = port | (toServer << 16);
});

export function freedCount(): u32 {
  return freed;
}
export function lastExpected(): u32 {
  return expectedPort;
}
export function bufferLen(): u32 {
  return spanLen;
}
export function connProto(conn: usize): u32 {
  return changetype<AppConn>(conn).proto;
}
export function connEvents(conn: usize): u32 {
  return changetype<AppConn>(conn).events;
}
export function connMidstream(conn: usize): void {
  changetype<AppConn>(conn).midstream = true;
}
export function connReversed(conn: usize): bool {
  return changetype<AppConn>(conn).reversed;
}
export function connBypass(conn: usize): bool {
  return changetype<AppConn>(conn).bypass;
}
export function txProto(tx: usize): u32 {
  return changetype<Tx>(tx).proto;
}
export function txEvents(tx: usize): u64 {
  return changetype<Tx>(tx).events;
}
export function txProgressOf(tx: usize, dir: u32): u32 {
  return dir == 0 ? changetype<Tx>(tx).progressToServer : changetype<Tx>(tx).progressToClient;
}
export function txDone(tx: usize): bool {
  return changetype<Tx>(tx).done;
}
export function adopt(conn: usize, control: usize): void {
  ftpDataAdopt(changetype<AppConn>(conn), changetype<AppConn>(control));
}

const writer: usize = memory.data(32, 16);

/** EVE of a transaction into the block; its length, or 0 when it did not fit. */
export function eve(tx: usize, dir: u32, ptr: usize, capacity: u32): u32 {
  const out = changetype<JsonWriter>(writer);
  jsonStart(out, ptr, capacity);
  jsonOpen(out);
  appEve(tx, dir, out);
  jsonClose(out);
  return out.overflow ? 0 : out.len;
}
