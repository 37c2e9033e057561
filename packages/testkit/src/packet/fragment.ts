import { buildNetwork, buildFrame } from "./build.js";
import { FrameSpecError, type FrameSpec } from "./spec.js";

/**
 * The frames of a packet sent in fragments (RFC 791 3.2, RFC 8200 4.5). The transport checksum covers the whole.
 *
 * @param spec one with `ipv4` or `ipv6`; its own fragment fields are replaced. IPv6 extension headers stay in front of
 * the fragment header, in every fragment.
 * @param size bytes of the transport layer in each fragment, a multiple of 8; or the list of sizes, the last one repeated.
 * @throws {FrameSpecError} for a size that is not a multiple of 8.
 */
export function buildFragments(spec: FrameSpec, size: number | readonly number[], id = spec.ipv4?.id ?? 1): Buffer[] {
  const { body, protocol } = transportOf(spec);
  const sizes = typeof size === "number" ? [size] : size;
  if (sizes.length === 0 || sizes.some((bytes) => bytes <= 0 || bytes % 8 !== 0)) {
    throw new FrameSpecError(`fragment sizes ${sizes.join(", ")}: multiples of 8 above 0 needed`);
  }
  const frames: Buffer[] = [];
  for (let at = 0, i = 0; at < body.length || i === 0; i++) {
    const end = at + (sizes[Math.min(i, sizes.length - 1)] ?? 8);
    const more = end < body.length;
    frames.push(buildFrame(fragmentSpec(spec, body.subarray(at, end), { protocol, offset: at, more, id })));
    at = end;
  }
  return frames;
}

type Part = { protocol: number; offset: number; more: boolean; id: number };

function fragmentSpec(spec: FrameSpec, payload: Buffer, { protocol, offset, more, id }: Part): FrameSpec {
  const { eth, vlan, padTo, ipv4, ipv6 } = spec;
  const below = { ...(eth && { eth }), ...(vlan && { vlan }), ...(padTo !== undefined && { padTo }), payload };
  if (ipv4 !== undefined) return { ...below, ipv4: { ...ipv4, protocol, id, fragmentOffset: offset, moreFragments: more } };
  if (ipv6 === undefined) throw new FrameSpecError("only ipv4 and ipv6 can be fragmented");
  const extensions = [...(ipv6.extensions ?? []), { kind: "fragment" as const, id, offset, more }];
  return { ...below, ipv6: { ...ipv6, nextHeader: protocol, extensions } };
}

/** The bytes above the network layer, and their protocol number. */
function transportOf({ tcp, udp, icmp, icmpv6, payload, ipv4, ipv6 }: FrameSpec): { body: Buffer; protocol: number } {
  const above = {
    ...(tcp && { tcp }),
    ...(udp && { udp }),
    ...(icmp && { icmp }),
    ...(icmpv6 && { icmpv6 }),
    payload: payload ?? "",
  };
  if (ipv4 !== undefined) {
    const { src, dst, protocol } = ipv4;
    const packet = buildNetwork({ ...above, ipv4: { src, dst, ...(protocol !== undefined && { protocol }) } });
    return { body: packet.subarray(20), protocol: packet.readUInt8(9) };
  }
  if (ipv6 !== undefined) {
    const { src, dst, nextHeader } = ipv6;
    const packet = buildNetwork({ ...above, ipv6: { src, dst, ...(nextHeader !== undefined && { nextHeader }) } });
    return { body: packet.subarray(40), protocol: packet.readUInt8(6) };
  }
  throw new FrameSpecError("only ipv4 and ipv6 can be fragmented");
}
