import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AbiError } from "./errors.js";
import { decodeFindings, printable } from "./findings.js";
import * as abi from "./generated/abi.js";

interface Given extends Partial<abi.FindingRecord> {
  attrs?: [key: number, value: Uint8Array][];
}

/** An output as a module writes it: header, room for `stride`-spaced findings, attributes. */
function output(given: Given[], header: Partial<abi.FindingsHeader> = {}): Uint8Array {
  const records = abi.FINDINGS_BYTES + given.length * abi.FINDING_BYTES;
  const areas = given.map(({ attrs = [] }) =>
    Buffer.concat(
      attrs.map(([key, value]) => {
        const head = Buffer.alloc(4);
        head.writeUInt16LE(key, 0);
        head.writeUInt16LE(value.length, 2);
        return Buffer.concat([head, value]);
      }),
    ),
  );
  const bytes = new Uint8Array(records + areas.reduce((sum, area) => sum + area.length, 0));
  const view = new DataView(bytes.buffer);
  abi.writeFindingsHeader(view, 0, {
    magic: abi.Magic.FINDINGS,
    headerLen: abi.FINDINGS_BYTES,
    recordLen: abi.FINDING_BYTES,
    count: given.length,
    totalBytes: bytes.length,
    status: abi.Status.OK,
    recordsDone: 10,
    findingsDropped: 0,
    ...header,
  });
  let at = records;
  given.forEach(({ attrs: _attrs, ...finding }, i) => {
    const area = areas[i] ?? Buffer.alloc(0);
    abi.writeFindingRecord(view, abi.FINDINGS_BYTES + i * abi.FINDING_BYTES, {
      recordIndex: 0,
      ruleId: 1,
      severity: 2,
      verdictHint: 1,
      confidence: 50,
      flags: 0,
      matchOffset: 0,
      matchLen: 0,
      attrOffset: at,
      attrLen: area.length,
      ...finding,
    });
    bytes.set(area, at);
    at += area.length;
  });
  return bytes;
}

const limits = { records: 10, maxFindings: 8, maxAttributeBytes: 4096 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const u32 = (value: number): Uint8Array => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(value);
  return b;
};

describe("decodeFindings", () => {
  it("gives findings with named attributes", () => {
    const bytes = output([
      {
        recordIndex: 3,
        ruleId: 77,
        severity: 1,
        verdictHint: 2,
        confidence: 90,
        flags: 1 | 2,
        matchOffset: 5,
        matchLen: 6,
        attrs: [
          [1, text("größer")],
          [6, Uint8Array.of(0x41, 0, 0x5c, 0xff)],
          [9, u32(12)],
          [999, text("later")],
          [17, Uint8Array.of(0, 255)],
        ],
      },
      { recordIndex: 9, flags: 4 },
    ]);
    expect(decodeFindings(bytes, limits)).toEqual({
      full: false,
      recordsDone: 10,
      findingsDropped: 0,
      findings: [
        {
          recordIndex: 3,
          ruleId: 77,
          severity: 1,
          verdictHint: "drop",
          confidence: 90,
          inStream: true,
          matchOffset: 5,
          matchLen: 6,
          dropped: true,
          noAlert: false,
          payload: Uint8Array.of(0, 255),
          attributes: { message: "größer", "match.data": "A\\x00\\x5c\\xff", score: 12 },
        },
        {
          recordIndex: 9,
          ruleId: 1,
          severity: 2,
          verdictHint: "alert",
          confidence: 50,
          inStream: false,
          matchOffset: 0,
          matchLen: 0,
          dropped: false,
          noAlert: true,
          attributes: {},
        },
      ],
    });
  });

  it("reports a full output", () => {
    const bytes = output([], { status: abi.Status.OUTPUT_FULL, recordsDone: 4, findingsDropped: 2 });
    expect(decodeFindings(bytes, limits)).toMatchObject({ full: true, recordsDone: 4, findingsDropped: 2 });
  });

  it.each<[string, string, Uint8Array]>([
    ["no header", "output", new Uint8Array(31)],
    ["a wrong magic", "magic", output([], { magic: 1 })],
    ["a short header", "headerLen", output([], { headerLen: 16 })],
    ["a short stride", "recordLen", output([], { recordLen: 8 })],
    ["another length than was returned", "totalBytes", output([], { totalBytes: 33 })],
    ["more findings than allowed", "count", output([], { count: 9 })],
    ["findings past the end", "count", output([], { count: 1 })],
    ["an unknown status", "status", output([], { status: 7 })],
    ["records left undone although not full", "recordsDone", output([], { recordsDone: 9 })],
    ["more records than there are", "recordsDone", output([], { status: 1, recordsDone: 11 })],
    ["a record that is not there", "recordIndex", output([{ recordIndex: 10 }])],
    ["a severity of 0", "severity", output([{ severity: 0 }])],
    ["a severity of 5", "severity", output([{ severity: 5 }])],
    ["an unknown verdict", "verdictHint", output([{ verdictHint: 3 }])],
    ["too much confidence", "confidence", output([{ confidence: 101 }])],
    ["attributes past the end", "attrOffset", output([{ attrOffset: 64, attrLen: 1 }])],
    ["attributes inside the findings", "attrOffset", output([{ attrOffset: 32, attrLen: 4 }])],
    ["attributes that wrap around", "attrOffset", output([{ attrOffset: 0xffff_ffff, attrLen: 2 }])],
    ["long attributes", "attrLen", output([{ attrs: [[1, new Uint8Array(5000)]] }])],
    ["half an attribute", "attributes", output([{ attrLen: 3, attrs: [[1, text("x")]] }])],
    ["an attribute longer than its area", "attribute 1", output([{ attrLen: 5, attrs: [[1, text("xyz")]] }])],
    ["a number of three bytes", "score", output([{ attrs: [[9, text("xyz")]] }])],
  ])("refuses %s", (_title, field, bytes) => {
    expect(() => decodeFindings(bytes, limits)).toThrow(expect.objectContaining({ name: "AbiError", field }));
  });

  it("checks rules and match offsets when it can", () => {
    const strict = { ...limits, knowsRule: (id: number) => id === 1, dataLen: () => 20 };
    expect(() => decodeFindings(output([{ ruleId: 2 }]), strict)).toThrow(expect.objectContaining({ field: "ruleId" }));
    expect(() => decodeFindings(output([{ matchOffset: 15, matchLen: 6 }]), strict)).toThrow(
      expect.objectContaining({ field: "matchOffset" }),
    );
    expect(decodeFindings(output([{ matchOffset: 15, matchLen: 5 }]), strict).findings).toHaveLength(1);
    expect(decodeFindings(output([{ matchOffset: 15, matchLen: 600, flags: 1 }]), strict).findings).toHaveLength(1);
  });

  it("never throws anything but AbiError on mutated output", () => {
    const base = output([
      {
        attrs: [
          [1, text("hello")],
          [9, u32(5)],
        ],
      },
      { attrs: [[6, text("world")]] },
    ]);
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: base.length - 1 }), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
        fc.nat({ max: base.length }),
        (edits, cut) => {
          const bytes = base.slice(0, cut % 3 === 0 ? cut : base.length);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            for (const finding of decodeFindings(bytes, limits).findings) expect(finding.recordIndex).toBeLessThan(10);
          } catch (error) {
            if (!(error instanceof AbiError)) throw error;
            refused++;
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("prints bytes without ambiguity", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(printable(a) === printable(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
    expect(printable(text("a\\x\n~"))).toBe("a\\x5cx\\x0a~");
  });
});
