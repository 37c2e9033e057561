import { existsSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

const BPFFS = "/sys/fs/bpf";
const OWNED = /^secuxflow-(\d+)-[0-9a-f]{8}$/;

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);

const remove = (folder: string): void => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) remove(path);
    else unlinkSync(path);
  }
  rmdirSync(folder);
};

/**
 * Removes pins that systems of dead processes left on the BPF file system; with the last pin of a link its filter is
 * detached. Returns the folders that were removed.
 */
export function sweepPins(): string[] {
  if (!existsSync(BPFFS)) return [];
  const orphans = readdirSync(BPFFS).filter((name) => {
    const pid = OWNED.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  });
  for (const name of orphans) remove(join(BPFFS, name));
  return orphans;
}
