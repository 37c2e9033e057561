import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressError, formatAddress, formatPrefix, parseAddress, parsePrefix, prefixContains, prefixesOverlap, type Prefix } from "./ip.js";

const bits = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
const bitLength = (prefix: Prefix): number => (prefix.family === 4 ? 96 : 0) + prefix.length;

describe("parsePrefix", () => {
  it.each([
    ["10.0.0.5", "10.0.0.5"], ["192.168.1.0/24", "192.168.1.0/24"], ["0.0.0.0/0", "0.0.0.0/0"], ["10.0.0.5/32", "10.0.0.5"],
    ["2001:DB8:0:0::/32", "2001:db8::/32"], ["::/0", "::/0"], ["::1", "::1"], ["::ffff:10.0.0.5", "10.0.0.5"], ["::10.1.2.3", "::a01:203"], ["::0.0.0.0/0", "::/0"],
  ])("reads %s as %s", (text, canonical) => {
    expect(formatPrefix(parsePrefix(text))).toBe(canonical);
  });

  it.each([
    ["192.168.1.5/24", /host bits set; did you mean 192\.168\.1\.0\/24, or the single address 192\.168\.1\.5/],
    ["2001:db8::1/64", /did you mean 2001:db8::\/64/], ["10.0.0.0/33", /0 to 32/], ["::/129", /0 to 128/], ["10.0.0.0/", /prefix length/],
    ["10.0.0", /is not an IPv4 or IPv6/], ["010.0.0.1", /is not/], ["1.2.3.4/8/8", /is not/], ["fe80::1%eth0", /is not/], ["", /is not/],
    ["0x0a000001", /is not/], ["10.0.0.1/-1", /prefix length/], ["10.0.0.1/8e0", /prefix length/], ["10.0.0.256", /is not/],
  ])("refuses %s", (text, message) => {
    expect(() => parsePrefix(text)).toThrow(AddressError);
    expect(() => parsePrefix(text)).toThrow(message);
  });

  it("accepts no text that Node's own parser refuses", () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 20 }), fc.string({ unit: fc.constantFrom(..."0123456789.:af/"), maxLength: 20 })), (text) => {
      let parsed = true;
      try {
        parsePrefix(text);
      } catch (error) {
        expect(error).toBeInstanceOf(AddressError);
        parsed = false;
      }
      if (parsed) expect(isIPv4(text.split("/")[0] ?? "") || isIPv6(text.split("/")[0] ?? "")).toBe(true);
    }), { numRuns: 2_000 });
  });

  it("reads IPv4 prefixes of any length, and refuses exactly those with host bits", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 32 }), fc.boolean(), (host, length, cut) => {
      const mask = (index: number): number => (0xff << (8 - Math.min(8, Math.max(0, length - index * 8)))) & 0xff;
      const bytes = cut ? host.map((byte, index) => byte & mask(index)) : host;
      const text = `${bytes.join(".")}/${length}`;
      if (bytes.every((byte, index) => (byte & ~mask(index)) === 0)) {
        expect(parsePrefix(text)).toEqual({ family: 4, length, bytes: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes]) });
        expect(formatPrefix(parsePrefix(text))).toBe(length === 32 ? bytes.join(".") : text);
      } else {
        expect(() => parsePrefix(text)).toThrow(`did you mean ${host.map((byte, index) => byte & mask(index)).join(".")}/${length}`);
      }
    }));
  });

  it("refuses exactly the IPv6 prefixes with host bits", () => {
    fc.assert(fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), (text, length) => {
      const whole = parseAddress(text);
      fc.pre(!whole.slice(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 0xff))); // v4-mapped
      const dirty = bits(whole).slice(length).includes("1");
      if (dirty) expect(() => parsePrefix(`${text}/${length}`)).toThrow(/host bits set/);
      else expect(parsePrefix(`${text}/${length}`)).toEqual({ family: 6, length, bytes: whole });
    }));
  });

  it("gives back what it writes", () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const prefix = parsePrefix(text);
      expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
      expect(parseAddress(formatAddress(prefix.bytes))).toEqual(prefix.bytes);
    }));
  });
});

describe("prefixContains and prefixesOverlap", () => {
  const address = fc.uint8Array({ minLength: 2, maxLength: 2 }).map(([a, b]) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, (a ?? 0) & 3, (b ?? 0) & 3]));
  const prefix = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([bytes, length]): Prefix => {
    const text = bits(bytes).slice(0, 96 + length).padEnd(128, "0");
    return { family: 4, length, bytes: Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(text.slice(i * 8, i * 8 + 8), 2)) };
  });

  it("agree with a comparison of bit texts", () => {
    fc.assert(fc.property(prefix, prefix, address, (a, b, host) => {
      const inside = (p: Prefix, bytes: Uint8Array): boolean => bits(bytes).startsWith(bits(p.bytes).slice(0, bitLength(p)));
      expect(prefixContains(a, host)).toBe(inside(a, host));
      expect(prefixesOverlap(a, b)).toBe(inside(a, b.bytes) || inside(b, a.bytes));
    }));
  });
});
