import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildImage } from "./image.js";
import { IMAGE_PAD, MARK, RECORD, RECORD_BYTES, TUPLE_WORDS } from "./layout.js";
import { RecordIndex } from "./records.js";
import { lookup, type Key } from "./testing/lookup.js";
import { encode, isAlive, linear, orderOf, takes, testPackets, testRules, type TestPacket, type TestRule } from "./testing/policy.js";
import { DETAIL, ENTRY, ENTRY_BYTES, ImageTooLarge, InvalidRule } from "./types.js";

const SEQUENCE = 5;

/** What the image gives for a packet, records judged by the rule they name. */
function find(image: Uint8Array, rules: readonly TestRule[], packet: TestPacket, sequence = SEQUENCE): { decides: number; monitors: number[] } {
  const view = new DataView(image.buffer, image.byteOffset);
  const met: TestRule[] = [];
  const found = lookup(image, packet, (offset) => {
    const rule = rules[view.getUint32(offset + RECORD.id, true) - 1]!;
    expect(view.getBigUint64(offset + RECORD.order, true)).toBe(orderOf(rule));
    // A record of another port range of the same rule may stand under the packet's key.
    const at = (field: number): number => view.getUint16(offset + field, true);
    const ports = at(ENTRY.sportMin) <= packet.sport && packet.sport <= at(ENTRY.sportMax) && at(ENTRY.dportMin) <= packet.dport && packet.dport <= at(ENTRY.dportMax);
    const deadFrom = view.getUint32(offset + RECORD.deadFrom, true);
    if (!ports || !takes(rule, packet) || (deadFrom !== 0 && sequence >= deadFrom)) return "passed over";
    if (!rule.monitor) return "decides";
    met.push(rule);
    return "passed over";
  });
  const order = found === undefined ? 2n ** 64n : view.getBigUint64(found + RECORD.order, true);
  const monitors = met.filter((rule) => orderOf(rule) < order).map(({ id }) => id).sort((a, b) => a - b);
  return { decides: found === undefined ? 0 : view.getUint32(found + RECORD.id, true), monitors };
}

function expected(rules: readonly TestRule[], packet: TestPacket, sequence = SEQUENCE): { decides: number; monitors: number[] } {
  const { decides, monitors } = linear(rules, packet, sequence);
  return { decides: decides?.id ?? 0, monitors: monitors.map(({ id }) => id).sort((a, b) => a - b) };
}

describe("buildImage", () => {
  const image = new Uint8Array(1 << 20);

  it("finds what a linear scan finds, whatever stood in the memory before", () => {
    fc.assert(fc.property(testRules(60), testPackets(40), (rules, packets) => {
      image.fill(0xa5);
      const info = buildImage(encode(rules), image);
      expect(info.bytes).toBeLessThanOrEqual(image.length - IMAGE_PAD);
      for (const packet of packets) expect(find(image, rules, packet)).toEqual(expected(rules, packet));
    }), { numRuns: 80 });
  });

  it("also where there are more combinations of lengths than tuples", () => {
    const rules: TestRule[] = [];
    for (let srcLength = 1; srcLength <= 32; srcLength++) {
      for (let dstLength = 1; dstLength <= 32; dstLength++) {
        const address = (host: number, length: number): TestRule["src"] =>
          ({ words: [0, 0, 0xffff, length === 0 ? 0 : ((0x0a000000 + host) & (0xffffffff << (32 - length))) >>> 0], length: 96 + length });
        rules.push({
          id: rules.length + 1, priority: 64 - srcLength - dstLength, family: 4, src: address(srcLength * 7, srcLength), dst: address(dstLength * 5, dstLength),
          sports: [[0, 0xffff]], dports: [[dstLength, dstLength + (srcLength % 3)]], proto: srcLength % 2 === 0 ? 6 : undefined,
          srcSet: 0, dstSet: 0, deadFrom: 0, monitor: false,
        });
      }
    }
    const info = buildImage(encode(rules), image);
    expect(info.tuples).toBeLessThanOrEqual(TUPLE_WORDS * 64);
    fc.assert(fc.property(testPackets(50), (packets) => {
      for (const packet of packets) expect(find(image, rules, packet).decides).toBe(expected(rules, packet).decides);
    }), { numRuns: 4 });
  });

  it("takes rules in any order and breaks ties of the order by nothing: equal orders never both match", () => {
    fc.assert(fc.property(testRules(20), testPackets(20), (rules, packets) => {
      const { bytes, count } = encode(rules);
      const reversed = new Uint8Array(bytes.length);
      for (let i = 0; i < count; i++) reversed.set(bytes.subarray(i * 128, i * 128 + 128), (count - 1 - i) * 128);
      buildImage({ bytes: reversed, count }, image);
      for (const packet of packets) expect(find(image, rules, packet)).toEqual(expected(rules, packet));
    }), { numRuns: 40 });
  });

  it("marks as plain exactly the rules of which the first cache line says all", () => {
    const detail = { flags: fc.constantFrom(0, 0, 1, 2, 64), expires: fc.constantFrom(0n, 0n, 1n, 1n << 60n), verdict: fc.integer({ min: 0, max: 4 }), needs: fc.integer({ min: 0, max: 7 }), slot: fc.nat() };
    fc.assert(fc.property(testRules(20), fc.array(fc.record(detail), { minLength: 7, maxLength: 7 }), (rules, kinds) => {
      const table = encode(rules);
      const view = new DataView(table.bytes.buffer, table.bytes.byteOffset);
      for (let i = 0; i < table.count; i++) {
        const at = i * ENTRY_BYTES + ENTRY.detail;
        const { flags, expires, verdict, needs, slot } = kinds[i % kinds.length]!;
        for (const [field, value] of [["flags", flags], ["verdict", verdict], ["needs", needs]] as const) view.setUint8(at + DETAIL[field], value);
        view.setBigUint64(at + DETAIL.expires, expires, true);
        view.setUint32(at + ENTRY.slot - ENTRY.detail, slot, true);
      }
      const { recordBase, records } = buildImage(table, image);
      const built = new DataView(image.buffer);
      for (let at = recordBase; at < recordBase + records * RECORD_BYTES; at += RECORD_BYTES) {
        const of = (field: number): number => built.getUint8(at + RECORD.detail + field);
        const plain = of(DETAIL.flags) === 0 && built.getBigUint64(at + RECORD.detail + DETAIL.expires, true) === 0n && of(DETAIL.verdict) < 2;
        const wanted = plain ? MARK.plain + (of(DETAIL.verdict) === 1 ? MARK.drops : 0) + of(DETAIL.needs) * MARK.needs : 0;
        expect(built.getUint32(at + RECORD.marks, true) & ~MARK.more).toBe(wanted);
        expect(built.getUint32(at + RECORD.slot, true)).toBe(built.getUint32(at + RECORD.detail + ENTRY.slot - ENTRY.detail, true));
      }
    }), { numRuns: 40 });
  });

  it("holds an empty policy", () => {
    expect(buildImage({ bytes: new Uint8Array(0), count: 0 }, image).records).toBe(0);
    const packet: Key = { family: 6, src: [1, 2, 3, 4], dst: [0, 0, 0, 0], sport: 1, dport: 2, proto: 6 };
    expect(lookup(image, packet, () => "decides")).toBeUndefined();
  });

  it("says what it needs when the memory is too small", () => {
    const rules = encode(fc.sample(testRules(60), 1)[0]!);
    const small = new Uint8Array(8192);
    const build = (): unknown => buildImage(rules, small);
    expect(build).toThrow(ImageTooLarge);
    expect(build).toThrow(/the policy in force stays/);
  });

  it("refuses rules that break the encoding and leaves the memory alone", () => {
    const [rule] = fc.sample(testRules(60).filter((rules) => rules.some(({ src, family }) => src.length > 0 && family === 4)), 1)[0]!
      .filter(({ src, family }) => src.length > 0 && family === 4);
    const broken = (change: (bytes: Uint8Array) => void): (() => void) => () => {
      const table = encode([{ ...rule!, id: 1 }]);
      change(table.bytes);
      buildImage(table, image);
    };
    image.fill(7);
    expect(broken((bytes) => { bytes[ENTRY.family] = 6; })).toThrow(InvalidRule);
    expect(broken((bytes) => { bytes[ENTRY.dportMin + 1] = 0xff; bytes[ENTRY.dportMax] = 0; bytes[ENTRY.dportMax + 1] = 0; })).toThrow(/ends before it begins/);
    expect(broken((bytes) => { bytes.fill(0, ENTRY.dstHi, ENTRY.dstHi + 16); bytes[ENTRY.dstHi + 7] = 0x20; bytes[ENTRY.dstLen] = 8; })).toThrow(/different families/);
    expect(image.every((byte) => byte === 7)).toBe(true);
  });
});

describe("RecordIndex", () => {
  it("lets each rule die and live again by itself", () => {
    const image = new Uint8Array(1 << 20);
    fc.assert(fc.property(testRules(30), testPackets(10), fc.nat(), (rules, packets, chosen) => {
      buildImage(encode(rules), image);
      const index = RecordIndex.read(image);
      const rule = rules[chosen % Math.max(1, rules.length)];
      expect(index.find(4_000_000)).toEqual([]);
      if (rule === undefined) return;
      expect(index.find(rule.id).length).toBe(rule.sports.length * rule.dports.length);
      index.setDeadFrom(rule.id, 7);
      const changed = rules.map((one) => (one === rule ? { ...one, deadFrom: 7 } : one));
      for (const packet of packets) {
        expect(find(image, rules, packet, 6)).toEqual(expected(changed, packet, 6));
        expect(find(image, rules, packet, 7)).toEqual(expected(changed, packet, 7));
      }
      index.setDeadFrom(rule.id, 0);
      expect(isAlive({ ...rule, deadFrom: 0 }, 7)).toBe(true);
      for (const record of index.find(rule.id)) expect(index.offset(record) % RECORD_BYTES).toBe(0);
    }), { numRuns: 50 });
  });

  it("does not read what is no image", () => {
    expect(() => RecordIndex.read(new Uint8Array(4096))).toThrow(/no rule image/);
  });
});
