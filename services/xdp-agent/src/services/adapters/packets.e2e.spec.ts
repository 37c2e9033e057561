import { parseAddress } from "@secuxflow/contracts";
import { buildFrame, needs, type FrameSpec, type Interface } from "@secuxflow/testkit";
import fc from "fast-check";
import { xdpContext, XdpAction, type BpfObject, type TestRunResult } from "libbpf-ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ServicePlane } from "../application/service-plane.js";
import type { NextHop, PlannedBackend, PlannedService } from "../domain/plan.js";
import { FORWARD_RESULT, SERVICE_COUNT, type ForwardResult } from "../domain/layout.js";
import { macBytes } from "../domain/links.js";
import { ServiceLab } from "../testing/service-lab.js";
import { loadServiceObject } from "../testing/service-object.js";
import { BpfServiceKernel } from "./bpf-service-kernel.js";

const CLIENT = "192.0.2.7", CLIENT6 = "2001:db8::7";
const VIP = "203.0.113.9";

const mac = (text: string): Uint8Array => macBytes(text) ?? new Uint8Array(6);

needs(describe, "kernel")("packets to and from services, by test runs", () => {
  let lab: ServiceLab;
  let object: BpfObject;
  let kernel: BpfServiceKernel;
  let plane: ServicePlane;
  let before: ReturnType<BpfServiceKernel["readResults"]>;

  beforeAll(async () => {
    lab = await ServiceLab.create({ prefix: "sxfpkt", containers: 2 });
    // Clients are behind a router whose hardware address the host knows.
    await lab.host.route("192.0.2.0/24", { via: "10.77.0.2" });
    await lab.host.route("2001:db8::/64", { via: "fd00:77::2" });
    for (const address of ["10.77.0.2", "fd00:77::2"]) await lab.host.neigh("up0", address, lab.access.mac);
    const loaded = loadServiceObject();
    object = loaded.object;
    kernel = new BpfServiceKernel(loaded.maps);
    plane = new ServicePlane(kernel);
  });
  afterAll(async () => {
    object.close();
    await lab.destroy();
  });
  beforeEach(async () => {
    await plane.apply([]);
    ports();
    before = kernel.readResults();
  });

  const ports = (vlan?: number): void => {
    const { uplink } = lab;
    plane.applyInterfaces([
      { ifindex: uplink.ifindex, routerIfindex: uplink.ifindex, routerMac: mac(uplink.mac), ...(vlan === undefined ? {} : { vlan }) },
      ...lab.containers.map(({ port }) => ({ ifindex: port.ifindex, routerIfindex: port.ifindex, routerMac: mac(port.mac) })),
    ], [{ ifindex: uplink.ifindex, through: uplink.ifindex, ...(vlan === undefined ? {} : { vlan }) }]);
  };
  const hop = (index = 0, mtu = 1500): NextHop => {
    const { port, inner } = lab.container(index);
    return { ifindex: port.ifindex, mtu, dmac: mac(inner.mac), smac: mac(port.mac) };
  };
  const backend = (address: string, port = 0, more: Partial<PlannedBackend> = {}): PlannedBackend =>
    ({ name: `${address} ${port}`, address: parseAddress(address), port, weight: 1, up: true, hop: hop(), ...more });
  const service = (address: string, backends: readonly PlannedBackend[], more: Partial<PlannedService> = {}): PlannedService =>
    ({ name: `s ${address}`, address: parseAddress(address), port: 80, proto: 6, translated: true, backends, modules: 0, snaplen: 0, ...more });
  /** A service at the container's own address. */
  const plain = (more: Partial<PlannedService> = {}, hopMore: Partial<PlannedBackend> = {}): PlannedService =>
    service(lab.container().ip, [backend(lab.container().ip, more.port ?? 80, hopMore)], { translated: false, ...more });

  const run = (program: string, frame: Uint8Array, at: Interface): TestRunResult =>
    object.program(program).testRun({ data: frame, ctx: xdpContext(frame, { ingressIfindex: at.ifindex }), netns: lab.host.path });
  const toService = (frame: Uint8Array): TestRunResult => run("to_service", frame, lab.uplink);
  const fromService = (frame: Uint8Array, index = 0): TestRunResult => run("from_service", frame, lab.container(index).port);
  const result = (): ForwardResult[] => {
    const counts = kernel.readResults();
    return FORWARD_RESULT.filter((name) => counts[name].packets > before[name].packets);
  };

  const arriving = (spec: FrameSpec): Buffer => buildFrame({ eth: { src: lab.access.mac, dst: lab.uplink.mac }, ...spec });
  const request = (dst: string, more: Partial<FrameSpec> = {}): FrameSpec => ({
    ...(dst.includes(":") ? { ipv6: { src: CLIENT6, dst, hopLimit: 64 } } : { ipv4: { src: CLIENT, dst, ttl: 64 } }),
    tcp: { srcPort: 40_000, dstPort: 80, flags: "S", seq: 7 }, payload: "hello", ...more,
  });
  /** What arrives in the container. */
  const delivered = (spec: FrameSpec, index = 0): Buffer => {
    const { port, inner } = lab.container(index);
    const less = { ...spec, ...(spec.ipv4 ? { ipv4: { ...spec.ipv4, ttl: (spec.ipv4.ttl ?? 64) - 1 } } : {}), ...(spec.ipv6 ? { ipv6: { ...spec.ipv6, hopLimit: (spec.ipv6.hopLimit ?? 64) - 1 } } : {}) };
    return buildFrame({ ...less, eth: { src: port.mac, dst: inner.mac } });
  };
  const expectDelivered = (spec: FrameSpec, expected: FrameSpec = spec): void => {
    const { retval, data } = toService(arriving(spec));
    expect(retval).toBe(XdpAction.REDIRECT);
    expect(data.toString("hex")).toBe(delivered(expected).toString("hex"));
  };

  describe("to a service that is not translated", () => {
    it.each([
      ["IPv4", { port: 80 }, {}],
      ["a UDP service", { port: 53, proto: 17 }, { tcp: undefined, udp: { srcPort: 9, dstPort: 53 } }],
      ["any port of an address", { port: 0, proto: 0 }, { tcp: undefined, icmp: { type: 8 } }],
      ["any port of a protocol", { port: 0, proto: 17 }, { tcp: undefined, udp: { srcPort: 9, dstPort: 7_777 } }],
      ["the last hop that TTL allows", {}, { ipv4: { src: CLIENT, dst: "10.0.0.2", ttl: 2 } }],
    ] as [string, Partial<PlannedService>, Partial<FrameSpec>][])("%s", async (_name, more, frame) => {
      await plane.apply([plain(more)]);
      expectDelivered(request("10.0.0.2", frame));
      expect(result()).toEqual(["to-service"]);
      expect(plane.counts("s 10.0.0.2")?.[SERVICE_COUNT.redirected]?.packets).toBe(1);
    });

    it("IPv6, and by the FIB where the agent knows no next hop", async () => {
      const { ip6, inner } = lab.container();
      await lab.host.neigh("c0", ip6, inner.mac);
      plane.applyInterfaces([{ ifindex: lab.uplink.ifindex, routerIfindex: lab.uplink.ifindex, routerMac: mac(lab.uplink.mac) }], [{ ifindex: lab.container().port.ifindex, through: lab.container().port.ifindex }]);
      await plane.apply([service(ip6, [backend(ip6, 80, { hop: undefined })], { translated: false })]);
      expectDelivered(request(ip6));
      await plane.apply([service(ip6, [backend(ip6, 80)], { translated: false })]);
      expectDelivered(request(ip6));
    });

    it.each([
      ["another port", request("10.0.0.2", { tcp: { srcPort: 1, dstPort: 81 } }), []],
      ["another protocol", request("10.0.0.2", { tcp: undefined, udp: { srcPort: 1, dstPort: 80 } }), []],
      ["another address", request("10.0.0.3"), []],
      ["TTL used up", request("10.0.0.2", { ipv4: { src: CLIENT, dst: "10.0.0.2", ttl: 1 } }), ["ttl"]],
      ["longer than the container's MTU", request("10.0.0.2", { payload: "x".repeat(1_500) }), ["too-long"]],
      ["IPv4 options", request("10.0.0.2", { ipv4: { src: CLIENT, dst: "10.0.0.2", options: new Uint8Array(4) } }), ["odd"]],
      ["a loopback source", request("10.0.0.2", { ipv4: { src: "127.0.0.1", dst: "10.0.0.2" } }), ["odd"]],
      ["a fragment", request("10.0.0.2", { ipv4: { src: CLIENT, dst: "10.0.0.2", moreFragments: true } }), []],
      ["an unknown VLAN", request("10.0.0.2", { vlan: [{ vid: 7 }] }), ["unknown-port"]],
      ["a frame for somebody else", { ...request("10.0.0.2"), eth: { src: "02:00:00:00:00:01", dst: "02:00:00:00:00:99" } }, ["unknown-port"]],
    ] as [string, FrameSpec, ForwardResult[]][])("leaves to the stack, unchanged: %s", async (_name, spec, results) => {
      await plane.apply([plain()]);
      const frame = arriving(spec);
      const { retval, data } = toService(frame);
      expect(retval).toBe(XdpAction.PASS);
      expect(data).toEqual(frame);
      expect(result()).toEqual(results);
      expect(plane.counts("s 10.0.0.2")?.[SERVICE_COUNT.stack]?.packets).toBe(results.length);
    });

    it("leaves to the stack what has no neighbour, no route, or a way that takes no XDP frames", async () => {
      const fib = (address: string): PlannedService => service(address, [backend(address, 80, { hop: undefined })], { translated: false });
      await plane.apply([fib("10.77.0.50"), fib("10.0.1.2"), fib("198.51.100.1")]);
      await lab.host.neigh("c1", "10.0.1.2", lab.container(1).inner.mac);
      for (const [address, expected] of [["10.77.0.50", "no-neighbour"], ["10.0.1.2", "no-exit"], ["198.51.100.1", "no-route"]] as const) {
        before = kernel.readResults();
        expect(toService(arriving(request(address))).retval).toBe(XdpAction.PASS);
        expect(result()).toEqual([expected]);
      }
    });

    it("takes off the tag of a VLAN that the agent knows, and no other", async () => {
      await plane.apply([plain()]);
      ports(42);
      expectDelivered(request("10.0.0.2", { vlan: [{ vid: 42 }] }), request("10.0.0.2"));
      for (const vlan of [[], [{ vid: 43 }], [{ vid: 42, tpid: 0x88a8 }, { vid: 42 }]]) {
        expect(toService(arriving(request("10.0.0.2", { vlan }))).retval).toBe(XdpAction.PASS);
      }
    });

    it("asks for nothing and leaves all to the stack without services, and after they are gone", async () => {
      await plane.apply([plain()]);
      await plane.apply([]);
      expect(toService(arriving(request("10.0.0.2"))).retval).toBe(XdpAction.PASS);
      expect(result()).toEqual([]);
    });
  });

  describe("translated", () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const v4 = fc.tuple(fc.integer({ min: 1, max: 126 }), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 })).map((parts) => parts.join("."));
    const v6 = fc.array(fc.nat(0xffff), { minLength: 6, maxLength: 6 }).map((words) => `2001:db8:${words.map((word) => word.toString(16)).join(":")}`);

    it("changes addresses, ports and checksums as if the packet had been made that way, both directions", async () => {
      const kind = fc.constantFrom("tcp" as const, "udp" as const);
      const family = fc.constantFrom(v4, v6);
      const ends = family.chain((address) => fc.tuple(address, address, address).filter((all) => new Set(all).size === 3));
      await fc.assert(fc.asyncProperty(ends, port, port, port, kind, fc.uint8Array({ maxLength: 99 }), fc.integer({ min: 2, max: 255 }), fc.boolean(), async ([client, vip, own], clientPort, vipPort, ownPort, proto, payload, ttl, noSum) => {
        const sum = proto === "udp" && noSum && !client.includes(":") ? { checksum: 0 } : {};
        const spec = (src: string, dst: string, srcPort: number, dstPort: number): FrameSpec => ({
          ...(src.includes(":") ? { ipv6: { src, dst, hopLimit: ttl } } : { ipv4: { src, dst, ttl } }), [proto]: { srcPort, dstPort, ...sum }, payload,
        });
        await plane.apply([service(vip, [backend(own, ownPort)], { port: vipPort, proto: proto === "tcp" ? 6 : 17 })]);
        expectDelivered(spec(client, vip, clientPort, vipPort), spec(client, own, clientPort, ownPort));
        // Answers: to wherever the FIB leads; here the default route of the property's addresses is not needed to see the translation.
        await lab.host.ip("route", "replace", client, "via", client.includes(":") ? "fd00:77::2" : "10.77.0.2", "dev", "up0");
        const { inner, port: hostEnd } = lab.container();
        const answer = spec(own, client, ownPort, clientPort);
        const { retval, data } = fromService(buildFrame({ ...answer, eth: { src: inner.mac, dst: hostEnd.mac } }));
        expect(retval).toBe(XdpAction.REDIRECT);
        const seen = spec(vip, client, vipPort, clientPort);
        const less = seen.ipv4 ? { ...seen, ipv4: { ...seen.ipv4, ttl: ttl - 1 } } : { ...seen, ipv6: { ...seen.ipv6, src: vip, dst: client, hopLimit: ttl - 1 } };
        expect(data.toString("hex")).toBe(buildFrame({ ...less, eth: { src: lab.uplink.mac, dst: lab.access.mac } }).toString("hex"));
        await lab.host.ip("route", "del", client);
      }), { numRuns: 60 });
    });

    const stack = (spec: FrameSpec): Buffer => {
      const { retval, data } = toService(arriving(spec));
      expect(retval).toBe(XdpAction.PASS);
      return data;
    };

    it("gives the stack translated packets where it has to forward, and unchanged ones where nothing can be translated", async () => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      const moved = (more: object, payload = "hello"): Buffer => arriving(request("10.0.0.2", { ipv4: { src: CLIENT, dst: "10.0.0.2", ...more }, tcp: { srcPort: 40_000, dstPort: 8_080, flags: "S", seq: 7 }, payload }));
      expect(stack(request(VIP, { ipv4: { src: CLIENT, dst: VIP, ttl: 1 } }))).toEqual(moved({ ttl: 1 }));
      expect(stack(request(VIP, { payload: "x".repeat(1_470) }))).toEqual(moved({}, "x".repeat(1_470)));
      const fragment = request(VIP, { ipv4: { src: CLIENT, dst: VIP, moreFragments: true } });
      expect(stack(fragment)).toEqual(arriving(fragment));
      expect(result()).toEqual(["ttl", "too-long"]);
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080, { up: false })])]);
      expect(stack(request(VIP))).toEqual(arriving(request(VIP)));
      expect(result()).toContain("no-backend");
    });

    it.each([
      ["IPv4, too big", false, { icmp: { type: 3, code: 4, sequence: 1_400 } }], ["IPv4, unreachable", false, { icmp: { type: 3, code: 1 } }],
      ["IPv6, too big", true, { icmpv6: { type: 2, sequence: 1_400 } }], ["IPv6, time exceeded", true, { icmpv6: { type: 3 } }],
    ] as [string, boolean, Partial<FrameSpec>][])("sends ICMP errors to the backend of the connection they are about: %s", async (_name, v6, icmp) => {
      const [client, vip, own, router] = v6 ? [CLIENT6, "2001:db8:1::9", lab.container().ip6, "2001:db8::1"] : [CLIENT, VIP, "10.0.0.2", "192.0.2.1"];
      await plane.apply([service(vip, [backend(own, 8_080)])]);
      // What a router shows of a packet: its header and eight bytes more.
      const inner = (src: string, srcPort: number): Buffer => {
        const spec = v6 ? { ipv6: { src, dst: client, payloadLength: 1_400 } } : { ipv4: { src, dst: client, totalLength: 1_440, dontFragment: true } };
        return buildFrame({ ...spec, tcp: { srcPort, dstPort: 40_000, flags: "A" } }).subarray(14, 14 + (v6 ? 40 : 20) + 8);
      };
      const error = (dst: string, src: string, srcPort: number): FrameSpec =>
        ({ ...(v6 ? { ipv6: { src: router, dst, hopLimit: 9 } } : { ipv4: { src: router, dst, ttl: 9 } }), ...icmp, payload: inner(src, srcPort) });
      expectDelivered(error(vip, vip, 80), error(own, own, 8_080));
      for (const other of [error(vip, vip, 81), error(vip, own, 80), { ...error(vip, vip, 80), ...(v6 ? { icmpv6: { type: 128 } } : { icmp: { type: 8 } }) }]) {
        expect(toService(arriving(other))).toMatchObject({ retval: XdpAction.PASS, data: arriving(other) });
      }
    });

    it("sends what a rule redirects, and its answers bear the address that the client asked for", async () => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      const asked = request("198.51.100.4", { ipv4: { src: "192.0.2.9", dst: "198.51.100.4" }, tcp: { srcPort: 40_000, dstPort: 443, flags: "S", seq: 7 } });
      const { retval, data } = run("divert", arriving(asked), lab.uplink);
      expect(retval).toBe(XdpAction.REDIRECT);
      expect(data).toEqual(delivered({ ...asked, ipv4: { src: "192.0.2.9", dst: "10.0.0.2" }, tcp: { srcPort: 40_000, dstPort: 8_080, flags: "S", seq: 7 } }));
      const { inner, port: hostEnd } = lab.container();
      const answer = (dst: string): Buffer => fromService(buildFrame({
        eth: { src: inner.mac, dst: hostEnd.mac }, ipv4: { src: "10.0.0.2", dst, ttl: 9 }, tcp: { srcPort: 8_080, dstPort: 40_000, flags: "SA" },
      })).data;
      const seen = (src: string, srcPort: number, dst: string): Buffer => buildFrame({
        eth: { src: lab.uplink.mac, dst: lab.access.mac }, ipv4: { src, dst, ttl: 8 }, tcp: { srcPort, dstPort: 40_000, flags: "SA" },
      });
      expect(answer("192.0.2.9")).toEqual(seen("198.51.100.4", 443, "192.0.2.9"));
      expect(answer("192.0.2.8")).toEqual(seen(VIP, 80, "192.0.2.8"));
    });
  });

  describe("answers", () => {
    const { inner, hostEnd } = { inner: () => lab.container().inner, hostEnd: () => lab.container().port };
    const answer = (more: Partial<FrameSpec> = {}, dst = CLIENT): Buffer => buildFrame({
      eth: { src: inner().mac, dst: hostEnd().mac }, ipv4: { src: "10.0.0.2", dst, ttl: 9 }, tcp: { srcPort: 8_080, dstPort: 40_000, flags: "SA" }, ...more,
    });

    it.each([
      ["TTL used up", { ipv4: { src: "10.0.0.2", dst: CLIENT, ttl: 1 } }, "ttl"],
      ["longer than the way, not to be cut", { ipv4: { src: "10.0.0.2", dst: CLIENT, dontFragment: true }, payload: "x".repeat(1_500) }, "too-long"],
      ["for the host itself", { ipv4: { src: "10.0.0.2", dst: "10.77.0.1" } }, "local"],
      ["no route", { ipv4: { src: "10.0.0.2", dst: "198.51.100.1" } }, undefined],
    ] as [string, Partial<FrameSpec>, ForwardResult | undefined][])("go to the stack under the container's own address: %s", async (_name, more, expected) => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      const frame = answer(more);
      const { retval, data } = fromService(frame);
      expect(retval).toBe(XdpAction.PASS);
      if (expected === undefined) return;
      expect(data).toEqual(frame);
      expect(result()).toEqual([expected]);
    });

    it("never reach a client under the container's own address: cut into fragments, or without a neighbour", async () => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      const seen = (more: Partial<FrameSpec>, dst = CLIENT): Buffer => buildFrame({
        eth: { src: inner().mac, dst: hostEnd().mac }, ipv4: { src: VIP, dst, ttl: 9 }, tcp: { srcPort: 80, dstPort: 40_000, flags: "SA" }, ...more,
      });
      expect(fromService(answer({ payload: "x".repeat(1_500) })).data).toEqual(seen({ payload: "x".repeat(1_500) }));
      const unknown = fromService(answer({}, "10.77.0.77"));
      expect(unknown.retval).toBe(XdpAction.PASS);
      expect(unknown.data).toEqual(seen({}, "10.77.0.77"));
      expect(result()).toEqual(["too-long", "no-neighbour"]);
      // A client that has sent something is reached by the hardware address it sent from.
      toService(arriving(request(VIP, { ipv4: { src: "10.77.0.77", dst: VIP } })));
      const learned = fromService(answer({}, "10.77.0.77"));
      expect(learned.retval).toBe(XdpAction.REDIRECT);
      expect(learned.data).toEqual(seen({ eth: { src: lab.uplink.mac, dst: lab.access.mac }, ipv4: { src: VIP, dst: "10.77.0.77", ttl: 8 } }));
    });

    it("get the tag of the VLAN that they leave by", async () => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      ports(42);
      const { retval, data } = fromService(answer());
      expect(retval).toBe(XdpAction.REDIRECT);
      expect(data).toEqual(buildFrame({
        eth: { src: lab.uplink.mac, dst: lab.access.mac }, vlan: [{ vid: 42 }], ipv4: { src: VIP, dst: CLIENT, ttl: 8 }, tcp: { srcPort: 80, dstPort: 40_000, flags: "SA" },
      }));
    });

    it("of a service without a port are told from connections that the container opens itself", async () => {
      await plane.apply([plain({ port: 0, proto: 0 })]);
      expect(fromService(answer()).retval).toBe(XdpAction.PASS);
      expect(plane.counts("s 10.0.0.2")?.[SERVICE_COUNT.returned]?.packets).toBe(0);
      toService(arriving(request("10.0.0.2", { tcp: { srcPort: 40_000, dstPort: 8_080, flags: "S" } })));
      expect(fromService(answer()).retval).toBe(XdpAction.REDIRECT);
      expect(plane.counts("s 10.0.0.2")?.[SERVICE_COUNT.returned]?.packets).toBe(1);
    });

    it("leave alone what the container sends on its own, and frames to others on its bridge", async () => {
      await plane.apply([service(VIP, [backend("10.0.0.2", 8_080)])]);
      for (const frame of [answer({ tcp: { srcPort: 33_333, dstPort: 443, flags: "S" } }), answer({ eth: { src: inner().mac, dst: "02:00:00:00:00:99" } })]) {
        expect(fromService(frame)).toMatchObject({ retval: XdpAction.PASS, data: frame });
      }
      expect(result()).toEqual([]);
    });
  });
});
