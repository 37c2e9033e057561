import { credsAuthenticator, nkeyAuthenticator, type NodeConnectionOptions } from "@nats-io/transport-node";
import { readFileSync } from "node:fs";
import type { NatsLog } from "./log.js";

/** How a service proves who it is. Files are read at each connect, so that they can be replaced while it runs. */
export type NatsCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** A file that holds an nkey seed (`SU…`). */
  | { readonly nkeyFile: string }
  /** A credentials file of `nsc` (JWT and seed). */
  | { readonly credsFile: string };

export interface NatsTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ConnectNatsOptions {
  /** One or more `nats://host:port`, with commas between or as a list. */
  readonly urls: string | readonly string[];
  /** Shown in nats-server's monitoring: the service and its instance. */
  readonly name: string;
  readonly log?: NatsLog;
  readonly credentials?: NatsCredentials;
  /** Given (even empty) it insists on TLS. */
  readonly tls?: NatsTls;
  /** Milliseconds a request may wait for its answer; default 2,000. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds between two attempts to connect; default 250, with up to 100 more at random. */
  readonly reconnectWaitMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
// Two pings without an answer: a peer that vanished without a FIN is noticed within 10 s.
const PING_INTERVAL_MS = 5_000;

/** `urls` as a list. @throws RangeError when there is none */
export function urlList(urls: string | readonly string[]): string[] {
  const list = (typeof urls === "string" ? urls.split(",") : [...urls]).map((url) => url.trim()).filter((url) => url !== "");
  if (list.length === 0) throw new RangeError("no NATS URL is given: name at least one, such as nats://127.0.0.1:4222");
  return list;
}

/** The client's options for one connection that reconnects for ever, once it stood. */
export function clientOptions(options: ConnectNatsOptions): NodeConnectionOptions {
  return {
    servers: urlList(options.urls),
    name: options.name,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    reconnect: true,
    maxReconnectAttempts: -1,
    // A password may be corrected on the server while the service runs.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: options.reconnectWaitMs ?? 250,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    noAsyncTraces: true,
    ...(options.tls !== undefined && { tls: { ...options.tls } }),
    ...credentialOptions(options.credentials),
  };
}

function credentialOptions(credentials: NatsCredentials | undefined): NodeConnectionOptions {
  if (credentials === undefined) return {};
  if ("token" in credentials) return { token: credentials.token };
  if ("user" in credentials) return { user: credentials.user, pass: credentials.password };
  if ("credsFile" in credentials) {
    return { authenticator: (nonce) => credsAuthenticator(readFileSync(credentials.credsFile))(nonce) };
  }
  const seed = (): Uint8Array => new TextEncoder().encode(readFileSync(credentials.nkeyFile, "utf8").trim());
  return { authenticator: (nonce) => nkeyAuthenticator(seed)(nonce) };
}
