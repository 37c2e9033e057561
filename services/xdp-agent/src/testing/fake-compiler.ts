import { IMAGE_MAGIC } from "../classifier/layout.js";
import { ImageRefused, type CompiledImage, type EncodedSet, type ImageCompiler } from "../dataplane/application/image-compiler.js";
import { DETAIL, ENTRY, IMAGE_HEAD, RECORD } from "../dataplane/domain/layout.js";

const FIRST_RECORD = 128;

/**
 * Compiles what has the form of an image and no classifier in it: head and records. Answers at once, or with
 * `holdNext` the next time for rules when the test says so.
 */
export class FakeCompiler implements ImageCompiler {
  holdNext = false;
  compiled = 0;
  #waiting: { run: () => void; reject: (error: Error) => void }[] = [];

  rules(rows: Uint8Array<ArrayBuffer>, capacity: number): Promise<CompiledImage> {
    const held = this.holdNext;
    this.holdNext = false;
    return this.#answer(held, () => {
      this.compiled += 1;
      const view = new DataView(rows.buffer);
      const records: Uint8Array[] = [];
      for (let at = 0; at < rows.length; at += ENTRY.size) {
        if (view.getUint32(at + ENTRY.detail + DETAIL.id, true) === 0) continue;
        const record = new Uint8Array(RECORD.size);
        record.set(rows.subarray(at, at + ENTRY.detail));
        record.set(rows.subarray(at + ENTRY.detail, at + ENTRY.detail + DETAIL.size), RECORD.detail);
        records.push(record);
      }
      const bytes = Buffer.concat([new Uint8Array(FIRST_RECORD), ...records.reverse()]);
      if (bytes.length > capacity) throw new ImageRefused(`the rule image needs ${bytes.length} bytes, the map has ${capacity}`);
      bytes.writeUInt32LE(bytes.length, IMAGE_HEAD.bytes);
      bytes.writeUInt32LE(records.length, IMAGE_HEAD.records);
      bytes.writeUInt32LE(FIRST_RECORD, IMAGE_HEAD.record_base);
      bytes.writeUInt32LE(IMAGE_MAGIC, IMAGE_HEAD.magic);
      return { bytes, milliseconds: 0 };
    });
  }

  sets(sets: readonly EncodedSet[], capacity: number): Promise<Uint8Array> {
    return this.#answer(false, () => {
      const text = Buffer.from(JSON.stringify(sets.map(({ bit, prefixes, count }) => [bit, count, Buffer.from(prefixes).toString("hex")])));
      if (text.length + 4 > capacity) throw new ImageRefused("the set image is too large");
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return Buffer.concat([length, text]);
    });
  }

  /** What an image of sets holds: the prefixes of each bit. */
  static readSets(image: Uint8Array): Map<number, string> {
    const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
    const sets = JSON.parse(bytes.subarray(4, 4 + bytes.readUInt32LE()).toString()) as [number, number, string][];
    return new Map(sets.map(([bit, , prefixes]) => [bit, prefixes]));
  }

  /** Answers what is held back. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { run } of waiting) run();
  }

  cancel(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(new ImageRefused("a newer policy is compiled instead"));
  }

  close(): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  #answer<T>(held: boolean, make: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(make());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (held) this.#waiting.push({ run, reject });
      else run();
    });
  }
}
