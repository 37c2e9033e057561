/** Every error of this package: what was tried on what, why it failed, and what to do next. */
import { Errno, errnoName, errnoText } from "./errno.js";

/** Base of all errors of this package. */
export class LibbpfError extends Error {
  /** A stable name for programs: an errno name for {@link BpfError}, else `ERR_LIBBPF_...`. */
  readonly code: string;
  constructor(message: string, code: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.name = new.target.name;
  }
}

/** The native addon cannot be loaded. */
export class AddonMissingError extends LibbpfError {
  constructor(packageFolder: string, cause: unknown) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    super(
      `the native addon of libbpf-ts cannot be loaded: ${reason}. ` +
        `Install libbpf-dev, libelf-dev, zlib1g-dev, g++ and make, then run: npx node-gyp rebuild -C ${packageFolder}`,
      "ERR_LIBBPF_ADDON", cause);
  }
}

/** An argument is wrong; nothing was done. */
export class ArgumentError extends LibbpfError {
  readonly argument: string;
  constructor(argument: string, problem: string) {
    super(`${argument} ${problem}`, "ERR_LIBBPF_ARGUMENT");
    this.argument = argument;
  }
}

/** An object file or its BTF cannot be read. */
export class SpecError extends LibbpfError {
  constructor(message: string) {
    super(message, "ERR_LIBBPF_SPEC");
  }
}

/** A name that the object file does not have; lists the names there are. */
export class UnknownNameError extends LibbpfError {
  constructor(kind: string, name: string, known: Iterable<string>) {
    const names = [...known];
    const shown = names.slice(0, 20).join(", ") + (names.length > 20 ? `, and ${names.length - 20} more` : "");
    super(`there is no ${kind} "${name}"; there ${names.length === 0 ? "are none" : `is ${shown}`}`, "ERR_LIBBPF_NAME");
  }
}

/** The call does not fit the object's state, such as setting constants after load. */
export class StateError extends LibbpfError {
  constructor(message: string) {
    super(message, "ERR_LIBBPF_STATE");
  }
}

/** The map, program, link, ring or object was closed before. */
export class ClosedError extends LibbpfError {
  constructor(operation: string, operand: string) {
    super(`${operation}: ${operand} is closed`, "ERR_LIBBPF_CLOSED");
  }
}

/** A map that should take the place of another one differs from it. */
export class MapMismatchError extends LibbpfError {
  readonly differences: readonly string[];
  constructor(name: string, differences: readonly string[]) {
    super(
      `map "${name}" cannot be replaced by the given one: ${differences.join("; ")}. ` +
        "Delete the old map (unpin it) or compile the program with the old definition.", "ERR_LIBBPF_MAP_MISMATCH");
    this.differences = differences;
  }
}

/** A record of a ring batch lies outside of the bytes that were given. */
export class RecordFormatError extends LibbpfError {
  constructor(offset: number, problem: string) {
    super(`ring buffer batch, offset ${offset}: ${problem}`, "ERR_LIBBPF_RECORD");
  }
}

export interface BpfErrorDetails {
  /** Positive error number. */
  errno: number;
  /** What was tried, such as "map update". */
  operation: string;
  /** On what, such as `map "rules"`. */
  operand: string;
  /** libbpf's own messages during the call. */
  log?: string;
  /** Replaces the general advice. */
  advice?: string;
}

/** The kernel or libbpf refused. */
export class BpfError extends LibbpfError {
  readonly errno: number;
  readonly operation: string;
  readonly operand: string;
  readonly log: string;
  readonly advice: string;
  constructor(details: BpfErrorDetails, message?: string) {
    const advice = details.advice ?? adviceFor(details.errno);
    super(message ?? formatBpfError({ ...details, advice }), errnoName(details.errno));
    this.errno = details.errno;
    this.operation = details.operation;
    this.operand = details.operand;
    this.log = details.log ?? "";
    this.advice = advice;
  }
}

/** The kernel, driver or map type does not have what was asked for. Tests may take it for a reason to skip. */
export class NotSupportedError extends BpfError {}

/** A batch operation stopped in the middle. */
export class BatchError extends BpfError {
  /** Elements done before the error. */
  readonly completed: number;
  constructor(details: BpfErrorDetails, completed: number) {
    super(details, `${formatBpfError(details)} (${completed} elements were done before)`);
    this.completed = completed;
  }
}

/** The verifier refused a program. */
export class VerifierError extends BpfError {
  /** Name of the program. */
  readonly program: string;
  /** The last relevant lines in one paragraph. */
  readonly summary: string;
  constructor(details: BpfErrorDetails & { program: string; summary: string; log: string }) {
    super(
      { ...details, advice: details.advice ?? "See the error's log property for the whole verifier log." },
      `${details.operation} ${details.operand}: ${details.summary}`);
    this.program = details.program;
    this.summary = details.summary;
  }
}

/** What is attached where somebody else wanted to attach. */
export interface AttachedProgram {
  programId: number;
  mode: string;
  linkIds: readonly number[];
}

/** Another program is attached to the interface. */
export class AttachBusyError extends BpfError {
  readonly attached: AttachedProgram | undefined;
  constructor(details: BpfErrorDetails, attached: AttachedProgram | undefined) {
    const links = attached?.linkIds.length ? ` by link ${attached.linkIds.join(" or ")}` : "";
    const advice = attached === undefined
      ? "Another program is attached; find it with bpftool net."
      : `Program ${attached.programId} is attached (${attached.mode})${links}: detach it, or update its link.`;
    super({ ...details, advice });
    this.attached = attached;
  }
}

/** True for errors that say "this kernel or driver cannot". */
export function isNotSupported(error: unknown): error is NotSupportedError {
  return error instanceof NotSupportedError;
}

/** The error for a positive errno: {@link NotSupportedError} where that is what it says. */
export function bpfError(details: BpfErrorDetails): BpfError {
  switch (details.errno) {
    case Errno.EOPNOTSUPP:
    case Errno.ENOTSUPP:
    case Errno.ENOSYS:
      return new NotSupportedError(details);
    default:
      return new BpfError(details);
  }
}

/** One line: operation, operand, code, meaning, advice, and libbpf's last words. Pure. */
export function formatBpfError(details: BpfErrorDetails): string {
  const advice = details.advice ?? adviceFor(details.errno);
  const lines = (details.log ?? "").split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const log = lines.length === 0 ? "" : ` libbpf: ${lines.slice(-3).join(" | ").slice(-600)}`;
  return `${details.operation} ${details.operand}: ${errnoName(details.errno)} (${errnoText(details.errno)}).` +
    (advice === "" ? "" : ` ${advice}`) + log;
}

/** What to do about an errno in general. Pure. */
export function adviceFor(errno: number): string {
  switch (errno) {
    case Errno.EPERM:
      return "Run as root or with CAP_BPF and CAP_NET_ADMIN (CAP_SYS_ADMIN for ids); a frozen map refuses writes for ever.";
    case Errno.EACCES:
      return "The kernel's access check failed: look at the flags of the map, the mode of the pin, or the verifier log.";
    case Errno.ENOMEM:
      return "Not enough memory, or RLIMIT_MEMLOCK is too small on kernels before 5.11 (ulimit -l unlimited).";
    case Errno.ENOENT:
      return "It does not exist (any more).";
    case Errno.ENODEV:
      return "There is no interface of that name or index in that network namespace.";
    case Errno.EEXIST:
      return "It exists already.";
    case Errno.EBUSY:
      return "Somebody else uses it.";
    case Errno.EPROTOTYPE:
      return "It is of another kind.";
    case Errno.ENOSPC:
      return "The buffer, or the map, is full.";
    case 7: // E2BIG
      return "The map is full, or the request is too large for this kernel.";
    case Errno.EOPNOTSUPP:
    case Errno.ENOTSUPP:
    case Errno.ENOSYS:
      return "This kernel, driver or map type does not support it.";
    case Errno.EINVAL:
      return "The kernel refused the arguments: check types, sizes and flags.";
    default:
      return "";
  }
}
