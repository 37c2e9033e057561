import type { ServerResponse } from "node:http";
import type { AlertFeed } from "../application/alert-feed.js";

/** The part of Fastify's reply that hands over the connection. */
export interface StreamReply {
  hijack(): unknown;
  readonly raw: ServerResponse;
}

/** Turns a reply into a watcher of the feed, until either side ends. @throws ProblemError limit_reached, with nothing sent */
export function streamTo(feed: AlertFeed, reply: StreamReply): void {
  feed.check();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no",
  });
  if (raw.req.method === "HEAD") {
    raw.end();
    return;
  }
  raw.socket?.setNoDelay(true);
  const watcher = feed.watch({ write: (text) => raw.write(text), end: () => raw.end() });
  raw.on("drain", () => watcher.drained());
  raw.on("close", () => watcher.close());
  raw.on("error", () => watcher.close()); // the client went away in the middle of a write
}
