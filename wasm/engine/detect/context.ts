// What is being looked at: the packet at hand, its flow, the direction of the data (which need not be the packet's: an
// acknowledgement brings the other side's data to light), and the classes of both ends' addresses and ports.

import { FF_SWAPPED, Flow } from "../flow/flow";
import { Packet } from "../decode/packet";
import { FS_CLASSES, FlowState } from "./flow-state";
import { addressClass, portClass } from "./header";
import { generation } from "./rules";

export let packet: Packet = changetype<Packet>(0);
export let flow: Flow = changetype<Flow>(0);
/** FlowState, or 0. */
export let state: usize = 0;
/** Direction of the data: 0 to the server, 1 to the client. */
export let direction: u32 = 0;
/** Bare packets without a flow match rules of either direction. */
export let directionless: bool = false;
export let srcClass: u32 = 0;
export let dstClass: u32 = 0;
export let sportClass: u32 = 0;
export let dportClass: u32 = 0;
export let family: u32 = 0;
export let proto: u32 = 0;
/** Unix time, ns. */
export let now: u64 = 0;
/** The conditions on the packet itself count: there is one, and it is of the data's direction. */
export let barePacket: bool = false;

export function setNow(ns: u64): void {
  if (ns > now) now = ns;
}

const addresses = memory.data(32, 16);

/** Addresses of the data's source and destination, 16 bytes each. */
// @ts-ignore: decorator
@inline export function sourceAddress(): usize {
  return addresses;
}
// @ts-ignore: decorator
@inline export function destinationAddress(): usize {
  return addresses + 16;
}
export let sourcePort: u32 = 0;
export let destinationPort: u32 = 0;

/** A packet, with or without a flow. */
export function lookAtPacket(p: Packet): void {
  packet = p;
  barePacket = true;
  family = p.family;
  proto = p.proto;
  if (p.flow != 0) {
    lookAtFlow(changetype<Flow>(p.flow), p.dir);
    packet = p;
    barePacket = true;
    family = p.family;
    proto = p.proto;
    return;
  }
  flow = changetype<Flow>(0);
  state = 0;
  direction = 0;
  directionless = true;
  store<u64>(addresses, p.src0);
  store<u64>(addresses, p.src1, 8);
  store<u64>(addresses, p.dst0, 16);
  store<u64>(addresses, p.dst1, 24);
  sourcePort = p.sport;
  destinationPort = p.dport;
  srcClass = addressClass(addresses);
  dstClass = addressClass(addresses + 16);
  sportClass = portClass(p.sport);
  dportClass = portClass(p.dport);
}

/** Data of a flow in one direction; the packet at hand stays, for conditions on it. */
export function lookAtFlow(f: Flow, dir: u32): void {
  flow = f;
  state = f.user0;
  direction = dir;
  directionless = false;
  barePacket = false;
  family = f.family;
  proto = f.proto;
  const toServer = dir == 0;
  store<u64>(addresses, toServer ? f.client0 : f.server0);
  store<u64>(addresses, toServer ? f.client1 : f.server1, 8);
  store<u64>(addresses, toServer ? f.server0 : f.client0, 16);
  store<u64>(addresses, toServer ? f.server1 : f.client1, 24);
  sourcePort = toServer ? f.clientPort : f.serverPort;
  destinationPort = toServer ? f.serverPort : f.clientPort;
  if (state == 0) {
    srcClass = addressClass(addresses);
    dstClass = addressClass(addresses + 16);
    sportClass = portClass(sourcePort);
    dportClass = portClass(destinationPort);
    return;
  }
  const s = changetype<FlowState>(state);
  if ((s.flags & FS_CLASSES) == 0 || s.generation != generation || s.swapped != (f.flags & FF_SWAPPED)) classify(f, s);
  srcClass = toServer ? s.clientClass : s.serverClass;
  dstClass = toServer ? s.serverClass : s.clientClass;
  sportClass = toServer ? s.clientPort : s.serverPort;
  dportClass = toServer ? s.serverPort : s.clientPort;
}

function classify(f: Flow, s: FlowState): void {
  s.clientClass = addressClass(changetype<usize>(f) + offsetof<Flow>("client0"));
  s.serverClass = addressClass(changetype<usize>(f) + offsetof<Flow>("server0"));
  s.clientPort = portClass(f.clientPort);
  s.serverPort = portClass(f.serverPort);
  // Rules that waited are of another image now.
  if (s.generation != generation) {
    s.waitingCount0 = 0;
    s.waitingCount1 = 0;
    s.quiet = 0;
  }
  s.generation = generation;
  s.swapped = f.flags & FF_SWAPPED;
  s.flags |= FS_CLASSES;
}

/** Forgets packet and flow: nothing is looked at. */
export function lookAway(): void {
  packet = changetype<Packet>(0);
  flow = changetype<Flow>(0);
  state = 0;
}
