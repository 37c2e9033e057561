import { ProblemError, type Alert } from "@secuxflow/contracts";
import { afterEach, expect, it } from "vitest";
import { AlertFeed, type FeedLimits } from "./alert-feed.js";

const alert = (id: number, summary = "attack"): Alert => ({
  id,
  state: "new",
  firstSeen: "2026-01-01T00:00:00Z",
  lastSeen: "2026-01-01T00:00:00Z",
  count: 1,
  severity: 1,
  module: "ips",
  rule: { id: 1, name: "sqli", category: "web" },
  flow: { src: "10.0.0.9", dst: "10.0.0.5", sport: 1, dport: 80, proto: "tcp" },
  summary,
});

const feeds: AlertFeed[] = [];
afterEach(() => {
  for (const feed of feeds.splice(0)) feed.close();
});
const make = (limits: Partial<FeedLimits> = {}): AlertFeed => {
  const feed = new AlertFeed({ watchers: 2, queued: 3, heartbeatMs: 60_000, ...limits });
  feeds.push(feed);
  return feed;
};

class Sink {
  readonly texts: string[] = [];
  takes = true;
  ended = false;
  write(text: string): boolean {
    this.texts.push(text);
    return this.takes;
  }
  end(): void {
    this.ended = true;
  }
  get ids(): number[] {
    return this.texts.flatMap((text) => /^id: (\d+)$/m.exec(text)?.[1] ?? []).map(Number);
  }
}

it("tells every watcher, in one data line whatever the alert holds", () => {
  const feed = make();
  const sinks = [new Sink(), new Sink()];
  for (const sink of sinks) feed.watch(sink);
  feed.publish(alert(7, "line\nbreak\r\n\ndata: x"));
  for (const sink of sinks) {
    expect(sink.texts.at(-1)?.split("\n").length).toBe(5);
    const data = /^data: (.*)$/m.exec(sink.texts.at(-1) ?? "")?.[1] ?? "";
    expect((JSON.parse(data) as Alert).summary).toBe("line\nbreak\r\n\ndata: x");
  }
});

it("keeps a bounded queue for a slow watcher and tells what it missed", () => {
  const feed = make();
  const slow = new Sink();
  const fast = new Sink();
  const watcher = feed.watch(slow);
  feed.watch(fast);
  slow.takes = false;
  for (let id = 1; id <= 6; id++) feed.publish(alert(id));
  expect(slow.ids).toEqual([1]);
  expect(fast.ids).toEqual([1, 2, 3, 4, 5, 6]);
  expect(feed.dropped).toBe(2);
  slow.takes = true;
  watcher.drained();
  expect(slow.ids).toEqual([1, 2, 3, 4]);
  expect(slow.texts.at(-1)).toContain("2 alerts were left out");
  feed.publish(alert(7));
  expect(slow.ids.at(-1)).toBe(7);
});

it("stops again when the sink fills up while it drains", () => {
  const feed = make();
  const slow = new Sink();
  const watcher = feed.watch(slow);
  slow.takes = false;
  for (let id = 1; id <= 4; id++) feed.publish(alert(id));
  watcher.drained();
  expect(slow.ids).toEqual([1, 2]);
  watcher.drained();
  expect(slow.ids).toEqual([1, 2, 3]);
});

it("counts watchers and refuses one too many", () => {
  const feed = make();
  const first = feed.watch(new Sink());
  feed.watch(new Sink());
  expect(() => feed.watch(new Sink())).toThrow(ProblemError);
  first.close();
  feed.watch(new Sink());
  expect(feed.watchers).toBe(2);
});

it("sends heartbeats, and ends everybody when it closes", async () => {
  const feed = make({ heartbeatMs: 5 });
  const sink = new Sink();
  feed.watch(sink);
  await expect.poll(() => sink.texts.filter((text) => text.startsWith(": still here")).length).toBeGreaterThan(1);
  feed.close();
  expect(sink.ended).toBe(true);
  expect(feed.watchers).toBe(0);
});
