import { buildFrame, decodeFrame, needs, simpleLab, tcpOptions, waitFor, type FrameSpec, type Namespace, type SimpleLab } from "@secuxflow/testkit";
import { NO_PROTECTION, parseAddress, type Protection } from "@secuxflow/contracts";
import type { BpfLink } from "libbpf-ts";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SPACE, SYN_WINDOW_NS } from "./domain/layout.js";
import { DEFAULT_SETTINGS, encodeProtection } from "./domain/protection.js";
import { connect, listen } from "./testing/sockets.js";
import { TestProgram } from "./testing/test-program.js";

const hex = (address: string): string => Buffer.from(parseAddress(address)).toString("hex");
const MSS_1460 = tcpOptions({ mss: 1_460, sackPermitted: true, timestamps: [1, 0], windowScale: 7 });

needs(describe, "kernel")("SYN cookies", () => {
  let program: TestProgram;
  let lab: SimpleLab;
  let web: Namespace;
  let link: BpfLink;

  beforeAll(async () => {
    program = new TestProgram();
    lab = await simpleLab({ prefix: "sxfsyn" });
    link = program.object.program("let_pass").attachXdp(lab.uplink.dev, { netns: lab.netnsPath });
    web = await lab.lab.ns("web");
    await web.ip("address", "add", "10.88.0.1/32", "dev", "lo");
    await web.sysctl("net/ipv4/tcp_syncookies", 2);
    await lab.host.ip("netns", "set", web.netns, 7);
    await Promise.all([listen(lab.host, { port: 8_080 }), listen(web, { port: 8_080 })]);
    return async () => {
      link.close();
      program.close();
      await lab.destroy();
    };
  }, 60_000);
  beforeEach(async () => {
    program.now = 0n;
    program.maps.setSpaces(new Map([lab.hostIp, lab.hostIp6].map((address) => [hex(address), SPACE.own])));
    await lab.host.sysctl("net/ipv4/tcp_syncookies", 2);
    await protect({ synCookies: "on" });
  });

  const protect = (change: Partial<Protection>): Promise<void> =>
    program.maps.setProtection(encodeProtection({ ...NO_PROTECTION, ...change }, DEFAULT_SETTINGS));
  const guard = (spec: FrameSpec) => program.run("guard", buildFrame(spec), { netns: lab.netnsPath, ifindex: lab.uplink.ifindex });
  const packet = (family: 4 | 6, tcp: FrameSpec["tcp"], more: FrameSpec = {}): FrameSpec => ({
    eth: { src: lab.access.mac, dst: lab.uplink.mac },
    ...(family === 4 ? { ipv4: { src: lab.clientIp, dst: lab.hostIp } } : { ipv6: { src: lab.clientIp6, dst: lab.hostIp6 } }),
    ...(tcp === undefined ? {} : { tcp }), ...more,
  });
  const syn = (family: 4 | 6 = 4, srcPort = 50_000, more: FrameSpec = {}): FrameSpec =>
    packet(family, { srcPort, dstPort: 8_080, flags: "S", seq: 0xffff_ffff, options: MSS_1460 }, more);
  const counted = (name: Parameters<TestProgram["count"]>[0], action: () => void): number => {
    const before = program.count(name);
    action();
    return program.count(name) - before;
  };

  it.each([4, 6] as const)("answers a SYN over IPv%i by a SYN-ACK with a cookie, which the kernel takes back", (family) => {
    const vlan = family === 6 ? [{ vid: 9, pcp: 2 }] : [];
    const answer = guard(syn(family, 50_000, { vlan }));
    expect(answer.verdict).toBe("tx");
    const cookie = decodeFrame(answer.frame).tcp?.seq ?? 0;
    const mss = family === 4 ? 1_460 : 1_440;
    const expected = buildFrame({
      eth: { src: lab.uplink.mac, dst: lab.access.mac }, vlan,
      ...(family === 4 ? { ipv4: { src: lab.hostIp, dst: lab.clientIp, dontFragment: true } } : { ipv6: { src: lab.hostIp6, dst: lab.clientIp6 } }),
      tcp: { srcPort: 8_080, dstPort: 50_000, flags: "SA", seq: cookie, ack: 0, window: 10 * mss, options: tcpOptions({ mss }) },
    });
    expect(answer.frame.toString("hex")).toBe(expected.toString("hex"));

    const ack = (ackNumber: number, port = 50_000): FrameSpec =>
      packet(family, { srcPort: port, dstPort: 8_080, flags: "A", seq: 0, ack: ackNumber >>> 0 }, { vlan });
    expect(counted("ackValid", () => { expect(guard(ack(cookie + 1)).verdict).toBe("pass"); })).toBe(1);
    // The last bits tell which of four segment sizes it is: the next number may be a cookie, too.
    expect(counted("ackInvalid", () => { expect(guard(ack(cookie + 100)).verdict).toBe("drop"); })).toBe(1);
    expect(counted("ackInvalid", () => { expect(guard(ack(cookie + 1, 50_001)).verdict).toBe("drop"); })).toBe(1);
  });

  it("makes room for the option where the SYN had none", () => {
    const answer = guard(packet(4, { srcPort: 50_000, dstPort: 8_080, flags: "S", seq: 1 }));
    expect(answer.verdict).toBe("tx");
    expect(answer.frame.length).toBe(14 + 20 + 24);
    expect(decodeFrame(answer.frame)).toMatchObject({ checksums: { ip: "right", transport: "right" }, tcp: { flags: "SA", ack: 2 } });
  });

  it("leaves everything else to the stack", () => {
    const others: FrameSpec[] = [
      packet(4, { srcPort: 1, dstPort: 8_080, flags: "R" }), packet(4, { srcPort: 1, dstPort: 8_080, flags: "RA" }), packet(4, { srcPort: 1, dstPort: 8_080, flags: "SA" }),
      packet(4, { srcPort: 1, dstPort: 8_080, flags: "F" }), packet(4, undefined, { udp: { srcPort: 1, dstPort: 8_080 } }), packet(4, undefined, { icmp: { type: 8 } }),
      packet(4, { srcPort: 1, dstPort: 8_081, flags: "A" }),
    ];
    for (const spec of others) expect(guard(spec), JSON.stringify(spec.tcp)).toEqual({ verdict: "pass", frame: buildFrame(spec) });
    expect(counted("noListener", () => { expect(guard(packet(4, { srcPort: 1, dstPort: 8_081, flags: "S" })).verdict).toBe("pass"); })).toBe(1);
  });

  it("leaves odd headers, and senders that are no host, to the stack", () => {
    const odd: FrameSpec[] = [
      { ...syn(), ipv4: { src: lab.clientIp, dst: lab.hostIp, options: Buffer.from([1, 1, 1, 0]) } },
      { ...syn(6), ipv6: { src: lab.clientIp6, dst: lab.hostIp6, extensions: [{ kind: "destination" }] } },
      { ...syn(), ipv4: { src: "224.0.0.1", dst: lab.hostIp } },
      { ...syn(), ipv4: { src: lab.hostIp, dst: lab.hostIp } },
      packet(4, { srcPort: 1, dstPort: 8_080, flags: "S", dataOffset: 4 }),
      packet(4, { srcPort: 1, dstPort: 8_080, flags: "S", dataOffset: 15 }),
    ];
    for (const spec of odd) expect(counted("noCookie", () => { expect(guard(spec).verdict).toBe("pass"); }), JSON.stringify(spec)).toBe(1);
  });

  it("guards only addresses that it was told: a socket that listens on all would answer for others", () => {
    program.maps.setSpaces(new Map([[hex(lab.hostIp6), SPACE.own]]));
    expect(counted("noListener", () => { expect(guard(syn()).verdict).toBe("pass"); })).toBe(1);
    expect(guard(packet(4, { srcPort: 1, dstPort: 8_080, flags: "A" })).verdict).toBe("pass");
    expect(guard(syn(6)).verdict).toBe("tx");
  });

  it("guards a service in another namespace where its id is known", () => {
    const spec: FrameSpec = { ...syn(), ipv4: { src: lab.clientIp, dst: "10.88.0.1" } };
    expect(guard(spec).verdict).toBe("pass");
    program.maps.setSpaces(new Map([[hex("10.88.0.1"), 7]]));
    expect(guard(spec).verdict).toBe("tx");
    program.maps.setSpaces(new Map([[hex("10.88.0.1"), SPACE.own]]));
    // The host's own socket listens on all addresses.
    expect(guard(spec).verdict).toBe("tx");
    program.maps.setSpaces(new Map([[hex("10.88.0.1"), 8]]));
    expect(counted("noListener", () => { expect(guard(spec).verdict).toBe("pass"); })).toBe(1);
  });

  it("makes no cookie of the host's own socket for a packet that goes to a service", () => {
    program.object.setGlobal("test_service", 1);
    try {
      expect(counted("noListener", () => { expect(guard(syn()).verdict).toBe("pass"); })).toBe(1);
      expect(guard(packet(4, { srcPort: 1, dstPort: 8_080, flags: "A" })).verdict).toBe("pass");
      program.maps.setSpaces(new Map([[hex("10.88.0.1"), 7]]));
      expect(guard({ ...syn(), ipv4: { src: lab.clientIp, dst: "10.88.0.1" } }).verdict).toBe("tx");
    } finally {
      program.object.setGlobal("test_service", 0);
    }
  });

  it("leaves a SYN to the stack where the kernel makes no cookie", async () => {
    for (const setting of [1, 0]) {
      await lab.host.sysctl("net/ipv4/tcp_syncookies", setting);
      expect(counted("noCookie", () => { expect(guard(syn()).verdict).toBe("pass"); })).toBe(1);
    }
  });

  it("completes real connections under a flood, when the kernel always makes cookies and when only for a full queue", async () => {
    // The kernel keeps no half-open connection to where it knows no way.
    await lab.host.route("default", { via: lab.clientIp });
    // What the rest of this file does in test runs, on the wire: the guard is attached, the peer's NAPI is on.
    const [here, there] = [
      program.object.program("guard").attachXdp(lab.uplink.dev, { netns: lab.netnsPath, replaceLink: link }),
      program.object.program("let_pass").attachXdp(lab.access.dev, { netns: lab.client.path }),
    ];
    try {
      for (const setting of [2, 1]) {
        await lab.host.sysctl("net/ipv4/tcp_syncookies", setting);
        const port = 8_100 + setting;
        await listen(lab.host, { port, backlog: 16 });
        const flood = Array.from({ length: 500 }, (_, i) => buildFrame({
          ...syn(4, 1_024 + i), ipv4: { src: `198.51.${i & 7}.${1 + (i % 250)}`, dst: lab.hostIp },
          tcp: { srcPort: 1_024 + i, dstPort: port, flags: "S", seq: i * 7_919, options: MSS_1460 },
        }));
        const [cookies, valid] = [program.count("cookies"), program.count("ackValid")];
        const flooding = lab.client.send(lab.access.dev, flood, { repeat: 80, pps: 10_000 });
        await waitFor(() => program.count("cookies") > cookies, { what: "the flood to be answered" });
        for (let i = 0; i < 5; i++) {
          const client = await connect(lab.client, { host: i % 2 ? lab.hostIp : lab.hostIp6, port, localPort: 45_000 + i });
          await client.kill();
        }
        await flooding;
        expect(program.count("ackValid") - valid).toBeGreaterThanOrEqual(5);
        // Of 40,000 SYNs the kernel saw none, or a queue full.
        expect(program.count("cookies") - cookies).toBeGreaterThan(setting === 2 ? 39_999 : 1_000);
      }
    } finally {
      there.close();
      program.object.program("let_pass").attachXdp(lab.uplink.dev, { netns: lab.netnsPath, replaceLink: here });
    }
  }, 60_000);

  it("does nothing while it is off", async () => {
    await protect({ synCookies: "off" });
    expect(counted("syns", () => { expect(guard(syn()).verdict).toBe("pass"); })).toBe(0);
    expect(guard(packet(4, { srcPort: 1, dstPort: 8_080, flags: "A" })).verdict).toBe("pass");
  });

  it("turns on by itself under attack, and off after it", async () => {
    const window = BigInt(SYN_WINDOW_NS);
    const start = 1_000_000n * window;
    // 10 SYNs in a window turn it on, 5 keep it on.
    await protect({ synCookies: "auto", synRate: Math.floor((10 * 1e9) / SYN_WINDOW_NS) });
    const verdicts = (at: bigint, count: number): string[] => {
      program.now = at;
      return Array.from({ length: count }, () => guard(syn()).verdict);
    };
    const passes = (count: number): string[] => new Array<string>(count).fill("pass");
    const answers = (count: number): string[] => new Array<string>(count).fill("tx");
    const turnedOn = program.maps.synState().turnedOn;
    // 9 at the end of a window and 9 at the beginning of the next are no attack yet.
    expect(verdicts(start + window - 1n, 9)).toEqual(passes(9));
    expect(verdicts(start + window, 9)).toEqual(passes(9));
    expect(guard(packet(4, { srcPort: 1, dstPort: 8_080, flags: "A" })).verdict).toBe("pass");
    expect(verdicts(start + window + 1n, 3)).toEqual(answers(3));
    expect(guard(packet(4, { srcPort: 1, dstPort: 8_080, flags: "A" })).verdict).toBe("drop");
    expect(program.maps.synState()).toEqual({ activeUntilNs: start + window + 1n + 2_000_000_000n, turnedOn: turnedOn + 1 });
    // Half the rate keeps it on,
    const later = start + window + 1_900_000_000n;
    expect(verdicts(later, 5)).toEqual(answers(5));
    expect(verdicts(later + 1_900_000_000n, 4)).toEqual(answers(4));
    // less does not.
    expect(verdicts(later + 2_000_000_000n, 4)).toEqual(passes(4));
    expect(program.maps.synState().turnedOn).toBe(turnedOn + 1);
  });
});
