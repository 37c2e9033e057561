import type { Detection } from "@secuxflow/contracts";
import { NatsServer } from "@secuxflow/testkit";
import { connectNats, type NatsLink } from "../connection/link.js";
import type { NatsLog } from "../connection/log.js";
import type { ConnectNatsOptions } from "../connection/options.js";
import { provision } from "../jetstream/provision.js";

/** A log that keeps what it is told. */
export function recordingLog(): { readonly log: NatsLog; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, text: string) =>
    void lines.push(
      `${level} ${text} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.message : value))}`,
    );
  return { lines, log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") } };
}

/** A nats-server and links to it, all gone after `close`. */
export class Stage {
  readonly #links: NatsLink[] = [];

  private constructor(readonly server: NatsServer) {}

  static async open(
    options: { readonly provisioned?: boolean; readonly server?: Parameters<typeof NatsServer.start>[0] } = {},
  ): Promise<Stage> {
    const stage = new Stage(await NatsServer.start(options.server));
    if (options.provisioned ?? true) await provision(stage.link(), { timeoutMs: 10_000 });
    return stage;
  }

  link(options: Partial<ConnectNatsOptions> = {}): NatsLink {
    const link = connectNats({ urls: this.server.url, name: "test", reconnectWaitMs: 50, ...options });
    this.#links.push(link);
    return link;
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.drain(500)));
    await this.server.stop();
  }
}

export const detection = (id: string): Detection => ({
  id,
  time: "2026-01-01T00:00:00.000Z",
  policy: "default",
  inspector: "i1",
  module: { name: "ips", version: "1", digest: "sha256:0" },
  rule: { id: 1, name: "test", category: "test" },
  severity: 2,
  confidence: 90,
  verdictHint: "alert",
  flowId: "0123456789abcdef",
  flow: { src: "10.0.0.1", dst: "10.0.0.2", sport: 1, dport: 2, proto: "tcp" },
  direction: "to_server",
  ifindex: 1,
  vlan: 0,
  forwardId: 1,
  attributes: {},
});
