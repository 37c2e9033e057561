import fc from "fast-check";
import type { FrameSpec } from "./spec.js";

const uint = (bits: number): fc.Arbitrary<number> => fc.nat({ max: 2 ** bits - 1 });
const bytes = (maxLength: number, unit = 1, rest = 0): fc.Arbitrary<Buffer> =>
  fc.nat({ max: maxLength / unit - 1 }).chain((n) => {
    const length = n * unit + rest;
    return fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
  });
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((a) => [...a].map((b) => b.toString(16).padStart(2, "0")).join(":"));
const ipv4Address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((a) => a.join("."));
/** Without a zero group there is one spelling alone. */
const ipv6Address = fc
  .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((a) => a.map((g) => g.toString(16)).join(":"));

const ipv4 = fc.record({
  src: ipv4Address,
  dst: ipv4Address,
  ttl: uint(8),
  tos: uint(8),
  id: uint(16),
  dontFragment: fc.boolean(),
  options: bytes(44, 4),
});

const extension = fc.oneof(
  fc.record({
    kind: fc.constantFrom<"hopByHop" | "routing" | "destination">("hopByHop", "routing", "destination"),
    data: bytes(48, 8, 6),
  }),
  fc.record({ kind: fc.constant("authentication" as const), spi: uint(32), sequence: uint(32), icv: bytes(40, 8, 4) }),
  // An "atomic" fragment (RFC 6946): the whole packet in one.
  fc.record({ kind: fc.constant("fragment" as const), id: uint(32), offset: fc.constant(0), more: fc.constant(false) }),
);

/** At most one fragment header. */
const extensions = fc
  .array(extension, { maxLength: 4 })
  .map((all) => all.filter((one, i) => one.kind !== "fragment" || all.findIndex((other) => other.kind === "fragment") === i));

const ipv6 = fc.record({
  src: ipv6Address,
  dst: ipv6Address,
  hopLimit: uint(8),
  trafficClass: uint(8),
  flowLabel: uint(20),
  extensions,
});

const flags = fc.subarray([..."FSRPAUEC"]).map((letters) => letters.join(""));
const tcp = fc.record({
  srcPort: uint(16),
  dstPort: uint(16),
  seq: uint(32),
  ack: uint(32),
  flags,
  window: uint(16),
  urgent: uint(16),
  options: bytes(44, 4),
});
const udp = fc.record({ srcPort: uint(16), dstPort: uint(16) });
const icmp = fc.record({ type: uint(8), code: uint(8), id: uint(16), sequence: uint(16) });

const transport = fc.oneof(
  fc.record({ tcp }),
  fc.record({ udp }),
  fc.record({ icmp }),
  fc.record({ icmpv6: icmp }),
  fc.constant({}),
);
const network: fc.Arbitrary<FrameSpec> = fc.oneof(
  fc.tuple(fc.record({ ipv4 }), transport).map(([below, above]) => ({ ...below, ...above })),
  fc.tuple(fc.record({ ipv6 }), transport).map(([below, above]) => ({ ...below, ...above })),
  fc.record({
    arp: fc.record({ op: uint(16), senderMac: mac, senderIp: ipv4Address, targetMac: mac, targetIp: ipv4Address }),
  }),
);

const vlan = fc.array(fc.record({ vid: uint(12), pcp: uint(3), dei: fc.boolean(), tpid: fc.constantFrom(0x8100, 0x88a8) }), {
  maxLength: 3,
});

/** A well-formed frame of any kind the builder knows, as a spec with every default left out or said as it is read back. */
export const arbitraryFrame: fc.Arbitrary<FrameSpec> = fc
  .tuple(network, fc.record({ eth: fc.record({ src: mac, dst: mac }), vlan, payload: bytes(200) }))
  .map(([layers, around]) => ({ ...around, ...layers }));
