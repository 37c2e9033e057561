import { AckPolicy, DeliverPolicy, ReplayPolicy, type ConsumerConfig, type ConsumerInfo, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { setTimeout as sleep } from "node:timers/promises";
import { apiCode, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { Batcher } from "./batcher.js";
import { ProvisionError } from "./provision.js";

/** A message of a batch. Each must be answered once; what is not answered comes again after `ackWaitMs`. */
export interface ConsumedMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Sequence in the stream. */
  readonly seq: number;
  readonly time: Date;
  /** It was delivered before. */
  readonly redelivered: boolean;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** Done: it is never delivered again. */
  ack(): void;
  /** Not done: deliver it again after `delayMs` (default at once). */
  nak(delayMs?: number): void;
  /** Never to be done: it is not delivered again. */
  term(): void;
}

export interface ConsumeOptions {
  /** Name of the consumer on the server, which keeps what is acknowledged. */
  readonly durable: string;
  /** One filter subject. It cannot change later: a consumer with another filter needs another name. */
  readonly filter: string;
  /** Messages of a batch at most. */
  readonly batch: number;
  /** Milliseconds to wait for more messages after the first of a batch. */
  readonly maxWaitMs: number;
  /** Milliseconds until an unanswered message is delivered again; default 30,000. */
  readonly ackWaitMs?: number;
  /** Milliseconds until the messages of a failed batch are delivered again; default 1,000. */
  readonly retryDelayMs?: number;
  /**
   * Handles a batch (never two at a time). What it throws is logged, and every message it has not answered is delivered
   * again after `retryDelayMs`.
   */
  readonly onBatch: (messages: readonly ConsumedMessage[]) => void | Promise<void>;
  readonly signal: AbortSignal;
}

const CONSUMER_NOT_FOUND = 10_014;
const IDLE_HEARTBEAT_MS = 1_000;
const RETRY_MS = 200;

/**
 * Consumes a stream through a durable pull consumer, made where it is missing: pull, handle, acknowledge. Goes on through
 * reconnects, restarts of the server and deletion of the consumer (it is made again, and everything the stream still
 * holds comes again: handlers must be idempotent). Resolves when the signal aborts and the last batch is handled.
 * @throws ProvisionError when the consumer exists with another configuration
 */
export async function consume(link: NatsLink, stream: string, options: ConsumeOptions): Promise<void> {
  const { signal, durable } = options;
  let complained = "";
  while (!signal.aborted) {
    try {
      await link.connected({ signal, what: `consuming ${stream}` });
      await once(link, stream, options);
      complained = "";
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof ProvisionError || link.state() === "closed") throw error;
      const reason = reasonOf(error);
      if (reason !== complained) link.log.warn({ stream, durable, reason }, "consuming broke, trying again");
      complained = reason;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/**
 * How many messages of the stream the consumer has yet to deliver or to see acknowledged.
 * @throws NatsUnavailable, or an API error where there is no such consumer
 */
export async function consumerBacklog(link: NatsLink, stream: string, durable: string): Promise<number> {
  const info = await (await link.manager(`looking at ${durable}`)).consumers.info(stream, durable);
  return info.num_pending + info.num_ack_pending;
}

async function once(link: NatsLink, stream: string, options: ConsumeOptions): Promise<void> {
  const info = await ensureConsumer(link, stream, options);
  const { signal, batch, maxWaitMs } = options;
  const messages = await link.jetstream(`consuming ${stream}`).consumers.getConsumerFromInfo(info).consume({
    max_messages: batch,
    idle_heartbeat: IDLE_HEARTBEAT_MS,
    bind: true,
    abort_on_missing_resource: true,
  });
  const batcher = new Batcher<JsMsg>({ size: batch, maxWaitMs, handle: (found) => handle(link, stream, found, options) });
  const end = (): void => messages.stop();
  signal.addEventListener("abort", end, { once: true });
  const unwatch = link.onState(end);
  if (signal.aborted || link.state() !== "connected") end();
  void (async () => {
    for await (const event of messages.status()) {
      if (event.type === "heartbeats_missed" || event.type === "consumer_deleted" || event.type === "no_responders") end();
    }
  })();
  try {
    for await (const message of messages) await batcher.add(message);
  } finally {
    unwatch();
    signal.removeEventListener("abort", end);
    end();
    await batcher.finish();
  }
}

async function handle(link: NatsLink, stream: string, found: readonly JsMsg[], options: ConsumeOptions): Promise<void> {
  const answered = new Set<JsMsg>();
  try {
    await options.onBatch(found.map((message) => consumed(message, answered)));
  } catch (error) {
    link.log.error(
      { stream, durable: options.durable, messages: found.length, err: error },
      "a batch failed and is delivered again",
    );
    for (const message of found) if (!answered.has(message)) message.nak(options.retryDelayMs ?? 1_000);
  }
}

function consumed(message: JsMsg, answered: Set<JsMsg>): ConsumedMessage {
  const first = (answer: () => void): void => {
    if (answered.has(message)) return;
    answered.add(message);
    answer();
  };
  return {
    subject: message.subject,
    data: message.data,
    seq: message.seq,
    time: message.time,
    redelivered: message.redelivered,
    deliveries: message.info.deliveryCount,
    ack: () => first(() => message.ack()),
    nak: (delayMs) => first(() => message.nak(delayMs)),
    term: () => first(() => message.term()),
  };
}

function wantedConfig(options: ConsumeOptions) {
  return {
    durable_name: options.durable,
    filter_subject: options.filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitMs ?? 30_000),
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: -1,
    max_ack_pending: Math.max(options.batch * 4, 1_000),
  } satisfies Partial<ConsumerConfig>;
}

async function ensureConsumer(link: NatsLink, stream: string, options: ConsumeOptions): Promise<ConsumerInfo> {
  const manager = await link.manager(`consuming ${stream}`);
  const wanted = wantedConfig(options);
  let info: ConsumerInfo;
  try {
    info = await manager.consumers.info(stream, options.durable);
  } catch (error) {
    if (apiCode(error) !== CONSUMER_NOT_FOUND) throw error;
    info = await manager.consumers.add(stream, wanted);
  }
  // Read back and compared, never updated: nats-server 2.9 takes a changed filter and then delivers nothing.
  const wrong = Object.entries(wanted).flatMap(([field, value]) => {
    const actual = info.config[field as keyof ConsumerConfig];
    return actual === value
      ? []
      : [{ field, wanted: JSON.stringify(value), actual: actual === undefined ? "not set" : JSON.stringify(actual) }];
  });
  if (wrong.length > 0) {
    const list = wrong.map(({ field, wanted: want, actual }) => `${field} is ${actual}, needed is ${want}`).join("; ");
    const next =
      `delete it with "nats consumer rm ${stream} ${options.durable}" and it is made again; ` +
      "all that the stream holds is delivered again";
    throw new ProvisionError(`consumer ${options.durable} of ${stream}`, wrong, `${list}. Nothing was changed: ${next}`);
  }
  return info;
}
