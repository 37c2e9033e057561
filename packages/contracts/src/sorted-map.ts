/** Entries of a chunk before it is split: a change copies one chunk and the list of chunks, so both grow with the square root. */
const chunkLimit = (size: number): number => Math.max(64, Math.floor(Math.sqrt(size) / 2));

interface Chunk<K, V> {
  readonly keys: readonly K[];
  readonly values: readonly V[];
}

/** An element that is there: the index was checked. */
const at = <T>(list: readonly T[], index: number): T => list[index] as T;

/** Index of the first key that is not below `key`. */
const lowerBound = <K>(keys: readonly K[], key: K): number => {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(keys, middle) < key) low = middle + 1;
    else high = middle;
  }
  return low;
};

const chunked = <K, V>(keys: readonly K[], values: readonly V[]): Chunk<K, V>[] => {
  const chunks: Chunk<K, V>[] = [];
  const size = chunkLimit(keys.length) >> 1; // Room to grow.
  for (let from = 0; from < keys.length; from += size) chunks.push({ keys: keys.slice(from, from + size), values: values.slice(from, from + size) });
  return chunks;
};

/**
 * A map that is never changed in place: a change gives a new map, which shares all but one chunk and the list of chunks with
 * the old one. So a change of one entry among n costs about sqrt(n) copied pointers (a microsecond or two at 100,000), and
 * old versions stay as they were. Iterates in the order of its keys (by `<`: numbers, or texts by UTF-16 unit).
 */
export class SortedMap<K extends number | string, V> implements ReadonlyMap<K, V> {
  readonly #chunks: readonly Chunk<K, V>[];
  /** First key of each chunk. */
  readonly #firsts: readonly K[];
  readonly size: number;
  #list: readonly V[] | undefined;

  private constructor(chunks: readonly Chunk<K, V>[], firsts: readonly K[], size: number) {
    this.#chunks = chunks;
    this.#firsts = firsts;
    this.size = size;
  }

  /** Of entries in any order; of two with the same key the later one stands. */
  static from<K extends number | string, V>(entries: Iterable<readonly [K, V]>): SortedMap<K, V> {
    const unique = new Map(entries);
    const keys = [...unique.keys()];
    if (keys.some((key, index) => index > 0 && key < at(keys, index - 1))) keys.sort((a, b) => (a < b ? -1 : 1));
    return SortedMap.#of(chunked(keys, keys.map((key) => unique.get(key) as V)), keys.length);
  }

  /** A map as a sorted one: itself where it is one. */
  static of<K extends number | string, V>(map: ReadonlyMap<K, V>): SortedMap<K, V> {
    return map instanceof SortedMap ? (map as SortedMap<K, V>) : SortedMap.from(map);
  }

  static #of<K extends number | string, V>(chunks: readonly Chunk<K, V>[], size: number): SortedMap<K, V> {
    return new SortedMap(chunks, chunks.map(({ keys }) => at(keys, 0)), size);
  }

  get(key: K): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const place = lowerBound(chunk.keys, key);
    return chunk.keys[place] === key ? chunk.values[place] : undefined;
  }

  has(key: K): boolean {
    const chunk = this.#chunks[this.#chunkOf(key)];
    return chunk?.keys[lowerBound(chunk.keys, key)] === key;
  }

  /** This map with `key` at `value`. */
  with(key: K, value: V): SortedMap<K, V> {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return new SortedMap([{ keys: [key], values: [value] }], [key], 1);
    const place = lowerBound(chunk.keys, key);
    if (chunk.keys[place] === key) return this.#replaced(index, [{ keys: chunk.keys, values: chunk.values.with(place, value) }], 0);
    const keys = chunk.keys.slice();
    const values = chunk.values.slice();
    keys.splice(place, 0, key);
    values.splice(place, 0, value);
    if (keys.length <= chunkLimit(this.size)) return this.#replaced(index, [{ keys, values }], 1);
    // Keys that only grow (ids) leave full chunks behind, others two halves.
    const cut = place === keys.length - 1 ? place : keys.length >> 1;
    return this.#replaced(index, [{ keys: keys.slice(0, cut), values: values.slice(0, cut) }, { keys: keys.slice(cut), values: values.slice(cut) }], 1);
  }

  /** This map without `key`; this map itself where it has none. */
  without(key: K): SortedMap<K, V> {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return this;
    const place = lowerBound(chunk.keys, key);
    if (chunk.keys[place] !== key) return this;
    const keys = chunk.keys.slice();
    const values = chunk.values.slice();
    keys.splice(place, 1);
    values.splice(place, 1);
    return this.#replaced(index, keys.length === 0 ? [] : [{ keys, values }], -1);
  }

  /** Many changes at once: removals first, then additions. Cheaper than one by one where they are many. */
  changed(add: readonly (readonly [K, V])[], remove: readonly K[] = []): SortedMap<K, V> {
    if ((add.length + remove.length) * 8 < this.size) {
      const less = remove.reduce((map: SortedMap<K, V>, key) => map.without(key), this);
      return add.reduce((map, [key, value]) => map.with(key, value), less);
    }
    const all = new Map(this);
    for (const key of remove) all.delete(key);
    for (const [key, value] of add) all.set(key, value);
    return SortedMap.from(all);
  }

  /** The values in the order of their keys; made once a map. */
  list(): readonly V[] {
    return (this.#list ??= this.#collect());
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }

  *entries(): MapIterator<[K, V]> {
    for (const { keys, values } of this.#chunks) for (let i = 0; i < keys.length; i++) yield [at(keys, i), at(values, i)];
  }

  *keys(): MapIterator<K> {
    for (const { keys } of this.#chunks) yield* keys;
  }

  *values(): MapIterator<V> {
    for (const { values } of this.#chunks) yield* values;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  #collect(): V[] {
    const all: V[] = [];
    for (const { values } of this.#chunks) for (const value of values) all.push(value);
    return all;
  }

  /** The chunk that has `key`, or would take it. */
  #chunkOf(key: K): number {
    const place = lowerBound(this.#firsts, key);
    return this.#firsts[place] === key ? place : Math.max(place - 1, 0);
  }

  #replaced(index: number, by: readonly Chunk<K, V>[], growth: number): SortedMap<K, V> {
    const chunks = this.#chunks.slice();
    const firsts = this.#firsts.slice();
    chunks.splice(index, 1, ...by);
    firsts.splice(index, 1, ...by.map(({ keys }) => at(keys, 0)));
    return new SortedMap(chunks, firsts, this.size + growth);
  }
}
