import type { KernelTable } from "./service-kernel.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/**
 * A hash map of the kernel and what is known to be in it: only differences become system calls. What somebody else
 * changes is not noticed until a new one of these is made.
 */
export class SyncedTable {
  readonly #table: KernelTable;
  readonly #held = new Map<string, string>();

  constructor(table: KernelTable) {
    this.#table = table;
    for (const [key, value] of table.entries()) this.#held.set(hex(key), hex(value));
  }

  /** Writes what is new or different; nothing is taken out. */
  put(wanted: ReadonlyMap<string, Uint8Array>): void {
    for (const [key, value] of wanted) {
      const text = hex(value);
      if (this.#held.get(key) === text) continue;
      this.#table.set(Buffer.from(key, "hex"), value);
      this.#held.set(key, text);
    }
  }

  /** Takes out what is not wanted. */
  keepOnly(wanted: ReadonlyMap<string, Uint8Array>): void {
    for (const key of [...this.#held.keys()]) {
      if (wanted.has(key)) continue;
      this.#table.delete(Buffer.from(key, "hex"));
      this.#held.delete(key);
    }
  }
}

/** The key of an element in the maps above. */
export const tableKey = (bytes: Uint8Array): string => hex(bytes);
