import { UDP, type Flow } from "../rules/rule.js";
import type { Random } from "../rules/random.js";

/** Different random addresses. */
export function randomAddresses(count: number, random: Random): number[] {
  const found = new Set<number>();
  while (found.size < count) found.add(random.u32());
  return [...found];
}

/** Packets to these addresses. */
export const packetsTo = (addresses: readonly number[], packets: number, random: Random): Flow[] =>
  Array.from({ length: packets }, () => flowTo(random.pick(addresses), random));

/** Packets to none of these addresses. */
export function packetsElsewhere(addresses: readonly number[], packets: number, random: Random): Flow[] {
  const taken = new Set(addresses);
  return Array.from({ length: packets }, () => {
    let dst = random.u32();
    while (taken.has(dst)) dst = random.u32();
    return flowTo(dst, random);
  });
}

const flowTo = (dst: number, random: Random): Flow => ({ src: random.u32(), dst, sport: random.between(1_024, 0xffff), dport: random.between(1, 0xffff), proto: UDP });
