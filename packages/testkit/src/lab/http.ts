import type { Child } from "../process/child.js";
import { waitFor } from "../util/wait-for.js";
import type { Place } from "./place.js";

export type HttpRequestOptions = {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds for the whole exchange. Default 5,000. */
  timeoutMs?: number;
  /** Local address to connect from. */
  localAddress?: string;
};

export type HttpResponse = { status: number; headers: Record<string, string>; body: string };

/** No HTTP answer came: refused, reset, or nothing in time. `code` is Node's (ECONNREFUSED, …) or "TIMEOUT". */
export class HttpFailedError extends Error {
  override readonly name = "HttpFailedError";
  constructor(
    readonly url: string,
    readonly code: string,
    message: string,
  ) {
    super(`${url}: ${message} (${code})`);
  }
}

/** Runs in the namespace: one request as JSON on stdin, the outcome as JSON on stdout. The URL's path is sent as it is. */
const CLIENT = `
const http = require("node:http");
let text = "";
process.stdin.on("data", (d) => (text += d)).on("end", () => {
  const { host, port, path, method, headers, body, timeoutMs, localAddress } = JSON.parse(text);
  const done = (answer) => process.stdout.write(JSON.stringify(answer), () => process.exit(0));
  setTimeout(() => done({ code: "TIMEOUT", message: "no whole answer in " + timeoutMs + " ms" }), timeoutMs);
  const fail = (e) => done({ code: e.code || "ERROR", message: e.message });
  const request = http.request({ host, port, path, method, headers, localAddress, agent: false }, (response) => {
    const parts = [];
    response.on("data", (d) => parts.push(d)).on("error", fail).on("end", () => {
      done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString("utf8") });
    });
  });
  request.on("error", fail).end(body);
});`;

/**
 * One HTTP/1.1 request from inside a namespace, by a Node process of its own.
 *
 * @param url `http://host:port/path?query`; path and query go on the wire byte for byte (attacks included).
 * @throws {HttpFailedError} when no whole answer comes in time.
 */
export async function httpRequest(ns: Place, url: string, options: HttpRequestOptions = {}): Promise<HttpResponse> {
  const { method = "GET", headers = {}, body, timeoutMs = 5_000, localAddress } = options;
  const target = { ...splitUrl(url), method, headers, body, timeoutMs, localAddress };
  const ran = await ns.exec(process.execPath, ["-e", CLIENT], {
    input: JSON.stringify(target),
    timeoutMs: timeoutMs + 10_000,
  });
  const answer = JSON.parse(ran.stdout) as HttpResponse | { code: string; message: string };
  if ("code" in answer) throw new HttpFailedError(url, answer.code, answer.message);
  return answer;
}

/** `httpRequest` with GET. */
export const httpGet = (
  ns: Place,
  url: string,
  options: Omit<HttpRequestOptions, "method" | "body"> = {},
): Promise<HttpResponse> => httpRequest(ns, url, options);

/** Splits by hand: the URL class would escape and normalise the path. @throws Error for anything but http://host[:port]/… */
export function splitUrl(url: string): { host: string; port: number; path: string } {
  const match = /^http:\/\/(\[[0-9a-fA-F:.]+\]|[^/:?#[\]]+)(?::(\d{1,5}))?(\/[^#]*)?$/.exec(url);
  if (match === null) throw new Error(`"${url}" is not http://host[:port]/path`);
  const [, host = "", port = "80", path = "/"] = match;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port), path };
}

const SERVER = `
const http = require("node:http");
const [host, port, body] = process.argv.slice(1);
http.createServer((request, response) => {
  const parts = [];
  request.on("data", (d) => parts.push(d)).on("end", () => {
    console.log(JSON.stringify({ method: request.method, url: request.url, body: Buffer.concat(parts).toString("utf8"),
      from: request.socket.remoteAddress }));
    response.end(body);
  });
}).listen({ host, port: Number(port) }, () => console.error("listening"));`;

/** What a server of `httpServer` was asked. */
export type SeenRequest = { method: string; url: string; body: string; from: string };

/** A real HTTP server in a namespace. */
export type HttpServer = { url: string; requests: SeenRequest[]; child: Child; stop(): Promise<void> };

/** Starts a Node HTTP server in a namespace that answers everything with `body` and notes what it was asked. */
export async function httpServer(ns: Place, { host = "0.0.0.0", port = 80, body = "hello\n" } = {}): Promise<HttpServer> {
  const requests: SeenRequest[] = [];
  let text = "";
  const child = await ns.start({
    command: process.execPath,
    args: ["-e", SERVER, host, String(port), body],
    what: `the HTTP server in ${ns.name}`,
    onStdout: (chunk) => {
      const lines = (text + chunk.toString("utf8")).split("\n");
      text = lines.pop() ?? "";
      requests.push(...lines.map((line) => JSON.parse(line) as SeenRequest));
    },
  });
  await waitFor(() => child.log.toString().includes("listening"), {
    what: `${child.what} to listen`,
    giveUp: () => child.exitError(),
  });
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { url, requests, child, stop: async () => void (await child.stop()) };
}
