const ETHERNET = 14;
const VLAN_TYPES = new Set([0x8100, 0x88a8]);

/**
 * Where the payload of a captured frame begins: behind Ethernet, VLAN, IPv4 or IPv6 without extension headers, TCP or UDP.
 * 0 when that cannot be told, so that the whole frame is shown.
 */
export function payloadOffset(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const has = (length: number) => frame.length >= length;
  let at = ETHERNET;
  if (!has(at)) return 0;
  let type = view.getUint16(12);
  while (VLAN_TYPES.has(type) && has(at + 4)) {
    type = view.getUint16(at + 2);
    at += 4;
  }
  let proto: number;
  if (type === 0x0800 && has(at + 20)) {
    proto = view.getUint8(at + 9);
    at += (view.getUint8(at) & 0x0f) * 4;
  } else if (type === 0x86dd && has(at + 40)) {
    proto = view.getUint8(at + 6);
    at += 40;
  } else return 0;
  if (proto === 17) at += 8;
  else if (proto === 6 && has(at + 20)) at += (view.getUint8(at + 12) >> 4) * 4;
  else return 0;
  return at < frame.length ? at : 0;
}
