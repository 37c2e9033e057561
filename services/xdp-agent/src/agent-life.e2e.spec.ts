import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { policyState, type PolicyEvent } from "@secuxflow/contracts";
import { buildFrame, needs, waitFor, type Capture } from "@secuxflow/testkit";
import { queryXdp } from "libbpf-ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BpfKernel } from "./dataplane/adapters/bpf-kernel.js";
import { openPinnedObject, removePinFolder, type PinnedObject } from "./dataplane/adapters/pinned-object.js";
import { DataPlane } from "./dataplane/application/data-plane.js";
import { LAYOUT_VERSION } from "./dataplane/domain/layout.js";
import { AgentHarness } from "./testing/agent-harness.js";
import { BPF_OBJECT } from "./testing/bpf-object.js";
import { FakeCompiler } from "./testing/fake-compiler.js";
import { rule } from "./testing/policies.js";

const KILLS = Number(process.env.SECUXFLOW_KILLS ?? 5);
const CLOSED_PORT = 9;

const added = (id: number, more = {}): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id, more) } });

/** Traffic that never pauses: pings that must be dropped, and connection attempts that must be answered (by a reset). */
class Traffic {
  sent = 0;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(readonly harness: AgentHarness, readonly answers: Capture) {}

  start(): void {
    this.#running = this.#run();
    this.#running.catch(() => undefined); // told by `stop`
  }

  /** Every attempt was answered, and no ping. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    const resets = new Set<number>();
    await waitFor(() => {
      resets.clear();
      for (const { data } of this.answers.frames) if (data[23] === 6) resets.add(data.readUInt16BE(36));
      return resets.size === Math.min(this.sent, 50_000);
    }, { what: "an answer to each attempt", deadlineMs: 20_000 });
    expect(this.answers.frames.filter(({ data }) => data[23] === 1)).toEqual([]);
    expect(this.sent).toBeGreaterThan(0);
  }

  async #run(): Promise<void> {
    const { access, uplink, clientIp, hostIp, client } = this.harness.lab;
    const eth = { src: access.mac, dst: uplink.mac };
    const ipv4 = { src: clientIp, dst: hostIp };
    while (!this.#stopped) {
      const frames = Array.from({ length: 20 }, (_, i) => [
        buildFrame({ eth, ipv4, icmp: { type: 8, id: 77, sequence: (this.sent + i) & 0xffff }, payload: "ping" }),
        buildFrame({ eth, ipv4, tcp: { srcPort: 10_000 + ((this.sent + i) % 50_000), dstPort: CLOSED_PORT, flags: "S" } }),
      ]).flat();
      await client.send("eth0", frames, { pps: 2_000 });
      this.sent += 20;
    }
  }
}

needs(describe, "kernel", "nats")("the agent's life under traffic", () => {
  let harness: AgentHarness;
  let traffic: Traffic;
  let answers: Capture;

  beforeEach(async () => {
    harness = await AgentHarness.create();
    const { hostIp } = harness.lab;
    const from = Buffer.from(hostIp.split(".").map(Number));
    // Resets and echo replies of the host.
    answers = await harness.lab.client.capture("eth0", {
      filter: ({ data }) => data.length > 40 && data.subarray(26, 30).equals(from) && ((data[23] === 6 && ((data[47] ?? 0) & 4) !== 0) || (data[23] === 1 && data[34] === 0)),
    });
    traffic = new Traffic(harness, answers);
  });
  afterEach(async () => {
    await answers.stop();
    await harness.destroy();
    removePinFolder(harness.pinFolder);
  });

  const attachedProgram = (): number => queryXdp(harness.lab.uplink.dev, { netns: harness.lab.netnsPath }).programId;
  const blockPings = (id: number): PolicyEvent => added(id, { src: harness.lab.clientIp, proto: "icmp", priority: 1 });
  const many = (from: number, count: number): PolicyEvent =>
    ({ type: "rules.added", version: 1, data: { rules: Array.from({ length: count }, (_, i) => rule(from + i, { src: `192.0.2.${i % 250}`, proto: "udp", port: 1 + i })) } });

  it(`gives no wrong verdict while it is killed ${KILLS} times amid changes`, async () => {
    await harness.start();
    await harness.inForce(await harness.append(blockPings(1), many(10, 300)));
    traffic.start();
    let blocking = 1;
    let next = 1_000;
    for (let kill = 0; kill < KILLS; kill++) {
      // The rule that blocks goes in the same step as one that takes its place; and images are made anew.
      const revision = await harness.append({ type: "rule.deleted", version: 1, data: { id: blocking } }, blockPings(next), many(next + 1, 280));
      blocking = next;
      next += 1_000;
      if (kill % 2 === 0) await harness.inForce(revision);
      await harness.agent?.kill();
      await harness.start();
      await harness.inForce(revision);
    }
    await traffic.stop();
    await waitFor(async () => (await harness.status())?.rules === 301 + KILLS * 280, { what: "all rules to be in force" });
    expect((await harness.status())?.problems).toEqual([]);
  }, 120_000 + KILLS * 30_000);

  describe("after an agent of another layout", () => {
    let earlier: PinnedObject | undefined;
    let earlierFolder: string;
    const ownFolder = `/sys/fs/bpf/secuxflow-earlier-${process.pid}-${randomBytes(4).toString("hex")}`;

    /** What an agent of an earlier version leaves: its program on the interface with its own maps, the link pinned in a folder of its layout. */
    const leaveEarlierAgent = async (): Promise<number> => {
      const { lab } = harness;
      earlier = openPinnedObject({ objectPath: BPF_OBJECT, pinFolder: ownFolder, ringBytes: 1 << 20, imageBytes: 1 << 20, setBytes: 1 << 20 });
      const plane = new DataPlane({ kernel: new BpfKernel(earlier.maps), compiler: new FakeCompiler() });
      await plane.apply({ revision: 1, state: policyState({ rules: [rule(1, { src: lab.clientIp, proto: "icmp" })] }), touched: "all" });
      const link = earlier.object.program("secuxflow").attachXdp(lab.uplink.dev, { netns: lab.netnsPath });
      earlierFolder = join(harness.pinFolder, `layout-${LAYOUT_VERSION - 1}`);
      await mkdir(earlierFolder, { recursive: true });
      link.pin(join(earlierFolder, `link-${createHash("sha256").update(`${lab.netnsPath}\0${lab.uplink.dev}`).digest("hex").slice(0, 16)}`));
      earlier.maps.control.pin(join(earlierFolder, "control"));
      link.close();
      return attachedProgram();
    };
    afterEach(() => {
      earlier?.object.close();
      removePinFolder(ownFolder);
    });

    it("takes its filter over with the kept policy, also of the earlier form, and leaves nothing of it behind", async () => {
      const program = await leaveEarlierAgent();
      const revision = await harness.append(blockPings(1));
      const body = JSON.stringify({
        format: 1, policy: "default", revision, nextRuleId: 2, nextForwardId: 1, rules: [rule(1, { src: harness.lab.clientIp, proto: "icmp" })], forwards: [], modules: [],
      });
      await mkdir(harness.stateDir, { recursive: true });
      await writeFile(join(harness.stateDir, "default.last-good"), `${createHash("sha256").update(body).digest("hex")}\n${body}\n`);
      traffic.start();
      await harness.start();
      await harness.inForce(revision);
      expect(attachedProgram()).not.toBe(program);
      expect(existsSync(earlierFolder)).toBe(false);
      await traffic.stop();
      expect((await harness.status())?.state).toBe("ok");
    });

    it("leaves its filter in place until the policy arrives, where none was kept", async () => {
      const program = await leaveEarlierAgent();
      const revision = await harness.append(blockPings(1));
      await harness.nats.pause();
      traffic.start();
      await harness.start();
      await waitFor(() => harness.agent?.log.includes("goes on as it was"), { what: "the agent to say that it waits" });
      expect(attachedProgram()).toBe(program);
      await harness.nats.restart();
      await harness.link.connected({ timeoutMs: 10_000 });
      await harness.inForce(revision);
      await waitFor(() => attachedProgram() !== program, { what: "the filter to be taken over" });
      expect(existsSync(earlierFolder)).toBe(false);
      await traffic.stop();
    });
  });
});
