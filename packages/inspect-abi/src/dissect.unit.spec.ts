import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAddress } from "./address.js";
import { BatchBuilder } from "./batch-builder.js";
import { validateBatch } from "./batch-reader.js";
import { dissectFrame } from "./dissect.js";
import { RecordFlag } from "./generated/abi.js";

const macs = "020000000002020000000001";
const ipv4With = (fragment: string): string => `450000340000${fragment}400600000a0000010a000002`;
const ipv4 = ipv4With("4000");
const tcp = "9c400050000003e8000007d08018ffff00000000" + "0101080a0000000100000002";
const bytes = (...parts: string[]): Buffer => Buffer.from(parts.join(""), "hex");

describe("dissectFrame", () => {
  it("finds layers, ports and addresses of IPv4 and TCP", () => {
    const fields = dissectFrame(bytes(macs, "0800", ipv4, tcp));
    expect(fields).toMatchObject({
      family: 4,
      proto: 6,
      sport: 40_000,
      dport: 80,
      l3Offset: 14,
      l4Offset: 34,
      payloadOffset: 66,
      vlan: 0,
      flags: 0,
      wireLen: 66,
    });
    expect([formatAddress(fields.src), formatAddress(fields.dst)]).toEqual(["10.0.0.1", "10.0.0.2"]);
    // The golden flow hash of this 5-tuple.
    expect(fields.flowIdHigh.toString(16) + fields.flowIdLow.toString(16)).toBe("88a012da59150faa");
  });

  it("steps over VLAN tags and IPv6 extension headers", () => {
    const ipv6 =
      "60000000001000003c40".slice(0, 12) + "0040" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002";
    const hopByHop = "1100000000000000";
    const udp = "003504d200080000";
    const fields = dissectFrame(bytes(macs, "88a80064", "810000c8", "86dd", ipv6, hopByHop, udp));
    expect(fields).toMatchObject({
      family: 6,
      proto: 17,
      vlan: 100,
      sport: 53,
      dport: 1234,
      l3Offset: 22,
      l4Offset: 70,
      payloadOffset: 78,
    });
    expect(formatAddress(fields.src)).toBe("2001:db8::1");
  });

  it("leaves ports out of fragments, and the transport out of later ones", () => {
    const first = ipv4With("2000");
    const later = ipv4With("0010");
    expect(dissectFrame(bytes(macs, "0800", first, tcp))).toMatchObject({ flags: RecordFlag.FRAGMENT, sport: 0, l4Offset: 34 });
    expect(dissectFrame(bytes(macs, "0800", later, tcp))).toMatchObject({
      flags: RecordFlag.FRAGMENT,
      sport: 0,
      l4Offset: 0xffff,
    });
  });

  it("takes any bytes, cut anywhere, and what it says is always a valid record", () => {
    const whole = bytes(macs, "0800", ipv4, tcp);
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .tuple(
          fc.nat({ max: whole.length }),
          fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 }),
        )
        .map(([cut, edits]) => {
          const copy = Uint8Array.from(whole);
          for (const [at, value] of edits) copy[at] = value;
          return copy.subarray(0, cut);
        }),
    );
    fc.assert(
      fc.property(frame, (data) => {
        const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 1, maxBytes: 1024 });
        expect(builder.append(dissectFrame(data, data.length + 5), data)).toBe(true);
        validateBatch(builder.finish());
      }),
      { numRuns: 1000 },
    );
  });
});
