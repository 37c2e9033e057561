import { z } from "zod";

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Milliseconds of a duration such as `250ms`, `5s`, `2m`, `1h`, `7d`; a bare number is milliseconds.
 * Returns undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  const ms = Number(match[1]) * UNIT_MS[(match[2] ?? "ms") as keyof typeof UNIT_MS];
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined;
}

/**
 * A setting that is a length of time, given as `5s` or as milliseconds; its value is whole milliseconds.
 * @param range the smallest and largest value accepted, in milliseconds
 */
export function durationMs(range: { min?: number; max?: number } = {}) {
  const { min = 0, max = 2_147_483_647 } = range; // the longest delay a Node timer takes
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      const ms = typeof value === "number" ? Math.round(value) : parseDuration(value);
      if (ms === undefined || ms < min || ms > max) {
        context.addIssue({ code: "custom", message: `Expected a duration from ${min}ms to ${max}ms, such as 500ms, 5s or 2m` });
        return z.NEVER;
      }
      return ms;
    })
    .meta({ expects: "duration (500ms, 5s, 2m)" });
}

/** A TCP or UDP port to listen on; 0 lets the kernel choose a free one. */
export function listenPort() {
  return z.int().min(0).max(65_535).meta({ expects: "port (0 to 65535, 0 takes a free one)" });
}

/**
 * Marks a setting as secret: it is shown as `[secret]` by `--help` and `--check-config` and in configuration errors,
 * it is taken out of every log line, and its value can be read from a file named by `<ENV NAME>_FILE`.
 * Values have 4 characters or more: shorter ones could not be taken out of logs without mangling them.
 */
export function secret() {
  return z.string().min(4, "Expected 4 characters or more").meta({ secret: true });
}
