import { AckPolicy, DeliverPolicy, type ConsumerConfig, type ConsumerMessages, type JsMsg } from "@nats-io/jetstream";
import { nanos, nuid } from "@nats-io/transport-node";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";

/** Where a tail begins: after a sequence, or with the newest message of each subject. */
export type TailStart = { readonly after: number } | "last-per-subject";

export interface TailOptions {
  readonly stream: string;
  /** One filter subject; wildcards are fine. */
  readonly filter: string;
  readonly start: TailStart;
  readonly signal: AbortSignal;
  /** Deliver headers without bodies. */
  readonly headersOnly?: boolean;
  /** Called in order. What it throws ends the tail. */
  readonly onMessage: (message: JsMsg) => void | Promise<void>;
  /** A new consumer is about to begin: at the start, and after each break. EndTail ends the tail, other errors try again. */
  readonly onBegin?: () => void | Promise<void>;
  /** All that was stored when the present consumer began has been delivered. */
  readonly onCaughtUp?: () => void | Promise<void>;
}

const IDLE_HEARTBEAT_MS = 1_000;
const RETRY_MS = 200;
/** The server forgets a tail's consumer this long after its client went away. */
const INACTIVE_MS = 10_000;
const PREFETCH = 256;

/** Ends a tail for good with its cause; any other failure is NATS's and is tried again. */
export class EndTail extends Error {
  override readonly name = "EndTail";
  constructor(override readonly cause: unknown) {
    super("the tail ends");
  }
}

/**
 * Delivers a stream's messages of one filter, live, until the signal aborts. Each connection gets a consumer of its own
 * that begins after the last message delivered; a message out of its delivery sequence, a missed heartbeat, a deleted
 * consumer or a broken connection each end the consumer and begin the next one, so there is no gap and nothing twice.
 * With `last-per-subject` each consumer begins anew with the newest message of each subject.
 *
 * The client's own ordered consumer is not used: it waits up to 30 s before it looks again after some failures.
 */
export async function tail(link: NatsLink, options: TailOptions): Promise<void> {
  const { signal } = options;
  const position = { last: options.start === "last-per-subject" ? 0 : options.start.after };
  let complained = "";
  while (!signal.aborted) {
    try {
      await link.connected({ signal, what: `following ${options.stream}` });
      await once(link, options, position);
      complained = "";
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof EndTail) throw error.cause;
      if (link.state() === "closed")
        throw new NatsUnavailable(`following ${options.stream}`, "the link is closed", false, { cause: error });
      const reason = reasonOf(error);
      if (reason !== complained)
        link.log.warn({ stream: options.stream, filter: options.filter, reason }, "following broke, trying again");
      complained = reason;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** One consumer's life. Returns when it has to be replaced. */
async function once(link: NatsLink, options: TailOptions, position: { last: number }): Promise<void> {
  const { stream, signal } = options;
  const what = `following ${stream}`;
  await options.onBegin?.();
  const manager = await link.manager(what);
  const info = await manager.consumers.add(stream, consumerConfig(options, position.last));
  const messages = await link.jetstream(what).consumers.getConsumerFromInfo(info).consume({
    max_messages: PREFETCH,
    idle_heartbeat: IDLE_HEARTBEAT_MS,
    bind: true,
    abort_on_missing_resource: true,
  });
  const end = (): void => messages.stop();
  signal.addEventListener("abort", end, { once: true });
  const unwatch = link.onState(end);
  if (signal.aborted || link.state() !== "connected") end();
  void endOnSilence(messages);
  try {
    let expected = 1;
    if (info.num_pending === 0) await guarded(() => options.onCaughtUp?.());
    for await (const message of messages) {
      if (message.info.deliverySequence !== expected) return;
      expected += 1;
      if (options.start !== "last-per-subject" && message.seq <= position.last) continue;
      await guarded(() => options.onMessage(message));
      position.last = message.seq;
      if (message.info.deliverySequence === info.num_pending) await guarded(() => options.onCaughtUp?.());
      if (signal.aborted) return;
    }
  } finally {
    unwatch();
    signal.removeEventListener("abort", end);
    end();
    // Not awaited: the server forgets the consumer by itself, only later.
    if (link.state() === "connected") void manager.consumers.delete(stream, info.name).catch(() => undefined);
  }
}

/** A pull request that the server no longer knows gets no heartbeats: the consumer is replaced. */
async function endOnSilence(messages: ConsumerMessages): Promise<void> {
  for await (const event of messages.status()) {
    if (event.type === "heartbeats_missed" || event.type === "consumer_deleted" || event.type === "no_responders")
      messages.stop();
  }
}

function consumerConfig(options: TailOptions, last: number): Partial<ConsumerConfig> {
  const where =
    options.start === "last-per-subject"
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 };
  return {
    ...where,
    name: `tail-${nuid.next()}`,
    ack_policy: AckPolicy.None,
    filter_subject: options.filter,
    inactive_threshold: nanos(INACTIVE_MS),
    mem_storage: true,
    ...(options.headersOnly === true && { headers_only: true }),
    num_replicas: 1,
  };
}

async function guarded(callback: () => void | Promise<void>): Promise<void> {
  try {
    await callback();
  } catch (error) {
    throw new EndTail(error);
  }
}
