import { serviceFrom, ServiceSpec } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removePinFolder } from "../dataplane/adapters/pinned-object.js";
import { AgentHarness } from "../testing/agent-harness.js";
import { rule } from "../testing/policies.js";
import { TcpClient, TcpServer } from "./testing/tcp-peers.js";

needs(describe, "kernel", "nats")("xdp-agent with services", () => {
  let harness: AgentHarness;

  beforeEach(async () => {
    harness = await AgentHarness.create();
  });
  afterEach(async () => {
    await harness.destroy();
    removePinFolder(harness.pinFolder);
  });

  it("serves a policy's services, redirects what a rule says, and goes on over a restart", async () => {
    const { lab, client, host, netnsPath } = harness.lab;
    const web = await lab.ns("web");
    await lab.link({ a: { ns: host, dev: "web0", addresses: ["10.9.0.1/24"] }, b: { ns: web, dev: "eth0", addresses: ["10.9.0.2/24"] }, gro: false });
    await web.route("default", { via: "10.9.0.1" });
    await client.route("default", { via: harness.lab.hostIp });
    await host.sysctl("net/ipv4/ip_forward", 1);
    await TcpServer.start(web, "web", "0.0.0.0", 80);
    const settings = { services: { netns: netnsPath, interval: "100ms" } };
    await harness.start(settings);
    const service = serviceFrom(ServiceSpec.parse({ name: "web", address: "10.9.0.2", port: 80, proto: "tcp", netns: web.netns }), new Date().toISOString());
    await harness.inForce(await harness.append(
      { type: "service.added", version: 1, data: { service } },
      { type: "rule.added", version: 1, data: { rule: rule(1, { dst: "198.51.100.4", port: 443, proto: "tcp", action: "redirect", service: "web" }) } },
    ));
    const standing = async () => (await harness.status())?.services?.[0];
    const isServed = (): Promise<unknown> => waitFor(async () => (await standing())?.state === "ok", { what: "the service to be served", deadlineMs: 20_000 });
    await isServed();
    const peer = await TcpClient.start(client);
    expect(await peer.open(1, "10.9.0.2", 80)).toBe("web");
    expect(await peer.open(2, "198.51.100.4", 443)).toBe("web");
    await waitFor(async () => ((await standing())?.returned.packets ?? 0) > 0 && ((await standing())?.redirected.packets ?? 0) > 0, { what: "the service's counters" });
    await harness.agent?.kill();
    expect(await peer.send(1, "alone")).toBe("web:alone");
    await harness.start(settings);
    await isServed();
    for (const id of [1, 2]) expect(await peer.send(id, "back")).toBe("web:back");
    expect(await peer.open(3, "198.51.100.4", 443)).toBe("web");
  });
});
