// What the tests of this room call: rules in, a request in parts in, matched rules out.

import { setMemoryBudget, take, give, memoryTaken } from "../core/memory";
import { setStepBudget } from "./budget";
import { classesOf } from "./classes";
import { tried } from "./evaluate";
import { nameLength, nameOf } from "./names";
import { CHAIN_BYTES, ITEM_BYTES, ITEM_LOG, I_FLAGS, I_ID, NONE } from "./layout";
import { chains, items, programLoad, programUnload, rules } from "./program";
import {
  endRequest, endRequestHead, endResponse, endResponseHead, endTransaction, feedConnection, feedRequestBody, feedRequestHeader,
  feedRequestLine, feedResponseBody, feedResponseHeader, feedResponseLine,
} from "./request";
import { Finding, Transaction, transactionFree, transactionNew } from "./transaction";

export { setMemoryBudget, take, give, memoryTaken, programLoad, programUnload, transactionNew, transactionFree };

function tx(at: usize): Transaction {
  return changetype<Transaction>(at);
}
export function connection(at: usize, client: usize, clientPort: u32, server: usize, serverPort: u32): void {
  feedConnection(tx(at), client, clientPort, server, serverPort);
}
export function requestLine(at: usize, ptr: usize, len: u32): void {
  feedRequestLine(tx(at), ptr, len);
}
export function requestHeader(at: usize, name: usize, nameLen: u32, value: usize, len: u32): void {
  feedRequestHeader(tx(at), name, nameLen, value, len);
}
export function requestHeadEnd(at: usize): void {
  endRequestHead(tx(at));
}
export function requestBody(at: usize, ptr: usize, len: u32): void {
  feedRequestBody(tx(at), ptr, len);
}
export function requestEnd(at: usize): void {
  endRequest(tx(at));
}
export function responseLine(at: usize, ptr: usize, len: u32): void {
  feedResponseLine(tx(at), ptr, len);
}
export function responseHeader(at: usize, name: usize, nameLen: u32, value: usize, len: u32): void {
  feedResponseHeader(tx(at), name, nameLen, value, len);
}
export function responseHeadEnd(at: usize): void {
  endResponseHead(tx(at));
}
export function responseBody(at: usize, ptr: usize, len: u32): void {
  feedResponseBody(tx(at), ptr, len);
}
export function responseEnd(at: usize): void {
  endResponse(tx(at));
}
export function end(at: usize): void {
  endTransaction(tx(at));
}
/** First finding; then findingNext. */
export function findingFirst(at: usize): usize {
  return tx(at).findings;
}
export function findingNext(at: usize): usize {
  return changetype<Finding>(at).next;
}
/** 0 for the event of a transaction that used up its steps. */
export function findingId(at: usize): u32 {
  return changetype<Finding>(at).item == NONE ? 0 : load<u32>(items + changetype<Finding>(at).item * ITEM_BYTES, I_ID);
}
export function findingLogged(at: usize): bool {
  return changetype<Finding>(at).item == NONE || (load<u32>(items + changetype<Finding>(at).item * ITEM_BYTES, I_FLAGS) & ITEM_LOG) != 0;
}
export function findingPoints(at: usize): u32 {
  return changetype<Finding>(at).points;
}
/** 0 location, 1 data, 2 message, 3 detail, 4 transformations: address; length is textLength. */
export function findingText(at: usize, which: u32): usize {
  const finding = changetype<Finding>(at);
  if (which == 4) {
    const chain = chains + finding.chain * CHAIN_BYTES;
    textLength = load<u32>(chain, 28);
    return rules + load<u32>(chain, 24);
  }
  textLength = which == 0 ? finding.locationLen : which == 1 ? finding.dataLen : which == 2 ? finding.messageLen : finding.detailLen;
  return which == 0 ? finding.location : which == 1 ? finding.data : which == 2 ? finding.message : finding.detail;
}
export let textLength: u32 = 0;
export function textLen(): u32 {
  return textLength;
}
export function interrupted(at: usize): u32 {
  const item = tx(at).interrupted;
  return item == 0 ? 0 : load<u32>(items + (item - 1) * ITEM_BYTES, I_ID);
}
export function status(at: usize): u32 {
  return tx(at).status;
}
export function stepBudget(steps: u64): void {
  setStepBudget(steps);
}
export function stepsOf(at: usize): f64 {
  return <f64>tx(at).spent;
}
export function triedRules(): f64 {
  return <f64>tried;
}
export function variableName(variable: u32): usize {
  textLength = nameLength(variable);
  return nameOf(variable);
}
export function classes(ptr: usize, len: u32): u64 {
  return classesOf(ptr, len);
}
