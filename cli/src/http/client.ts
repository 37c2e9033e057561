import type { Problem } from "@secuxflow/contracts";
import { ApiUnreachable, CliError, Interrupted } from "../errors.js";
import type { Env } from "../env.js";
import type { Connection } from "../settings.js";
import type { Documents, Kind } from "./documents.js";
import { answerFault, networkFault, problemError, type FlagOf } from "./failures.js";
import { shapeFault } from "./shape.js";
import { API_VERSION, SHAPES } from "./shapes.generated.js";
import { sseEvents, type SseEvent } from "./sse.js";
import type { Method, TransportAnswer } from "./transport.js";

/** A name that cannot be reached is known within this time, whatever the answer may take. */
const CONNECT_TIMEOUT_MS = 2_000;
/** More than a part of a list takes, of the longest rules there are. */
const MAX_BODY = 64 * 1024 * 1024;
const KEYED: ReadonlySet<Method> = new Set(["POST", "PUT", "PATCH"]);
/** A stream in which even the heartbeat (10 s) is missing is dead. */
const STREAM_SILENCE_MS = 25_000;

export interface CallOptions {
  readonly method?: Method;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
  /** Instead of `body`: plain text. */
  readonly text?: string;
  /** Milliseconds that the API itself may take, besides the time for the way there and back. */
  readonly extraMs?: number;
  /** Which flag a field of the request came from. */
  readonly flagOf?: FlagOf;
  /** What is unknown when no answer comes to a request that changes something: "whether the rule was added". */
  readonly unknown?: { readonly what: string; readonly look: string };
}

/** The rule API as the commands use it. Every failure is a CliError that says what to do next. */
export class ApiClient {
  constructor(
    private readonly env: Env,
    private readonly connection: Connection,
  ) {}

  get url(): string {
    return this.connection.url.origin;
  }

  /** One request. Answers with the document as sent, checked against its shape. */
  async call<K extends Kind>(kind: K, options: CallOptions): Promise<Documents[K]> {
    const timeoutMs = this.connection.timeoutMs + (options.extraMs ?? 0);
    const tooLate = AbortSignal.timeout(timeoutMs);
    // A retry with the same key does nothing twice, and a second try is made only where the first may have been lost on the way.
    const key = KEYED.has(options.method ?? "GET") ? crypto.randomUUID() : undefined;
    try {
      const answer = await this.#send(options, key, tooLate);
      return this.#document(kind, options, answer.status, answer.contentType, await readBody(answer.body));
    } catch (error) {
      if (error instanceof CliError) throw error;
      if (this.env.signal.aborted) throw interrupted(options);
      throw networkFault(error, { url: this.url, timeoutMs, timedOut: tooLate.aborted, unknown: options.unknown });
    }
  }

  /** Server-sent events of a path, after one of type `open`, until the stream ends, breaks or falls silent. @throws CliError */
  async *events(path: string): AsyncGenerator<SseEvent> {
    const silence = new AbortController();
    const connecting = setTimeout(() => silence.abort(), this.connection.timeoutMs);
    let timer = connecting;
    try {
      const answer = await this.#send({ path }, undefined, silence.signal, "text/event-stream");
      if (answer.status !== 200 || !answer.contentType.startsWith("text/event-stream")) {
        const options = { path };
        this.#refuse(options, answer.status, answer.contentType, await readBody(answer.body));
        throw answerFault(this.url, `HTTP ${answer.status}, ${answer.contentType || "no content type"}`);
      }
      const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), STREAM_SILENCE_MS);
      };
      heard();
      yield { type: "open", data: "" };
      for await (const event of sseEvents(answer.body, heard)) yield event;
    } catch (error) {
      if (error instanceof CliError) throw error;
      if (this.env.signal.aborted) return;
      throw networkFault(error, {
        url: this.url,
        timeoutMs: timer === connecting ? this.connection.timeoutMs : STREAM_SILENCE_MS,
        timedOut: silence.signal.aborted,
      });
    } finally {
      clearTimeout(timer);
      silence.abort(); // closes the connection when the reader has had enough
    }
  }

  async #send(
    options: CallOptions,
    key: string | undefined,
    timeout: AbortSignal,
    accept = "application/json",
  ): Promise<TransportAnswer> {
    const { method = "GET", path, query = {}, body } = options;
    const contentType = options.text === undefined ? "application/json" : "text/plain";
    const url = new URL(path, this.connection.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    const text = options.text ?? (body === undefined ? undefined : JSON.stringify(body));
    const { token } = this.connection;
    const request = {
      method,
      url,
      headers: {
        accept,
        "user-agent": `secuxflow-cli/${this.env.version}`,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(method === "GET" || this.env.user === undefined ? {} : { "x-secuxflow-actor": this.env.user }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
        ...(text === undefined ? {} : { "content-type": contentType, "content-length": String(Buffer.byteLength(text)) }),
      },
      ...(text === undefined ? {} : { body: text }),
      signal: AbortSignal.any([timeout, this.env.signal]),
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, this.connection.timeoutMs),
    };
    try {
      return await this.env.request(request);
    } catch (error) {
      const lost = (error as { code?: unknown }).code === "ECONNRESET" && !request.signal.aborted;
      if (!lost || (method !== "GET" && key === undefined)) throw error;
      return this.env.request(request);
    }
  }

  #document<K extends Kind>(kind: K, options: CallOptions, status: number, contentType: string, text: string): Documents[K] {
    this.#refuse(options, status, contentType, text);
    const found = `HTTP ${status}, ${contentType.split(";")[0] ?? "no content type"}`;
    if (status < 200 || status > 299) throw answerFault(this.url, found);
    const document = parseJson(text);
    if (document === undefined) throw answerFault(this.url, `${found}, which is not JSON`);
    const { apiVersion } = document as { apiVersion?: unknown };
    if (typeof apiVersion === "string" && apiVersion !== API_VERSION) {
      throw new CliError(
        `the API at ${this.url} speaks ${apiVersion}, and this secuxflow-cli ${this.env.version} speaks ${API_VERSION}`,
        {
          next: "use the secuxflow-cli that belongs to the API's version",
        },
      );
    }
    const fault = shapeFault(SHAPES[kind], document);
    if (fault)
      throw answerFault(
        this.url,
        `${fault.path === "" ? "what it sent" : `in its ${kind} document ${fault.path}`} is not ${fault.expected}`,
      );
    return document as unknown as Documents[K];
  }

  /** @throws ApiProblem when the answer is a problem document */
  #refuse(options: CallOptions, status: number, contentType: string, text: string): void {
    if (!contentType.startsWith("application/problem+json")) return;
    const problem = parseJson(text);
    if (problem === undefined || shapeFault(SHAPES.Problem, problem))
      throw answerFault(this.url, `HTTP ${status} with a malformed problem document`);
    throw problemError(problem as unknown as Problem, options.flagOf);
  }
}

const parseJson = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

async function readBody(body: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const part of body) {
    text += part;
    if (text.length > MAX_BODY)
      throw new ApiUnreachable(`the answer is larger than ${MAX_BODY / 1024 / 1024} MiB`, {
        next: "check --api: is this the rule API?",
      });
  }
  return text;
}

const interrupted = ({ method, unknown }: CallOptions): Interrupted =>
  method === undefined || method === "GET" || !unknown
    ? new Interrupted("interrupted")
    : new Interrupted(`interrupted before the API answered: ${unknown.what} is unknown`, unknown.look);
