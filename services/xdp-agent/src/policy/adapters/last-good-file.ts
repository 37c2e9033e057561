import { mkdir, open, readFile, rename, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { applyChanges, decodeLastGood, encodeChange, encodeLastGood, type LastGood } from "../application/last-good.js";
import type { InForce } from "../application/policy-applier.js";

/** A change is on disk at most so much later than it is in the kernel, and the time of the write itself. */
const SAVE_SPACING_MS = 100;
/** Changes are appended until they are as long as that, or as the whole policy. */
const MOST_CHANGES_BYTES = 1 << 20;
/** A line of a change is built in one go: a larger change is kept as a whole policy, in pieces. */
const MOST_EVENT_RULES = 1_000;

export interface LastGoodFileOptions {
  /** Path of the kept policy; changes stand beside it in a file of that name with `.changes`. */
  readonly path: string;
  readonly policy: string;
  /** Told after each write: undefined, or why it failed. */
  readonly onSaved: (problem: string | undefined) => void;
}

/** What was kept, and what of it could not be read. */
export interface LoadedLastGood extends LastGood {
  readonly damage: string | undefined;
}

/**
 * Keeps the last good policy: as a whole (written aside, fsynced, renamed into place, the folder fsynced), and changes since
 * then appended line by line. A change costs its own length. Killed at any moment, the files are a policy that was in force.
 */
export class LastGoodFile {
  readonly #options: LastGoodFileOptions;
  #unsaved: InForce | undefined;
  #saving: Promise<void> | undefined;
  #changes: FileHandle | undefined;
  #changesBytes = 0;
  /** Length of the policy as a whole; undefined where there is none that changes could follow. */
  #wholeBytes: number | undefined;

  constructor(options: LastGoodFileOptions) {
    this.#options = options;
  }

  /** The kept policy; undefined where there is none yet. Throws LastGoodCorrupt, or the error of the file system. */
  async load(): Promise<LoadedLastGood | undefined> {
    const text = await readText(this.#options.path);
    if (text === undefined) return undefined;
    const whole = decodeLastGood(this.#options.policy, text);
    const changes = (await readText(this.#changesPath)) ?? "";
    const { revision, state, goodLength, damage } = applyChanges(whole, changes);
    if (damage === undefined) {
      this.#wholeBytes = text.length;
      this.#changesBytes = Buffer.byteLength(changes.slice(0, goodLength));
    }
    return { revision, state, damage };
  }

  /** Keeps a policy, soon. Saving must not hold up the kernel: what comes meanwhile is written together. */
  keep(policy: InForce): void {
    const before = this.#unsaved;
    const messages = before?.messages && policy.messages ? [...before.messages, ...policy.messages] : before ? undefined : policy.messages;
    this.#unsaved = { ...policy, messages };
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  /** Resolves when everything is kept. */
  async idle(): Promise<void> {
    while (this.#saving) await this.#saving;
  }

  async close(): Promise<void> {
    await this.idle();
    await this.#changes?.close();
    this.#changes = undefined;
  }

  get #changesPath(): string {
    return `${this.#options.path}.changes`;
  }

  async #saveAll(): Promise<void> {
    while (this.#unsaved) {
      const next = this.#unsaved;
      this.#unsaved = undefined;
      try {
        await this.#save(next);
        this.#options.onSaved(undefined);
      } catch (error) {
        this.#wholeBytes = undefined;
        this.#options.onSaved(`the last good policy cannot be kept: ${error instanceof Error ? error.message : String(error)}`);
      }
      // Each write is fsynced: a burst of changes must not become a burst of disk flushes.
      await delay(SAVE_SPACING_MS);
    }
  }

  async #save(policy: InForce): Promise<void> {
    const { messages } = policy;
    const room = Math.max(MOST_CHANGES_BYTES, this.#wholeBytes ?? 0) - this.#changesBytes;
    if (messages && this.#wholeBytes !== undefined && rulesIn(messages) <= MOST_EVENT_RULES) {
      const bytes = Buffer.from(messages.map(encodeChange).join(""));
      if (bytes.length <= room) {
        await this.#append(bytes);
        return;
      }
    }
    await this.#writeWhole(policy);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#changes ??= await open(this.#changesPath, "a", 0o600);
    // What stands behind the last whole change was being written when an earlier agent ended.
    await this.#changes.truncate(this.#changesBytes);
    await this.#changes.appendFile(bytes);
    await this.#changes.datasync();
    this.#changesBytes += bytes.length;
  }

  async #writeWhole(policy: InForce): Promise<void> {
    const { path } = this.#options;
    const folder = dirname(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const aside = join(folder, `.${process.pid}.last-good.new`);
    const file = await open(aside, "w", 0o600);
    let length = 0;
    try {
      for (const piece of encodeLastGood(this.#options.policy, policy)) {
        await file.appendFile(piece);
        length += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    const directory = await open(folder, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    // Changes that the whole policy holds are skipped on reading, should this not come to pass.
    this.#changes ??= await open(this.#changesPath, "a", 0o600);
    await this.#changes.truncate(0);
    this.#changesBytes = 0;
    this.#wholeBytes = length;
  }
}

/** Rules and set entries that messages carry, roughly: what makes them long. */
function rulesIn(messages: NonNullable<InForce["messages"]>): number {
  let count = 0;
  for (const { message } of messages) {
    for (const { type, data } of message.events) {
      if (type === "rules.added" || type === "rules.replaced") count += data.rules.length;
      else if (type === "set.created" || type === "set.replaced") count += data.entries.length;
      else if (type === "set.changed") count += data.add.length + data.remove.length;
      else if (type === "rules.cleared") count += data.ids.length;
      else count += 1;
    }
  }
  return count;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

