import type { Alert } from "@secuxflow/contracts";
import type { Micros } from "../../storage/domain/timestamp.js";
import { toAlert } from "../domain/alert-row.js";
import { firstOf, fold, weightOf, type GroupedDetection, type KnownGroup } from "../domain/known-group.js";
import type { GroupRef } from "./ports.js";

export interface KnownGroupsOptions {
  /** The aggregation window. */
  readonly windowMs: number;
  readonly now: () => Micros;
  /** Groups kept, known or only known to exist; default 10,000. */
  readonly maxGroups?: number;
  /** Weight kept (`weightOf`, some 100 bytes each), of all groups together; default 200,000. */
  readonly maxWeight?: number;
  /** Weight of one group; beyond that storage is asked. Default MAX_GROUP_WEIGHT. */
  readonly maxGroupWeight?: number;
}

/** Weight of the heaviest group that is kept, and so the most event ids of one. */
export const MAX_GROUP_WEIGHT = 8_192;

interface Entry {
  readonly known: KnownGroup | undefined;
  readonly weight: number;
}

const keyOf = (ref: GroupRef): string => `${ref.bucket} ${ref.gkey}`;

/**
 * What this process knows of the alerts of the current window, so that watchers can be told without a query. It knows
 * exactly or not at all. It may only be used where this process alone writes the tables.
 *
 * A group is known from its first detection on, when it cannot have been stored before: its window is newer than all that
 * storage held at the start (`startsAfter`) and nothing was dropped from here since. Otherwise from a read (`reading`) during which
 * no insert touched it. An entry that is
 * `undefined` says that the group exists, and no more.
 */
export class KnownGroups {
  readonly #groups = new Map<string, Entry>();
  readonly #inserting = new Set<string>();
  readonly #reading = new Set<string>();
  #bucket: Micros = -1;
  /** Every group of the current window is in the map. */
  #complete = false;
  /** Newest window that may hold groups which were never seen here. */
  #ceiling = Number.POSITIVE_INFINITY;
  #weight = 0;

  constructor(private readonly options: KnownGroupsOptions) {}

  /** What is kept now. */
  get size(): { groups: number; weight: number } {
    return { groups: this.#groups.size, weight: this.#weight };
  }

  /** Told once, before the first insert. @param newest start of the newest window that storage holds; undefined: it is empty */
  startsAfter(newest: Micros | undefined): void {
    this.#ceiling = newest ?? -1;
    this.#complete = this.#bucket > this.#ceiling;
  }

  /** Told before an insert: until `stored` or `failed`, what storage answers of these groups may or may not hold it. */
  inserting(groups: readonly GroupRef[]): void {
    for (const group of groups) {
      const key = keyOf(group);
      this.#inserting.add(key);
      this.#reading.delete(key);
    }
  }

  /** Told after an insert, of all that is stored now. */
  stored(detections: readonly { readonly group: GroupRef; readonly detection: GroupedDetection }[]): void {
    this.#turn();
    this.#inserting.clear();
    for (const { group, detection } of detections) {
      const key = keyOf(group);
      if (group.bucket !== this.#bucket) {
        this.#ceiling = Math.max(this.#ceiling, group.bucket);
        continue;
      }
      if (this.#groups.has(key)) {
        const known = this.#take(key);
        this.#put(key, known === undefined ? undefined : fold(known, detection));
      } else this.#put(key, this.#complete ? firstOf(detection) : undefined);
    }
  }

  /** Told when an insert ended otherwise: some of it may be stored. */
  failed(groups: readonly GroupRef[]): void {
    this.#inserting.clear();
    for (const group of groups) this.forget(group);
  }

  /** Something other than a detection changed. */
  forget(group: GroupRef): void {
    this.#turn();
    const key = keyOf(group);
    this.#reading.delete(key);
    if (group.bucket === this.#bucket) {
      this.#take(key);
      this.#put(key, undefined);
    } else this.#ceiling = Math.max(this.#ceiling, group.bucket);
  }

  /** Told before storage is asked for these groups. @returns takes what storage answered */
  reading(groups: readonly GroupRef[]): (found: readonly { readonly group: GroupRef; readonly known: KnownGroup }[]) => void {
    this.#turn();
    for (const group of groups) {
      const key = keyOf(group);
      if (group.bucket === this.#bucket && !this.#inserting.has(key)) this.#reading.add(key);
    }
    return (found) => {
      this.#turn();
      for (const { group, known } of found) {
        const key = keyOf(group);
        // Gone when an insert or a change touched it, or its window is over.
        if (!this.#reading.has(key)) continue;
        this.#take(key);
        this.#put(key, known);
      }
      for (const group of groups) this.#reading.delete(keyOf(group));
    };
  }

  /** The alert as storage would answer it; undefined when storage must be asked. */
  get(group: GroupRef): Alert | undefined {
    this.#turn();
    const known = this.#groups.get(keyOf(group))?.known;
    return known === undefined ? undefined : toAlert(known.facts, known.triage);
  }

  /** Begins a new window when it is time. What lies outside the current one is not kept: it may expire, and is rare. */
  #turn(): void {
    const window = this.options.windowMs * 1_000;
    const bucket = Math.floor(this.options.now() / window) * window;
    if (bucket === this.#bucket) return;
    this.#complete = bucket > this.#ceiling && bucket > this.#bucket;
    this.#ceiling = Math.max(this.#ceiling, this.#bucket);
    this.#bucket = bucket;
    this.#groups.clear();
    this.#reading.clear();
    this.#weight = 0;
  }

  #take(key: string): KnownGroup | undefined {
    const entry = this.#groups.get(key);
    this.#groups.delete(key);
    this.#weight -= entry?.weight ?? 0;
    return entry?.known;
  }

  /** At the end of the map, which is in the order of use; the one unused for longest goes first. */
  #put(key: string, known: KnownGroup | undefined): void {
    const { maxGroups = 10_000, maxWeight = 200_000, maxGroupWeight = MAX_GROUP_WEIGHT } = this.options;
    const weight = known === undefined ? 1 : weightOf(known);
    const entry = weight <= maxGroupWeight ? { known, weight } : { known: undefined, weight: 1 };
    this.#groups.set(key, entry);
    this.#weight += entry.weight;
    for (const oldest of this.#groups.keys()) {
      if (this.#groups.size <= maxGroups && this.#weight <= maxWeight) break;
      this.#take(oldest);
      this.#complete = false;
    }
  }
}
