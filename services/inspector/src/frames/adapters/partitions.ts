import { FrameSubscriber, LeaseManager, type NatsLink } from "@secuxflow/nats";
import type { Intake } from "../application/intake.js";

export interface PartitionsOptions {
  readonly pool: string;
  readonly inspectorId: string;
  readonly ttlMs: number;
  readonly onChange: () => void;
}

/** The partitions that this inspector owns: leases, and a subscription for each. */
export class Partitions {
  readonly #leases: LeaseManager;
  readonly #subscriptions = new Map<number, () => void>();

  /**
   * @param control link for leases; @param frames a link of its own for frames, so that heartbeats do not wait behind them
   */
  constructor(control: NatsLink, frames: NatsLink, intake: Intake, { pool, inspectorId, ttlMs, onChange }: PartitionsOptions) {
    const subscriber = new FrameSubscriber(frames);
    this.#leases = new LeaseManager(control, {
      pool, inspectorId, ttlMs,
      onGained: (partition) => {
        this.#drop(partition);
        intake.begin(partition);
        this.#subscriptions.set(partition, subscriber.subscribe(pool, partition, (bytes, from) => intake.receive(bytes, from)));
        onChange();
      },
      onLost: (partition) => {
        this.#drop(partition);
        intake.end(partition);
        onChange();
      },
    });
  }

  start(): void {
    this.#leases.start();
  }

  /** Partitions owned now, in order. */
  owned(): number[] {
    return [...this.#subscriptions.keys()].sort((a, b) => a - b);
  }

  /** Why there are none, or undefined when all is well. */
  problem(): string | undefined {
    return this.#leases.problem();
  }

  /** Gives everything up, so that others take over at once. */
  async stop(): Promise<void> {
    await this.#leases.stop();
  }

  #drop(partition: number): void {
    this.#subscriptions.get(partition)?.();
    this.#subscriptions.delete(partition);
  }
}
