import { beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, BpfError, BpfMap, BpfObject, ClosedError, enableStats, ifIndex, XdpAction, xdpContext } from "./index.js";
import { compileFixture, KERNEL, kernelReady } from "./testing/fixtures.js";
import { VethPair } from "./testing/netns.js";

describe.skipIf(!kernelReady)(`test runs (${KERNEL})`, () => {
  let object: BpfObject;
  const packet = Buffer.alloc(100, 0x5a);
  beforeAll(() => {
    object = BpfObject.open(compileFixture("basic"))
      .reuseMap("pinned", BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 8 }))
      .setGlobal("enabled", true).setGlobal("wanted_action", XdpAction.DROP).load();
    return () => { object.close(); };
  });

  it("gives the packet and the context back", () => {
    const result = object.program("interface_of").testRun({ data: packet, ctx: xdpContext(packet) });
    expect(result.retval).toBe(1); // without an interface it is the loopback
    expect(result.data).toEqual(packet);
    expect(result.ctx.readUInt32LE(4)).toBe(100);
    expect(object.program("interface_of").testRun({ data: packet, dataOutSize: 0 }).data.length).toBe(0);
    const tc = object.program("tc_drop").testRun({ data: packet });
    expect(tc.retval).toBe(2);
    expect(tc.data).toEqual(packet);
  });

  it("runs as if received on an interface of a namespace", () => {
    const veth = new VethPair();
    try {
      const ingressIfindex = ifIndex("v1", { netns: veth.rightPath });
      // Receive queues of an interface are known to XDP once a program is attached.
      const link = object.program("drop_all").attachXdp("v1", { netns: veth.rightPath });
      const ctx = xdpContext(packet, { ingressIfindex });
      expect(object.program("interface_of").testRun({ data: packet, ctx, netns: veth.rightPath }).retval).toBe(ingressIfindex);
      expect(() => object.program("interface_of").testRun({ data: packet, ctx, netns: "/run/netns/libbpf-ts-no" })).toThrow(/ENOENT/);
      link.close();
    } finally {
      veth.remove();
    }
  });

  it("sends live frames through the program", () => {
    const before = object.getGlobalInteger("run_count");
    const result = object.program("decide").testRun({ data: packet, repeat: 1000, liveFrames: true, batchSize: 64 });
    expect(result.data.length).toBe(0);
    expect(object.getGlobalInteger("run_count") - before).toBe(1000n);
  });

  it("counts runs while statistics are on", () => {
    const stats = enableStats();
    const before = object.program("decide").info().runCount;
    object.program("decide").testRun({ data: packet, repeat: 50, liveFrames: true });
    const after = object.program("decide").info();
    stats.close();
    stats.close();
    expect(after.runCount - before).toBe(50n);
    expect(after.runTimeNs).toBeGreaterThan(0n);
  });

  it("refuses what the kernel would not run", () => {
    const program = object.program("decide");
    expect(() => program.testRun({ data: Buffer.alloc(5) })).toThrow(/EINVAL/);
    expect(() => program.testRun({ data: packet, dataOutSize: 10 })).toThrow(/ENOSPC/);
    expect(() => program.testRun({ data: packet, ctx: Buffer.alloc(24, 0xff) })).toThrow(BpfError);
    expect(() => program.testRun({ data: packet, repeat: 0 })).toThrow(ArgumentError);
    expect(() => program.testRun({ data: packet, repeat: 1.5 })).toThrow(ArgumentError);
    expect(() => program.testRun({ data: packet, batchSize: 1000 })).toThrow(ArgumentError);
    expect(() => program.testRun({ data: "text" as unknown as Buffer })).toThrow(ArgumentError);
    program.close();
    expect(() => program.testRun({ data: packet })).toThrow(ClosedError);
  });
});
