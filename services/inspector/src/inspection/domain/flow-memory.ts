/** Flows that are remembered; four to a bucket, the one longest silent goes first. */
const WAYS = 4;
const BUCKET_BITS = 15;
const ENTRIES = (1 << BUCKET_BITS) * WAYS;
/** A flow silent for so long is a new one when it is heard again, seconds. */
const IDLE_S = 300;
/** A flow that said goodbye may still have packets on the way for so long, seconds. */
const LINGER_S = 2;

/**
 * Remembers which flows a thread has seen, and since which generation: a swap of modules begins a new generation, and flows from
 * before it stay with the module that knows them. Numbers in columns, nothing is allocated for a packet. It is small and forgets:
 * a forgotten flow is taken for a new one.
 */
export class FlowMemory {
  readonly #tags = new Uint32Array(ENTRIES);
  readonly #generations = new Uint32Array(ENTRIES);
  /** Seconds of the thread's clock, from 1 on; 0 is an empty place. */
  readonly #seen = new Uint32Array(ENTRIES);
  readonly #closing = new Uint8Array(ENTRIES);
  #generation = 1;

  /** The generation of flows that begin now. */
  get generation(): number {
    return this.#generation;
  }

  /** Flows that begin from now on belong to a new generation. @returns its number */
  next(): number {
    return ++this.#generation;
  }

  /**
   * Notes a packet. @param idLow, idHigh halves of the flow id @param nowS seconds, from 1 on
   * @returns the place of its flow, for the other methods, until the next packet is noted
   */
  note(idLow: number, idHigh: number, nowS: number): number {
    const tag = (idHigh ^ Math.imul(idLow, 0x85eb_ca6b)) >>> 0;
    const first = (Math.imul(idLow ^ (idHigh >>> 16), 0x9e37_79b1) >>> (32 - BUCKET_BITS)) * WAYS;
    const seen = this.#seen;
    let oldest = first;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#tags[at] === tag && seen[at] !== 0) {
        if (nowS - (seen[at] ?? 0) > IDLE_S) this.begin(at);
        seen[at] = nowS;
        return at;
      }
      if ((seen[at] ?? 0) < (seen[oldest] ?? 0)) oldest = at;
    }
    this.#tags[oldest] = tag;
    seen[oldest] = nowS;
    this.begin(oldest);
    return oldest;
  }

  /** The flow at a place begins anew. */
  begin(at: number): void {
    this.#generations[at] = this.#generation;
    this.#closing[at] = 0;
  }

  /** The flow at a place says goodbye. */
  close(at: number): void {
    this.#closing[at] = 1;
  }

  generationOf(at: number): number {
    return this.#generations[at] ?? 0;
  }

  /** Whether flows from before a generation are still heard of. */
  remains(generation: number, nowS: number): boolean {
    for (let at = 0; at < ENTRIES; at++) {
      const seen = this.#seen[at] ?? 0;
      if (seen === 0 || (this.#generations[at] ?? 0) >= generation) continue;
      if (nowS - seen <= (this.#closing[at] === 1 ? LINGER_S : IDLE_S)) return true;
    }
    return false;
  }
}
