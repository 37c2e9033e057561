import { HEAD, IMAGE_MAGIC, RECORD, RECORD_BYTES } from "./layout.js";

/**
 * Where the records of each rule stand in an image, so that a deleted rule dies by one aligned store for each: a chained
 * hash of the rules' ids over two flat arrays.
 */
export class RecordIndex {
  readonly #u32: Uint32Array;
  readonly #base: number;
  readonly #first: Int32Array;
  readonly #next: Int32Array;

  private constructor(image: Uint8Array, base: number, count: number) {
    this.#u32 = new Uint32Array(image.buffer, image.byteOffset, image.length / 4);
    this.#base = base / 4;
    this.#first = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, count)))).fill(-1);
    this.#next = new Int32Array(count);
    for (let record = 0; record < count; record++) {
      const slot = this.#id(record) & (this.#first.length - 1);
      this.#next[record] = this.#first[slot]!;
      this.#first[slot] = record;
    }
  }

  /**
   * Reads an image, also one that an earlier run of the agent left in the kernel's memory.
   * @throws {RangeError} this is no image
   */
  static read(image: Uint8Array): RecordIndex {
    const head = new Uint32Array(image.buffer, image.byteOffset, HEAD.size / 4);
    const [base, count] = [head[HEAD.recordBase / 4]!, head[HEAD.records / 4]!];
    if (head[HEAD.magic / 4] !== IMAGE_MAGIC || base + count * RECORD_BYTES > image.length || base % RECORD_BYTES !== 0) {
      throw new RangeError("the memory holds no rule image");
    }
    return new RecordIndex(image, base, count);
  }

  get count(): number { return this.#next.length; }

  /** The numbers of a rule's records: one for each combination of its port ranges; none if the image has no such rule. */
  find(id: number): number[] {
    const found: number[] = [];
    for (let record = this.#first[id & (this.#first.length - 1)]!; record !== -1; record = this.#next[record]!) {
      if (this.#id(record) === id) found.push(record);
    }
    return found;
  }

  /** Offset of a record in the image: struct rule at once, struct detail 64 bytes behind. */
  offset(record: number): number {
    return this.#base * 4 + record * RECORD_BYTES;
  }

  /** Lets a rule be dead for generations from `sequence` on (0: alive again). @returns how many records it had */
  setDeadFrom(id: number, sequence: number): number {
    const records = this.find(id);
    for (const record of records) Atomics.store(this.#u32, this.#base + (record * RECORD_BYTES + RECORD.deadFrom) / 4, sequence);
    return records.length;
  }

  #id(record: number): number {
    return this.#u32[this.#base + (record * RECORD_BYTES + RECORD.id) / 4]!;
  }
}
