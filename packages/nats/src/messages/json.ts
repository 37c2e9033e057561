import type { z } from "zod";
import { reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";

/**
 * Publishes a JSON message on core NATS: at most once, to whoever listens now.
 * @returns false when it was not sent because NATS is away
 * @throws RangeError when the message exceeds the server's limit
 */
export function publishJson(link: NatsLink, subject: string, value: unknown): boolean {
  if (link.state() !== "connected") return false;
  const nc = link.connection(`publishing on ${subject}`);
  const body = new TextEncoder().encode(JSON.stringify(value));
  const limit = nc.info?.max_payload ?? Infinity;
  if (body.length > limit)
    throw new RangeError(`a message of ${body.length} bytes for ${subject} exceeds the server's max_payload of ${limit}`);
  nc.publish(subject, body);
  return true;
}

export interface JsonSubscription {
  /** Messages that were no JSON or not what the schema wants. */
  readonly malformed: number;
  /** Resolves when nothing is delivered any more. */
  stop(): void;
}

/** One malformed message in this many is logged after the first. */
const LOG_EVERY = 1_000;

/**
 * Delivers what is published on `subject` (wildcards are fine) and passes the schema; the rest is counted and logged.
 * Stands through reconnects, and may begin while NATS is away. What `onMessage` throws is logged.
 */
export function subscribeJson<T>(
  link: NatsLink,
  subject: string,
  schema: z.ZodType<T>,
  onMessage: (value: T, subject: string) => void,
): JsonSubscription {
  let malformed = 0;
  const receive = (body: Uint8Array, from: string): void => {
    const read = parse(schema, body);
    if (!read.ok) {
      if (malformed % LOG_EVERY === 0)
        link.log.warn({ subject: from, malformed: malformed + 1, reason: read.reason }, "a malformed message was dropped");
      malformed += 1;
      return;
    }
    try {
      onMessage(read.value, from);
    } catch (error) {
      link.log.error({ subject: from, err: error }, "a subscriber failed");
    }
  };
  const stop = link.subscribe(subject, (message) => receive(message.data, message.subject));
  return {
    get malformed() {
      return malformed;
    },
    stop,
  };
}

function parse<T>(schema: z.ZodType<T>, body: Uint8Array): { ok: true; value: T } | { ok: false; reason: string } {
  try {
    const read = schema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)));
    if (read.success) return { ok: true, value: read.data };
    return {
      ok: false,
      reason: read.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
        .join("; "),
    };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}
