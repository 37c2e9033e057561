import { buildFrame, tcpSession } from "@secuxflow/testkit";
import { Direction, dissectFrame, Kind, RecordFlag } from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { http, inspectAll, newModule, ruleIds, says, session } from "./testing/harness.js";
import type { Packet } from "./testing/harness.js";

// One request per way of carrying it; both modules must see the same in every cut of the stream.
const cases = [
  ["ips", "a header", http("GET /", { X: "${jndi:ldap://e}" }), [9_100_400]],
  ["ips", "an escaped address", http("GET /?f=%2e%2e%2f%2e%2e%2fetc%2fpasswd&x=%24%7Bjndi:a"), [9_100_402, 9_100_439, 9_100_440]],
  ["ips", "a form", http("POST /", {}, "id=1%20union%20select%201%2C2"), [9_100_506]],
  ["waf", "an argument", http("GET /?id=1%27%20or%20%271%27%3D%271"), [9_100_002]],
  [
    "waf",
    "a form",
    http("POST /", { "Content-Type": "application/x-www-form-urlencoded" }, "a=1&b=%3Cscript%3Ealert(1)"),
    [9_100_101],
  ],
  [
    "waf",
    "chunks",
    http("POST /", { "Content-Type": "application/json", "Transfer-Encoding": "chunked" }).concat(
      '9\r\n{"a":"\' o\r\n8;x=y\r\nr 1=1--"\r\n1\r\n}\r\n0\r\n\r\n',
      http("GET /next"),
    ),
    [9_100_002],
  ],
] as const;

let lastPort = 1023;
const freePort = (): number => ++lastPort;

describe.each(cases)("%s finds %s", (name, _title, request, rules) => {
  const length = Buffer.byteLength(request);

  it("cut in two at every byte", async () => {
    const instance = await newModule(name);
    for (let at = 1; at < length; at++) {
      expect([at, ruleIds(inspectAll(instance, session(says(request, { splitAt: [at] }))))]).toEqual([at, rules]);
    }
  });

  it("cut in two at every byte, the second half first and sent again", async () => {
    const instance = await newModule(name);
    for (let at = 1; at < length; at += 3) {
      expect([at, ruleIds(inspectAll(instance, session(says(request, { splitAt: [at], order: [1, 0, 1, 0] }))))]).toEqual([
        at,
        rules,
      ]);
    }
  });

  it("in random pieces, order, repetition and batches", async () => {
    const instance = await newModule(name);
    const cuts = fc
      .uniqueArray(fc.integer({ min: 1, max: length - 1 }), { maxLength: 12 })
      .map((all) => [...all].sort((a, b) => a - b));
    const plan = cuts.chain((splitAt) => {
      const all = Array.from({ length: splitAt.length + 1 }, (_, i) => i);
      const order = fc
        .tuple(fc.shuffledSubarray(all, { minLength: all.length }), fc.array(fc.constantFrom(...all), { maxLength: 5 }))
        .map(([first, again]) => [...first, ...again]);
      return fc.record({
        splitAt: fc.constant(splitAt),
        order,
        size: fc.integer({ min: 1, max: 20 }),
        isn: fc.nat({ max: 2 ** 32 - 1 }),
        ipv6: fc.boolean(),
        direction: fc.boolean(),
        vlan: fc.boolean(),
      });
    });
    await fc.assert(
      fc.asyncProperty(plan, ({ splitAt, order, size, isn, ipv6, direction, vlan }) => {
        // Every run is a conversation of its own: the same ports with the same sequence numbers are a repetition.
        const port = freePort();
        const peers = ipv6
          ? { client: { ip: "fd00::7", port, isn }, server: { ip: "fd00::5", port: 80 } }
          : { client: { ip: "10.3.0.7", port, isn }, server: { ip: "10.3.0.5", port: 80 } };
        const packets = session(says(request, { splitAt, order }), {
          ...peers,
          direction,
          ...(vlan ? { vlan: [{ vid: 7 }, { vid: 8 }] } : {}),
        });
        expect(ruleIds(inspectAll(instance, packets, size))).toEqual(rules);
        return Promise.resolve();
      }),
      { numRuns: 60 },
    );
  });

  it("across the wrap of sequence numbers, and picked up in the middle", async () => {
    const instance = await newModule(name);
    const wrap = session(says(request, { splitAt: [20, 40] }), { client: { ip: "10.4.0.1", port: 5000, isn: 2 ** 32 - 30 } });
    expect(ruleIds(inspectAll(instance, wrap))).toEqual(rules);
    expect(ruleIds(inspectAll(instance, session(says(request, { splitAt: [20, 40] }), { handshake: false })))).toEqual(rules);
  });

  // The ips module reassembles streams itself: it takes packets only, as its manifest says.
  it.runIf(name === "waf")("as stream chunks", async () => {
    const instance = await newModule(name);
    const [syn] = session(says(request));
    if (syn === undefined) throw new Error("no packets");
    const half = Math.floor(length / 2);
    const chunk = (from: number, to: number): Packet => ({ ...syn, frame: Buffer.from(request).subarray(from, to) });
    // Stream chunks have no headers: flow and addresses come from the record.
    const flow = {
      sport: 4000,
      dport: 80,
      family: 4,
      proto: 6,
      flowIdLow: 77,
      l3Offset: 0xffff,
      l4Offset: 0xffff,
      payloadOffset: 0xffff,
      kind: Kind.STREAM_CHUNK,
    };
    const packets = [chunk(0, half), chunk(half, length)].map((packet) => ({
      ...packet,
      direction: Direction.TO_SERVER,
      fields: flow,
    }));
    expect(ruleIds(inspectAll(instance, packets))).toEqual(rules);
  });
});

describe("lost and truncated packets", () => {
  const request = http("GET /?q=%3Cscript%3E", { "X-Long": "y".repeat(300) });

  it("after a gap the next request is found", async () => {
    const instance = await newModule("waf");
    const client = { ip: "10.5.0.1", port: 7000 };
    const packets = session([...says(http("GET /a"), { splitAt: [20] }), ...says(request)], { client });
    // The second segment of the first request never arrives, and the agent says so.
    const data = packets.findIndex(({ frame }) => Buffer.from(frame).includes("GET /a"));
    const kept = packets.flatMap((packet, i): Packet[] =>
      i === data + 1 ? [] : [{ ...packet, fields: i > data ? { flags: RecordFlag.GAP } : {} }],
    );
    expect(ruleIds(inspectAll(instance, kept))).toEqual([9_100_101]);
  });

  it("a hole is given up after a while, without being told", async () => {
    const instance = await newModule("waf");
    const packets = session([...says(http("GET /a"), { splitAt: [20] }), ...says(request), ...says(http("GET /b"))], {
      client: { ip: "10.5.0.2", port: 7000 },
    });
    const data = packets.findIndex(({ frame }) => Buffer.from(frame).includes("GET /a"));
    const kept = packets.flatMap((packet, i): Packet[] =>
      i === data + 1 ? [] : [{ ...packet, atMs: Buffer.from(packet.frame).includes("GET /b") ? 10_000 : 0 }],
    );
    expect(ruleIds(inspectAll(instance, kept))).toEqual([9_100_101]);
  });

  it("what a short capture holds of a request is inspected", async () => {
    const instance = await newModule("waf");
    const packets = session([...says(request), ...says(request)], { client: { ip: "10.5.0.3", port: 7000 } });
    expect(
      inspectAll(
        instance,
        packets.map((packet) => ({ ...packet, snap: 128 })),
      ),
    ).toHaveLength(2);
  });

  it("overlapping segments are read as the receiver reads them, and told of", async () => {
    const overlap = 9_101_118;
    const send = (port: number, seq: number, payload: string): Packet => ({
      frame: buildFrame({
        ipv4: { src: "10.6.0.1", dst: "10.6.0.2" },
        tcp: { srcPort: port, dstPort: 99, seq, flags: "PA" },
        payload,
      }),
      direction: Direction.TO_SERVER,
    });
    const found = async (...packets: Packet[]): Promise<number[]> => {
      const instance = await newModule("ips");
      return ruleIds([...inspectAll(instance, packets), ...instance.flush()]);
    };
    // What came first stays (the policy of BSD, which is the default) …
    expect(await found(send(9, 1, "${jn"), send(9, 3, "XXdi:"))).toEqual([9_100_400, overlap]);
    // … unless the later segment begins before it.
    expect(await found(send(10, 10, "x"), send(10, 14, "di:"), send(10, 11, "${jnXX"))).toEqual([overlap]);
    // The same bytes again are an ordinary repetition.
    expect(await found(send(11, 1, "${jn"), send(11, 3, "jndi:".slice(0, 2)), send(11, 5, "di:"))).toEqual([9_100_400]);
  });

  it("a new connection between the same ends is a new flow", async () => {
    const instance = await newModule("ips");
    const client = { ip: "10.6.0.3", port: 6000 };
    const bad = http("GET /", { X: "${jndi:a}" });
    expect(inspectAll(instance, session(says(bad), { client }))).toHaveLength(1);
    expect(
      inspectAll(
        instance,
        session(says(bad), { client: { ...client, isn: 777_777 }, server: { ip: "10.2.0.5", port: 80, isn: 99 } }),
      ),
    ).toHaveLength(1);
  });

  it("a forged SYN or reset in the middle does not blind it", async () => {
    const instance = await newModule("ips");
    const client = { ip: "10.6.0.4", port: 6000 };
    const packets = session(says(http("GET /", { X: "${jndi:a}" }), { splitAt: [90] }), { client });
    const forge = (flags: string, seq: number): Packet => ({
      frame: buildFrame({ ipv4: { src: client.ip, dst: "10.2.0.5" }, tcp: { srcPort: client.port, dstPort: 80, seq, flags } }),
      direction: Direction.TO_SERVER,
    });
    const at = packets.findIndex(({ frame }) => Buffer.from(frame).includes("GET /")) + 1;
    expect(
      ruleIds(inspectAll(instance, [...packets.slice(0, at), forge("S", 123), forge("R", 999_999_999), ...packets.slice(at)])),
    ).toEqual([9_100_400]);
  });

  it("one side of a conversation is enough", async () => {
    // A forwarding rule for a server's port shows the clients' packets only.
    const request = http("GET /", { X: "${jndi:a}" });
    for (const options of [{}, { direction: false }, { end: "rst" } as const, { handshake: false }]) {
      const instance = await newModule("ips");
      const both = session(says(request, { splitAt: [50] }), { client: { ip: "10.6.0.9", port: 4000 }, ...options });
      const client = both.filter(({ frame }) => frame[29] === 9);
      expect(client.length).toBeLessThan(both.length);
      expect(ruleIds(inspectAll(instance, client))).toEqual([9_100_400]);
    }
  });

  it("a flow end closes the flow", async () => {
    const instance = await newModule("waf");
    const frames = [
      ...tcpSession({
        client: { ip: "10.6.0.5", port: 1 },
        server: { ip: "10.6.0.6", port: 80 },
        turns: says(request),
        end: "none",
      }),
    ];
    const packets = frames.map(({ frame }) => ({ frame, direction: Direction.TO_SERVER }));
    const [first] = packets;
    if (first === undefined) throw new Error("no packets");
    const end: Packet = {
      ...first,
      snap: 0,
      fields: { kind: Kind.FLOW_END, l3Offset: 0xffff, l4Offset: 0xffff, payloadOffset: 0xffff },
    };
    expect(inspectAll(instance, packets)).toHaveLength(1);
    expect(inspectAll(instance, packets)).toHaveLength(0);
    // The record of a flow end carries the 5-tuple, but no data.
    const tuple = { sport: 1, dport: 80, family: 4, proto: 6 };
    const { src, dst, flowIdLow, flowIdHigh } = dissectFrame(first.frame);
    inspectAll(instance, [{ ...end, fields: { ...end.fields, ...tuple, src, dst, flowIdLow, flowIdHigh } }]);
    expect(inspectAll(instance, packets)).toHaveLength(1);
  });

  it.each(["fin", "rst"] as const)("a conversation that ended (%s) is over, and what repeats it is a new one", async (end) => {
    const instance = await newModule("ips");
    const packets = session(says(http("GET /", { X: "${jndi:a}" })), { client: { ip: "10.6.0.7", port: 7 }, end });
    const next = session(says(http("GET /", { X: "${jndi:a}" })), { client: { ip: "10.6.0.7", port: 7, isn: 4711 }, end });
    const told = (again: readonly Packet[]): number[] => inspectAll(instance, again).map(({ ruleId }) => ruleId);
    expect(told(packets)).toEqual([9_100_400]);
    expect(told(next)).toEqual([9_100_400]);
    // Whoever closes first may use the same ports and the same sequence numbers at once.
    expect(told(next)).toEqual([9_100_400]);
    // Data that is sent again while the conversation lasts adds nothing; a packet of no conversation is looked at alone.
    const thrice = says(http("GET /", { X: "${jndi:a}" }), { order: [0, 0, 0] });
    expect(told(session(thrice))).toEqual([9_100_400]);
    expect(told(packets.filter(({ frame }) => Buffer.from(frame).includes("jndi")))).toEqual([9_100_400]);
  });
});
