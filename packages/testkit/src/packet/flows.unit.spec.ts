import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildFrame } from "./build.js";
import { decodeFrame } from "./decode.js";
import { buildFragments } from "./fragment.js";
import type { FrameSpec } from "./spec.js";
import { tcpSession, type SessionSpec, type Side } from "./tcp-session.js";

const size = fc.integer({ min: 1, max: 12 }).map((units) => units * 8);

describe("buildFragments", () => {
  const whole: FrameSpec[] = [
    {
      vlan: [{ vid: 3 }],
      ipv4: { src: "10.0.0.1", dst: "10.0.0.2", id: 77, options: Buffer.from([1, 1, 1, 0]) },
      udp: { srcPort: 1, dstPort: 2 },
    },
    { ipv6: { src: "fd00::1", dst: "fd00::2", extensions: [{ kind: "hopByHop" }] }, tcp: { srcPort: 1, dstPort: 2 } },
    { ipv4: { src: "10.0.0.1", dst: "10.0.0.2", protocol: 99 } },
  ];

  it("puts together again what it cut", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.array(size, { minLength: 1, maxLength: 4 }),
        (spec, payload, sizes) => {
          const frames = buildFragments({ ...spec, payload }, sizes, 77).map((frame) => ({
            frame,
            decoded: decodeFrame(frame),
          }));
          const body: Buffer[] = [];
          let expectedOffset = 0;
          frames.forEach(({ frame, decoded }, i) => {
            const extension = decoded.ipv6?.extensions.find((one) => one.kind === "fragment");
            const { offset, more, id } = extension ?? {
              offset: decoded.ipv4?.fragmentOffset,
              more: decoded.ipv4?.moreFragments,
              id: decoded.ipv4?.id,
            };
            expect({ offset, more, id }).toEqual({ offset: expectedOffset, more: i < frames.length - 1, id: 77 });
            expect(decoded.vlan).toHaveLength(spec.vlan?.length ?? 0);
            // In the first one the transport header has been read off the payload.
            const start =
              spec.ipv4 === undefined
                ? 14 + 40 + 8 + 8
                : 14 + 4 * (spec.vlan?.length ?? 0) + 20 + (spec.ipv4.options?.length ?? 0);
            body.push(frame.subarray(start));
            expectedOffset += frame.length - start;
            if (more === true) expect(frame.length - start).toBe(sizes[Math.min(i, sizes.length - 1)]);
          });
          const unfragmented = buildFrame({ ...spec, payload });
          const joined = Buffer.concat(body);
          expect(joined).toEqual(unfragmented.subarray(unfragmented.length - joined.length));
          expect(joined).toHaveLength(payload.length + (spec.tcp ? 20 : spec.udp ? 8 : 0));
        },
      ),
    );
  });

  it("shows ports in the first fragment only, and leaves its checksum unchecked", () => {
    const spec: FrameSpec = {
      ipv4: { src: "10.0.0.1", dst: "10.0.0.2" },
      udp: { srcPort: 1, dstPort: 2 },
      payload: "x".repeat(100),
    };
    const [first, second] = buildFragments(spec, 48).map(decodeFrame);
    expect(first?.udp?.dstPort).toBe(2);
    expect(first?.checksums.transport).toBe("unchecked");
    expect(second?.udp).toBeUndefined();
    expect(second?.error).toBeUndefined();
    expect(second?.payload.toString()).toBe("x".repeat(48));
  });

  it("refuses odd sizes and other packets", () => {
    const spec: FrameSpec = { ipv4: { src: "10.0.0.1", dst: "10.0.0.2" } };
    expect(() => buildFragments(spec, 12)).toThrow("fragment sizes 12: multiples of 8");
    expect(() => buildFragments(spec, [])).toThrow("multiples of 8");
    expect(() => buildFragments({ payload: "x" }, 8)).toThrow("only ipv4 and ipv6");
  });
});

describe("tcpSession", () => {
  const peers = { client: { ip: "10.0.0.2", port: 40_000 }, server: { ip: "10.0.0.1", port: 80 } };

  it("is a conversation that begins and ends as TCP does", () => {
    const turns = [
      { from: "client" as const, data: "GET / HTTP/1.1\r\n\r\n", splitAt: [3, 6] },
      { from: "server" as const, data: "HTTP/1.1 204 No Content\r\n\r\n" },
    ];
    const frames = [...tcpSession({ ...peers, turns })];
    expect(frames.map(({ from, kind, frame }) => `${from} ${kind} ${decodeFrame(frame).tcp?.flags}`)).toEqual([
      "client syn S",
      "server synack SA",
      "client ack A",
      "client data A",
      "client data A",
      "client data PA",
      "server ack A",
      "server data PA",
      "client ack A",
      "client fin FA",
      "server fin FA",
      "client ack A",
    ]);
    expect(frames.filter(({ kind }) => kind === "data").map(({ payload }) => payload.toString())).toEqual([
      "GET",
      " / ",
      "HTTP/1.1\r\n\r\n",
      turns[1]?.data,
    ]);
    const kinds = (spec: Partial<SessionSpec>) => [...tcpSession({ ...peers, turns: [], ...spec })].map(({ kind }) => kind);
    expect(kinds({ handshake: false, end: "rst" })).toEqual(["rst"]);
    expect(kinds({ end: "none" })).toEqual(["syn", "synack", "ack"]);
  });

  it("reorders and retransmits", () => {
    const turn = { from: "client" as const, data: "abcdef", splitAt: [2, 4], order: [2, 0, 0, 1, 2] };
    const frames = [...tcpSession({ ...peers, turns: [turn], handshake: false, end: "none" })];
    expect(frames.map(({ kind, seq, payload }) => [kind, seq, payload.toString()])).toEqual([
      ["data", 1004, "ef"],
      ["data", 1000, "ab"],
      ["retransmit", 1000, "ab"],
      ["data", 1002, "cd"],
      ["retransmit", 1004, "ef"],
      ["ack", 5000, ""],
    ]);
    expect(decodeFrame(frames[5]?.frame ?? Buffer.alloc(0)).tcp?.ack).toBe(1006);
  });

  it("is understood by a receiver that knows sequence numbers only, also when they wrap", () => {
    const turn = fc.record({ from: fc.constantFrom<Side>("client", "server"), data: fc.uint8Array({ maxLength: 4_000 }) });
    const isn = fc.oneof(fc.nat(2 ** 32 - 1), fc.constantFrom(2 ** 32 - 1, 2 ** 32 - 5));
    const address = fc.constantFrom(["10.0.0.2", "10.0.0.1"] as const, ["fd00::2", "fd00::1"] as const);
    fc.assert(
      fc.property(
        fc.array(turn, { maxLength: 5 }),
        isn,
        isn,
        address,
        fc.boolean(),
        (turns, a, b, [clientIp, serverIp], reverse) => {
          const shuffled = turns.map((one) =>
            reverse
              ? { ...one, order: Array.from({ length: Math.ceil(one.data.length / 1_460) }, (_, i) => i).reverse() }
              : one,
          );
          const spec = {
            client: { ip: clientIp, port: 1, isn: a },
            server: { ip: serverIp, port: 2, isn: b },
            turns: shuffled,
          };
          const heard = { client: new Map<number, number>(), server: new Map<number, number>() };
          for (const { from, frame } of tcpSession(spec)) {
            const { tcp, payload, checksums } = decodeFrame(frame);
            expect(checksums.transport).toBe("right");
            expect(tcp?.srcPort).toBe(from === "client" ? 1 : 2);
            const first = from === "client" ? a + 1 : b + 1;
            payload.forEach((byte, i) => heard[from].set(((tcp?.seq ?? 0) - first + i + 2 ** 33) % 2 ** 32, byte));
          }
          for (const side of ["client", "server"] as const) {
            const said = Buffer.concat(turns.filter(({ from }) => from === side).map(({ data }) => data));
            expect(heard[side].size).toBe(said.length);
            expect(Buffer.from(said.map((_, i) => heard[side].get(i) ?? -1))).toEqual(said);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("refuses cuts and orders that do not fit", () => {
    const run = (more: object) => () => [...tcpSession({ ...peers, turns: [{ from: "client", data: "abc", ...more }] })];
    expect(run({ splitAt: [2, 1] })).toThrow("splitAt: 2, 1 must rise between 0 and 3");
    expect(run({ splitAt: [3] })).toThrow("splitAt");
    expect(run({ splitAt: [1], order: [0] })).toThrow("order: the turn has segments 0 to 1; missing 1, unknown none");
    expect(run({ order: [0, 1] })).toThrow("missing none, unknown 1");
  });
});
