import { buildFrame, needs, simpleLab, type FrameSpec, type Namespace, type SimpleLab } from "@secuxflow/testkit";
import { parseAddress } from "@secuxflow/contracts";
import { beforeAll, describe, expect, it } from "vitest";
import { SPACE } from "./domain/layout.js";
import { connect, datagrams, listen } from "./testing/sockets.js";
import { TestProgram } from "./testing/test-program.js";

const hex = (address: string): string => Buffer.from(parseAddress(address)).toString("hex");

needs(describe, "kernel")("connections of the kernel's sockets", () => {
  let program: TestProgram;
  let lab: SimpleLab;
  let web: Namespace;

  beforeAll(async () => {
    program = new TestProgram();
    lab = await simpleLab({ prefix: "sxfstate" });
    // Receive queues of an interface are known to XDP once a program is attached.
    const link = program.object.program("let_pass").attachXdp(lab.uplink.dev, { netns: lab.netnsPath });
    web = await lab.lab.ns("web");
    await web.ip("address", "add", "10.88.0.1/32", "dev", "lo");
    await lab.host.ip("netns", "set", web.netns, 7);
    await Promise.all([
      listen(lab.host, { port: 8_080 }), listen(lab.client, { port: 9_090 }), listen(web, { port: 8_080 }),
      datagrams(lab.host, { address: lab.hostIp, port: 6_000, peer: { address: lab.clientIp, port: 6_001 } }),
      datagrams(lab.host, { address: lab.hostIp6, port: 6_000, peer: { address: lab.clientIp6, port: 6_001 } }),
      datagrams(lab.host, { address: lab.hostIp, port: 6_002 }),
    ]);
    await Promise.all([
      connect(lab.client, { host: lab.hostIp, port: 8_080, localPort: 40_001 }),
      connect(lab.client, { host: lab.hostIp6, port: 8_080, localPort: 40_001 }),
      connect(lab.host, { host: lab.clientIp, port: 9_090, localPort: 41_000 }),
      connect(web, { host: "10.88.0.1", port: 8_080, localPort: 40_001 }),
    ]);
    return async () => {
      link.close();
      program.close();
      await lab.destroy();
    };
  }, 60_000);

  const isEstablished = (spec: FrameSpec): boolean =>
    program.run("is_established", buildFrame(spec), { netns: lab.netnsPath, ifindex: lab.uplink.ifindex }).verdict === "pass";
  const tcp = (srcPort: number, dstPort: number, flags = "A"): FrameSpec => ({ ipv4: { src: lab.clientIp, dst: lab.hostIp }, tcp: { srcPort, dstPort, flags } });
  const tcp6 = (srcPort: number, dstPort: number, flags = "A"): FrameSpec => ({ ipv6: { src: lab.clientIp6, dst: lab.hostIp6 }, tcp: { srcPort, dstPort, flags } });
  const udp = (srcPort: number, dstPort: number): FrameSpec => ({ ipv4: { src: lab.clientIp, dst: lab.hostIp }, udp: { srcPort, dstPort } });

  it("knows TCP connections, whoever opened them", () => {
    expect(isEstablished(tcp(40_001, 8_080))).toBe(true);
    expect(isEstablished(tcp(40_001, 8_080, "PA"))).toBe(true);
    expect(isEstablished(tcp(40_001, 8_080, "R"))).toBe(true);
    expect(isEstablished(tcp6(40_001, 8_080))).toBe(true);
    expect(isEstablished(tcp(9_090, 41_000))).toBe(true);
    expect(isEstablished({ ...tcp(40_001, 8_080), vlan: [{ vid: 5 }] })).toBe(true);
  });

  it("takes no other packet for one of a connection: listening alone is not enough, nor is a SYN", () => {
    expect(isEstablished(tcp(40_002, 8_080))).toBe(false);
    expect(isEstablished(tcp6(40_002, 8_080))).toBe(false);
    expect(isEstablished(tcp(40_001, 8_081))).toBe(false);
    expect(isEstablished(tcp(40_001, 8_080, "S"))).toBe(false);
    expect(isEstablished({ ipv4: { src: "10.77.0.9", dst: lab.hostIp }, tcp: { srcPort: 40_001, dstPort: 8_080 } })).toBe(false);
    expect(isEstablished({ ipv4: { src: lab.clientIp, dst: lab.hostIp }, icmp: { type: 8 } })).toBe(false);
    expect(isEstablished({ ipv4: { src: lab.clientIp, dst: lab.hostIp, fragmentOffset: 64, protocol: 6 }, payload: Buffer.alloc(40) })).toBe(false);
  });

  it("knows connected UDP sockets", () => {
    expect(isEstablished(udp(6_001, 6_000))).toBe(true);
    expect(isEstablished({ ipv6: { src: lab.clientIp6, dst: lab.hostIp6 }, udp: { srcPort: 6_001, dstPort: 6_000 } })).toBe(true);
    expect(isEstablished(udp(6_003, 6_000))).toBe(false);
    expect(isEstablished(udp(6_001, 6_002))).toBe(false);
    expect(isEstablished(udp(6_001, 6_009))).toBe(false);
  });

  it("asks the namespace of a service for its addresses", () => {
    const frame: FrameSpec = { ipv4: { src: "10.88.0.1", dst: "10.88.0.1" }, tcp: { srcPort: 40_001, dstPort: 8_080 } };
    program.maps.setSpaces(new Map());
    expect(isEstablished(frame)).toBe(false);
    program.maps.setSpaces(new Map([[hex("10.88.0.1"), 7], [hex(lab.hostIp), SPACE.own]]));
    expect(isEstablished(frame)).toBe(true);
    expect(isEstablished(tcp(40_001, 8_080))).toBe(true);
    // A namespace that has gone, or never was.
    program.maps.setSpaces(new Map([[hex("10.88.0.1"), 99]]));
    expect(isEstablished(frame)).toBe(false);
  });
});
