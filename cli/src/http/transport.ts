export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One HTTP request as the CLI makes it. */
export interface TransportRequest {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborting it ends the request, and the reading of the answer. */
  readonly signal: AbortSignal;
  /** Most milliseconds to be connected within. */
  readonly connectTimeoutMs: number;
}

/** The head of an answer; the body arrives as text (UTF-8) in pieces. */
export interface TransportAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: AsyncIterable<string>;
}

/** Sends a request. @throws Error of the network; its `code` says which (ECONNREFUSED, …, or ECONNTIMEOUT of ours) */
export type Transport = (request: TransportRequest) => Promise<TransportAnswer>;
