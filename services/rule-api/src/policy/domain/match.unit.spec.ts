import { parseAddress } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, describeMatch, isEverything, matches, overlaps, sameMatch, type Match, type PacketKey } from "./match.js";

// A small world: every prefix below is told apart from every other by some address of it.
const WORLD = [
  "10.0.0.0",
  "10.0.0.1",
  "10.0.0.2",
  "10.0.0.3",
  "10.0.0.9",
  "9.9.9.9",
  "2001:db8::",
  "2001:db8::1",
  "2001:db8::9",
  "fe80::1",
];
const PREFIXES = [
  "any",
  "0.0.0.0/0",
  "::/0",
  "10.0.0.0/28",
  "10.0.0.0/30",
  "10.0.0.0/31",
  "10.0.0.2/31",
  "10.0.0.1",
  "2001:db8::/124",
  "2001:db8::/127",
  "2001:db8::1",
];
const PORTS = [undefined, 80, 1];
const PROTOS = ["any", "tcp", "icmp"];

const packets: PacketKey[] = WORLD.flatMap((src) =>
  WORLD.filter((dst) => dst.includes(":") === src.includes(":")).flatMap((dst) =>
    [1, 80].flatMap((sport) =>
      [1, 80].flatMap((port) =>
        ["tcp", "icmp"].map((proto) => ({
          family: src.includes(":") ? (6 as const) : (4 as const),
          src: parseAddress(src),
          dst: parseAddress(dst),
          sport,
          port,
          proto,
        })),
      ),
    ),
  ),
);

const match: fc.Arbitrary<Match> = fc
  .record({
    src: fc.constantFrom(...PREFIXES),
    dst: fc.constantFrom(...PREFIXES),
    sport: fc.constantFrom(...PORTS),
    port: fc.constantFrom(...PORTS),
    proto: fc.constantFrom(...PROTOS),
  })
  .filter(({ src, dst }) => src === "any" || dst === "any" || src.includes(":") === dst.includes(":")); // mixed families are refused at the border

describe("against every packet of a small world", () => {
  it("covers means: no packet of the inner match is missed", () => {
    fc.assert(
      fc.property(match, match, (outer, inner) => {
        expect(covers(outer, inner)).toBe(packets.every((packet) => !matches(inner, packet) || matches(outer, packet)));
      }),
      { numRuns: 150 },
    );
  });

  it("overlaps means: some packet belongs to both", () => {
    fc.assert(
      fc.property(match, match, (a, b) => {
        expect(overlaps(a, b)).toBe(packets.some((packet) => matches(a, packet) && matches(b, packet)));
      }),
      { numRuns: 150 },
    );
  });
});

describe("one by one", () => {
  const web: Match = { src: "any", dst: "10.0.0.5", port: 80, proto: "tcp" };

  it("knows that any beside an IPv4 address means IPv4", () => {
    expect(covers({ ...web, src: "0.0.0.0/0" }, web)).toBe(true);
    expect(covers({ ...web, src: "0.0.0.0/0", dst: "any" }, { ...web, dst: "any" })).toBe(false);
  });

  it("tells everything from nearly everything", () => {
    expect(isEverything({ src: "any", dst: "any", proto: "any" })).toBe(true);
    expect(isEverything({ src: "0.0.0.0/0", dst: "any", proto: "any" })).toBe(false);
    expect(isEverything({ src: "any", dst: "any", proto: "tcp" })).toBe(false);
  });

  it("writes a match for people", () => {
    expect(describeMatch(web)).toBe("tcp any -> 10.0.0.5:80");
    expect(describeMatch({ src: "2001:db8::1", sport: 53, dst: "any", proto: "udp" })).toBe("udp [2001:db8::1]:53 -> any");
    expect(describeMatch({ src: "any", dst: "10.0.0.0/8", proto: "any" })).toBe("any -> 10.0.0.0/8");
  });

  it("takes the same text for the same match", () => {
    expect(sameMatch(web, { ...web })).toBe(true);
    expect(sameMatch(web, { ...web, port: 81 })).toBe(false);
  });
});
