import { BUCKETS, FramePositions, InspectorStats, InspectorStatus, STREAMS, subjects, Detection, FlowReport,
  type ModuleBinding } from "@secuxflow/contracts";
import {
  connectNats, consume, FramePublisher, JetStreamEventStore, provision, StatusBucket, subscribeJson, type NatsLink,
} from "@secuxflow/nats";
import { NatsServer, repoRoot, spawnService, tempDir, waitFor, type Service, type TempDir } from "@secuxflow/testkit";
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TestPublisher } from "./frames.js";
import { RuleApiProcess } from "./rule-api.js";

interface StartOptions {
  readonly id: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A nats-server, a folder of modules, and inspectors in processes of their own. Everything is gone after `close`. */
export class InspectorStage {
  readonly detections: Detection[] = [];
  readonly flows: FlowReport["flows"][number][] = [];
  readonly stats = new Map<string, InspectorStats>();
  /** How far inspectors said that they have come: the next sequence number by inspector and partition. */
  readonly positions = new Map<string, bigint>();
  readonly publisher = new TestPublisher();
  readonly #services: Service[] = [];
  readonly #stopping = new AbortController();
  readonly #status: StatusBucket<InspectorStatus>;
  readonly #store: JetStreamEventStore;
  readonly #frames: FramePublisher;
  #revision = 0;

  private constructor(readonly nats: NatsServer, readonly link: NatsLink, readonly modules: TempDir) {
    this.#status = new StatusBucket(link, BUCKETS.inspectors, InspectorStatus);
    this.#store = new JetStreamEventStore(link);
    this.#frames = new FramePublisher(link);
  }

  /** @param modules wasm binaries by file name */
  static async open(modules: Readonly<Record<string, Uint8Array>>): Promise<InspectorStage> {
    const nats = await NatsServer.start();
    const link = connectNats({ urls: nats.url, name: "inspector-test", reconnectWaitMs: 50 });
    const stage = new InspectorStage(nats, link, await tempDir("inspector"));
    await provision(link, { timeoutMs: 10_000 });
    for (const [name, wasm] of Object.entries(modules)) await stage.putModule(name, wasm);
    stage.#listen();
    return stage;
  }

  async putModule(file: string, wasm: Uint8Array): Promise<void> {
    await writeFile(join(this.modules.path, file), wasm);
  }

  /** Registers modules in the policy, as the rule API would. */
  async register(...modules: { name: string; bit: number; digest?: string; version?: string }[]): Promise<void> {
    const bindings = modules.map(({ name, bit, digest, version }): ModuleBinding => ({
      name, bit, title: name, version: version ?? "1.0.0", digest: digest ?? `sha256:${"0".repeat(64)}`,
    }));
    const events = bindings.map((module) => ({ type: "module.registered" as const, version: 1 as const, data: { module } }));
    const message = { actor: "system:test", at: new Date().toISOString(), events };
    const { revision } = await this.#store.append("default", message,
      { expectedRevision: this.#revision, commandId: randomUUID() });
    this.#revision = revision;
  }

  /** Starts an inspector from the built package. */
  async inspector({ id, env = {} }: StartOptions): Promise<Service> {
    const service = await spawnService({
      entry: join(repoRoot(), "services/inspector/dist/main.js"),
      name: `inspector ${id}`,
      env: {
        SECUXFLOW_INSTANCE: id, SECUXFLOW_NATS_URLS: this.nats.url, SECUXFLOW_MODULES_DIR: this.modules.path,
        SECUXFLOW_STATS_INTERVAL: "100ms",
        SECUXFLOW_MODULES_RESCAN: "100ms", SECUXFLOW_LOG_FORMAT: "text", ...env,
      },
      ready: ({ log }) => log.includes("\"event\":\"ready\""),
    });
    this.#services.push(service);
    return service;
  }

  /** Starts a rule-api from the built package. */
  async ruleApi(): Promise<RuleApiProcess> {
    const api = await RuleApiProcess.start(this.nats.url);
    this.#services.push(api.process);
    return api;
  }

  async statusOf(id: string): Promise<InspectorStatus | undefined> {
    return (await this.#status.list()).find(({ key }) => key === id)?.value;
  }

  /** Waits until the inspector's status passes. */
  async until(id: string, what: string, condition: (status: InspectorStatus) => boolean,
    deadlineMs = 20_000): Promise<InspectorStatus> {
    return waitFor(async () => {
      const status = await this.statusOf(id);
      return status !== undefined && condition(status) ? status : undefined;
    }, { what: `inspector ${id}: ${what}`, deadlineMs, intervalMs: 25 });
  }

  /** Waits until an inspector owns all partitions and runs these modules. */
  async untilRunning(id: string, ...names: string[]): Promise<InspectorStatus> {
    return this.until(id, `64 partitions and modules ${names.join()} running`, ({ partitions, modules }) =>
      partitions.length === 64 && names.every((name) =>
        modules.some((module) => module.name === name && module.state === "running")));
  }

  /** Sends packets through the frames subject of their partition. */
  async send(packets: readonly Uint8Array[], modules: number, direction?: number): Promise<number[]> {
    const frames = this.publisher.frames(packets, { modules, ...(direction !== undefined && { direction }) });
    for (const { partition, frame } of frames) this.sendRaw(partition, frame);
    return Promise.resolve(frames.map(({ partition }) => partition));
  }

  sendRaw(partition: number, frame: Uint8Array): void {
    if (!this.#frames.publish("default", partition, frame)) throw new Error("the frame was not sent");
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#services.map((service) => service.kill()));
    await this.link.drain(500);
    await this.nats.stop();
    await this.modules.remove();
  }

  #listen(): void {
    subscribeJson(this.link, subjects.allInspectorStats, InspectorStats,
      (stats) => void this.stats.set(stats.inspectorId, stats));
    subscribeJson(this.link, subjects.framePositions("default"), FramePositions, ({ inspectorId, positions }) => {
      for (const { partition, next } of positions) this.positions.set(`${inspectorId} ${partition}`, BigInt(next));
    });
    const { signal } = this.#stopping;
    const read = (stream: string, filter: string, take: (body: unknown) => void): void => {
      void consume(this.link, stream, {
        durable: `test-${randomUUID()}`, filter, batch: 100, maxWaitMs: 100, ackWaitMs: 30_000, signal,
        onBatch: (messages) => {
          for (const message of messages) {
            message.ack();
            take(JSON.parse(new TextDecoder().decode(message.data)));
          }
        },
      });
    };
    read(STREAMS.detections, subjects.allDetections, (body) => this.detections.push(Detection.parse(body)));
    read(STREAMS.flows, subjects.allFlows, (body) => this.flows.push(...FlowReport.parse(body).flows));
  }
}

/** A module as `node wasm/build.mjs` made it, or undefined where it was not built. */
export function builtModule(name: string): { wasm: Uint8Array; digest: string; version: string } | undefined {
  try {
    const wasm = readFileSync(join(repoRoot(), `wasm/dist/${name}.wasm`));
    return { wasm, digest: `sha256:${createHash("sha256").update(wasm).digest("hex")}`, version: "0.1.0" };
  } catch {
    return undefined;
  }
}

