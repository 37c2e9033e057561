import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decodeLastGood, encodeLastGood, type LastGood } from "../application/last-good.js";

/** Keeps the last good policy in one file: written aside, fsynced, renamed into place, the folder fsynced. */
export class LastGoodFile {
  readonly #path: string;
  readonly #policy: string;

  constructor(path: string, policy: string) {
    this.#path = path;
    this.#policy = policy;
  }

  /** The kept policy; undefined where there is none yet. Throws LastGoodCorrupt, or the error of the file system. */
  async load(): Promise<LastGood | undefined> {
    let text;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return decodeLastGood(this.#policy, text);
  }

  async save(lastGood: LastGood): Promise<void> {
    const folder = dirname(this.#path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const aside = join(folder, `.${process.pid}.last-good.new`);
    const file = await open(aside, "w", 0o600);
    try {
      await file.writeFile(encodeLastGood(this.#policy, lastGood));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, this.#path);
    const directory = await open(folder, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
