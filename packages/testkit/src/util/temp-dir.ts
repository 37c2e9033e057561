import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, thisOwner } from "../process/owner.js";

/** A folder of its own; `remove()` deletes it with everything in it and may be called twice. */
export type TempDir = { readonly path: string; remove(): Promise<void> };

let swept: Promise<string[]> | undefined;

/**
 * Makes an empty folder (mode 0700) under the system's temporary folder. Its name holds this process's id and start time:
 * what a killed process left is removed by the first call in a later one.
 */
export async function tempDir(label = "test"): Promise<TempDir> {
  if (!/^[\w-]{1,40}$/.test(label)) throw new Error(`"${label}" cannot label a folder: 1 to 40 letters, digits, "_" or "-"`);
  await (swept ??= sweepTempDirs());
  const { pid, startTime } = thisOwner();
  const path = await mkdtemp(join(tmpdir(), `secuxflow-${label}.${pid}-${startTime}.`));
  return { path, remove: () => removeTree(path) };
}

/** Removes the folders of processes that are dead; returns their paths. Those of other users are left alone. */
export async function sweepTempDirs(): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(tmpdir())) {
    const match = /^secuxflow-[\w-]+\.(\d+)-(\d+)\.[a-zA-Z0-9]{6}$/.exec(name);
    if (match === null || isAlive({ pid: Number(match[1]), startTime: match[2] ?? "" })) continue;
    const path = join(tmpdir(), name);
    try {
      await removeTree(path);
      removed.push(path);
    } catch {
      // Another user's, or somebody else is removing it: not a reason for a test to fail.
    }
  }
  return removed;
}

const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
