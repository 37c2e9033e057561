import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTcpFlags, parseTcpFlags, TCP_FLAGS, TcpFlagsError } from "./tcp-flags.js";

describe("TCP flags", () => {
  it.each([["syn,!ack", 0x12, 0x02, "syn,!ack"], ["!ACK, syn", 0x12, 0x02, "syn,!ack"], ["cwr", 0x80, 0x80, "cwr"], ["syn,syn", 0x02, 0x02, "syn"]])("%s", (text, mask, value, canonical) => {
    expect(parseTcpFlags(text)).toEqual({ mask, value });
    expect(formatTcpFlags(parseTcpFlags(text))).toBe(canonical);
  });

  it.each([["", /is not a TCP flag/], ["syn,", /is not a TCP flag/], ["syn,!syn", /name it once/], ["toString", /is not a TCP flag/], ["!!syn", /is not a TCP flag/]])("refuses %j", (text, message) => {
    expect(() => parseTcpFlags(text)).toThrow(TcpFlagsError);
    expect(() => parseTcpFlags(text)).toThrow(message);
  });

  it("read back, and match what they say", () => {
    const wanted = fc.dictionary(fc.constantFrom(...Object.keys(TCP_FLAGS)), fc.boolean(), { minKeys: 1 });
    fc.assert(fc.property(wanted, fc.integer({ min: 0, max: 255 }), (flags, packet) => {
      const match = parseTcpFlags(Object.entries(flags).map(([name, set]) => (set ? name : `!${name}`)).join());
      expect(parseTcpFlags(formatTcpFlags(match))).toEqual(match);
      const slow = Object.entries(flags).every(([name, set]) => ((packet & TCP_FLAGS[name as keyof typeof TCP_FLAGS]) !== 0) === set);
      expect((packet & match.mask) === match.value).toBe(slow);
    }));
  });
});
