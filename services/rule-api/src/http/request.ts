import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";

/** The little of Fastify's request that is used here. */
export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
}

/** The little of Fastify's reply that is used here. */
export interface ApiReply {
  readonly sent: boolean;
  status(code: number): ApiReply;
  header(name: string, value: string): ApiReply;
  send(body: unknown): unknown;
}
