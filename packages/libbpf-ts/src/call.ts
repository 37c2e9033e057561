/** Calling the addon: turning its codes into errors, and handing libbpf's log on. */
import { Errno } from "./errno.js";
import { bpfError, ClosedError } from "./errors.js";
import { native, type Handle } from "./native.js";

export type LogLevel = "warn" | "info" | "debug";
export type LogHandler = (level: LogLevel, message: string) => void;

const levels: readonly LogLevel[] = ["warn", "info", "debug"];
let handler: LogHandler | undefined;

/**
 * Sends libbpf's own messages of this thread to a function; `undefined` makes it silent again, which is the default.
 * Messages arrive after the call that caused them. The level is process-wide ("debug" is very chatty).
 */
export function setLogHandler(next: LogHandler | undefined, level: LogLevel = "info"): void {
  native().setLogLevel(Math.max(levels.indexOf(level), levels.indexOf("info")));
  const least = levels.indexOf(level);
  handler = next === undefined ? undefined : (at, message) => { if (levels.indexOf(at) <= least) next(at, message); };
}

/**
 * Runs a call that may make libbpf talk.
 * @returns the call's result and what libbpf said (warnings and information), lines without the "libbpf: " prefix
 */
export function withLog<T>(call: () => T): { result: T; log: string } {
  native().takeLog(); // what calls without interest left behind
  const result = call();
  const entries = native().takeLog();
  let log = "";
  for (let i = 0; i + 1 < entries.length; i += 2) {
    const level = levels[Number(entries[i])] ?? "debug";
    const message = String(entries[i + 1]).replace(/^libbpf: /, "");
    if (level !== "debug") log += message.endsWith("\n") ? message : message + "\n";
    handler?.(level, message.trimEnd());
  }
  return { result, log };
}

/** Throws for a negative code; answers the code otherwise. */
export function check(code: number, operation: string, operand: string, log = ""): number {
  if (code >= 0) return code;
  throw bpfError({ errno: -code, operation, operand, log });
}

/** The value of a call that answers a value or a negative code. */
export function checkValue<T>(value: T | number, operation: string, operand: string, log = ""): T {
  if (typeof value !== "number") return value;
  throw bpfError({ errno: -value, operation, operand, log });
}

/** {@link check} for a call on a handle: says "closed" when that is why. */
export function checkHandle(handle: Handle, code: number, operation: string, operand: string): number {
  if (code >= 0) return code;
  if (code === -Errno.EBADF && native().fdNumber(handle) < 0) throw new ClosedError(operation, operand);
  throw bpfError({ errno: -code, operation, operand });
}
