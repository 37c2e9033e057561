// Addresses and ports of a rule: the class of an address is found once for a flow; whether it is in a rule's set is a bit.

import {
  RULE_DPORT, RULE_DST, RULE_SPORT, RULE_SRC, RULE_TRANSPORTS, RULE_TRANSPORT_COUNT, R_BIDIRECTIONAL, RULE_FLAGS, RULE_IP_VERSION,
} from "./layout";
import {
  addressAt, addressWords, portAt, portClassAt, portWords, section, v4At, v4ClassAt, v4Count, v6At, v6ClassAt, v6Count,
} from "./rules";

/** Class of an address (16 bytes, IPv4 as ::ffff:a.b.c.d). */
export function addressClass(address: usize): u32 {
  if (section == 0) return 0;
  const high = bswap<u64>(load<u64>(address));
  const low = bswap<u64>(load<u64>(address, 8));
  if (high == 0 && low >> 32 == 0xffff) return load<u32>(v4ClassAt + (<usize>lastNotAbove4(<u32>low) << 2));
  return load<u32>(v6ClassAt + (<usize>lastNotAbove6(high, low) << 2));
}

function lastNotAbove4(address: u32): u32 {
  let low: u32 = 0;
  let high = v4Count;
  while (high - low > 1) {
    const mid = (low + high) >> 1;
    if (load<u32>(v4At + (<usize>mid << 2)) <= address) low = mid;
    else high = mid;
  }
  return low;
}

function lastNotAbove6(first: u64, second: u64): u32 {
  let low: u32 = 0;
  let high = v6Count;
  while (high - low > 1) {
    const mid = (low + high) >> 1;
    const at = v6At + (<usize>mid << 4);
    const here = load<u64>(at);
    if (here < first || (here == first && load<u64>(at, 8) <= second)) low = mid;
    else high = mid;
  }
  return low;
}

export function portClass(port: u32): u32 {
  return section == 0 ? 0 : <u32>load<u16>(portClassAt + (<usize>(port & 0xffff) << 1));
}

// @ts-ignore: decorator
@inline export function inAddresses(set: u32, addressClass: u32): bool {
  return set == 0 || ((load<u32>(addressAt + ((<usize>(addressClass * addressWords + (set >>> 5))) << 2)) >>> (set & 31)) & 1) != 0;
}

// @ts-ignore: decorator
@inline export function inPorts(set: u32, portClass: u32): bool {
  return set == 0 || ((load<u32>(portAt + ((<usize>(portClass * portWords + (set >>> 5))) << 2)) >>> (set & 31)) & 1) != 0;
}

/** Whether a packet or flow with these properties is one that the rule looks at. */
export function headerHolds(
  rule: usize, src: u32, dst: u32, sport: u32, dport: u32, family: u32, proto: u32,
): bool {
  const version: u32 = load<u8>(rule + RULE_IP_VERSION);
  if (version != 0 && version != family) return false;
  if (!transportHolds(rule, proto)) return false;
  if (oneWay(rule, src, dst, sport, dport)) return true;
  return (load<u32>(rule + RULE_FLAGS) & R_BIDIRECTIONAL) != 0 && oneWay(rule, dst, src, dport, sport);
}

// @ts-ignore: decorator
@inline function oneWay(rule: usize, src: u32, dst: u32, sport: u32, dport: u32): bool {
  return inPorts(load<u16>(rule + RULE_DPORT), dport) && inAddresses(load<u16>(rule + RULE_SRC), src)
    && inAddresses(load<u16>(rule + RULE_DST), dst) && inPorts(load<u16>(rule + RULE_SPORT), sport);
}

// @ts-ignore: decorator
@inline function transportHolds(rule: usize, proto: u32): bool {
  const count: u32 = load<u8>(rule + RULE_TRANSPORT_COUNT);
  for (let i: u32 = 0; i < count; i++) if (<u32>load<u8>(rule + RULE_TRANSPORTS + i) == proto) return true;
  return count == 0;
}
