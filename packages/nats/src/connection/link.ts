import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { setTimeout as sleep } from "node:timers/promises";
import { isNoResponders, isTimeout, NatsUnavailable, reasonOf } from "./errors.js";
import { silentLog, type NatsLog } from "./log.js";
import { clientOptions, type ConnectNatsOptions } from "./options.js";

export type LinkState = "connected" | "disconnected" | "closed";

export interface LinkStatus {
  readonly state: LinkState;
  /** For people: the server connected to, or why there is none. */
  readonly detail: string;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 2_000;

/**
 * Starts to connect and returns at once: a service starts whether NATS is there or not, and the link keeps trying for
 * ever. @throws RangeError for options that can never work (no URL)
 */
export function connectNats(options: ConnectNatsOptions): NatsLink {
  return new NatsLink(options);
}

/** One connection to NATS that stands again and again. Everything else in this package works through one. */
export class NatsLink {
  readonly log: NatsLog;
  readonly name: string;
  readonly requestTimeoutMs: number;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #running: Promise<void>;
  #nc: NatsConnection | undefined;
  #js: JetStreamClient | undefined;
  #state: LinkState = "disconnected";
  #detail = "not connected yet";
  #connections = 0;

  /** Use `connectNats`. */
  constructor(options: ConnectNatsOptions) {
    this.name = options.name;
    this.log = options.log ?? silentLog;
    this.requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    const settings = clientOptions(options);
    this.#running = this.#run(() => connect(settings), options.reconnectWaitMs ?? 250);
  }

  /** How often the link has been connected: tells whether it broke meanwhile. */
  connections(): number {
    return this.#connections;
  }

  state(): LinkState {
    return this.#state;
  }

  status(): LinkStatus {
    return { state: this.#state, detail: this.#detail };
  }

  /** Called at every change of state until the returned function is called. */
  onState(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Resolves when the link is connected. @throws NatsUnavailable after `timeoutMs`, or when the link is closed
   * @throws the signal's reason when it aborts
   */
  async connected(
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly what?: string } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#state === "connected") return;
    const what = options.what ?? "connecting to NATS";
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        stop();
        options.signal?.removeEventListener("abort", aborted);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (state: LinkState): void => {
        if (state === "connected") settle();
        if (state === "closed") settle(new NatsUnavailable(what, "the link is closed", false));
      };
      const aborted = (): void => settle(options.signal?.reason as Error);
      const timer =
        options.timeoutMs === undefined
          ? undefined
          : setTimeout(() => settle(new NatsUnavailable(what, this.#detail, false)), options.timeoutMs);
      const stop = this.onState(look);
      options.signal?.addEventListener("abort", aborted, { once: true });
      look(this.#state);
    });
  }

  /** Ends in order: subscriptions finish what they have, what was published goes out. Never throws; closes after `timeoutMs`. */
  async drain(timeoutMs = 3_000): Promise<void> {
    this.#closing.abort();
    const nc = this.#nc;
    if (nc !== undefined && !nc.isClosed()) {
      const late = sleep(timeoutMs, undefined, { ref: false });
      const orderly = this.#state === "connected" ? nc.drain() : nc.close();
      await Promise.race([orderly, late]).catch(() => undefined);
      if (!nc.isClosed()) await Promise.race([nc.close(), sleep(timeoutMs, undefined, { ref: false })]).catch(() => undefined);
    }
    await this.#running;
  }

  /**
   * Subscribes on core NATS, for this package alone; at once or as soon as the link is connected for the first time. The
   * client renews it after each reconnect. @returns a function that ends it
   */
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): () => void {
    let subscription: Subscription | undefined;
    const begin = (): void => {
      if (subscription !== undefined || this.#state !== "connected") return;
      const callback = (error: Error | null, message: Msg): void => {
        if (error === null) onMessage(message);
        else this.log.error({ subject, reason: error.message }, "NATS refuses a subscription");
      };
      subscription = this.connection(`subscribing to ${subject}`).subscribe(subject, {
        callback,
        ...(queue !== undefined && { queue }),
      });
      stop();
    };
    const stop = this.onState(begin);
    begin();
    return () => {
      stop();
      if (subscription?.isClosed() === false) subscription.unsubscribe();
    };
  }

  /**
   * The connection, for this package alone. @throws NatsUnavailable while there is none: what is published then would be
   * kept in memory and thrown away by the client at its next attempt to connect
   */
  connection(what: string): NatsConnection {
    if (this.#nc === undefined || this.#state !== "connected") throw new NatsUnavailable(what, this.#detail, false);
    return this.#nc;
  }

  /** JetStream, for this package alone. @throws NatsUnavailable while disconnected */
  jetstream(what: string): JetStreamClient {
    const nc = this.connection(what);
    this.#js ??= jetstream(nc, { timeout: this.requestTimeoutMs });
    return this.#js;
  }

  /** JetStream's management, for this package alone. @throws NatsUnavailable while disconnected */
  async manager(what: string): Promise<JetStreamManager> {
    return jetstreamManager(this.connection(what), { checkAPI: false, timeout: this.requestTimeoutMs });
  }

  /**
   * A request that does not wait for its timeout when the connection breaks.
   * @throws NatsUnavailable; `sent` tells whether it may have been carried out
   */
  async request(what: string, subject: string, payload: Uint8Array | string, options: RequestOptions = {}): Promise<Msg> {
    const nc = this.connection(what);
    const { headers, timeoutMs = this.requestTimeoutMs } = options;
    let stop: (() => void) | undefined;
    const broken = new Promise<never>((_, reject) => {
      stop = this.onState(() => reject(new NatsUnavailable(what, "the connection to NATS broke", true)));
    });
    try {
      return await Promise.race([
        nc.request(subject, payload, { timeout: timeoutMs, ...(headers !== undefined && { headers }) }),
        broken,
      ]);
    } catch (error) {
      if (error instanceof NatsUnavailable) throw error;
      if (isNoResponders(error)) throw new NatsUnavailable(what, "nobody answers there", false, { cause: error });
      const reason = isTimeout(error) ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new NatsUnavailable(what, reason, true, { cause: error });
    } finally {
      stop?.();
    }
  }

  async #run(dial: () => Promise<NatsConnection>, waitMs: number): Promise<void> {
    const { signal } = this.#closing;
    let nc: NatsConnection | undefined;
    while (nc === undefined && !signal.aborted) {
      try {
        nc = await dial();
      } catch (error) {
        const detail = `cannot connect: ${reasonOf(error)}`;
        if (detail !== this.#detail) this.log.warn({ nats: this.name, reason: reasonOf(error) }, "NATS is away, trying again");
        this.#detail = detail;
        await sleep(waitMs + Math.random() * 100, undefined, { signal }).catch(() => undefined);
      }
    }
    if (nc !== undefined && signal.aborted) await nc.close();
    else if (nc !== undefined) await this.#watch(nc);
    this.#set("closed", "closed");
  }

  async #watch(nc: NatsConnection): Promise<void> {
    this.#nc = nc;
    this.#set("connected", nc.getServer());
    for await (const event of nc.status()) {
      if (event.type === "reconnect") this.#set("connected", event.server);
      else if (event.type === "disconnect") this.#set("disconnected", `lost ${event.server}`);
      else if (event.type === "error") this.log.warn({ nats: this.name, reason: event.error.message }, "NATS reported an error");
      else if (event.type === "ldm") this.log.info({ nats: this.name, server: event.server }, "nats-server is about to stop");
    }
    const error = await nc.closed();
    if (error instanceof Error) this.log.error({ nats: this.name, reason: error.message }, "the NATS connection was closed");
  }

  #set(state: LinkState, detail: string): void {
    this.#detail = detail;
    if (state === this.#state) return;
    this.#state = state;
    if (state === "connected") this.#connections += 1;
    if (state === "connected") this.log.info({ nats: this.name, server: detail }, "connected to NATS");
    else if (state === "disconnected") this.log.warn({ nats: this.name, reason: detail }, "disconnected from NATS, trying again");
    for (const listener of [...this.#listeners]) listener(state);
  }
}

export interface RequestOptions {
  readonly headers?: MsgHdrs;
  /** Default: the link's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
}
