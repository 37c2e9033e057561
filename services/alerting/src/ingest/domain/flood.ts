import type { Micros } from "../../storage/domain/timestamp.js";

const MINUTE = 60_000_000;

interface Count {
  minute: number;
  seen: number;
  worst: number;
}

/**
 * Decides which detections of a flood are stored without packet and attributes. Every detection has its row, by its event
 * id, so counts are exact whatever crashes; what is suppressed is the payload, which is nearly all of the bytes.
 *
 * Within one group and one minute of detection time the first `limit` are stored in full, and beyond that each one that is
 * more severe than all before it. Other groups are not touched, so a critical alert in a flood is stored as always.
 *
 * Memory: at most `maxGroups` counters; the one unused for longest goes first, which only stores more than needed.
 */
export class FloodGate {
  readonly #counts = new Map<string, Count>();

  constructor(
    private readonly limit: number,
    private readonly maxGroups = 50_000,
  ) {}

  /** Whether this detection is to be stored in full. @param severity 1 (critical) to 4 */
  admit(group: string, time: Micros, severity: number): boolean {
    const minute = Math.floor(time / MINUTE);
    const known = this.#counts.get(group);
    // Late ones count in the newest minute: a sender cannot reset its count by going back and forth in time.
    const count = known !== undefined && known.minute >= minute ? known : { minute, seen: 0, worst: 5 };
    const full = count.seen < this.limit || severity < count.worst;
    count.seen++;
    count.worst = Math.min(count.worst, severity);
    this.#counts.delete(group);
    this.#counts.set(group, count);
    if (this.#counts.size > this.maxGroups) this.#counts.delete(this.#counts.keys().next().value ?? group);
    return full;
  }

  /** Groups counted now. */
  get size(): number {
    return this.#counts.size;
  }
}
