import { init, WASI } from "@wasmer/wasi";

/**
 * WASI for modules in C and other languages: @wasmer/wasi supplies the imports, but no file, variable, clock or random
 * number reaches the module, so that a run depends on its batches alone. Calls that would touch the outside answer ENOSYS;
 * what is written to standard output and error becomes log lines.
 */

const WASI_MODULE = "wasi_snapshot_preview1";
const ENOSYS = 52;
const EBADF = 8;

const allowed: ReadonlySet<string> = new Set([
  "args_get",
  "args_sizes_get",
  "environ_get",
  "environ_sizes_get",
  "clock_res_get",
  "clock_time_get",
  "fd_close",
  "fd_fdstat_get",
  "fd_fdstat_set_flags",
  "fd_prestat_dir_name",
  "fd_prestat_get",
  "fd_read",
  "fd_seek",
  "fd_write",
  "proc_exit",
  "random_get",
  "sched_yield",
]);

/** True for the WASI calls that a C library drags in and that are harmless here; files by path, sockets and polling are not. */
export function isAllowedWasiImport(module: string, name: string): boolean {
  return module === WASI_MODULE && allowed.has(name);
}

type ImportFunction = (...args: number[]) => number;

function writeToLog(memory: () => WebAssembly.Memory | undefined, log: (level: number, text: string) => void): ImportFunction {
  return (fd = 0, iovs = 0, iovsLen = 0, written = 0) => {
    const buffer = memory()?.buffer;
    if ((fd !== 1 && fd !== 2) || buffer === undefined) return EBADF;
    const view = new DataView(buffer);
    let total = 0;
    const parts: Buffer[] = [];
    // A RangeError from a wild pointer leaves through the module as a trap, which is right.
    for (let i = 0; i < Math.min(iovsLen >>> 0, 64); i++) {
      const at = view.getUint32((iovs >>> 0) + i * 8, true);
      const length = view.getUint32((iovs >>> 0) + i * 8 + 4, true);
      parts.push(Buffer.from(buffer, at, length));
      total += length;
    }
    view.setUint32(written >>> 0, total, true);
    log(fd === 2 ? 1 : 2, Buffer.concat(parts, Math.min(total, 1024)).toString("utf8"));
    return 0;
  };
}

/**
 * An instance with WASI imports merged under `imports`.
 * @param memory gives the module's memory once it exists
 */
export async function instantiateWithWasi(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  memory: () => WebAssembly.Memory | undefined,
  log: (level: number, text: string) => void,
): Promise<WebAssembly.Instance> {
  await init();
  const wasi = new WASI({ args: [], env: {}, preopens: {} });
  const supplied = wasi.getImports(module) as WebAssembly.Imports;
  const deny = (): number => ENOSYS;
  // Instantiated here, since @wasmer/wasi takes no imports but its own; it then only learns where the memory is.
  const instance = await WebAssembly.instantiate(module, {
    ...supplied,
    ...imports,
    [WASI_MODULE]: {
      ...supplied[WASI_MODULE],
      clock_res_get: deny,
      clock_time_get: deny,
      random_get: deny,
      fd_read: deny,
      fd_write: writeToLog(memory, log),
    },
  });
  return wasi.instantiate(instance, undefined);
}
