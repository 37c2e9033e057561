import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simpleLab, type SimpleLab } from "../lab/simple-lab.js";
import { needs } from "../requirements/requirements.js";
import { waitFor } from "../util/wait-for.js";
import { buildFrame } from "./build.js";
import { decodeFrame } from "./decode.js";
import { buildFragments } from "./fragment.js";
import type { FrameSpec } from "./spec.js";

/** Prints each datagram's payload, a line each. */
const RECEIVER = `
const socket = require("node:dgram").createSocket({ type: "udp6" });
socket.on("message", (message) => console.log(message.toString()));
socket.bind(9000, "::", () => console.log("listening"));`;

/** The kernel's own stack is the judge of what the builder makes: it drops what has a wrong checksum. */
needs(describe, "netns")("the kernel takes built packets", () => {
  let lab: SimpleLab;
  beforeAll(async () => {
    lab = await simpleLab({ prefix: `tkp${process.pid}` });
  });
  afterAll(() => lab.destroy());

  const v4 = (): FrameSpec => ({
    eth: { src: lab.access.mac, dst: lab.uplink.mac },
    ipv4: { src: lab.clientIp, dst: lab.hostIp },
  });
  const v6 = (): FrameSpec => ({
    eth: { src: lab.access.mac, dst: lab.uplink.mac },
    ipv6: { src: lab.clientIp6, dst: lab.hostIp6 },
  });

  it("delivers UDP of every kind, and none with a wrong checksum", async () => {
    const receiver = await lab.host.spawn(process.execPath, ["-e", RECEIVER]);
    await waitFor(() => receiver.log.toString().includes("listening"), {
      what: "the receiver",
      giveUp: () => receiver.exitError(),
    });
    const udp = { srcPort: 9001, dstPort: 9000 };
    const ipv6 = {
      src: lab.clientIp6,
      dst: lab.hostIp6,
      extensions: [{ kind: "hopByHop" }, { kind: "destination" }] as const,
    };
    await lab.client.send("eth0", [
      buildFrame({ ...v4(), udp: { ...udp, checksum: "wrong" }, payload: "wrong udp" }),
      buildFrame({ ...v4(), ipv4: { src: lab.clientIp, dst: lab.hostIp, checksum: "wrong" }, udp, payload: "wrong ip" }),
      buildFrame({ ...v6(), udp: { ...udp, checksum: "wrong" }, payload: "wrong udp over 6" }),
      buildFrame({ ...v4(), udp, payload: "plain" }),
      buildFrame({ ...v4(), udp, payload: "padded", padTo: 60 }),
      buildFrame({ ...v4(), udp: { ...udp, checksum: 0 }, payload: "without checksum" }),
      buildFrame({
        ...v4(),
        ipv4: { src: lab.clientIp, dst: lab.hostIp, options: Buffer.from([1, 1, 1, 1]) },
        udp,
        payload: "with options",
      }),
      ...buildFragments({ ...v4(), udp, payload: "in pieces, backwards" }, 8, 5).reverse(),
      buildFrame({ ...v6(), udp, payload: "over 6" }),
      buildFrame({ ...v6(), ipv6, udp, payload: "with extensions" }),
      ...buildFragments({ ...v6(), udp, payload: "six in pieces" }, [16, 8], 6),
      buildFrame({ ...v4(), udp, payload: "end" }),
    ]);
    const lines = (): string[] => receiver.log.lines();
    await waitFor(() => lines().includes("end"), { what: "the last datagram" });
    expect(lines()).toEqual([
      ...["listening", "plain", "padded", "without checksum", "with options", "in pieces, backwards"],
      ...["over 6", "with extensions", "six in pieces", "end"],
    ]);
    await receiver.kill();
  });

  it("answers pings and refuses a SYN to a closed port", async () => {
    const capture = await lab.client.capture("eth0", { filter: ({ direction }) => direction === "in" });
    const syn = { srcPort: 40_000, dstPort: 1, seq: 4_294_967_295, flags: "S" };
    await lab.client.send("eth0", [
      buildFrame({ ...v4(), icmp: { type: 8, id: 7, sequence: 1 }, payload: "ping" }),
      buildFrame({ ...v6(), icmpv6: { type: 128, id: 8, sequence: 2 }, payload: "ping6" }),
      buildFrame({ ...v4(), tcp: syn }),
      buildFrame({ ...v6(), tcp: syn }),
    ]);
    const seen = (what: string, predicate: (frame: ReturnType<typeof decodeFrame>) => boolean) =>
      capture.waitFor(({ data }) => predicate(decodeFrame(data)), 5_000, what);
    const echo = decodeFrame((await seen("an echo reply", ({ icmp }) => icmp?.type === 0)).data);
    expect(echo).toMatchObject({
      icmp: { id: 7, sequence: 1 },
      payload: Buffer.from("ping"),
      checksums: { ip: "right", transport: "right" },
    });
    const echo6 = decodeFrame((await seen("an ICMPv6 echo reply", ({ icmpv6 }) => icmpv6?.type === 129)).data);
    expect(echo6).toMatchObject({
      icmpv6: { id: 8, sequence: 2 },
      payload: Buffer.from("ping6"),
      checksums: { transport: "right" },
    });
    for (const version of ["ipv4", "ipv6"] as const) {
      const reset = decodeFrame(
        (await seen(`RST over ${version}`, (frame) => frame[version] !== undefined && frame.tcp !== undefined)).data,
      );
      expect(reset).toMatchObject({
        tcp: { srcPort: 1, dstPort: 40_000, flags: "RA", ack: 0 },
        checksums: { transport: "right" },
      });
    }
    await capture.stop();
  });
});
