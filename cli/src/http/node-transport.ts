import type { ClientRequest, IncomingMessage } from "node:http";
import type { Transport, TransportAnswer, TransportRequest } from "./transport.js";

/**
 * HTTP by node:http and node:https, loaded when first used. Not by Node's fetch: that takes about 200 ms to load on Node 20, more
 * than the whole command may take to start.
 */
export const nodeTransport: Transport = async (request) => {
  const { request: open } = request.url.protocol === "https:" ? await import("node:https") : await import("node:http");
  const { url, method, headers, body, signal } = request;
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept open would keep the process alive.
    const outgoing = open(url, { method, headers, signal, agent: false });
    limitConnecting(outgoing, request);
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      incoming.setEncoding("utf8");
      resolve(answerOf(incoming));
    });
    outgoing.end(body);
  });
};

function limitConnecting(outgoing: ClientRequest, { connectTimeoutMs, url }: TransportRequest): void {
  const timer = setTimeout(() => {
    outgoing.destroy(Object.assign(new Error(`no connection within ${connectTimeoutMs} ms`), { code: "ECONNTIMEOUT" }));
  }, connectTimeoutMs);
  const done = () => clearTimeout(timer);
  outgoing.once("socket", (socket) => {
    if (!socket.connecting) done();
    socket.once(url.protocol === "https:" ? "secureConnect" : "connect", done);
  });
  outgoing.once("close", done);
}

function answerOf(incoming: IncomingMessage): TransportAnswer {
  return {
    status: incoming.statusCode ?? 0,
    contentType: incoming.headers["content-type"] ?? "",
    body: incoming as AsyncIterable<string>,
  };
}
