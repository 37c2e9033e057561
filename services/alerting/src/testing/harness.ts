import { STREAMS, subjects, type AlertingStatus, type Detection, type FlowReport } from "@secuxflow/contracts";
import {
  connectNats,
  consumerBacklog,
  DetectionPublisher,
  FlowReportPublisher,
  provision,
  rpcCall,
  type NatsLink,
} from "@secuxflow/nats";
import { NatsServer, spawnService, tempDir, waitFor, type Service, type TempDir } from "@secuxflow/testkit";
import { fileURLToPath } from "node:url";

/** A nats-server, a data folder, and a client that publishes and asks: all that a running alerting service meets. */
export class Harness {
  private constructor(
    readonly server: NatsServer,
    readonly dir: TempDir,
    readonly link: NatsLink,
    readonly detections: DetectionPublisher,
    readonly flows: FlowReportPublisher,
  ) {}

  static async start(): Promise<Harness> {
    const server = await NatsServer.start();
    const dir = await tempDir("alerting");
    const link = connectNats({ urls: server.url, name: "test" });
    await provision(link, { timeoutMs: 10_000 });
    return new Harness(
      server,
      dir,
      link,
      new DetectionPublisher(link, { maxPending: 20_000 }),
      new FlowReportPublisher(link, "test"),
    );
  }

  /** The service as a process of its own. */
  spawn(env: Record<string, string> = {}): Promise<Service> {
    return spawnService({
      entry: fileURLToPath(new URL("../../dist/main.js", import.meta.url)),
      name: "alerting",
      cwd: this.dir.path,
      env: {
        SECUXFLOW_NATS_URLS: this.server.url,
        SECUXFLOW_CLICKHOUSE_DATA_DIR: `${this.dir.path}/db`,
        SECUXFLOW_INGEST_ACK_WAIT: "1s",
        SECUXFLOW_OPS_PORT: "0",
        ...env,
      },
      ready: (service) => service.log.includes('"event":"ready"'),
      readyDeadlineMs: 30_000,
    });
  }

  async publish(detections: readonly Detection[]): Promise<void> {
    for (const detection of detections) if (!this.detections.publish(detection)) throw new Error("the publisher's queue is full");
    await waitFor(() => this.detections.counts().pending === 0, { what: "the detections to be published", deadlineMs: 30_000 });
  }

  async report(report: FlowReport): Promise<void> {
    this.flows.publish(report);
    await waitFor(() => this.flows.counts().pending === 0, { what: "the flow report to be published" });
  }

  /** Publishes bytes that are no detection, on a detection subject. */
  async publishRaw(bytes: Uint8Array): Promise<void> {
    await this.link.jetstream("publishing").publish(subjects.detections("broken"), bytes);
  }

  status(): Promise<AlertingStatus> {
    return rpcCall(this.link, "status", {});
  }

  /** Waits until nothing is left in the stream, and storage answers. */
  async settled(detections: number): Promise<AlertingStatus> {
    return waitFor(
      async () => {
        if ((await consumerBacklog(this.link, STREAMS.detections, "alerting-detections")) > 0) return undefined;
        const status = await this.status();
        return status.storageOk && status.pending === 0 && status.detections >= detections ? status : undefined;
      },
      { what: `${detections} detections to be stored`, deadlineMs: 45_000, intervalMs: 50 },
    );
  }

  async stop(): Promise<void> {
    await this.link.drain();
    await this.server.stop();
    await this.dir.remove();
  }
}
