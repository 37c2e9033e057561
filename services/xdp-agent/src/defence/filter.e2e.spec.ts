import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { NO_PROTECTION, policyState, type FilterRule, type Protection } from "@secuxflow/contracts";
import { buildFrame, decodeFrame, needs, type FrameSpec } from "@secuxflow/testkit";
import { XdpAction } from "libbpf-ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BpfKernel } from "../dataplane/adapters/bpf-kernel.js";
import { openPinnedObject, removePinFolder, type PinnedObject } from "../dataplane/adapters/pinned-object.js";
import { DataPlane } from "../dataplane/application/data-plane.js";
import { requireBpfObject } from "../testing/bpf-object.js";
import { workerCompiler } from "../testing/compiler.js";
import { rule } from "../testing/policies.js";
import { DefenceMaps, defenceMapsOf } from "./adapters/defence-maps.js";
import { Defence } from "./application/defence.js";
import { TALKER_TABLE, TALKERS } from "./domain/layout.js";
import { firstTalkerSet, readTalkers, talkerWindow } from "./domain/talkers.js";

/** The first line of defence as the whole filter uses it. What each part does is tested beside this. */
needs(describe, "kernel")("the first line of defence in the filter", () => {
  const compiler = workerCompiler();
  const pinFolder = join("/sys/fs/bpf", `secuxflow-test-${process.pid}-${randomBytes(4).toString("hex")}`);
  let pinned: PinnedObject;
  let plane: DataPlane;
  let maps: DefenceMaps;
  let defence: Defence;
  let revision = 0;
  beforeAll(() => {
    pinned = openPinnedObject({ objectPath: requireBpfObject(), pinFolder, ringBytes: 1 << 20, imageBytes: 1 << 20, setBytes: 1 << 20 });
    plane = new DataPlane({ kernel: new BpfKernel(pinned.maps), compiler });
    maps = new DefenceMaps(defenceMapsOf(pinned.object));
    defence = new Defence({ port: maps, namespaces: [], readNetwork: () => Promise.reject(new Error("not asked")) });
  }, 60_000);
  afterAll(async () => {
    await compiler.close();
    pinned.object.close();
    removePinFolder(pinFolder);
  });
  const apply = async (rules: readonly FilterRule[], protection: Partial<Protection> = {}): Promise<void> => {
    const state = policyState({ rules, protection: { ...NO_PROTECTION, ...protection } });
    await plane.apply({ revision: ++revision, state, touched: "all" });
    await defence.configure(state.protection);
  };
  const run = (frame: FrameSpec) => pinned.object.program("secuxflow").testRun({ data: buildFrame(frame) });
  const verdicts = (frame: FrameSpec, count: number): number[] => Array.from({ length: count }, () => run(frame).retval);
  const from = (src: string, flags = "S"): FrameSpec => ({ ipv4: { src, dst: "10.0.0.1" }, tcp: { srcPort: 40_000, dstPort: 80, flags, seq: 5 } });
  const [passes, drops] = [(count: number) => new Array<number>(count).fill(XdpAction.PASS), (count: number) => new Array<number>(count).fill(XdpAction.DROP)];

  it("rejects by a rule", async () => {
    await apply([rule(1, { src: "192.0.2.1", action: "reject" }), rule(2, { src: "192.0.2.2", action: "reject", reject: "unreachable" })]);
    const reset = run(from("192.0.2.1"));
    expect(reset.retval).toBe(XdpAction.TX);
    expect(decodeFrame(reset.data)).toMatchObject({ ipv4: { src: "10.0.0.1", dst: "192.0.2.1" }, tcp: { flags: "RA", ack: 6 }, checksums: { ip: "right", transport: "right" } });
    const unreachable = run(from("192.0.2.2"));
    expect(unreachable.retval).toBe(XdpAction.TX);
    expect(decodeFrame(unreachable.data)).toMatchObject({ ipv4: { dst: "192.0.2.2" }, icmp: { type: 3, code: 3 }, checksums: { ip: "right", transport: "right" } });
    expect(run(from("192.0.2.1", "R")).retval).toBe(XdpAction.DROP);
  });

  it("limits by a rule, and per source by the policy", async () => {
    // A packet in ten minutes: the clock does not matter.
    await apply([rule(3, { src: "192.0.2.3", action: "limit", limit: { rate: 1, unit: "packets", per: "rule", burst: 600 } })]);
    const seen = verdicts(from("192.0.2.3"), 700).filter((verdict) => verdict === XdpAction.PASS).length;
    expect(seen).toBeGreaterThanOrEqual(600);
    expect(seen).toBeLessThan(700);
    await apply([], { perSource: { rate: 1, burst: 300 } });
    const dropped = verdicts(from("192.0.2.4"), 400).filter((verdict) => verdict === XdpAction.DROP).length;
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThanOrEqual(100);
    expect(defence.status().overSourceLimit.packets).toBe(dropped);
    expect(verdicts(from("192.0.2.5"), 3)).toEqual(passes(3));
    await apply([]);
    expect(verdicts(from("192.0.2.4"), 50)).toEqual(passes(50));
  });

  it("leaves what no connection has to the rules", async () => {
    await apply([rule(4, { action: "drop" })], { establishedPass: true, synCookies: "on" });
    expect(verdicts(from("192.0.2.6", "A"), 3)).toEqual(drops(3));
    expect(defence.status().establishedPassed.packets).toBe(0);
    await apply([rule(5, { action: "drop", proto: "tcp", state: "new" })]);
    expect(verdicts(from("192.0.2.6", "A"), 1)).toEqual(drops(1));
    await apply([rule(6, { action: "drop", proto: "tcp", state: "established" })]);
    expect(verdicts(from("192.0.2.6", "A"), 1)).toEqual(passes(1));
  });

  it("samples one packet of 64 for the top talkers", async () => {
    await apply([]);
    const packets = 300_000;
    pinned.object.program("secuxflow").testRun({ data: buildFrame(from("192.0.2.9")), repeat: packets });
    // The packets may lie in two windows.
    const now = talkerWindow(maps.monotonicNs());
    const counted = [now, now - 1].reduce((sum, window) => {
      const table = readTalkers(maps.talkers(firstTalkerSet(TALKER_TABLE.sourcePackets, window), TALKERS.sets), window);
      return sum + (table.get("00000000000000000000ffffc0000209")?.weight ?? 0);
    }, 0);
    // Seven standard deviations of 8 sqrt(N).
    expect(Math.abs(counted - packets)).toBeLessThan(7 * 8 * Math.sqrt(packets));
  });
});
