import { FramePositions, subjects } from "@secuxflow/contracts";
import { FrameSubscriber, LeaseManager, publishJson, subscribeJson, type NatsLink } from "@secuxflow/nats";
import { Handover } from "../application/handover.js";
import type { Intake } from "../application/intake.js";

export interface PartitionsOptions {
  readonly pool: string;
  readonly inspectorId: string;
  readonly ttlMs: number;
  readonly onChange: () => void;
}

/** A partition has so many publishers, and a message so many positions. */
const POSITIONS_PER_MESSAGE = 4_096;

/** The partitions that this inspector owns: leases, and a subscription for each. */
export class Partitions {
  readonly #leases: LeaseManager;
  readonly #tell: () => void;
  readonly #subscriptions = new Map<number, () => void>();

  /**
   * @param control link for leases; @param frames a link of its own for frames, so that heartbeats do not wait behind them
   */
  constructor(control: NatsLink, frames: NatsLink, intake: Intake, { pool, inspectorId, ttlMs, onChange }: PartitionsOptions) {
    const handover = new Handover(inspectorId);
    subscribeJson(control, subjects.framePositions(pool), FramePositions, (positions) => handover.hear(positions));
    const publish = (released: boolean, positions: FramePositions["positions"]): void => {
      for (let at = 0; at < positions.length; at += POSITIONS_PER_MESSAGE) {
        const message: FramePositions = { inspectorId, released, positions: positions.slice(at, at + POSITIONS_PER_MESSAGE) };
        publishJson(control, subjects.framePositions(pool), message);
      }
    };
    this.#tell = () => publish(false, intake.positions());
    const subscriber = new FrameSubscriber(frames);
    this.#leases = new LeaseManager(control, {
      pool, inspectorId, ttlMs,
      onGained: (partition) => {
        this.#drop(partition);
        intake.begin(partition, handover.take(partition));
        this.#subscriptions.set(partition, subscriber.subscribe(pool, partition, (bytes, from) => intake.receive(bytes, from)));
        onChange();
      },
      onLost: (partition) => {
        this.#drop(partition);
        // Said before the lease is given back, on the same connection: the next owner hears it first.
        publish(true, intake.positions(partition));
        intake.end(partition);
        onChange();
      },
    });
  }

  start(): void {
    this.#leases.start();
  }

  /** Tells the others of the pool how far this one has come; to be called several times a second. */
  tell(): void {
    this.#tell();
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
