import { describeMatch, parseAddress, type MatchFields as Match } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressesOf } from "./addresses.js";
import { covers, isEverything, matches, overlaps, sameMatch, type PacketKey } from "./match.js";

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
const PROTOS = ["any", "tcp"];

const packets: PacketKey[] = WORLD.flatMap((src) =>
  WORLD.filter((dst) => dst.includes(":") === src.includes(":")).flatMap((dst) =>
    [1, 80].flatMap((sport) =>
      [1, 80].flatMap((port) =>
        ["tcp", src.includes(":") ? "icmpv6" : "icmp"].map((proto) => ({
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

// The other dimensions, over every packet of a world of their own.
const ANYWHERE = { family: 4 as const, src: parseAddress("10.0.0.1"), dst: parseAddress("10.0.0.2") };
const tcpPackets: PacketKey[] = [1, 2, 3].flatMap((port) =>
  [0x00, 0x02, 0x10, 0x12].flatMap((tcpFlags) =>
    (["no", "first", "later"] as const).flatMap((fragment) =>
      [40, 41, 42].flatMap((length) =>
        ([5, "none"] as const).map((vlan) => ({ ...ANYWHERE, proto: "tcp", sport: 9, port, tcpFlags, fragment, length, vlan })),
      ),
    ),
  ),
);
const tcpMatch: fc.Arbitrary<Match> = fc.record(
  {
    src: fc.constant("any"),
    dst: fc.constantFrom("any", "10.0.0.0/30"),
    proto: fc.constantFrom("any", "tcp"),
    // None of these names every value of its world: the world outside is larger.
    port: fc.constantFrom<(string | number)[]>(1, 2, "1-2", "1,3", "2-3"),
    tcpFlags: fc.constantFrom("syn", "!syn", "ack", "syn,!ack", "syn,ack", "!syn,!ack"),
    fragment: fc.constantFrom("no" as const, "yes" as const, "first" as const, "later" as const),
    length: fc.constantFrom<(string | number)[]>(40, "40-41", "41-42"),
    vlan: fc.constantFrom<(number | "none")[]>(5, "none"),
    family: fc.constantFrom(4 as const, 6 as const),
  },
  { requiredKeys: ["src", "dst", "proto"] },
);

describe("against every packet of a small world of TCP", () => {
  it("what is covered or met by the rule is by its packets too", () => {
    fc.assert(
      fc.property(tcpMatch, tcpMatch, (outer, inner) => {
        if (covers(outer, inner)) for (const packet of tcpPackets) expect(!matches(inner, packet) || matches(outer, packet)).toBe(true);
        const meet = tcpPackets.some((packet) => matches(outer, packet) && matches(inner, packet));
        if (meet) expect(overlaps(outer, inner)).toBe(true);
        if (tcpPackets.some((packet) => matches(inner, packet) && !matches(outer, packet))) expect(covers(outer, inner)).toBe(false);
      }),
    );
  });
});

describe("sets", () => {
  const entries: Record<string, string[]> = {
    web: ["10.0.0.0/25", "10.0.0.128/25", "2001:db8::/32"],
    half: ["10.0.0.0/25"],
    other: ["192.0.2.1"],
    empty: [],
  };
  const sets = (name: string) => (name in entries ? addressesOf(entries[name] ?? []) : undefined);
  const from = (src: string): Match => ({ src, dst: "any", proto: "any" });

  it.each([
    ["@web", "10.0.0.0/24", true],
    ["@web", "2001:db8:1::/48", true],
    ["@web", "10.0.0.0/23", false],
    ["10.0.0.0/8", "@half", true],
    ["10.0.0.0/8", "@web", false],
    ["@web", "@half", true],
    ["@half", "@web", false],
    ["any", "@web", true],
    ["@web", "any", false],
    ["@web", "@web", true],
    ["10.0.0.0/8", "@empty", true],
    ["@none", "10.0.0.1", false],
  ])("%s covers %s: %s", (outer, inner, expected) => {
    expect(covers(from(outer), from(inner), sets)).toBe(expected);
  });

  it("meet what shares an address, and hold packets", () => {
    expect(overlaps(from("@web"), from("10.0.0.255"), sets)).toBe(true);
    expect(overlaps(from("@web"), from("@other"), sets)).toBe(false);
    expect(overlaps(from("@empty"), from("any"), sets)).toBe(false);
    const packet = { ...ANYWHERE, proto: "udp", sport: 1, port: 1 };
    expect([matches(from("@half"), packet, sets), matches(from("@other"), packet, sets)]).toEqual([true, false]);
  });

  it("cover as a slow look at every address does", () => {
    const small = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 })).map(([host, length]) => {
        const size = 2 ** (32 - length);
        return length === 32 ? `10.0.0.${host}` : `10.0.0.${host - (host % size)}/${length}`;
      }),
      { maxLength: 6 },
    );
    const addresses = Array.from({ length: 16 }, (_, host) => `10.0.0.${host}`);
    fc.assert(
      fc.property(small, small, (a, b) => {
        const lookup = (name: string) => addressesOf(name === "a" ? a : b);
        const within = (name: string) => addresses.filter((address) => covers(from(`@${name}`), from(address), lookup));
        const inA = new Set(within("a"));
        expect(covers(from("@a"), from("@b"), lookup)).toBe(within("b").every((address) => inA.has(address)));
        expect(overlaps(from("@a"), from("@b"), lookup)).toBe(within("b").some((address) => inA.has(address)));
      }),
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
    expect(
      describeMatch({ ...web, src: "@bad", port: "80,443", family: 4, tcpFlags: "syn,!ack", vlan: 5, iface: "eth0", length: "64-128" }),
    ).toBe("ipv4 tcp @bad -> 10.0.0.5:80,443 flags syn,!ack vlan 5 on eth0 length 64-128");
  });

  it("takes the same text for the same match", () => {
    expect(sameMatch(web, { ...web })).toBe(true);
    expect(sameMatch(web, { ...web, port: 81 })).toBe(false);
  });
});
