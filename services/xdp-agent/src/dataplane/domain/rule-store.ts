import { DETAIL, ENTRY, FLAG } from "./layout.js";

const ID_AT = ENTRY.detail + DETAIL.id;
const SLOT_AT = ENTRY.detail + DETAIL.slot;
const FIRST_ROWS = 1_024;

/** Rows of one rule: most have a single one. */
type Rows = number | readonly number[];

/** Records that were added to the store but do not count yet. */
export interface StagedRule {
  readonly id: number;
  readonly rows: Rows;
}

/**
 * The encoded records of all rules in force, in one piece of memory, so that 100,000 rules are neither 100,000 objects nor
 * encoded again for each image. A row whose id is 0 is free. New records are staged in free rows first: they count once
 * `commit` says so, and are gone without a trace after `discard`.
 */
export class RuleStore {
  readonly #rows = new Map<number, Rows>();
  readonly #askingState = new Set<number>();
  readonly #namingInterface = new Set<number>();
  readonly #free: number[] = [];
  #bytes = new Uint8Array(FIRST_ROWS * ENTRY.size);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #records = 0;

  /** Rules in force. */
  get size(): number {
    return this.#rows.size;
  }

  /** Their records. */
  get records(): number {
    return this.#records;
  }

  /** Rules that ask whether a socket exists, and rules that name an interface. */
  get askingState(): ReadonlySet<number> {
    return this.#askingState;
  }

  get namingInterface(): ReadonlySet<number> {
    return this.#namingInterface;
  }

  has(id: number): boolean {
    return this.#rows.has(id);
  }

  ids(): IterableIterator<number> {
    return this.#rows.keys();
  }

  /** Records of one rule; 0 where there is none. */
  recordsOf(id: number): number {
    return count(this.#rows.get(id));
  }

  /** The slot of a rule's counters. */
  slotOf(id: number): number | undefined {
    const first = firstRow(this.#rows.get(id));
    return first === undefined ? undefined : this.#view.getUint32(first * ENTRY.size + SLOT_AT, true);
  }

  /** The bytes of a rule's first record: what all its records share, and one combination of ports and interface. */
  firstRecord(id: number): Uint8Array | undefined {
    const first = firstRow(this.#rows.get(id));
    return first === undefined ? undefined : this.#bytes.subarray(first * ENTRY.size, (first + 1) * ENTRY.size);
  }

  /** Whether a rule has exactly these records, in this order. Times of expiry may differ by `toleranceNs`: clocks drift. */
  equals(id: number, records: Uint8Array, toleranceNs: bigint): boolean {
    const rows = this.#rows.get(id);
    if (count(rows) * ENTRY.size !== records.length) return false;
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    let at = 0;
    for (const row of each(rows)) {
      if (!this.#rowEquals(row * ENTRY.size, view, at, toleranceNs)) return false;
      at += ENTRY.size;
    }
    return true;
  }

  /** Puts records of a rule into free rows. They do not count before `commit`. */
  stage(id: number, records: Uint8Array): StagedRule {
    const rows: number[] = [];
    for (let at = 0; at < records.length; at += ENTRY.size) {
      const row = this.#freeRow();
      this.#bytes.set(records.subarray(at, at + ENTRY.size), row * ENTRY.size);
      rows.push(row);
    }
    const [only = 0] = rows;
    return { id, rows: rows.length === 1 ? only : rows };
  }

  stagedRecords({ rows }: StagedRule): number {
    return count(rows);
  }

  stagedSlot({ rows }: StagedRule): number {
    return this.#view.getUint32((firstRow(rows) ?? 0) * ENTRY.size + SLOT_AT, true);
  }

  discard(staged: Iterable<StagedRule>): void {
    for (const { rows } of staged) this.#release(rows);
  }

  /** Removes rules, then makes staged ones count. */
  commit(removed: Iterable<number>, staged: Iterable<StagedRule>): void {
    for (const id of removed) {
      const rows = this.#rows.get(id);
      if (rows === undefined) continue;
      this.#rows.delete(id);
      this.#records -= count(rows);
      this.#release(rows);
      this.#askingState.delete(id);
      this.#namingInterface.delete(id);
    }
    for (const { id, rows } of staged) {
      this.#rows.set(id, rows);
      this.#records += count(rows);
      const at = (firstRow(rows) ?? 0) * ENTRY.size + ENTRY.detail;
      if ((this.#view.getUint8(at + DETAIL.flags) & (FLAG.new | FLAG.established)) !== 0) this.#askingState.add(id);
      if (this.#view.getUint32(at + DETAIL.ifindex, true) !== 0) this.#namingInterface.add(id);
    }
  }

  /** Copies the records of a rule to `target` at `at`; returns where the next one goes. */
  copyTo(id: number, target: Uint8Array, at: number): number {
    for (const row of each(this.#rows.get(id))) {
      target.set(this.#bytes.subarray(row * ENTRY.size, (row + 1) * ENTRY.size), at);
      at += ENTRY.size;
    }
    return at;
  }

  /** All rows as they will be after `commit(removed, …)`, staged ones included; rows with id 0 are free. In memory of their own. */
  snapshot(removed: Iterable<number>): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#end * ENTRY.size);
    const view = new DataView(bytes.buffer);
    for (const id of removed) for (const row of each(this.#rows.get(id))) view.setUint32(row * ENTRY.size + ID_AT, 0, true);
    return bytes;
  }

  #rowEquals(row: number, other: DataView, at: number, toleranceNs: bigint): boolean {
    const expires = ENTRY.detail + DETAIL.expires_ns;
    for (let offset = 0; offset < ENTRY.size; offset += 4) {
      if (offset === expires || offset === expires + 4) continue;
      if (this.#view.getUint32(row + offset, true) !== other.getUint32(at + offset, true)) return false;
    }
    const mine = this.#view.getBigUint64(row + expires, true);
    const theirs = other.getBigUint64(at + expires, true);
    if (mine === 0n || theirs === 0n) return mine === theirs;
    return (mine > theirs ? mine - theirs : theirs - mine) <= toleranceNs;
  }

  #freeRow(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if ((this.#end + 1) * ENTRY.size > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return this.#end++;
  }

  #release(rows: Rows): void {
    for (const row of each(rows)) {
      this.#view.setUint32(row * ENTRY.size + ID_AT, 0, true);
      this.#free.push(row);
    }
  }
}

const NONE: readonly number[] = [];
const each = (rows: Rows | undefined): readonly number[] => (rows === undefined ? NONE : typeof rows === "number" ? [rows] : rows);
const count = (rows: Rows | undefined): number => (rows === undefined ? 0 : typeof rows === "number" ? 1 : rows.length);
const firstRow = (rows: Rows | undefined): number | undefined => (typeof rows === "number" ? rows : rows?.[0]);
