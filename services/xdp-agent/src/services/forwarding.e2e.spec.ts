import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { serviceFrom, ServiceSpec, type Service, type ServiceSpecInput, type ServiceStatus } from "@secuxflow/contracts";
import { RECORD_BYTES, RECORD_DATA_LEN, RECORD_DIRECTION, RECORD_FLOW_ID, RECORD_MODULES } from "@secuxflow/inspect-abi";
import { buildFrame, decodeFrame, needs, tempDir, waitFor, type CapturedFrame, type TempDir } from "@secuxflow/testkit";
import { BpfObject, mountBpffs, queryXdp, RingBuffer, walkRecords, type BpfLink } from "libbpf-ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removePinFolder } from "../dataplane/adapters/pinned-object.js";
import { HEAD, NO_IMAGE } from "../dataplane/domain/layout.js";
import { requireBpfObject } from "../testing/bpf-object.js";
import { makeServices, type Services } from "./adapters/make-services.js";
import type { ServiceManager } from "./application/service-manager.js";
import { ServiceLab } from "./testing/service-lab.js";
import { loadServiceObject } from "./testing/service-object.js";
import { TcpClient, TcpServer } from "./testing/tcp-peers.js";

const BULK = 8 << 20;
const BULK_HASH = createHash("sha256").update(Buffer.alloc(BULK, "0123456789abcdef")).digest("hex");

/** What is looked at of a record in the ring buffer (struct sxf_record). */
const readRecord = (at: DataView, offset: number): { flow: string; length: number; direction: number; modules: number; bytes: number } => ({
  flow: at.getBigUint64(offset + RECORD_FLOW_ID, true).toString(16), length: at.getUint32(offset + RECORD_DATA_LEN, true),
  direction: at.getUint8(offset + RECORD_DIRECTION), modules: at.getUint32(offset + RECORD_MODULES, true), bytes: RECORD_BYTES,
});

let run = 0;

/** The services part of an agent, on a lab's host. */
class Agent {
  readonly problems = new Map<string, string>();
  readonly #services: Services;

  constructor(lab: ServiceLab, object: BpfObject, files: TempDir, pinFolder: string, programs = { answers: "from_service", passthrough: "passthrough" }) {
    this.#services = makeServices({
      object, programs, pinFolder, stateDir: files.path, netns: lab.host.path,
      filtered: () => [{ name: "up0", native: true }], onSpaces: () => undefined, snaplen: 9_216, intervalMs: 100,
      onProblem: (key, problem) => {
        if (problem === undefined) this.problems.delete(key);
        else this.problems.set(key, problem);
      },
      wallMinusMonotonic: () => BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint(),
    });
  }

  get manager(): ServiceManager {
    return this.#services.manager;
  }

  stop(): Promise<void> {
    return this.#services.close();
  }

  detach(): Promise<void> {
    return this.#services.detach();
  }

  async serve(...specs: ServiceSpecInput[]): Promise<void> {
    const services = specs.map((spec): Service => serviceFrom(ServiceSpec.parse(spec), new Date().toISOString()));
    await this.manager.setPolicy({ services: new Map(services.map((service) => [service.name, service])), modules: new Map([["ips", { name: "ips", version: "1", digest: `sha256:${"0".repeat(64)}`, title: "", bit: 0 }]]) });
  }

  status(name: string): ServiceStatus {
    const found = this.manager.status().find((one) => one.name === name);
    if (!found) throw new Error(`no service ${name}`);
    return found;
  }

  async reaches(name: string, state: ServiceStatus["state"]): Promise<void> {
    await waitFor(() => this.status(name).state === state, { what: `service ${name} to be ${state}; problems ${JSON.stringify([...this.problems])}`, deadlineMs: 20_000 });
  }
}

needs(describe, "kernel")("services over real interfaces", () => {
  let lab: ServiceLab;
  let files: TempDir;
  let loaded: ReturnType<typeof loadServiceObject>;
  let filter: BpfLink;
  let agent: Agent;
  const pinFolder = `/sys/fs/bpf/secuxflow-svc-${process.pid}`;

  const setUp = async (options: { containers?: number; bridged?: boolean; mtu?: number }): Promise<void> => {
    lab = await ServiceLab.create({ prefix: `sxffwd${run++}`, ...options });
    // A veth as container engines make it: the kernel leaves checksums for later.
    for (const { ns } of lab.containers) await ns.exec("ethtool", ["-K", "eth0", "tx", "on"]);
    filter = loaded.object.program("to_service").attachXdp("up0", { netns: lab.host.path, mode: "native" });
    agent = new Agent(lab, loaded.object, files, pinFolder);
    await agent.manager.start();
  };

  beforeEach(async () => {
    mountBpffs();
    files = await tempDir("services");
    loaded = loadServiceObject();
  });
  afterEach(async () => {
    await agent.stop();
    filter.close();
    loaded.object.close();
    await lab.destroy();
    removePinFolder(pinFolder);
    await files.remove();
  });

  /** Datagrams that the host's stack forwarded, IPv4 and IPv6. */
  const forwarded = async (): Promise<number> => {
    const [names, values] = (await lab.host.exec("grep", ["^Ip:", "/proc/net/snmp"])).stdout.split("\n").map((line) => line.split(" "));
    const v6 = /Ip6OutForwDatagrams\s+(\d+)/.exec((await lab.host.exec("cat", ["/proc/net/snmp6"])).stdout)?.[1];
    return Number(values?.[names?.indexOf("ForwDatagrams") ?? 0]) + Number(v6);
  };

  it.each([
    ["IPv4, a veth of its own", false, "ip" as const], ["IPv4, in a bridge", true, "ip" as const],
    ["IPv6, a veth of its own", false, "ip6" as const], ["IPv6, in a bridge", true, "ip6" as const],
  ])("carry TCP past the stack in both directions: %s", async (_name, bridged, family) => {
    await setUp({ bridged });
    const { ns, [family]: address } = lab.container();
    await TcpServer.start(ns, "c0", "::", 80);
    await agent.serve({ name: "web", address, port: 80, proto: "tcp", netns: ns.netns });
    await agent.reaches("web", "ok");
    const client = await TcpClient.start(lab.client);
    expect(await client.open(0, address, 80)).toBe("c0");
    const before = await forwarded();
    expect(await client.send(0, `get ${BULK}`, BULK)).toBe(BULK_HASH);
    const status = agent.status("web");
    // All of it would be 5,000 packets and more.
    expect(await forwarded() - before).toBeLessThan(50);
    expect(status.returned.bytes).toBeGreaterThan(BULK);
    expect(status.redirected.packets).toBeGreaterThan(10);
    expect(status.flows).toBeGreaterThan(0);
    expect(status.backends).toMatchObject([{ path: "redirect", iface: "c0", healthy: true }]);
  });

  it("find the container by its address alone, put its veth back as it was, and fall back to the stack", async () => {
    await setUp({ bridged: true });
    const { ns, ip } = lab.container();
    await TcpServer.start(ns, "c0", "0.0.0.0", 80);
    const offload = async (): Promise<boolean> => (await ns.exec("ethtool", ["-k", "eth0"])).stdout.includes("tx-checksumming: on");
    await agent.serve({ name: "web", address: ip, port: 80, proto: "tcp" });
    await agent.reaches("web", "ok");
    expect(await offload()).toBe(false);
    expect(queryXdp("c0", { netns: lab.host.path }).mode).toBe("native");
    expect(queryXdp("eth0", { netns: ns.path }).mode).toBe("native");
    const client = await TcpClient.start(lab.client);
    expect(await client.open(0, ip, 80)).toBe("c0");
    await agent.serve();
    await waitFor(offload, { what: "the container's checksum offload to be on again" });
    expect(queryXdp("c0", { netns: lab.host.path }).mode).toBe("none");
    expect(queryXdp("eth0", { netns: ns.path }).mode).toBe("none");
    expect(readdirSync(join(pinFolder, "services"))).toEqual([]);
    expect(await client.send(0, "still there")).toBe("c0:still there");
  });

  it("leave used-up TTLs and packets too long for the container to the stack, which tells the sender", async () => {
    await setUp({ mtu: 1_400 });
    const { ns, ip } = lab.container();
    await agent.serve({ name: "web", address: ip, port: 80, proto: "tcp", netns: ns.netns });
    await agent.reaches("web", "ok");
    const errors = await lab.client.capture("eth0", { filter: ({ data }) => decodeFrame(data).icmp !== undefined });
    const send = (more: object, payload: string): Promise<number> => lab.client.send("eth0", [buildFrame({
      eth: { src: lab.access.mac, dst: lab.uplink.mac }, ipv4: { src: "10.77.0.2", dst: ip, dontFragment: true, ...more }, tcp: { srcPort: 5, dstPort: 80, flags: "A" }, payload,
    })]);
    const is = (type: number, code: number) => ({ data }: CapturedFrame): boolean => decodeFrame(data).icmp?.type === type && decodeFrame(data).icmp?.code === code;
    await send({ ttl: 1 }, "x");
    await errors.waitFor(is(11, 0), 5_000, "time exceeded");
    await send({}, "x".repeat(1_420));
    await errors.waitFor(is(3, 4), 5_000, "fragmentation needed");
    expect(agent.status("web").stack.packets).toBe(2);
    await errors.stop();
  });

  it("pass the whole filter, which copies both directions for inspection under the service's address", async () => {
    loaded.object.close();
    const object = BpfObject.open(requireBpfObject()).load();
    loaded = { object, maps: loaded.maps };
    // A policy without rules.
    const head = new DataView(object.map("policy_0").mmap());
    head.setUint32(HEAD.image, NO_IMAGE, true);
    head.setUint32(HEAD.sets, NO_IMAGE, true);
    lab = await ServiceLab.create({ prefix: `sxffwd${run++}`, bridged: true });
    filter = object.program("secuxflow").attachXdp("up0", { netns: lab.host.path, mode: "native" });
    agent = new Agent(lab, object, files, pinFolder, { answers: "secuxflow_service", passthrough: "secuxflow_passthrough" });
    await agent.manager.start();
    const { ns, ip } = lab.container();
    await TcpServer.start(ns, "c0", "0.0.0.0", 8_080);
    await agent.serve({ name: "web", address: "10.77.0.1", port: 80, proto: "tcp", backends: [{ address: ip, port: 8_080 }], netns: ns.netns, inspect: ["ips"] });
    await agent.reaches("web", "ok");
    const ring = new RingBuffer(object.map("samples"));
    const client = await TcpClient.start(lab.client);
    expect(await client.open(0, "10.77.0.1", 80)).toBe("c0");
    expect(await client.send(0, "look")).toBe("c0:look");
    const copies = new Uint8Array(1 << 20);
    const taken = ring.consumeInto(copies);
    const seen = new Map<string, Set<string>>();
    const at = new DataView(copies.buffer);
    walkRecords(copies, taken.bytes, (offset) => {
      const record = readRecord(at, offset);
      const frame = decodeFrame(Buffer.from(copies.subarray(offset + record.bytes, offset + record.bytes + record.length)));
      const flows = seen.get(record.flow) ?? new Set();
      flows.add(`${record.direction} ${frame.ipv4?.src ?? ""}:${frame.tcp?.srcPort === 80 ? 80 : "*"} ${frame.ipv4?.dst ?? ""}`);
      seen.set(record.flow, flows);
      expect(record.modules).toBe(1);
    });
    ring.close();
    // One flow, and in it both directions as the client has them.
    expect([...seen.values()]).toEqual([new Set(["1 10.77.0.2:* 10.77.0.1", "2 10.77.0.1:80 10.77.0.2"])]);
  });

  describe("balanced over two containers, at the host's own address", () => {
    const VIP = "10.77.0.1";
    const servers: TcpServer[] = [];

    const start = async (): Promise<TcpClient> => {
      await setUp({ containers: 2, bridged: true });
      servers.length = 0;
      for (const [i, { ns }] of lab.containers.entries()) servers.push(await TcpServer.start(ns, `c${i}`, "0.0.0.0", 8_080));
      await agent.serve({
        name: "web", address: VIP, port: 80, proto: "tcp",
        backends: lab.containers.map(({ ip }) => ({ address: ip, port: 8_080 })),
        health: { kind: "tcp", intervalMs: 100, timeoutMs: 100, rise: 1, fall: 2 },
      });
      await agent.reaches("web", "ok");
      return TcpClient.start(lab.client);
    };
    /** Opens connections from `first` on until each of `names` has answered; answers who has which. */
    const openUntil = async (client: TcpClient, first: number, names: string[]): Promise<Map<number, string>> => {
      const got = new Map<number, string>();
      await waitFor(async () => {
        got.set(first + got.size, await client.open(first + got.size, VIP, 80));
        return names.every((name) => [...got.values()].includes(name));
      }, { what: `answers of ${names.join(", ")}`, deadlineMs: 30_000, intervalMs: 1 });
      return got;
    };

    it("gives both new connections, keeps old ones while a backend does not accept, and moves new ones", async () => {
      const client = await start();
      const before = await openUntil(client, 0, ["c0", "c1"]);
      await servers[0]?.close();
      await agent.reaches("web", "degraded");
      expect(agent.status("web").backends.map(({ healthy }) => healthy)).toEqual([false, true]);
      for (let i = 0; i < 16; i++) expect(await client.open(1_000 + i, VIP, 80)).toBe("c1");
      for (const [id, name] of before) expect(await client.send(id, "you")).toBe(`${name}:you`);
      await servers[0]?.open();
      await agent.reaches("web", "ok");
      await openUntil(client, 2_000, ["c0", "c1"]);
      for (const [id, name] of before) expect(await client.send(id, "again")).toBe(`${name}:again`);
      for (let i = 0; i < 16; i++) expect(await client.send(1_000 + i, "you")).toBe("c1:you");
      expect(await forwarded()).toBeLessThan(50);
    });

    it("goes on without the agent, and keeps its connections when the agent comes back", async () => {
      const client = await start();
      const before = await openUntil(client, 0, ["c0", "c1"]);
      await agent.stop();
      expect(queryXdp("c0", { netns: lab.host.path }).mode).toBe("native");
      for (const [id, name] of before) expect(await client.send(id, "alone")).toBe(`${name}:alone`);
      await openUntil(client, 100, ["c0", "c1"]);
      agent = new Agent(lab, loaded.object, files, pinFolder);
      await agent.serve({
        name: "web", address: VIP, port: 80, proto: "tcp", backends: lab.containers.map(({ ip }) => ({ address: ip, port: 8_080 })),
      });
      for (const [id, name] of before) expect(await client.send(id, "adopted")).toBe(`${name}:adopted`);
      await agent.manager.start();
      await agent.reaches("web", "ok");
      for (const [id, name] of before) expect(await client.send(id, "back")).toBe(`${name}:back`);
      await agent.detach();
      for (const { ns, port } of lab.containers) {
        expect(queryXdp(port.dev, { netns: lab.host.path }).mode).toBe("none");
        expect((await ns.exec("ethtool", ["-k", "eth0"])).stdout).toContain("tx-checksumming: on");
      }
    });
  });
});
