import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { formatPrefix, parsePrefix, policyState, type FilterRule, type ForwardRule } from "@secuxflow/contracts";
import { flowHash, RECORD_BYTES, RECORD_DATA_LEN, RECORD_FORWARD_ID, RECORD_MODULES, RECORD_WIRE_LEN } from "@secuxflow/inspect-abi";
import { buildFrame, needs, type FrameSpec } from "@secuxflow/testkit";
import fc from "fast-check";
import { RingBuffer, walkRecords, XdpAction } from "libbpf-ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requireBpfObject } from "../../testing/bpf-object.js";
import { decidingRule, seenPacket, wantingForwards } from "../../testing/packet-model.js";
import { forward, moduleBinding, rule } from "../../testing/policies.js";
import { workerCompiler } from "../../testing/compiler.js";
import { DataPlane } from "../application/data-plane.js";
import { TOTAL } from "../domain/layout.js";
import { BpfKernel } from "./bpf-kernel.js";
import { openPinnedObject, removePinFolder, type PinnedObject } from "./pinned-object.js";

const modules = [moduleBinding("ips", 0), moduleBinding("waf", 1)];

const tcp = (src: string, dst: string, srcPort: number, dstPort: number, more: Partial<FrameSpec> = {}): FrameSpec =>
  ({ [src.includes(":") ? "ipv6" : "ipv4"]: { src, dst }, tcp: { srcPort, dstPort }, payload: "x".repeat(20), ...more });

needs(describe, "kernel")("the XDP program", () => {
  const compiler = workerCompiler();
  const pinFolder = join("/sys/fs/bpf", `secuxflow-test-${process.pid}-${randomBytes(4).toString("hex")}`);
  const options = { objectPath: requireBpfObject(), pinFolder, ringBytes: 1 << 20, imageBytes: 1 << 20, setBytes: 1 << 20 };
  let pinned: PinnedObject;
  let kernel: BpfKernel;
  let plane: DataPlane;
  let revision = 0;

  const open = (): void => {
    pinned = openPinnedObject(options);
    kernel = new BpfKernel(pinned.maps);
    plane = new DataPlane({ kernel, compiler, tuning: { smallRecords: 4, largeOverlayMs: 1e8, smallOverlayMs: 1e8 } });
  };
  const apply = (rules: readonly FilterRule[], forwards: readonly ForwardRule[] = []): Promise<void> =>
    plane.apply({ revision: ++revision, state: policyState({ rules, forwards, modules }), touched: "all" });
  const hits = (): Map<number, number> => {
    const found = new Map<number, number>();
    for (const { first, count, packets } of plane.ruleCounterBlocks()) {
      for (let i = 0; i < count; i++) if (plane.ruleOfSlot(first + i) > 0) found.set(plane.ruleOfSlot(first + i), packets[i] ?? 0);
    }
    return found;
  };
  const verdict = (frame: FrameSpec | Buffer): number =>
    pinned.object.program("secuxflow").testRun({ data: Buffer.isBuffer(frame) ? frame : buildFrame(frame) }).retval;

  // Loading takes seconds in the verifier: once, and each test begins with an empty policy and whatever was counted before.
  beforeAll(open);
  beforeEach(async () => {
    kernel.writeAllowList([]);
    await apply([]);
  });
  afterAll(async () => {
    await compiler.close();
    pinned.object.close();
    removePinFolder(pinFolder);
  });

  const web = tcp("192.168.1.9", "10.0.0.5", 40_000, 80);
  it.each<[string, Partial<FilterRule>, FrameSpec, boolean]>([
    ["source prefix", { src: "192.168.1.0/24" }, web, true],
    ["another source", { src: "192.168.2.0/24" }, web, false],
    ["destination address", { dst: "10.0.0.5" }, web, true],
    ["another destination", { dst: "10.0.0.6" }, web, false],
    ["destination port", { port: 80, proto: "tcp" }, web, true],
    ["another port", { port: 81, proto: "tcp" }, web, false],
    ["source port", { sport: 40_000, proto: "tcp" }, web, true],
    ["port of another protocol", { port: 80, proto: "udp" }, web, false],
    ["protocol", { proto: "icmp" }, { ipv4: { src: "192.168.1.9", dst: "10.0.0.5" }, icmp: { type: 8 } }, true],
    ["all of it", { src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp" }, web, true],
    ["anything", {}, web, true],
    ["behind a VLAN tag", { dst: "10.0.0.5" }, { ...web, vlan: [{ vid: 7 }] }, true],
    ["behind two VLAN tags", { dst: "10.0.0.5" }, { ...web, vlan: [{ vid: 7, tpid: 0x88a8 }, { vid: 8 }] }, true],
    ["IPv4 with options", { port: 80, proto: "tcp" }, { ...web, ipv4: { src: "192.168.1.9", dst: "10.0.0.5", options: new Uint8Array(8).fill(1) } }, true],
    ["IPv6", { src: "2001:db8::/32", port: 80, proto: "tcp" }, tcp("2001:db8::1", "2001:db8::2", 1, 80), true],
    ["IPv6 behind extension headers", { port: 80, proto: "tcp" },
      { ...tcp("2001:db8::1", "2001:db8::2", 1, 80), ipv6: { src: "2001:db8::1", dst: "2001:db8::2", extensions: [{ kind: "hopByHop" }, { kind: "destination" }] } }, true],
    ["an IPv4 rule sees no IPv6", { src: "0.0.0.0/0" }, tcp("2001:db8::1", "2001:db8::2", 1, 80), false],
    ["an IPv6 rule sees no IPv4", { src: "::/0" }, web, false],
    ["a later fragment has no ports", { port: 80, proto: "tcp" }, { ...web, ipv4: { src: "192.168.1.9", dst: "10.0.0.5", fragmentOffset: 64 } }, false],
    ["a later fragment has addresses", { src: "192.168.1.0/24", proto: "tcp" }, { ...web, ipv4: { src: "192.168.1.9", dst: "10.0.0.5", fragmentOffset: 64 } }, true],
    ["ARP is never touched", {}, { arp: { op: 1, senderMac: "02:00:00:00:00:01", senderIp: "10.0.0.1", targetIp: "10.0.0.2" } }, false],
  ])("drops or passes by %s: %j", async (_name, fields, frame, dropped) => {
    await apply([rule(1, fields)]);
    expect(verdict(frame)).toBe(dropped ? XdpAction.DROP : XdpAction.PASS);
    expect(plane.ruleCounter(1)?.packets).toBe(dropped ? 1 : 0);
  });

  it("decides by priority, then by id; the allow-list comes before every rule; the default is pass", async () => {
    expect(verdict(web)).toBe(XdpAction.PASS);
    await apply([rule(1), rule(2, { priority: 5, action: "pass" })]);
    expect(verdict(web)).toBe(XdpAction.PASS);
    await apply([rule(1), rule(2, { action: "pass" })]);
    expect(verdict(web)).toBe(XdpAction.DROP);
    kernel.writeAllowList([{ src: "any", dst: "10.0.0.5", port: 80, proto: "tcp" }]);
    expect(verdict(web)).toBe(XdpAction.PASS);
    expect(verdict(tcp("192.168.1.9", "10.0.0.5", 1, 81))).toBe(XdpAction.DROP);
  });

  it("does not apply a rule that has expired, and falls through to the next", async () => {
    await apply([rule(1, { expiresAt: new Date(Date.now() - 1_000).toISOString() }), rule(2, { expiresAt: new Date(Date.now() + 3_600_000).toISOString() })]);
    expect(verdict(web)).toBe(XdpAction.DROP);
    expect([...hits()]).toEqual([[1, 0], [2, 1]]);
  });

  it("passes and counts frames that are cut at every length, without a verdict from bytes that are not there", async () => {
    await apply([rule(1, { src: "192.168.1.0/24", port: 80, proto: "tcp" })]);
    const whole = buildFrame({ ...web, payload: "" });
    const [before] = plane.totals([TOTAL.unparsed]);
    const portsEnd = 14 + 20 + 4;
    for (let length = 14; length <= whole.length; length++) {
      // A first fragment may end right behind the ports (RFC 1858): the rule must see them.
      const expected = length >= portsEnd ? XdpAction.DROP : XdpAction.PASS;
      expect(verdict(whole.subarray(0, length)), `cut at ${length}`).toBe(expected);
    }
    const [unparsed] = plane.totals([TOTAL.unparsed]);
    expect((unparsed?.packets ?? 0) - (before?.packets ?? 0)).toBe(20);
  });

  const v4 = fc.tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 168), fc.constantFrom(0, 1), fc.constantFrom(5, 9)).map((parts) => parts.join("."));
  const v6 = fc.tuple(fc.constantFrom("2001:db8::", "fd00::"), fc.constantFrom("1", "2")).map((parts) => parts.join(""));
  const prefix = (address: fc.Arbitrary<string>) => fc.oneof(fc.constant("any"), fc.tuple(address, fc.constantFrom(0, 8, 15, 24, 32)).map(([text, length]) => {
    const bytes = parsePrefix(text).bytes;
    const total = text.includes(":") ? length : 96 + length;
    for (let bit = total; bit < 128; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(1 << (7 - (bit & 7)));
    return formatPrefix({ family: text.includes(":") ? 6 : 4, bytes, length });
  }));
  const match = fc.constantFrom(v4, v6).chain((address) => fc.record({ src: prefix(address), dst: prefix(address), proto: fc.constantFrom("any", "tcp", "udp", "icmp") }))
    .chain((fields) => fields.proto === "tcp" || fields.proto === "udp"
      ? fc.record({ port: fc.option(fc.constantFrom(80, 443), { nil: undefined }) }).map(({ port }) => ({ ...fields, ...(port === undefined ? {} : { port }) }))
      : fc.constant(fields));
  const frame: fc.Arbitrary<FrameSpec> = fc.constantFrom(v4, v6).chain((address) => fc.tuple(address, address, fc.constantFrom("tcp", "udp", "icmp"), fc.constantFrom(80, 443, 53), fc.boolean()))
    .map(([src, dst, kind, port, tagged]) => ({
      [src.includes(":") ? "ipv6" : "ipv4"]: { src, dst }, ...(tagged ? { vlan: [{ vid: 5 }] } : {}), payload: "y".repeat(40),
      ...(kind === "icmp" ? { [src.includes(":") ? "icmpv6" : "icmp"]: { type: 8 } } : { [kind]: { srcPort: 9, dstPort: port } }),
    }));

  it("agrees with a slow model on random rules and packets, verdicts, counters and copies", async () => {
    const ring = new RingBuffer(pinned.maps.samples);
    const buffer = new Uint8Array(1 << 20);
    await fc.assert(fc.asyncProperty(
      fc.array(fc.tuple(match, fc.constantFrom("drop", "pass"), fc.constantFrom(1, 2, 3)), { maxLength: 12 }),
      fc.array(fc.tuple(match, fc.constantFrom("ips", "waf"), fc.constantFrom(64, 9_216)), { maxLength: 4 }),
      fc.array(frame, { minLength: 1, maxLength: 30 }), fc.boolean(),
      async (ruleParts, forwardParts, frames, settled) => {
        await apply([]); // what was counted for earlier rules is gone with them
        const rules = ruleParts.map(([fields, action, priority], i) => rule(i + 1, { ...fields, action: action, priority }));
        const forwards = forwardParts.map(([fields, module, snaplen], i) => forward(i + 1, { ...fields, module, snaplen }));
        await apply(rules, forwards);
        if (settled) await plane.settle(); // from the overlay into an image
        const wanted = new Map<number, number>();
        const copies: object[] = [];
        for (const spec of frames) {
          const bytes = buildFrame(spec);
          const packet = seenPacket(spec);
          if (!packet) throw new Error("the model needs an IP packet");
          const decided = decidingRule(rules, packet);
          if (decided) wanted.set(decided.id, (wanted.get(decided.id) ?? 0) + 1);
          const dropped = decided?.action === "drop";
          expect(verdict(bytes)).toBe(dropped ? XdpAction.DROP : XdpAction.PASS);
          const wanting = dropped ? [] : wantingForwards(forwards, packet);
          if (wanting.length > 0) {
            copies.push({
              modules: wanting.reduce((mask, one) => mask | (one.module === "ips" ? 1 : 2), 0), forwardId: wanting[0]?.id,
              wireLen: bytes.length, data: bytes.subarray(0, Math.min(bytes.length, Math.max(...wanting.map((one) => one.snaplen)))).toString("hex"),
            });
          }
        }
        expect(new Map([...hits()].filter(([, packets]) => packets > 0))).toEqual(wanted);
        const taken = ring.consumeInto(buffer);
        const view = new DataView(buffer.buffer);
        const samples: object[] = [];
        walkRecords(buffer, taken.bytes, (offset: number) => {
          const length = view.getUint32(offset + RECORD_DATA_LEN, true);
          samples.push({
            modules: view.getUint32(offset + RECORD_MODULES, true), forwardId: view.getUint32(offset + RECORD_FORWARD_ID, true),
            wireLen: view.getUint32(offset + RECORD_WIRE_LEN, true),
            data: Buffer.from(buffer.subarray(offset + RECORD_BYTES, offset + RECORD_BYTES + length)).toString("hex"),
          });
        });
        expect(samples).toEqual(copies);
      },
    ), { numRuns: 60 });
    ring.close();
  });

  it("hashes flows as the TypeScript reference does, both directions alike", async () => {
    await apply([], [forward(1)]);
    const ring = new RingBuffer(pinned.maps.samples);
    verdict(tcp("192.168.1.9", "10.0.0.5", 40_000, 80));
    verdict(tcp("10.0.0.5", "192.168.1.9", 80, 40_000));
    verdict(tcp("2001:db8::1", "2001:db8::2", 1, 2));
    const buffer = new Uint8Array(1 << 16);
    const taken = ring.consumeInto(buffer);
    const seen: bigint[] = [];
    walkRecords(buffer, taken.bytes, (offset: number) => seen.push(new DataView(buffer.buffer).getBigUint64(offset, true)));
    const reference = (src: string, dst: string, sport: number, dport: number): bigint => flowHash(parsePrefix(src).bytes, parsePrefix(dst).bytes, sport, dport, 6);
    expect(seen).toEqual([reference("192.168.1.9", "10.0.0.5", 40_000, 80), reference("192.168.1.9", "10.0.0.5", 40_000, 80), reference("2001:db8::1", "2001:db8::2", 1, 2)]);
    ring.close();
  });

  it("counts copies that do not fit the ring and goes on filtering", async () => {
    await apply([], [forward(1)]);
    const before = plane.totals([TOTAL.pass, TOTAL.sampled, TOTAL.ringLost]);
    const big = buildFrame(tcp("192.168.1.9", "10.0.0.5", 1, 80, { payload: "z".repeat(1_400) }));
    const runs = 2_000;
    pinned.object.program("secuxflow").testRun({ data: big, repeat: runs });
    const [pass = 0, sampled = 0, lost = 0] = plane.totals([TOTAL.pass, TOTAL.sampled, TOTAL.ringLost]).map(({ packets }, i) => packets - (before[i]?.packets ?? 0));
    expect(pass).toBe(runs);
    expect(sampled + lost).toBe(runs);
    expect(lost).toBeGreaterThan(0);
    expect(sampled).toBeGreaterThan(100);
  });

  it("keeps policy and counters over a restart of the agent", async () => {
    await apply([rule(1, { src: "192.168.1.0/24" })]);
    verdict(web);
    pinned.object.close();
    open();
    expect(pinned.resumed).toBe(true);
    expect(plane.revision).toBe(revision);
    expect(verdict(web)).toBe(XdpAction.DROP);
    expect(plane.ruleCounter(1)?.packets).toBe(2);
  });

  it("starts with fresh maps where the pinned ones do not fit, and says why", async () => {
    await apply([rule(1)]);
    pinned.object.close();
    pinned = openPinnedObject({ ...options, ringBytes: 1 << 21 });
    expect(pinned.resumed).toBe(false);
    expect(pinned.discarded).toMatch(/samples/);
    expect(verdict(web)).toBe(XdpAction.PASS);
  });
});
