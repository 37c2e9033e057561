import { AgentStatus, BUCKETS, InspectorStatus, type PolicyMessage } from "@secuxflow/contracts";
import type { Stored } from "@secuxflow/event-store";
import { connectNats, JetStreamEventStore, StatusBucket, type NatsLink } from "@secuxflow/nats";
import { agentStatus, inspectorStatus, POLICY } from "./world.js";

/** An agent without a kernel: it follows the policy and reports each revision, and once in a while that it lives. */
export class FakeAgent {
  readonly seen: Stored<PolicyMessage>[] = [];
  readonly #link: NatsLink;
  readonly #bucket: StatusBucket<AgentStatus>;
  readonly #stop = new AbortController();
  readonly #beat: NodeJS.Timeout;
  readonly #running: Promise<void>;
  #revision = 0;
  /** Set, it goes on reporting but takes no new revision. */
  stuck = false;

  constructor(
    url: string,
    readonly id: string,
  ) {
    this.#link = connectNats({ urls: url, name: id });
    this.#bucket = new StatusBucket(this.#link, BUCKETS.agents, AgentStatus);
    this.#beat = setInterval(() => void this.#report(), 500);
    this.#running = new JetStreamEventStore(this.#link).follow(POLICY, {
      after: 0,
      onMessage: (stored) => {
        this.seen.push(stored);
        if (this.stuck) return;
        this.#revision = stored.revision;
        void this.#report();
      },
      onUnreadable: () => undefined,
      onCaughtUp: () => void this.#report(),
      signal: this.#stop.signal,
    });
  }

  /** Ids of the rules that were added, in the order of the stream. */
  get ruleIds(): number[] {
    return this.seen
      .flatMap(({ message }) => message.events)
      .flatMap((event) => (event.type === "rule.added" ? [event.data.rule.id] : []));
  }

  async #report(): Promise<void> {
    await this.#bucket.put(this.id, agentStatus(this.id, this.#revision)).catch(() => undefined); // NATS is away: the next time
  }

  /** Falls silent without a word, as a crash does. */
  async crash(): Promise<void> {
    clearInterval(this.#beat);
    this.#stop.abort();
    await this.#running;
    await this.#link.drain();
  }
}

/** Announces modules as an inspector does. Call it again to stay live. */
export async function announce(link: NatsLink, id: string, modules: Parameters<typeof inspectorStatus>[1]): Promise<void> {
  await new StatusBucket(link, BUCKETS.inspectors, InspectorStatus).put(id, inspectorStatus(id, modules));
}
