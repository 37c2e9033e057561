import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as documents from "../testing/documents.js";
import { FakeApi, refuse } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

/** Runs a command line as typed (words parted by blanks). */
const cli = (line: string, options: RunOptions = {}) =>
  runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url, ...options.env } });

describe("alert", () => {
  it("lists with filters", async () => {
    const { stdout } = await cli("alert list --since 1h --severity high --state new --module ips --src 10.1.0.9 --limit 2");
    expect(Object.fromEntries(api.seen[0]?.query ?? [])).toEqual({
      sinceMs: "3600000",
      maxSeverity: "2",
      state: "new",
      module: "ips",
      src: "10.1.0.9",
      limit: "2",
    });
    expect(stdout).toContain("17  2m ago  critical  new");
    expect(stdout).toContain("2 of 5; --limit shows more");
    expect((await cli("alert list --severity awful --state old")).stderr).toMatch(/--severity: .*\n {2}--state: /);
  });

  it("shows the match, the request, the payload and what can be done, all bytes visible", async () => {
    const { stdout } = await cli("alert show 17");
    for (const part of [
      "request          GET /?q='%20or%201=1\\x1b[31m",
      "host             shop\\u202e.example",
      "match            ' or 1=1\\xff",
      "found in         args.q",
      "transformations  url_decode, lowercase",
      "payload 35 bytes",
      "  0000  47 45 54 20",
      "looking \\x1b]0;pwned\\x07",
      "secuxflow-cli alert suggest 17",
      "secuxflow-cli alert approve 17",
      "secuxflow-cli alert ack 17",
    ])
      expect(stdout).toContain(part);
    for (const format of ["table", "json", "yaml"])
      expect((await cli(`alert show 17 -o ${format}`)).stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it("needs an id", async () => {
    expect(await cli("alert show")).toMatchObject({
      exit: 2,
      stderr: "secuxflow-cli: <id>: which one? give its number\nnext: secuxflow-cli alert show --help\n",
    });
  });

  it("suggests the exact command, with blast radius and warnings", async () => {
    const { stdout, stderr } = await cli("alert suggest 17");
    expect(stdout).toContain(
      "  secuxflow-cli rule add --src 10.1.0.9 --dst 10.2.0.5 --port 80 --proto tcp --action drop --ttl 1h --comment 'alert 17: it'\\''s $(reboot)' --alert 17\n",
    );
    expect(stdout).toContain(
      "in the last 1d it would have hit 12 flows of 1 source (340 packets, 64.0 KiB): 10 with detections, 2 without",
    );
    expect(stderr).toBe("warning: 2 of the 12 flows had no detection\n");
  });

  it("suggests a command that, run, sends the suggested rule", async () => {
    const { rule } = documents.suggestion;
    const words = [
      "--src",
      rule.src,
      "--dst",
      rule.dst,
      "--port",
      "80",
      "--proto",
      "tcp",
      "--action",
      "drop",
      "--ttl",
      "1h",
      "--comment",
      rule.comment ?? "",
      "--alert",
      "17",
    ];
    await runCli(["rule", "add", ...words], { env: { SECUXFLOW_API: api.url } });
    // Priority and tags are what they are without a flag.
    expect((api.seen[0]?.body as { rule: unknown }).rule).toEqual(documents.without(rule, "priority", "tags"));
  });

  it("approves without a question where nobody can be asked, with what is wanted otherwise", async () => {
    const { exit, stdout } = await runCli(
      ["alert", "approve", "17", "--ttl", "never", "--priority", "5", "--comment", "a b", "--wait", "0"],
      { env: { SECUXFLOW_API: api.url } },
    );
    expect([exit, stdout]).toEqual([
      0,
      "rule 8 (drop tcp 192.168.1.0/24 -> 10.0.0.5:80) in force on 1 of 1 agents (revision 12, 6 ms)\n",
    ]);
    expect(api.seen).toHaveLength(1);
    expect(api.seen[0]?.body).toEqual({ ttlMs: null, priority: 5, comment: "a b", options: { confirm: false, waitMs: 0 } });
  });

  it("shows the rule and asks at a terminal; --yes does not ask", async () => {
    const no = await cli("alert approve 17 --ttl 10m", { answer: "n" });
    expect([no.exit, no.stdout, no.asked, api.seen.map(({ method }) => method)]).toEqual([
      1,
      "",
      ["Make this rule? [y/N] "],
      ["GET"],
    ]);
    expect(no.stderr).toContain("--ttl 10m");
    expect((await cli("alert approve 17", { answer: "y" })).exit).toBe(0);
    api.seen.length = 0;
    expect((await cli("alert approve 17 --yes", { answer: "n" })).exit).toBe(0);
    expect(api.seen.map(({ method }) => method)).toEqual(["POST"]);
  });

  it.each([
    ["ack", "acknowledged"],
    ["dismiss", "dismissed"],
    ["reopen", "new"],
  ])("%s marks it as %s", async (verb, state) => {
    expect((await cli(`alert ${verb} 17 --note why`)).exit).toBe(0);
    expect(api.seen[0]).toMatchObject({ path: "/v1/alerts/17/triage", body: { state, note: "why" } });
  });

  describe("watch", () => {
    const event = (alert: object) => `event: alert\ndata: ${JSON.stringify(alert)}\n\n`;

    it("follows the stream, connects again, fetches what it missed, and shows nothing twice", async () => {
      const stop = new AbortController();
      let connections = 0;
      api.routes.set("GET /v1/alerts/watch", (_request, response) => {
        connections += 1;
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
        response.write(": watching\n\n");
        if (connections === 1) response.end(event(documents.alert));
        else if (connections === 2) response.socket?.destroy();
        else response.write(event({ ...documents.alert, id: 99, summary: "evil \x1b[2J" }));
      });
      api.routes.set("GET /v1/alerts", {
        ...documents.alertList,
        total: 2,
        items: [{ ...documents.alert, id: 18, severity: 2 }, documents.alert],
      });
      const { exit, stdout, stderr } = await cli("alert watch", {
        signal: stop.signal,
        onOutput: (text) => text.includes("alert 99") && stop.abort(),
      });
      expect(exit).toBe(0);
      expect([...stdout.matchAll(/alert (\d+)/g)].map(([, id]) => id)).toEqual(["17", "18", "99"]);
      expect(stdout).toContain(
        "2026-11-22T11:58:00.000Z  critical  alert 17 (3 times)  ips  tcp 10.1.0.9:51234 -> 10.2.0.5:80  SQL injection",
      );
      expect(stdout).toContain("evil \\x1b[2J");
      expect(stderr).toContain("connected again");
    });

    it("prints objects line by line, and leaves out what is not severe, or no alert", async () => {
      const stop = new AbortController();
      api.routes.set("GET /v1/alerts/watch", (_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(
          event({ ...documents.alert, severity: 3 }) + event({ no: "alert" }) + event({ ...documents.alert, id: 5 }),
        );
      });
      const { stdout, stderr } = await cli("alert watch --severity high -o json", {
        signal: stop.signal,
        onOutput: () => stop.abort(),
      });
      expect(JSON.parse(stdout)).toEqual({
        apiVersion: "secuxflow/v1",
        kind: "AlertEvent",
        alert: { ...documents.alert, id: 5 },
      });
      expect(stderr).toContain("no alert, and is left out");
    });

    it("fails when it cannot connect at all, or is refused", async () => {
      api.routes.set("GET /v1/alerts/watch", refuse(documents.problem("limit_reached", 409, "too many watch already")));
      expect(await cli("alert watch")).toMatchObject({ exit: 1, stderr: "secuxflow-cli: too many watch already\n" });
      api.routes.set(
        "GET /v1/alerts/watch",
        (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
      );
      expect((await cli("alert watch")).stderr).toContain("did not answer as a SecuXFlow rule API");
    });
  });
});
