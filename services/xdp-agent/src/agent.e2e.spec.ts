import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_POOL, FRAME_PARTITIONS, type PolicyEvent } from "@secuxflow/contracts";
import { BatchReader } from "@secuxflow/inspect-abi";
import { FrameSubscriber } from "@secuxflow/nats";
import { buildFrame, needs, waitFor, type Capture } from "@secuxflow/testkit";
import { BpfLink, BpfObject, queryXdp } from "libbpf-ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removePinFolder } from "./dataplane/adapters/pinned-object.js";
import { LAYOUT_VERSION } from "./dataplane/domain/layout.js";
import { BPF_OBJECT } from "./testing/bpf-object.js";
import { AgentHarness } from "./testing/agent-harness.js";
import { forward, rule } from "./testing/policies.js";

const added = (id: number, more = {}): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id, more) } });

needs(describe, "kernel", "nats")("xdp-agent on a real interface", () => {
  let harness: AgentHarness;
  let answers: Capture;
  let sequence = 0;

  beforeEach(async () => {
    harness = await AgentHarness.create();
    answers = await harness.lab.client.capture("eth0", { filter: ({ data }) => data[23] === 1 });
  });
  afterEach(async () => {
    await answers.stop();
    await harness.destroy();
    removePinFolder(harness.pinFolder);
  });

  /** Sends one ping from the client; the host's kernel answers what the filter lets through. */
  const ping = async (): Promise<number> => {
    const number = ++sequence;
    const { lab } = harness;
    await lab.client.send("eth0", [buildFrame({
      eth: { src: lab.access.mac, dst: lab.uplink.mac }, ipv4: { src: lab.clientIp, dst: lab.hostIp }, icmp: { type: 8, id: 77, sequence: number }, payload: "ping",
    })]);
    return number;
  };
  const answered = (number: number): boolean => answers.frames.some(({ data }) => data[34] === 0 && data.readUInt16BE(40) === number);
  const isAnswered = async (): Promise<void> => {
    const number = await ping();
    await waitFor(() => answered(number), { what: `ping ${number} to be answered`, deadlineMs: 5_000 });
  };
  /** A ping that the filter drops: the kernel counted it, and no answer came. */
  const isDropped = async (): Promise<void> => {
    const drops = (): number => harness.stats?.verdicts.drop.packets ?? 0;
    await waitFor(() => harness.stats !== undefined, { what: "counters of the agent" });
    const before = drops();
    const number = await ping();
    await waitFor(() => drops() > before, { what: `ping ${number} to be counted as dropped`, deadlineMs: 5_000 });
    expect(answered(number)).toBe(false);
  };
  const attachedProgram = (): number => queryXdp(harness.lab.uplink.dev, { netns: harness.lab.netnsPath }).programId;

  it("puts rules in force, takes them out, and counts on them", async () => {
    await harness.start();
    await isAnswered();
    await harness.inForce(await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" })));
    await isDropped();
    expect(harness.stats?.rules).toMatchObject([{ id: 1, packets: 1 }]);
    await harness.inForce(await harness.append({ type: "rule.deleted", version: 1, data: { id: 1 } }));
    await isAnswered();
  });

  it("goes on filtering when it is killed, and takes over without a gap", async () => {
    await harness.start();
    await harness.inForce(await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" })));
    const program = attachedProgram();
    await harness.agent?.kill();
    expect(attachedProgram()).toBe(program);
    const whileDead = await ping();
    const revision = await harness.append(added(2, { src: "192.0.2.1" }));
    await harness.start();
    await harness.inForce(revision);
    expect(attachedProgram()).not.toBe(program);
    await isDropped();
    expect(answered(whileDead)).toBe(false);
    expect(harness.stats?.rules.find((one) => one.id === 1)?.packets).toBe(2);
    expect((await harness.status())?.rules).toBe(2);
  });

  it("starts with the last good policy where NATS is away and the kernel maps are gone, as after a reboot", async () => {
    await harness.start();
    await harness.inForce(await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" })));
    await waitFor(() => existsSync(join(harness.stateDir, "default.last-good")), { what: "the policy to be kept" });
    await harness.agent?.stop();
    await harness.nats.pause();
    BpfLink.fromPin(linkPin()).detach();
    removePinFolder(harness.pinFolder);
    await isAnswered();
    await harness.start();
    expect(attachedProgram()).not.toBe(0);
    const number = await ping();
    await harness.nats.restart();
    await harness.link.connected({ timeoutMs: 10_000 });
    await waitFor(() => harness.stats?.verdicts.drop.packets === 1, { what: "the ping without NATS to be counted as dropped", deadlineMs: 10_000 });
    expect(answered(number)).toBe(false);
    await harness.inForce(await harness.append({ type: "rule.deleted", version: 1, data: { id: 1 } }));
    await isAnswered();
  });

  const linkPin = (): string => {
    const folder = join(harness.pinFolder, `layout-${LAYOUT_VERSION}`);
    const name = readdirSync(folder).find((entry) => entry.startsWith("link-"));
    if (name === undefined) throw new Error("no link is pinned");
    return join(folder, name);
  };

  it("never loads a damaged last good policy, says so, and recovers from the stream", async () => {
    await harness.start();
    const revision = await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" }));
    await harness.inForce(revision);
    await harness.agent?.stop();
    const file = join(harness.stateDir, "default.last-good");
    await writeFile(file, (await readFile(file, "utf8")).replace("icmp", "tcp!"));
    await harness.start();
    await waitFor(() => harness.agent?.log.includes("damaged"), { what: "the damage to be reported" });
    await harness.inForce(revision);
    await isDropped();
    // Written anew, it is no longer reported.
    await waitFor(async () => (await harness.status())?.state === "ok", { what: "the problem to be over" });
  });

  it("puts the filter back where somebody detached it", async () => {
    await harness.start();
    await harness.inForce(await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" })));
    BpfLink.fromPin(linkPin()).detach();
    await waitFor(() => attachedProgram() !== 0, { what: "the filter to be attached again", deadlineMs: 5_000 });
    await isDropped();
  });

  it("does not push out another program, reports it, and takes over when it is gone", async () => {
    const { lab } = harness;
    const object = BpfObject.open(BPF_OBJECT).setAutoload("secuxflow", false).load();
    const link = object.program("secuxflow_passthrough").attachXdp(lab.uplink.dev, { netns: lab.netnsPath });
    await harness.start();
    await waitFor(async () => (await harness.status())?.problems.some((problem) => problem.includes("another XDP program")), { what: "the other program to be reported" });
    expect(attachedProgram()).toBe(object.program("secuxflow_passthrough").id);
    link.detach();
    object.close();
    await waitFor(async () => (await harness.status())?.state === "ok", { what: "the agent to take over", deadlineMs: 5_000 });
    expect((await harness.status())?.interfaces[0]?.mode).toBe("native");
  });

  it("sends copies of forwarded packets to NATS, and only of those that pass", async () => {
    const packets: string[] = [];
    const subscriber = new FrameSubscriber(harness.link);
    for (let partition = 0; partition < FRAME_PARTITIONS; partition++) {
      subscriber.subscribe(DEFAULT_POOL, partition, (bytes) => {
        const reader = new BatchReader(bytes);
        for (let i = 0; i < reader.count; i++) packets.push(Buffer.from(reader.data(i)).toString("latin1"));
      });
    }
    await harness.start();
    await harness.inForce(await harness.append(
      { type: "module.registered", version: 1, data: { module: { name: "ips", version: "1", digest: `sha256:${"0".repeat(64)}`, title: "ips", bit: 3 } } },
      { type: "forward.added", version: 1, data: { forward: forward(1, { dst: harness.lab.hostIp, proto: "icmp" }) } },
    ));
    await isAnswered();
    await waitFor(() => packets.length > 0, { what: "a copy to arrive" });
    expect(packets[0]).toContain("ping");
    await harness.inForce(await harness.append(added(1, { src: harness.lab.clientIp, proto: "icmp" })));
    const before = packets.length;
    await isDropped();
    expect(packets.length).toBe(before);
  });

  it("leaves nothing behind where it is told to detach on exit", async () => {
    await harness.start({ bpf: { pinFolder: harness.pinFolder, onExit: "detach" } });
    expect(attachedProgram()).not.toBe(0);
    expect((await harness.agent?.stop())?.code).toBe(0);
    expect(attachedProgram()).toBe(0);
    expect(existsSync(harness.pinFolder)).toBe(false);
    expect(await harness.status()).toBeUndefined();
  });

  it("waits for an interface that is not there and says so", async () => {
    await harness.start({ interfaces: [{ name: "later0", netns: harness.lab.netnsPath }] });
    await waitFor(async () => (await harness.status())?.problems.some((problem) => problem.includes("later0")), { what: "the missing interface to be reported" });
    await harness.lab.host.ip("link", "add", "later0", "type", "veth", "peer", "name", "later1");
    await waitFor(async () => (await harness.status())?.interfaces[0]?.mode === "native", { what: "the interface to be filtered", deadlineMs: 5_000 });
  });
});
