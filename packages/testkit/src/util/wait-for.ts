import { inspect } from "node:util";

/** How long and for what `waitFor` waits. */
export type WaitOptions = {
  /** What is awaited, in words: becomes part of the error. */
  what: string;
  /** Milliseconds until it gives up. Default 10,000. */
  deadlineMs?: number;
  /** Milliseconds between two looks. Default 10. */
  intervalMs?: number;
  /** Checked before each look: an error here ends the wait at once (for example: the process awaited has exited). */
  giveUp?: () => Error | undefined;
};

/** The awaited condition did not become true in time. `lastSeen` is the last value, or the last error thrown. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
  constructor(
    readonly what: string,
    readonly deadlineMs: number,
    readonly lastSeen: unknown,
  ) {
    super(`waited ${deadlineMs} ms for ${what}; last seen: ${describeValue(lastSeen)}`, { cause: lastSeen });
  }
}

/** Marks a look that has not answered when the deadline comes. */
const PENDING = Symbol("the condition was still running");

/**
 * Polls `condition` until it returns something truthy, and returns that. A condition that throws is one not yet met.
 *
 * @throws {WaitTimeoutError} after `deadlineMs`, with the last value or error seen; or whatever `giveUp` returns.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const { what, deadlineMs = 10_000, intervalMs = 10, giveUp } = options;
  const end = performance.now() + deadlineMs;
  let lastSeen: unknown = PENDING;
  for (;;) {
    const reason = giveUp?.();
    if (reason !== undefined) throw reason;
    const seen = await look(condition, end - performance.now());
    if (seen.ok && seen.value !== PENDING && Boolean(seen.value)) return seen.value as NonNullable<T>;
    // A look cut off by the deadline tells less than the one before it.
    if (!seen.ok || seen.value !== PENDING || lastSeen === PENDING) lastSeen = seen.ok ? seen.value : seen.error;
    const left = end - performance.now();
    if (left <= 0) throw new WaitTimeoutError(what, deadlineMs, lastSeen);
    await pause(Math.min(intervalMs, left));
  }
}

type Seen = { ok: true; value: unknown } | { ok: false; error: unknown };

/** Evaluates the condition once, for at most `ms` milliseconds. */
async function look(condition: () => unknown, ms: number): Promise<Seen> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, Math.max(ms, 1), PENDING);
    });
    const value: unknown = await Promise.race([Promise.resolve().then(condition), tooLate]);
    return { ok: true, value };
  } catch (error) {
    return { ok: false, error };
  } finally {
    clearTimeout(timer);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One value for an error message, at most 2,000 characters. */
function describeValue(value: unknown): string {
  if (value === PENDING) return "nothing, the condition did not answer";
  const text = value instanceof Error ? `${value.name}: ${value.message}` : inspect(value, { depth: 4, breakLength: 120 });
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text;
}
