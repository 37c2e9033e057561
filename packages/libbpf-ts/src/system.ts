/** The machine: bpf file system, statistics, version of libbpf. */
import { mkdirSync, statfsSync } from "node:fs";
import { nonEmpty } from "./arguments.js";
import { check, checkValue } from "./call.js";
import { native } from "./native.js";

const BPF_FS_MAGIC = 0xcafe4a11;

/** Whether a path lies on a bpf file system. */
export function isBpffs(path: string): boolean {
  try {
    return statfsSync(nonEmpty(path, "path")).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

/**
 * Mounts the bpf file system, mode 0700, unless there is one; makes the folder if it is missing.
 * @returns whether it was mounted now
 * @throws {BpfError} EPERM: needs CAP_SYS_ADMIN
 */
export function mountBpffs(path = "/sys/fs/bpf"): boolean {
  if (isBpffs(path)) return false;
  mkdirSync(path, { recursive: true });
  check(native().mountBpffs(path), "mount bpf file system", path);
  return true;
}

/**
 * Makes the kernel count runs and run time of all programs (some nanoseconds a run) until closed.
 * @throws {BpfError} EPERM: needs CAP_SYS_ADMIN
 */
export function enableStats(): { close(): void; [Symbol.dispose](): void } {
  const handle = checkValue(native().enableStats(), "enable", "run time statistics");
  const close = (): void => { native().fdClose(handle); };
  return { close, [Symbol.dispose]: close };
}

/** Version of the libbpf that is linked, such as "v1.1". */
export function libbpfVersion(): string {
  return native().libbpfVersion();
}
