import type { Detection, FlowKey } from "@secuxflow/contracts";
import fc from "fast-check";

/** Text with everything that breaks parsers and statements: quotes, escapes, controls, NUL, half surrogates, placeholders. */
export const hostileText = (maxLength: number) =>
  fc.oneof(
    fc.string({ maxLength, unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          "'",
          '"',
          "\\",
          "`",
          "\0",
          "\n",
          "\r",
          "\t",
          "\ud800",
          "\udc00",
          "😀",
          "{seq:UInt64}",
          "--",
          "/*",
          ";",
          "\u2028",
          "ÿ",
          "\x80",
          "{",
          "}",
          "%s",
        ),
        { maxLength: Math.floor(maxLength / 12) },
      )
      .map((parts) => parts.join("")),
  );

export const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom("192.0.2.1", "198.51.100.7", "203.0.113.9", "10.1.2.3"),
  fc.constantFrom("2001:db8::1", "2001:DB8:0:0::0002", "fe80::1"),
);

export const flowKey: fc.Arbitrary<FlowKey> = fc.record({
  src: address,
  dst: address,
  sport: fc.nat({ max: 65_535 }),
  dport: fc.nat({ max: 65_535 }),
  proto: fc.constantFrom("tcp", "udp", "icmp", "icmpv6", "sctp", "47", "6"),
});

const isoTime = fc
  .tuple(fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }), fc.nat({ max: 999_999 }))
  .map(([seconds, micros]) => `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${String(micros).padStart(6, "0")}Z`);

/** Any detection that the contract allows, with hostile text wherever text may be. */
export const detection: fc.Arbitrary<Detection> = fc
  .record(
    {
      id: hostileText(60),
      time: isoTime,
      policy: hostileText(40),
      inspector: hostileText(40),
      module: fc.record({ name: hostileText(40), version: hostileText(20), digest: hostileText(40) }),
      rule: fc.record({ id: fc.maxSafeInteger(), name: hostileText(80), category: hostileText(40) }),
      severity: fc.integer({ min: 1, max: 4 }),
      confidence: fc.nat({ max: 100 }),
      verdictHint: fc.constantFrom("none", "alert", "drop"),
      flowId: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((id) => id.toString(16).padStart(16, "0")),
      flow: flowKey,
      direction: fc.constantFrom("to_server", "to_client", "unknown"),
      ifindex: fc.maxSafeInteger(),
      vlan: fc.maxSafeInteger(),
      forwardId: fc.maxSafeInteger(),
      attributes: fc.dictionary(
        hostileText(48).filter((key) => key !== "__proto__"),
        hostileText(300),
        { maxKeys: 5 },
      ),
      wireLength: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
      eve: fc.option(
        hostileText(300).filter((text) => text !== ""),
        { nil: undefined },
      ),
      payload: fc.option(
        fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64")),
        { nil: undefined },
      ),
      packet: fc.option(
        fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64")),
        { nil: undefined },
      ),
    },
    {
      requiredKeys: [
        "id",
        "time",
        "policy",
        "inspector",
        "module",
        "rule",
        "severity",
        "confidence",
        "verdictHint",
        "flowId",
        "flow",
        "direction",
        "ifindex",
        "vlan",
        "forwardId",
        "attributes",
      ],
    },
  )
  .map(({ packet, wireLength, eve, payload, ...rest }) => ({
    ...rest,
    ...(packet === undefined ? {} : { packet }),
    ...(wireLength === undefined ? {} : { wireLength }),
    ...(eve === undefined ? {} : { eve }),
    ...(payload === undefined ? {} : { payload }),
  }));

/** An ordinary detection: SQL injection over HTTP. */
export function sample(changes: Partial<Detection> = {}): Detection {
  return {
    id: "0123456789abcdef-942100-1",
    time: "2026-11-22T10:00:00.123456Z",
    policy: "default",
    inspector: "inspector-1",
    module: { name: "waf", version: "1.0.0", digest: `sha256:${"0".repeat(64)}` },
    rule: { id: 942100, name: "SQL injection", category: "sqli" },
    severity: 2,
    confidence: 90,
    verdictHint: "drop",
    flowId: "0123456789abcdef",
    flow: { src: "203.0.113.9", dst: "198.51.100.7", sport: 40_000, dport: 80, proto: "tcp" },
    direction: "to_server",
    ifindex: 2,
    vlan: 0,
    forwardId: 1,
    attributes: { message: "1' OR '1'='1 in args.q", "match.location": "args.q" },
    packet: Buffer.from("GET /?q=1'OR'1'='1 HTTP/1.1").toString("base64"),
    ...changes,
  };
}

export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
