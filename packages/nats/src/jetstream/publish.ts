import type { MsgHdrs } from "@nats-io/transport-node";
import { z } from "zod";
import { NatsUnavailable } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";

/** nats-server's code for a failed expectation of the last sequence. */
export const WRONG_LAST_SEQUENCE = 10_071;

/** JetStream answered, and did not take the message. */
export class PublishRefused extends Error {
  override readonly name = "PublishRefused";
  constructor(
    readonly what: string,
    /** nats-server's `err_code`. */
    readonly code: number,
    readonly description: string,
  ) {
    super(`${what} was refused by JetStream: ${description} (${code})`);
  }
}

const PubAck = z.union([
  z.object({ error: z.object({ err_code: z.number().default(0), description: z.string().default("no reason given") }) }),
  z.object({ stream: z.string(), seq: z.number().int().nonnegative(), duplicate: z.boolean().default(false) }),
]);

/**
 * Publishes to JetStream and waits until the message is stored.
 * @throws PublishRefused with JetStream's code; NatsUnavailable, whose `sent` tells whether it may be stored
 */
export async function publishStored(
  link: NatsLink,
  what: string,
  subject: string,
  payload: Uint8Array | string,
  headers?: MsgHdrs,
  timeoutMs?: number,
): Promise<{ readonly seq: number; readonly duplicate: boolean }> {
  const reply = await link.request(what, subject, payload, {
    ...(headers !== undefined && { headers }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const ack = PubAck.safeParse(parseJson(reply.string()));
  if (!ack.success) throw new NatsUnavailable(what, "what answered is not JetStream", true, { cause: ack.error });
  if ("error" in ack.data) throw new PublishRefused(what, ack.data.error.err_code, ack.data.error.description);
  return ack.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
