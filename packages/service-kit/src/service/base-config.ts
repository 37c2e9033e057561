import { hostname } from "node:os";
import { z } from "zod";
import { durationMs, listenPort } from "../config/fields.js";
import type { EnvMap } from "../config/settings.js";
import { LOG_LEVELS } from "../logging/logger.js";

/** `<host>-<pid>`, with only the characters that an instance name may have. */
function defaultInstance(): string {
  return `${hostname().replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 48)}-${process.pid}`;
}

interface Defaults {
  /** port of the operations endpoints; 0 takes a free one */
  opsPort?: number;
  /** name of this process; default `<host>-<pid>` */
  instance?: string;
}

const baseShape = (defaults: Defaults) => ({
  instance: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "Expected 1 to 64 letters, digits, - or _")
    .default(defaults.instance ?? defaultInstance())
    .describe("name of this process in logs, metrics and messages")
    .meta({ expects: "letters, digits, - and _" }),
  ops: z
    .object({
      host: z.string().min(1).default("127.0.0.1").describe("address of health and metrics; no authentication, so loopback by default"),
      port: listenPort().default(defaults.opsPort ?? 0).describe("port of health and metrics"),
    })
    .prefault({}),
  log: z
    .object({
      level: z.enum(LOG_LEVELS).default("info").describe("least severity that is logged"),
      format: z.enum(["auto", "json", "text"]).default("auto").describe("auto: text on a terminal, JSON elsewhere"),
    })
    .prefault({}),
  shutdown: z
    .object({ deadline: durationMs({ min: 1, max: 600_000 }).prefault("10s").describe("time to stop in; then the process exits with 1") })
    .prefault({}),
});

/** Names that the base settings can be set by besides the derived ones. */
export const BASE_ENV_MAP: EnvMap = {
  "log.level": ["SECUXFLOW_LOG_LEVEL", "LOG_LEVEL"],
  "log.format": ["SECUXFLOW_LOG_FORMAT", "LOG_FORMAT"],
};

/**
 * The schema of a service's configuration: the settings that every service has (`instance`, `ops`, `log`, `shutdown`)
 * and its own. Sections of its own that have only defaults end in `.prefault({})`.
 */
export function serviceSchema<S extends z.core.$ZodLooseShape>(shape: S, defaults: Defaults = {}) {
  return z.object({ ...baseShape(defaults), ...shape });
}

/** The settings every service has. */
export type BaseConfig = z.output<z.ZodObject<ReturnType<typeof baseShape>>>;
