/** What maps, programs and links have in common: a descriptor, pins, an end. */
import { statfsSync, unlinkSync } from "node:fs";
import { nonEmpty, u32 } from "./arguments.js";
import { check, checkHandle, checkValue } from "./call.js";
import { Errno } from "./errno.js";
import { BpfError, ClosedError, StateError } from "./errors.js";
import { type Handle, type Kind, native } from "./native.js";

const BPF_FS_MAGIC = 0xcafe4a11;

/** A descriptor that this object owns: closed by {@link close}, by `using`, or by the garbage collector. */
export abstract class FdObject {
  /** Internal: the addon's handle. */
  readonly handle: Handle;
  #pins: string[] = [];

  protected constructor(handle: Handle) {
    this.handle = handle;
  }

  /** In messages, such as `map "rules"`. */
  abstract get label(): string;

  /** The number of the descriptor, which stays owned by this object. @throws {ClosedError} */
  get fd(): number {
    const fd = native().fdNumber(this.handle);
    if (fd < 0) throw new ClosedError("fd", this.label);
    return fd;
  }

  get closed(): boolean {
    return native().fdNumber(this.handle) < 0;
  }

  /**
   * Pins it on a bpf file system, where it outlives this process.
   * @throws {BpfError} EEXIST; ENOENT: the folder is missing; EPERM: not on a bpf file system, or no rights
   */
  pin(path: string): void {
    nonEmpty(path, "path");
    const code = native().fdPin(this.handle, path);
    if (code < 0 && !this.closed) {
      const advice = code === -Errno.ENOENT ? "The folder does not exist: make it on the bpf file system (mkdir)."
        : code === -Errno.EINVAL || code === -Errno.EPERM ? "Pins need a bpf file system (mountBpffs) and the right to write there."
        : undefined;
      throw new BpfError({ errno: -code, operation: "pin", operand: `${this.label} at ${path}`, ...(advice ? { advice } : {}) });
    }
    checkHandle(this.handle, code, "pin", this.label);
    this.#pins.push(path);
  }

  /** Paths this object was pinned to or opened from, without those unpinned. */
  get pins(): readonly string[] {
    return this.#pins;
  }

  /** Removes one pin, by default all that this object knows. A path that is gone already is no error. */
  unpin(path?: string): void {
    for (const one of path === undefined ? [...this.#pins] : [nonEmpty(path, "path")]) {
      removePin(one);
      this.#pins = this.#pins.filter((other) => other !== one);
    }
  }

  protected rememberPin(path: string): void {
    this.#pins.push(path);
  }

  /** Closes the descriptor; the kernel object lives on while it is pinned, attached or held elsewhere. May be repeated. */
  close(): void {
    native().fdClose(this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Removes a pin. Anything that does not lie on a bpf file system is left alone. @throws {StateError} */
export function removePin(path: string): void {
  try {
    if (statfsSync(path).type !== BPF_FS_MAGIC) throw new StateError(`${path} is not on a bpf file system and was not removed`);
    unlinkSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
}

/** Opens what is pinned at a path. */
export function handleFromPin(kind: Kind, path: string): Handle {
  nonEmpty(path, "path");
  const handle = native().fdFromPin(kind, path);
  if (handle === -Errno.EPROTOTYPE) {
    throw new BpfError({
      errno: Errno.EPROTOTYPE, operation: "open pinned", operand: `${kind} ${path}`, advice: `What is pinned there is no ${kind}.`,
    });
  }
  return checkValue(handle, "open pinned", `${kind} ${path}`);
}

/** Opens a kernel object by its id (needs CAP_SYS_ADMIN). */
export function handleFromId(kind: Kind, id: number): Handle {
  return checkValue(native().fdFromId(kind, u32(id, "id")), "open", `${kind} id ${id}`);
}

/** Ids of all maps, programs or links of the kernel (needs CAP_SYS_ADMIN). */
export function* kernelIds(kind: Kind): Generator<number> {
  for (let id = 0; ;) {
    const next = native().nextId(kind, id);
    if (next === -Errno.ENOENT) return;
    id = check(next, "list", `${kind}s`);
    yield id;
  }
}

/** Whether an error says that the object went away meanwhile. */
export function isGone(error: unknown): boolean {
  return error instanceof BpfError && error.errno === Errno.ENOENT;
}

