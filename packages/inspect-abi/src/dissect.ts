import type { RecordFields } from "./batch-builder.js";
import { flowHashInto } from "./flow-hash.js";
import { Direction, Kind, Limit, RecordFlag } from "./generated/abi.js";

const NO_OFFSET = Limit.NO_OFFSET;
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);
const scratch = new Uint32Array(2);

/**
 * Fields of a PACKET record for an Ethernet frame, as the BPF program fills them: for replaying captures and for tests. What
 * it does not understand (or what is cut off) is left out: family 0, NO_OFFSET, ports 0. Never throws.
 * @param captured bytes from the Ethernet header on
 * @param wireLen bytes on the wire when the frame was cut
 */
export function dissectFrame(captured: Uint8Array, wireLen = captured.byteLength, seed = 0): RecordFields {
  const view = new DataView(captured.buffer, captured.byteOffset, captured.byteLength);
  const length = captured.byteLength;
  const fields: RecordFields = {
    flowIdLow: 0,
    flowIdHigh: 0,
    streamOffset: 0,
    timeDeltaNs: 0,
    wireLen,
    l3Offset: NO_OFFSET,
    l4Offset: NO_OFFSET,
    payloadOffset: NO_OFFSET,
    sport: 0,
    dport: 0,
    family: 0,
    proto: 0,
    kind: Kind.PACKET,
    direction: Direction.UNKNOWN,
    flags: wireLen > length ? RecordFlag.TRUNCATED : 0,
    vlan: 0,
    ifindex: 0,
    modules: 0,
    forwardId: 0,
    src: new Uint8Array(16),
    dst: new Uint8Array(16),
  };
  let at = 14;
  if (length < at) return fields;
  let type = view.getUint16(12);
  for (let tags = 0; tags < 2 && (type === 0x8100 || type === 0x88a8) && length >= at + 4; tags++) {
    if (tags === 0) fields.vlan = view.getUint16(at) & 0xfff;
    type = view.getUint16(at + 2);
    at += 4;
  }
  let fragment = false;
  let later = false;
  let next: number;
  if (type === 0x0800 && length >= at + 20 && view.getUint8(at) >> 4 === 4) {
    const header = (view.getUint8(at) & 15) * 4;
    if (header < 20) return fields;
    fields.family = 4;
    fields.l3Offset = at;
    fields.proto = view.getUint8(at + 9);
    for (const [address, from] of [
      [fields.src, at + 12],
      [fields.dst, at + 16],
    ] as const) {
      address.set(MAPPED_PREFIX);
      address.set(captured.subarray(from, from + 4), 12);
    }
    fragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
    later = (view.getUint16(at + 6) & 0x1fff) !== 0;
    next = at + header;
  } else if (type === 0x86dd && length >= at + 40 && view.getUint8(at) >> 4 === 6) {
    fields.family = 6;
    fields.l3Offset = at;
    fields.src.set(captured.subarray(at + 8, at + 24));
    fields.dst.set(captured.subarray(at + 24, at + 40));
    let proto = view.getUint8(at + 6);
    next = at + 40;
    for (let headers = 0; headers < 8; headers++) {
      if (proto === 44 && length >= next + 8) {
        fragment ||= (view.getUint16(next + 2) & 0xfff9) !== 0;
        later ||= (view.getUint16(next + 2) & 0xfff8) !== 0;
        proto = view.getUint8(next);
        next += 8;
        if (later) break;
      } else if ((EXTENSIONS.has(proto) || proto === 51) && length >= next + 2) {
        const size = proto === 51 ? (view.getUint8(next + 1) + 2) * 4 : (view.getUint8(next + 1) + 1) * 8;
        proto = view.getUint8(next);
        next += size;
      } else {
        break;
      }
    }
    fields.proto = proto;
  } else {
    return fields;
  }
  if (fragment) fields.flags |= RecordFlag.FRAGMENT;
  if (!later && next <= length) {
    fields.l4Offset = next;
    const tcp = fields.proto === 6;
    if ((tcp || fields.proto === 17) && length >= next + 4 && !fragment) {
      fields.sport = view.getUint16(next);
      fields.dport = view.getUint16(next + 2);
    }
    if (tcp && length >= next + 13) fields.payloadOffset = next + (view.getUint8(next + 12) >> 4) * 4;
    else if (fields.proto === 17) fields.payloadOffset = next + 8;
    if (fields.payloadOffset > length) fields.payloadOffset = NO_OFFSET;
  }
  flowHashInto(scratch, fields.src, 0, fields.dst, 0, fields.sport, fields.dport, fields.proto, seed);
  fields.flowIdLow = scratch[0] ?? 0;
  fields.flowIdHigh = scratch[1] ?? 0;
  return fields;
}
