import { pino, type Logger as PinoLogger } from "pino";
import { createRedactor, REDACTED, type Redactor } from "./redact.js";
import { formatRecord, REDACT_PATHS } from "./text-format.js";

/** The logger of a service: pino. `logger.info({ rule: 7 }, "rule applied")`. */
export type Logger = PinoLogger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Something log lines are written to: a stream of the process, or an array in a test. */
export interface LogSink {
  write: (text: string) => unknown;
  isTTY?: boolean;
}

export interface LoggerOptions {
  /** name of the service, in every record */
  service: string;
  instance: string;
  level?: LogLevel;
  /** `auto`: text on a terminal, JSON elsewhere */
  format?: "auto" | "json" | "text";
  /** takes secrets out of every line; default: only the credentials inside URLs */
  redact?: Redactor;
  /** trace, debug and info; default `process.stdout` */
  out?: LogSink;
  /** warn, error and fatal; default `process.stderr` */
  err?: LogSink;
}

const WARN = 40;

/**
 * Creates the logger of a service. Writing is synchronous (as Node's own writes to pipes and files are), so that the
 * last words before an exit are never lost; a reader that went away is no reason to die.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { service, instance, level = "info", format = "auto", redact = createRedactor() } = options;
  const out = options.out ?? ignoringBrokenPipe(process.stdout);
  const err = options.err ?? ignoringBrokenPipe(process.stderr);
  const text = format === "text" || (format === "auto" && out.isTTY === true);
  const destination = {
    [Symbol.for("pino.metadata")]: true, // pino then sets lastLevel before each write
    lastLevel: 0,
    write(line: string) {
      const sink = this.lastLevel >= WARN ? err : out;
      const safe = redact(line);
      sink.write(text ? `${formatRecord(safe, sink.isTTY === true)}\n` : safe);
    },
  };
  return pino(
    {
      level,
      base: { service, instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACT_PATHS, censor: REDACTED },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination,
  );
}

const guarded = new WeakSet<NodeJS.WriteStream>();

function ignoringBrokenPipe(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (!guarded.has(stream)) {
    guarded.add(stream);
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return stream;
}
