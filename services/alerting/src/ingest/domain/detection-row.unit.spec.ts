import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detection, encode, hostileText, sample } from "../../testing/arbitraries.js";
import { MalformedMessage, readDetection, suppressedRow, wellFormed } from "./detection-row.js";
import { readFlowReport } from "./flow-row.js";

const WINDOW = 300_000;
const read = (value: unknown) => readDetection(encode(value), 7, WINDOW);

describe("detections as rows", () => {
  it("keep everything", () => {
    const { row, bucket, time } = read(sample());
    expect(row).toMatchObject({
      seq: 7,
      id: sample().id,
      bucket: "2026-11-22 10:00:00",
      time: "2026-11-22 10:00:00.123456",
      module: "waf",
      rule_id: 942100,
      attacker: "203.0.113.9",
      victim: "198.51.100.7",
      victim_port: 80,
      severity: 2,
      suppressed: 0,
      attributes: sample().attributes,
      packet: sample().packet,
      gkey: '["default","waf",942100,"203.0.113.9","198.51.100.7"]',
    });
    expect([bucket, time]).toEqual([Date.UTC(2026, 10, 22, 10) * 1_000, Date.UTC(2026, 10, 22, 10) * 1_000 + 123_456]);
  });

  it("are text that any JSON reader takes, whatever was in them", () => {
    fc.assert(
      fc.property(detection, (any) => {
        const { row } = read(any);
        const text = JSON.stringify(row);
        expect(text.includes("\\ud8") || text.includes("\\udc")).toBe(false);
        expect(JSON.parse(text)).toEqual(row);
      }),
    );
  });

  it("lose packet and attributes when suppressed, and nothing else", () => {
    const { row } = read(sample());
    expect(suppressedRow(row)).toEqual({ ...row, attributes: {}, packet: "", eve: "", payload: "", suppressed: 1 });
  });

  it("keep an attribute named __proto__ as an attribute", () => {
    const text = JSON.stringify(sample()).replace('"message":', '"__proto__":');
    const { row } = readDetection(new TextEncoder().encode(text), 1, WINDOW);
    expect(Object.getPrototypeOf(row.attributes)).toBe(Object.prototype);
    expect("match.location" in row.attributes).toBe(true);
  });

  it.each([
    ["no JSON", new TextEncoder().encode("{")],
    ["no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["empty", new Uint8Array()],
    ["null", encode(null)],
    ["a list", encode([])],
    ["no time", encode({ ...sample(), time: "yesterday" })],
    ["a time before 1970", encode({ ...sample(), time: "1960-01-01T00:00:00Z" })],
    ["no address", encode({ ...sample(), flow: { ...sample().flow, src: "evil'; DROP TABLE" } })],
    ["severity 0", encode({ ...sample(), severity: 0 })],
    ["a port above 65535", encode({ ...sample(), flow: { ...sample().flow, dport: 65_536 } })],
    ["an attribute that is too long", encode({ ...sample(), attributes: { a: "x".repeat(5_000) } })],
  ])("refuse %s as malformed", (_, bytes) => {
    expect(() => readDetection(bytes, 1, WINDOW)).toThrow(MalformedMessage);
  });

  it("throw nothing but MalformedMessage, whatever the bytes and whatever the JSON", () => {
    const attempt = (bytes: Uint8Array) => {
      for (const reader of [() => readDetection(bytes, 1, WINDOW), () => readFlowReport(bytes)]) {
        try {
          reader();
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
    fc.assert(fc.property(fc.jsonValue(), (value) => attempt(encode(value))));
    fc.assert(
      fc.property(
        detection,
        fc.constantFrom("time", "flow", "rule", "severity", "attributes", "flowId"),
        fc.jsonValue(),
        (any, key, value) => attempt(encode({ ...any, [key]: value })),
      ),
    );
  });
});

describe("flow reports as rows", () => {
  const summary = {
    flowId: "0123456789abcdef",
    inspector: "i",
    flow: { ...sample().flow, src: "2001:DB8::1" },
    first: "2026-11-22T10:00:00Z",
    last: "2026-11-22T10:00:01Z",
    packets: 3,
    bytes: 400,
    detections: 1,
  };
  it("name the report in each row", () => {
    expect(readFlowReport(encode({ id: "r1", flows: [summary, { ...summary, flowId: "0".repeat(16) }] }))).toMatchObject([
      { report_id: "r1", flow_id: "0123456789abcdef", src: "2001:db8::1", packets: 3, last: "2026-11-22 10:00:01.000000" },
      { report_id: "r1", flow_id: "0".repeat(16) },
    ]);
  });
  it("are taken whole or not at all", () => {
    expect(() => readFlowReport(encode({ id: "r1", flows: [summary, { ...summary, last: "soon" }] }))).toThrow(MalformedMessage);
  });
});

describe("wellFormed", () => {
  it("does what the standard's toWellFormed does", () => {
    fc.assert(
      fc.property(hostileText(100), (text) => {
        // The encoder replaces each half surrogate by U+FFFD (WHATWG Encoding, USVString).
        expect(wellFormed(text)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text)));
      }),
    );
  });
});
