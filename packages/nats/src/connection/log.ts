/** What this package logs with: pino's signature, so that a service hands over its logger as it is. */
export interface NatsLog {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

const nothing = (): void => undefined;

/** Logs nothing. */
export const silentLog: NatsLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
