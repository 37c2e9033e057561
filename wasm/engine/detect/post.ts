// What a match leaves behind: flow bits, flow integers, bits on hosts.

import { FF_BYPASS } from "../flow/flow";
import { flow, now } from "./context";
import { hostBitKey } from "./conditions";
import { FlowState, clearBit, flowState, hasBit, intOf, setBit, setInt } from "./flow-state";
import { clearHostBit, hostBit, setHostBit } from "./host-bits";
import {
  COND_HOSTBITS, COND_XBITS, POST_BYPASS, POST_BYTES, POST_FLOWBITS, POST_FLOWINT, POST_HOSTBITS, POST_TAG, POST_XBITS,
  RULE_POSTS, RULE_POST_FIRST,
} from "./layout";
import { postsAt, section } from "./rules";

/** Does what the rule asks for after a match. */
export function doPosts(rule: usize): void {
  const n: u32 = load<u16>(rule + RULE_POSTS);
  if (n == 0) return;
  const hasFlow = changetype<usize>(flow) != 0;
  const own: usize = hasFlow ? flowState(flow) : 0;
  let at = postsAt + <usize>load<u32>(rule + RULE_POST_FIRST) * POST_BYTES;
  for (let i: u32 = 0; i < n; i++, at += POST_BYTES) {
    const type = load<u32>(at);
    const op = load<u32>(at, 4);
    if (type == POST_FLOWBITS) {
      for (let k: u32 = 0; k < load<u32>(at, 12); k++) {
        const hash = load<u32>(section + load<u32>(at, 8) + (<usize>k << 2));
        if (op == 0 || (op == 2 && !hasBit(own, hash))) setBit(own, hash);
        else clearBit(own, hash);
      }
    } else if (type == POST_XBITS || type == POST_HOSTBITS) {
      const where = load<u32>(at, 12);
      if (type == POST_HOSTBITS && where == 2) {
        onHost(COND_HOSTBITS, op, load<u32>(at, 8), 0, load<u32>(at, 16));
        onHost(COND_HOSTBITS, op, load<u32>(at, 8), 1, load<u32>(at, 16));
      } else onHost(type == POST_XBITS ? COND_XBITS : COND_HOSTBITS, op, load<u32>(at, 8), where, load<u32>(at, 16));
    } else if (type == POST_FLOWINT) {
      integer(own, op, load<u32>(at, 8), load<u32>(at, 12), load<u32>(at, 16) != 0);
    } else if (type == POST_TAG) {
      if (own != 0) tag(changetype<FlowState>(own), load<u32>(at, 8), load<u32>(at, 12));
    } else if (type == POST_BYPASS) {
      if (hasFlow) flow.flags |= FF_BYPASS;
    }
  }
}

function onHost(type: u32, op: u32, hash: u32, where: u32, seconds: u32): void {
  const key = hostBitKey(type, hash, where);
  if (op == 0 || (op == 2 && !hostBit(key, now))) setHostBit(key, now, seconds);
  else clearHostBit(key);
}

function integer(own: usize, op: u32, hash: u32, value: u32, byName: bool): void {
  const other = byName ? intOf(own, value) : <i64>value;
  if (other < 0) return;
  const before = max<i64>(intOf(own, hash), 0);
  if (op == 3) setInt(own, hash, <u32>other);
  else if (op == 4) setInt(own, hash, <u32>min<i64>(before + other, 0xffffffff));
  else setInt(own, hash, <u32>max<i64>(before - other, 0));
}

function tag(own: FlowState, count: u32, unit: u32): void {
  if (unit == 0) own.tagPackets = max(own.tagPackets, count);
  else if (unit == 1) own.tagUntil = max<u64>(own.tagUntil, now + <u64>count * 1000000000);
}
