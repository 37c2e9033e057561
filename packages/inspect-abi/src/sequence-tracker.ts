/** Counts packets lost between publishers and this reader, by gaps in the batches' sequence. One per reader. */
export class SequenceTracker {
  private readonly next = new Map<string, bigint>();
  #lost = 0n;

  /** @param maxStreams publisher and partition pairs remembered; the oldest is forgotten first, which only hides a gap */
  constructor(private readonly maxStreams = 4096) {}

  /**
   * Takes note of a batch and returns how many records are missing right before it: 0 at the first batch of a stream, and for
   * one that comes late or twice.
   */
  observe(batch: { publisher: bigint; partition: number; sequence: bigint; count: number }): bigint {
    const key = `${batch.publisher}/${batch.partition}`;
    const expected = this.next.get(key);
    const end = batch.sequence + BigInt(batch.count);
    const gap = expected !== undefined && batch.sequence > expected ? batch.sequence - expected : 0n;
    if (expected === undefined || end > expected) {
      this.next.delete(key);
      this.next.set(key, end);
      if (this.next.size > this.maxStreams) {
        const oldest = this.next.keys().next();
        if (oldest.done !== true) this.next.delete(oldest.value);
      }
    }
    this.#lost += gap;
    return gap;
  }

  /** The next sequence number of each stream that is remembered. */
  *positions(): Generator<{ readonly publisher: bigint; readonly partition: number; readonly next: bigint }> {
    for (const [key, next] of this.next) {
      const [publisher = "0", partition = "0"] = key.split("/");
      yield { publisher: BigInt(publisher), partition: Number(partition), next };
    }
  }

  /** Records missing so far. */
  get lost(): bigint {
    return this.#lost;
  }
}
