import { parseAddress } from "@secuxflow/contracts";
import { buildFrame, Lab, needs, type Interface, type Namespace } from "@secuxflow/testkit";
import fc from "fast-check";
import { xdpContext, XdpAction, type BpfObject } from "libbpf-ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ServicePlane } from "../application/service-plane.js";
import { SERVICE_COUNT, SERVICE_LIMITS } from "../domain/layout.js";
import { macBytes } from "../domain/links.js";
import { maglevTable } from "../application/maglev.js";
import type { PlannedService } from "../domain/plan.js";
import { connectionHash } from "../testing/connection-hash.js";
import { loadServiceObject } from "../testing/service-object.js";
import { BpfServiceKernel, type ServiceMaps } from "./bpf-service-kernel.js";

const VIP = "203.0.113.9";

needs(describe, "kernel")("backends of flows, by test runs", () => {
  let lab: Lab;
  let host: Namespace;
  let uplink: Interface;
  let object: BpfObject;
  let maps: ServiceMaps;
  let kernel: BpfServiceKernel;
  let plane: ServicePlane;

  beforeAll(async () => {
    lab = await Lab.create({ prefix: "sxfflow" });
    host = await lab.ns("host");
    ({ b: uplink } = await lab.link({ a: { ns: await lab.ns("client"), dev: "eth0" }, b: { ns: host, dev: "up0" } }));
    ({ object, maps } = loadServiceObject());
    kernel = new BpfServiceKernel(maps);
    plane = new ServicePlane(kernel);
    plane.applyInterfaces([{ ifindex: uplink.ifindex, routerIfindex: uplink.ifindex, routerMac: mac(0) }], []);
  });
  afterAll(async () => {
    object.close();
    await lab.destroy();
  });
  beforeEach(async () => {
    await plane.apply([]);
    for (let line = 0; line < SERVICE_LIMITS.flowLines; line += 4_096) {
      const keys = new Uint8Array(Uint32Array.from({ length: 4_096 }, (_, i) => line + i).buffer);
      maps.service_flows.updateBatch(keys, new Uint8Array(4_096 * 64));
    }
  });

  const mac = (n: number): Uint8Array => (n === 0 ? macBytes(uplink.mac) : undefined) ?? Uint8Array.from([2, 0, 0, 0, 1, n]);
  /** Backends 10.0.0.n; each has the hardware address n, by which the test sees which one was chosen. */
  const service = (up: readonly number[], down: readonly number[] = [], more: Partial<PlannedService> = {}): PlannedService => ({
    name: "web", address: parseAddress(VIP), port: 80, proto: 6, translated: true, modules: 0, snaplen: 0,
    backends: [...up, ...down].map((n) => ({
      name: `10.0.0.${n}:80`, address: parseAddress(`10.0.0.${n}`), port: 80, weight: 1, up: up.includes(n), hop: { ifindex: uplink.ifindex, mtu: 1500, dmac: mac(n), smac: mac(99) },
    })), ...more,
  });
  const frame = (client: string, port: number, flags: string): Buffer =>
    buildFrame({ eth: { src: "02:00:00:00:00:77", dst: uplink.mac }, ipv4: { src: client, dst: VIP }, tcp: { srcPort: port, dstPort: 80, flags } });
  /** The backend that a packet is sent to. */
  const backendOf = (client: string, port: number, flags = "A"): number => {
    const sent = frame(client, port, flags);
    const { retval, data } = object.program("to_service").testRun({ data: sent, ctx: xdpContext(sent, { ingressIfindex: uplink.ifindex }), netns: host.path });
    expect(retval).toBe(XdpAction.REDIRECT);
    return data[5] ?? 0;
  };
  const client = (n: number): string => `192.0.${n >> 8}.${n & 0xff}`;

  it("are those of the Maglev table, by the keyed hash", async () => {
    const backends = [1, 2, 3, 4, 5];
    await plane.apply([service(backends)]);
    const table = maglevTable(backends.map((n) => ({ name: `10.0.0.${n}:80`, weight: 1, slot: n })), SERVICE_LIMITS.maglevEntries);
    const key = kernel.control.subarray(0, 16);
    fc.assert(fc.property(fc.ipV4().filter((ip) => !/^(0|127|22[4-9]|2[345]\d)\./.test(ip)), fc.integer({ min: 1, max: 65_535 }), (source, port) => {
      const hash = connectionHash(key, source, VIP, port, 80, 6);
      expect(backendOf(source, port)).toBe(table?.[Number(((hash >> 32n) * BigInt(SERVICE_LIMITS.maglevEntries)) >> 32n)]);
    }), { numRuns: 300 });
  });

  it("stay while backends come and go; only new flows move, and those of a backend that is removed", async () => {
    const flows = Array.from({ length: 200 }, (_, i) => i);
    await plane.apply([service([1, 2, 3])]);
    const first = flows.map((i) => backendOf(client(i), 1_000, "S"));
    await plane.apply([service([1, 2, 3, 4, 5, 6])]);
    expect(flows.map((i) => backendOf(client(i), 1_000))).toEqual(first);
    await plane.apply([service([1, 2], [3])]);
    expect(flows.map((i) => backendOf(client(i), 1_000))).toEqual(first);
    // The same ports again for a new connection: not to the one that is down.
    expect(flows.map((i) => backendOf(client(i), 1_000, "S"))).not.toContain(3);
    await plane.apply([service([2, 7])]);
    const last = flows.map((i) => backendOf(client(i), 1_000));
    expect(last.filter((n) => n !== 2 && n !== 7)).toEqual([]);
    flows.forEach((i) => { if (first[i] === 2) expect(last[i]).toBe(2); });
    // 200 new ones, and those of backend 3 and 1 that were given another one.
    expect(plane.counts("web")?.[SERVICE_COUNT.flows]?.packets).toBeGreaterThan(200);
  });

  it("UDP flows leave a backend that is down, and keep one that is up", async () => {
    const udp = { proto: 17 };
    const send = (i: number): number => {
      const sent = buildFrame({ eth: { src: "02:00:00:00:00:77", dst: uplink.mac }, ipv4: { src: client(i), dst: VIP }, udp: { srcPort: 9, dstPort: 80 } });
      return object.program("to_service").testRun({ data: sent, ctx: xdpContext(sent, { ingressIfindex: uplink.ifindex }), netns: host.path }).data[5] ?? 0;
    };
    await plane.apply([service([1, 2], [], udp)]);
    const before = Array.from({ length: 50 }, (_, i) => send(i));
    await plane.apply([service([1, 3], [2], udp)]);
    const after = Array.from({ length: 50 }, (_, i) => send(i));
    expect(after).not.toContain(2);
    before.forEach((n, i) => { if (n === 1) expect(after[i]).toBe(1); });
  });

  it("are kept for a connection that was seen twice, whatever single packets come after it", async () => {
    await plane.apply([service([1, 2, 3])]);
    const kept = backendOf("198.51.100.1", 4_000, "S");
    backendOf("198.51.100.1", 4_000);
    // Fill the connection's own line by flows that meet there, far more than it holds.
    const key = kernel.control.subarray(0, 16);
    const lineOf = (source: string, port: number): bigint => connectionHash(key, source, VIP, port, 80, 6) & BigInt(SERVICE_LIMITS.flowLines - 1);
    const line = lineOf("198.51.100.1", 4_000);
    let met = 0;
    for (let i = 0; met < 6; i++) {
      const source = `192.${(i >> 16) & 0x7f}.${(i >> 8) & 0xff}.${i & 0xff}`;
      if (lineOf(source, 80) !== line) continue;
      backendOf(source, 80, "S");
      met++;
    }
    await plane.apply([service([1, 2, 3].filter((n) => n !== kept), [kept])]);
    expect(backendOf("198.51.100.1", 4_000)).toBe(kept);
    expect(backendOf("198.51.100.2", 4_000)).not.toBe(kept);
  });

  it("never come from an entry that holds halves of two flows", async () => {
    await plane.apply([service([1, 2], [3])]);
    backendOf("198.51.100.9", 5_000, "S");
    const index = Number(connectionHash(kernel.control.subarray(0, 16), "198.51.100.9", VIP, 5_000, 80, 6) & BigInt(SERVICE_LIMITS.flowLines - 1));
    const held = maps.service_flows.lookup(index);
    if (!held) throw new Error("the line is not there");
    const way = Array.from({ length: 4 }, (_, i) => i).find((i) => held.readBigUInt64LE(i * 16 + 8) !== 0n) ?? 0;
    // The word of another flow, to backend 3 (slot 2), without its check.
    held.writeBigUInt64LE((held.readBigUInt64LE(way * 16 + 8) & ~0xffffn) | 2n, way * 16 + 8);
    maps.service_flows.update(index, held);
    expect(backendOf("198.51.100.9", 5_000)).not.toBe(3);
  });
});
