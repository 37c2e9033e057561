import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";

/** NATS cannot be reached, or JetStream does not answer. */
export class NatsUnavailable extends Error {
  override readonly name = "NatsUnavailable";
  constructor(
    readonly what: string,
    readonly reason: string,
    /** The request was sent: it may have been carried out although no answer came. */
    readonly sent: boolean,
    options?: ErrorOptions,
  ) {
    super(`${what} failed: ${reason}; see that nats-server runs with JetStream and is reachable, then try again`, options);
  }
}

/** The error's own words, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Code of an error that JetStream's API answered with (nats-server's errors.json), or undefined for any other error. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

/** Nobody listens on the subject of a request; for JetStream's subjects: it is off, or still starting. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders());
}

/** No answer came in time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof errors.TimeoutError;
}
