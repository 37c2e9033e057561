import { SortedMap } from "../sorted-map.js";

/** The entries of an address set, sorted by text. Never changed in place, as SortedMap. */
export class EntrySet implements ReadonlySet<string> {
  readonly #map: SortedMap<string, string>;

  private constructor(map: SortedMap<string, string>) {
    this.#map = map;
  }

  static from(entries: Iterable<string>): EntrySet {
    return new EntrySet(SortedMap.from(Array.from(entries, (entry) => [entry, entry] as const)));
  }

  /** These entries as such a set: themselves where they are one. */
  static of(entries: ReadonlySet<string>): EntrySet {
    return entries instanceof EntrySet ? entries : EntrySet.from(entries);
  }

  changed(add: readonly string[], remove: readonly string[]): EntrySet {
    return new EntrySet(this.#map.changed(add.map((entry) => [entry, entry] as const), remove));
  }

  /** The entries, sorted by text; collected once a set. */
  list(): readonly string[] {
    return this.#map.list();
  }

  get size(): number {
    return this.#map.size;
  }

  has(entry: string): boolean {
    return this.#map.has(entry);
  }

  forEach(callback: (entry: string, same: string, set: ReadonlySet<string>) => void): void {
    for (const entry of this) callback(entry, entry, this);
  }

  *entries(): SetIterator<[string, string]> {
    yield* this.#map.entries();
  }

  keys(): SetIterator<string> {
    return this.#map.keys();
  }

  values(): SetIterator<string> {
    return this.#map.keys();
  }

  [Symbol.iterator](): SetIterator<string> {
    return this.#map.keys();
  }
}
