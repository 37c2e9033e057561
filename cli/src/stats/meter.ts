import type { Reading } from "./counters.js";

/** How much a counter grew since the last reading, over all owners, and how fast. */
export interface Growth {
  readonly count: number;
  readonly perSecond: number;
}

/** What one round of readings says. */
export interface Round {
  /** By counter name; a counter that did not grow may be absent. */
  readonly growth: ReadonlyMap<string, Growth>;
  readonly live: number;
  /** Owners that are here for the first time: counted from now on. */
  readonly joined: readonly string[];
  /** Owners that were in the round before. */
  readonly left: readonly string[];
  /** Owners whose counters began anew: what they show now is what they counted since. */
  readonly reset: readonly string[];
}

interface Known {
  reading: Reading;
  /** When it was last in a round. */
  seenAt: number;
  /** Speeds of its last round, kept while it has nothing new to say. */
  speeds: ReadonlyMap<string, number>;
}

/** An owner that is away for longer counts as new when it comes back. */
const FORGET_MS = 60_000;

/**
 * Makes speeds of cumulative counters. Each owner is measured by its own clock: owners report once a second, and a look falls
 * anywhere in between, so that the time between two looks would be up to a second wrong.
 */
export class Meter {
  readonly #known = new Map<string, Known>();
  #before = new Set<string>();

  /** Takes the readings of now (`at`, ms since 1970). The first round gives no growth. */
  round(readings: readonly Reading[], at: number): Round {
    const growth = new Map<string, Growth>();
    const joined: string[] = [];
    const reset: string[] = [];
    for (const reading of readings) {
      const before = this.#known.get(reading.owner);
      if (!before) {
        joined.push(reading.owner);
        this.#known.set(reading.owner, { reading, seenAt: at, speeds: new Map() });
        continue;
      }
      if (reading.at === before.reading.at) {
        // Nothing new since the last look: it goes on as fast as before.
        for (const [name, perSecond] of before.speeds) add(growth, name, 0, perSecond);
        before.seenAt = at;
        continue;
      }
      const began = hasReset(before.reading, reading);
      if (began) reset.push(reading.owner);
      const elapsed = reading.at - before.reading.at;
      // A clock that was set back, or none at all: the time between the looks is the best that is known.
      const seconds = (elapsed > 0 ? elapsed : Math.max(1, at - before.seenAt)) / 1_000;
      const speeds = new Map<string, number>();
      for (const [name, value] of reading.counters) {
        const counted = before.reading.counters.get(name);
        // What was left out before may have been counting for long: it is measured from now on.
        const from = began ? 0 : (counted ?? (reading.partial === true ? value : 0));
        const count = value - from;
        speeds.set(name, count / seconds);
        add(growth, name, count, count / seconds);
      }
      const whole = reading.partial === true && !began ? new Map([...before.reading.counters, ...reading.counters]) : undefined;
      this.#known.set(reading.owner, { reading: whole ? { ...reading, counters: whole } : reading, seenAt: at, speeds });
    }
    const live = new Set(readings.map(({ owner }) => owner));
    const left = [...this.#before].filter((owner) => !live.has(owner));
    this.#before = live;
    for (const [owner, { seenAt }] of this.#known) if (at - seenAt > FORGET_MS) this.#known.delete(owner);
    return { growth, live: live.size, joined, left, reset };
  }
}

const add = (growth: Map<string, Growth>, name: string, count: number, perSecond: number): void => {
  const before = growth.get(name);
  growth.set(name, { count: (before?.count ?? 0) + count, perSecond: (before?.perSecond ?? 0) + perSecond });
};

/** Counters only grow while their owner lives: one that shrank says that all of them began anew. */
const hasReset = (before: Reading, now: Reading): boolean =>
  [...now.counters].some(([name, value]) => value < (before.counters.get(name) ?? 0));
