import { buildFrame, needs, simpleLab, type SimpleLab } from "@secuxflow/testkit";
import { NO_PROTECTION } from "@secuxflow/contracts";
import type { BpfLink } from "libbpf-ts";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, encodeProtection } from "./domain/protection.js";
import { limitCost } from "./domain/rate.js";
import { attempt, listen } from "./testing/sockets.js";
import { TestProgram } from "./testing/test-program.js";

needs(describe, "kernel")("the first line of defence on a wire", () => {
  let program: TestProgram;
  let lab: SimpleLab;
  let link: BpfLink;

  beforeAll(async () => {
    program = new TestProgram();
    lab = await simpleLab({ prefix: "sxfwire" });
    await program.maps.setProtection(encodeProtection(NO_PROTECTION, DEFAULT_SETTINGS));
    link = program.object.program("let_pass").attachXdp(lab.uplink.dev, { netns: lab.netnsPath, mode: "native" });
    // The peer's program keeps its NAPI on: XDP_TX ends at a veth peer without.
    const peer = program.object.program("let_pass").attachXdp(lab.access.dev, { netns: lab.client.path, mode: "native" });
    // Neighbour discovery has no ports: the program that rejects low ones would reject it, too.
    await lab.client.neigh(lab.access.dev, lab.hostIp6, lab.uplink.mac);
    await lab.host.neigh(lab.uplink.dev, lab.clientIp6, lab.access.mac);
    await listen(lab.host, { port: 80 });
    return async () => {
      link.close();
      peer.close();
      program.close();
      await lab.destroy();
    };
  }, 60_000);
  const filter = (name: string): void => {
    link = program.object.program(name).attachXdp(lab.uplink.dev, { netns: lab.netnsPath, replaceLink: link });
  };

  it.each(["off", "on"])("tells real clients that they are rejected (checksums by the sender's hardware: %s)", async (offload) => {
    await lab.client.exec("ethtool", ["-K", lab.access.dev, "tx", offload]);
    for (const host of [lab.hostIp, lab.hostIp6]) {
      filter("let_pass");
      expect(await attempt(lab.client, "tcp", { host, port: 80 })).toBe("connected");
      filter("reject_low_ports");
      program.setRule({});
      expect(await attempt(lab.client, "tcp", { host, port: 80 })).toBe("ECONNREFUSED");
      expect(await attempt(lab.client, "udp", { host, port: 53 })).toBe("ECONNREFUSED");
      program.setRule({ unreachable: true });
      expect(await attempt(lab.client, "tcp", { host, port: 80 })).toBe("ECONNREFUSED");
    }
    expect(program.count("overRate")).toBe(0);
  }, 60_000);

  it("holds a limit to the packet", async () => {
    filter("limit_rule");
    program.now = 5_000_000_000_000n;
    program.setRule({ slot: 3, cost: limitCost({ rate: 1_000, unit: "packets", burst: 700 }) });
    const before = program.object.getGlobalInteger("passed");
    const frame = buildFrame({ eth: { dst: lab.uplink.mac }, ipv4: { src: lab.clientIp, dst: lab.hostIp }, udp: { srcPort: 5, dstPort: 9 } });
    const seen = await lab.host.capture(lab.uplink.dev);
    const end = buildFrame({ eth: { dst: lab.uplink.mac }, payload: "the end" }); // no IP: always passes
    await lab.client.send(lab.access.dev, [frame], { repeat: 2_000 });
    await lab.client.send(lab.access.dev, [end]);
    await seen.waitFor((one) => one.data.equals(end), 10_000, "the last frame");
    await seen.stop();
    expect(seen.frames.filter((one) => one.data.equals(frame))).toHaveLength(700);
    expect(program.object.getGlobalInteger("passed") - before).toBe(700n);
  });
});
