import { randomBytes, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AgentStatus, BUCKETS, DEFAULT_POLICY, subjects, type AgentStats, type PolicyEvent } from "@secuxflow/contracts";
import { connectNats, JetStreamEventStore, provision, StatusBucket, type NatsLink } from "@secuxflow/nats";
import { NatsServer, simpleLab, spawnService, tempDir, waitFor, type Service, type SimpleLab, type TempDir } from "@secuxflow/testkit";
import { stringify } from "yaml";
import { requireBpfObject } from "./bpf-object.js";

const ENTRY = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** A real agent on a real interface of a namespace, with a real nats-server; the test plays the rule API. */
export class AgentHarness {
  readonly pinFolder = `/sys/fs/bpf/secuxflow-test-${process.pid}-${randomBytes(4).toString("hex")}`;
  agent: Service | undefined;
  /** The counters that the running agent published last. */
  stats: AgentStats | undefined;

  private constructor(readonly lab: SimpleLab, readonly nats: NatsServer, readonly link: NatsLink, readonly store: JetStreamEventStore, readonly files: TempDir) {}

  static async create(): Promise<AgentHarness> {
    requireBpfObject();
    const nats = await NatsServer.start();
    const lab = await simpleLab({ prefix: "sxfagent" });
    const link = connectNats({ urls: nats.url, name: "agent-test" });
    await link.connected({ timeoutMs: 5_000 });
    await provision(link);
    const harness = new AgentHarness(lab, nats, link, new JetStreamEventStore(link), await tempDir("agent"));
    link.subscribe(subjects.agentStats("agent-1"), (message) => { harness.stats = message.json(); });
    return harness;
  }

  get stateDir(): string {
    return join(this.files.path, "state");
  }

  /** Starts the agent; resolves when it says that it is ready. */
  async start(more: object = {}): Promise<Service> {
    this.stats = undefined;
    const config = join(this.files.path, "agent.yaml");
    await writeFile(config, stringify({
      agentId: "agent-1", nats: { urls: this.nats.url }, stateDir: this.stateDir,
      interfaces: [{ name: this.lab.uplink.dev, netns: this.lab.netnsPath }], bpf: { pinFolder: this.pinFolder },
      intervals: { status: "100ms", attachment: "100ms" }, sampling: { ringBytes: 1 << 20 }, ...more,
    }));
    this.agent = await spawnService({ entry: ENTRY, args: ["--config", config], name: "xdp-agent", ready: (service) => service.log.includes('"event":"ready"') });
    return this.agent;
  }

  /** Appends events as the rule API does, and returns the revision. */
  async append(...events: PolicyEvent[]): Promise<number> {
    const expectedRevision = await this.store.head(DEFAULT_POLICY);
    const { revision } = await this.store.append(DEFAULT_POLICY, { actor: "test", at: new Date().toISOString(), events }, { expectedRevision, commandId: randomUUID() });
    return revision;
  }

  /** What the agent last said of itself. */
  async status(): Promise<AgentStatus | undefined> {
    const entries = await new StatusBucket(this.link, BUCKETS.agents, AgentStatus).list();
    return entries.find((entry) => entry.key === "agent-1")?.value;
  }

  /** Waits until the agent has a revision in force. */
  async inForce(revision: number): Promise<void> {
    await waitFor(async () => ((await this.status())?.revision ?? -1) >= revision, { what: `revision ${revision} in force`, deadlineMs: 10_000, giveUp: () => this.#ended() });
  }

  async destroy(): Promise<void> {
    await this.agent?.kill();
    await this.link.drain();
    await this.lab.destroy();
    await this.nats.stop();
    await this.files.remove();
  }

  #ended(): Error | undefined {
    return this.agent?.status === undefined ? undefined : new Error(`the agent ended:\n${this.agent.log}`);
  }
}
