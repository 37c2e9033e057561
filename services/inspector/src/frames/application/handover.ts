import type { FramePositions } from "@secuxflow/contracts";

/** Publishers of one partition that are remembered. */
const MAX_PUBLISHERS = 256;

/** Where others have come to in the partitions that they own, so that what is lost when one dies can be counted. */
export class Handover {
  readonly #heard = new Map<number, Map<bigint, bigint>>();

  constructor(private readonly inspectorId: string) {}

  /** Takes what an inspector says of its partitions. Those that it gives up in order are no loss for whoever is next. */
  hear({ inspectorId, released, positions }: FramePositions): void {
    if (inspectorId === this.inspectorId) return;
    for (const { partition, publisher, next } of positions) {
      if (released) {
        this.#heard.delete(partition);
        continue;
      }
      const known = this.#heard.get(partition) ?? new Map<bigint, bigint>();
      this.#heard.set(partition, known);
      if (known.size < MAX_PUBLISHERS || known.has(BigInt(`0x${publisher}`))) known.set(BigInt(`0x${publisher}`), BigInt(next));
    }
  }

  /** What was heard of a partition by who owned it last; forgotten with that. */
  take(partition: number): ReadonlyMap<bigint, bigint> {
    const heard = this.#heard.get(partition) ?? new Map<bigint, bigint>();
    this.#heard.delete(partition);
    return heard;
  }
}
