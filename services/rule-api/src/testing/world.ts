import {
  emptyPolicy,
  RuleSpec,
  type AgentStatus,
  type InspectorStatus,
  type PolicyMessage,
  type RuleSpecInput,
} from "@secuxflow/contracts";
import { InMemoryEventStore, type EventStore } from "@secuxflow/event-store";
import type { Clock } from "../clock.js";
import { InspectorWatch } from "../modules/application/inspector-watch.js";
import { ModuleCommands } from "../modules/application/module-commands.js";
import { EnforcementWatch } from "../policy/application/enforcement.js";
import { NamedThings } from "../policy/application/named-things.js";
import { PolicyReader } from "../policy/application/policy-reader.js";
import { PolicyService, type CommandContext, type CommandMetrics } from "../policy/application/policy-service.js";
import { LOOPBACK_ONLY } from "../policy/domain/testing.js";
import { LiveRegistry } from "../telemetry/application/live-registry.js";

export const POLICY = "default";
export const silent = { warn: () => undefined, error: () => undefined };

/** A clock that can be put forward. */
export class TestClock implements Clock {
  #aheadMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  monotonicMs(): number {
    return performance.now() + this.#aheadMs;
  }

  forward(ms: number): void {
    this.#aheadMs += ms;
  }
}

export const agentStatus = (agentId: string, revision = 0, more: Partial<AgentStatus> = {}): AgentStatus => ({
  agentId,
  policy: POLICY,
  host: "host",
  version: "0.1.0",
  pid: 1,
  startedAt: "2026-01-01T00:00:00Z",
  at: "2026-01-01T00:00:00Z",
  revision,
  state: "ok",
  problems: [],
  interfaces: [],
  rules: 0,
  forwards: 0,
  kernel: "6.18",
  capacity: { rules: 131_072, forwards: 64 },
  ...more,
});

export const inspectorStatus = (
  inspectorId: string,
  modules: { name: string; version?: string; digest?: string; state?: "running" | "waiting" | "quarantined" }[],
  more: Partial<InspectorStatus> = {},
): InspectorStatus => ({
  inspectorId,
  pool: "default",
  host: "host",
  version: "0.1.0",
  pid: 1,
  startedAt: "2026-01-01T00:00:00Z",
  at: "2026-01-01T00:00:00Z",
  state: "ok",
  problems: [],
  partitions: [],
  modules: modules.map(({ name, version = "1.0.0", digest = `sha256:${"a".repeat(64)}`, state = "running" }) => ({
    name,
    version,
    digest,
    title: name,
    state,
    strikes: 0,
  })),
  ...more,
});

export interface Counted extends CommandMetrics {
  readonly results: string[];
  conflicts: number;
}

export const countedMetrics = (): Counted => {
  const counted: Counted = {
    results: [],
    conflicts: 0,
    done: (command, result) => void counted.results.push(`${command} ${result}`),
    conflict: () => void (counted.conflicts += 1),
    enforced: () => undefined,
  };
  return counted;
};

/** One rule-api over a store that may be shared with others. `close` ends what runs. */
export class World {
  readonly clock = new TestClock();
  readonly agents = new LiveRegistry<AgentStatus>(this.clock);
  readonly metrics = countedMetrics();
  readonly connection = { connected: true };
  readonly reader: PolicyReader;
  readonly enforcement: EnforcementWatch;
  readonly service: PolicyService;
  readonly things: NamedThings;
  readonly inspectors = new LiveRegistry<InspectorStatus>(this.clock);
  /** What was stored of modules and rule images. */
  readonly blobs: Uint8Array[] = [];
  readonly modules: ModuleCommands;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(readonly store: EventStore<PolicyMessage> = new InMemoryEventStore<PolicyMessage>()) {
    this.reader = new PolicyReader(store, POLICY, silent);
    this.enforcement = new EnforcementWatch(this.agents, POLICY, this.clock);
    this.service = new PolicyService({
      store,
      policy: POLICY,
      reader: this.reader,
      enforcement: this.enforcement,
      connection: this.connection,
      clock: this.clock,
      metrics: this.metrics,
      surroundings: LOOPBACK_ONLY,
    });
    this.things = new NamedThings(this.service, this.clock);
    const blobs = {
      put: (bytes: Uint8Array) => {
        const size = this.blobs.push(bytes);
        return Promise.resolve({ id: `b${size}`, sha256: "0".repeat(64), parts: 1, bytes: bytes.length, size: bytes.length });
      },
    };
    this.modules = new ModuleCommands(this.service, blobs, new InspectorWatch(this.inspectors, this.clock), this.clock);
    this.#running = this.reader.run(this.#stop.signal);
  }

  /** Resolves when the policy was read. */
  async ready(): Promise<this> {
    await this.reader.reached(0, 5_000);
    return this;
  }

  get state() {
    return this.reader.view?.state ?? emptyPolicy;
  }

  async messages(): Promise<PolicyMessage[]> {
    const all: PolicyMessage[] = [];
    for await (const { message } of this.store.read(POLICY)) all.push(message);
    return all;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

let commands = 0;
export const context = (commandId = `test-${++commands}`): CommandContext => ({ actor: "tester", commandId });
export const spec = (rule: RuleSpecInput): RuleSpec => RuleSpec.parse(rule);
export const AT_ONCE = { confirm: false, waitMs: 0 };
