import { ModuleLied, ModuleRejected, ModuleTrapped } from "./errors.js";
import type { LoadedModule } from "./load-module.js";
import { instantiateWithWasi } from "./wasi.js";

/** 0 debug, 1 error, 2 info, 3 warning: as `secuxflow.log` gives it. */
export type LogFunction = (level: number, message: string) => void;

const MAX_LOG_BYTES = 1024;
const MAX_LOGS_PER_CALL = 16;

type WasmFunction = (...args: number[]) => unknown;

/**
 * The raw module: calls, and copies in and out of its memory, each checked. It knows nothing of batches. Once it trapped it
 * refuses every further call.
 */
export class Guest {
  private dead: ModuleTrapped | undefined;
  private logsLeft = MAX_LOGS_PER_CALL;
  private instance: WebAssembly.Instance | undefined;

  private constructor(private readonly log: LogFunction) {}

  /** Instantiates, and calls `_initialize` where there is one. */
  static async start(loaded: LoadedModule, log: LogFunction): Promise<Guest> {
    const guest = new Guest(log);
    const imports: WebAssembly.Imports = {
      secuxflow: {
        log: (level: number, at: number, length: number) => {
          guest.logFromModule(level, at, length);
        },
      },
      env: {
        abort: (message: number, file: number, line: number, column: number) => {
          guest.abort(message, file, line, column);
        },
      },
    };
    try {
      guest.instance = loaded.usesWasi
        ? await instantiateWithWasi(
            loaded.module,
            imports,
            () => guest.memoryIfStarted(),
            (level, text) => {
              guest.limitedLog(level, text);
            },
          )
        : await WebAssembly.instantiate(loaded.module, imports);
    } catch (cause) {
      throw new ModuleRejected("start-failed", cause instanceof Error ? cause.message : String(cause), { cause });
    }
    for (const [name, arity] of [
      ["input", 1],
      ["inspect", 2],
      ["output", 0],
      ["configure", 2],
      ["rules", 1],
      ["load", 2],
      ["flush", 0],
      ["counters", 0],
      ["tick", 1],
      ["_initialize", 0],
    ] as const) {
      const found = guest.exported(name);
      if (found !== undefined && found.length !== arity) {
        throw new ModuleRejected("missing-export", `${name} takes ${found.length} parameters, the ABI says ${arity}`);
      }
    }
    if (guest.has("_initialize")) guest.call("_initialize");
    return guest;
  }

  private memoryIfStarted(): WebAssembly.Memory | undefined {
    const memory = this.instance?.exports.memory;
    return memory instanceof WebAssembly.Memory ? memory : undefined;
  }

  private exported(name: string): WasmFunction | undefined {
    const value = this.instance?.exports[name];
    return typeof value === "function" ? (value as WasmFunction) : undefined;
  }

  has(name: string): boolean {
    return this.exported(name) !== undefined;
  }

  /** Bytes of memory now. */
  get memoryBytes(): number {
    return this.memoryIfStarted()?.buffer.byteLength ?? 0;
  }

  /** Memory as it is now; growing replaces the buffer, so never keep it over a call. */
  private bytes(): Uint8Array {
    const memory = this.memoryIfStarted();
    if (memory === undefined) throw new ModuleRejected("start-failed", "there is no memory");
    return new Uint8Array(memory.buffer);
  }

  /** Calls an export; anything it throws becomes {@link ModuleTrapped}. */
  call(name: string, ...args: number[]): number {
    if (this.dead !== undefined) throw this.dead;
    const target = this.exported(name);
    if (target === undefined) throw new ModuleLied(name, "there is no such function");
    this.logsLeft = MAX_LOGS_PER_CALL;
    let result: unknown;
    try {
      result = target(...args);
    } catch (cause) {
      this.dead =
        cause instanceof ModuleTrapped
          ? cause
          : new ModuleTrapped(name, cause instanceof Error ? cause.message : String(cause), { cause });
      throw this.dead;
    }
    if (result === undefined) return 0;
    if (typeof result !== "number" || !Number.isInteger(result))
      throw new ModuleLied(name, `returned ${typeof result}, the ABI says i32`);
    return result;
  }

  /** A result taken for a pointer to `length` bytes, which must not be null and must lie inside the memory. */
  range(name: string, pointer: number, length: number): number {
    const at = pointer >>> 0;
    if (at === 0 || at + length > this.memoryBytes) {
      throw new ModuleLied(name, `${length} bytes at ${at} are not inside the ${this.memoryBytes} bytes of memory`);
    }
    return at;
  }

  /** Copies `data` to `at`, which {@link range} approved. */
  copyIn(at: number, data: Uint8Array): Uint8Array {
    const target = this.bytes().subarray(at, at + data.byteLength);
    target.set(data);
    return target;
  }

  /** A copy of `length` bytes at `at`, which {@link range} approved. */
  copyOut(at: number, length: number): Uint8Array {
    return this.bytes().slice(at, at + length);
  }

  private limitedLog(level: number, text: string): void {
    if (this.logsLeft <= 0) return;
    this.logsLeft--;
    this.log(level, this.logsLeft === 0 ? `${text} (further lines of this call are dropped)` : text);
  }

  private logFromModule(level: number, at: number, length: number): void {
    const start = at >>> 0;
    const size = Math.min(length >>> 0, MAX_LOG_BYTES);
    if (start + size > this.memoryBytes) return;
    this.limitedLog(level, Buffer.from(this.bytes().subarray(start, start + size)).toString("utf8"));
  }

  /** AssemblyScript's assertion failure: strings are UTF-16 with their byte length in the u32 before them. */
  private abort(message: number, file: number, line: number, column: number): never {
    const read = (pointer: number): string => {
      const at = pointer >>> 0;
      if (at < 4 || at > this.memoryBytes) return "?";
      const length = Math.min(Buffer.from(this.bytes().subarray(at - 4, at)).readUInt32LE(0), MAX_LOG_BYTES);
      return Buffer.from(this.bytes().subarray(at, at + length)).toString("utf16le");
    };
    throw new ModuleTrapped("abort", `${read(message)} (${read(file)}:${line}:${column})`);
  }
}
