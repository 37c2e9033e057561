import type { LoggerService } from "@nestjs/common";
import type { Logger } from "./logger.js";

// Nest tells at length what it wires up; that is of interest only while debugging.
const QUIET_CONTEXTS = new Set(["NestFactory", "InstanceLoader", "RoutesResolver", "RouterExplorer", "NestApplication", "NestMicroservice"]);

/** Lets Nest, and everything that uses Nest's `Logger`, write to ours. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    const { context } = split(rest);
    this.write(context !== undefined && QUIET_CONTEXTS.has(context) ? "debug" : "info", message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write("error", message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write("warn", message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write("debug", message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write("trace", message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write("fatal", message, rest);
  }

  private write(level: "trace" | "debug" | "info" | "warn" | "error" | "fatal", message: unknown, rest: readonly unknown[]): void {
    const { context, details } = split(rest);
    const fields: Record<string, unknown> = { ...(context !== undefined && { context }) };
    const [first, ...others] = details;
    if (first instanceof Error) fields.err = first;
    // Nest passes an error's stack as text
    else if (typeof first === "string" && /\n\s+at /.test(first)) fields.stack = first;
    else if (first !== undefined) others.unshift(first);
    if (others.length > 0) fields.details = others;

    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === "object" && message !== null) this.logger[level]({ ...message, ...fields });
    else this.logger[level](fields, String(message));
  }
}

/** By Nest's convention the last argument, when it is text, is the context. */
function split(rest: readonly unknown[]): { context: string | undefined; details: unknown[] } {
  const last = rest.at(-1);
  if (typeof last === "string" && !/\n\s+at /.test(last)) return { context: last, details: rest.slice(0, -1) };
  return { context: undefined, details: rest.filter((value) => value !== undefined) };
}
