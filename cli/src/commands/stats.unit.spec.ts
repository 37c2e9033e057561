import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
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

describe("status stats", () => {
  const seconds = (from = 1) => {
    let now = from;
    api.routes.set("GET /v1/stats", (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(documents.stats(now)));
    });
    return (ms: number) => void (now += ms / 1_000);
  };

  it("prints a block an interval where there is no terminal, with what rules match", async () => {
    const { exit, stdout } = await cli("status stats --interval 5s --count 2", { onSleep: seconds() });
    expect(exit).toBe(0);
    expect(stdout.split("\n\n")).toHaveLength(2);
    expect(stdout).toContain("drop           100/s  80.0 kbit/s      500\n");
    expect(stdout).toContain("   7  drop tcp 192.168.1.0/24 -> 10.0.0.5:80      100/s");
    expect(api.seen.filter(({ path }) => path === "/v1/rules")).toHaveLength(1);
  });

  it("prints one object a line with -o json, and documents of a stream with -o yaml", async () => {
    const json = (await cli("status stats --interval 5s --count 3 -o json", { onSleep: seconds() })).stdout;
    expect(
      json
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { verdicts: { drop: object } }).verdicts.drop),
    ).toEqual(Array.from({ length: 3 }, () => ({ packets: 500, bytes: 50_000, packetsPerSecond: 100, bitsPerSecond: 80_000 })));
    const yaml = (await cli("status stats --interval 5s --count 2 -o yaml", { onSleep: seconds() })).stdout;
    expect(parseAllDocuments(yaml).map((document) => (document.toJS() as { kind: string }).kind)).toEqual([
      "StatsRates",
      "StatsRates",
    ]);
  });

  it("goes on when the API is away for a while, and fails when it was never there", async () => {
    const tick = seconds();
    const route = api.routes.get("GET /v1/stats") ?? {};
    let looks = 0;
    const { exit, stdout, stderr } = await cli("status stats --interval 5s --count 2 -o json", {
      onSleep: (ms) => {
        tick(ms);
        looks += 1;
        api.routes.set("GET /v1/stats", looks === 2 ? refuse(documents.problem("nats_unavailable", 503, "NATS is away")) : route);
      },
    });
    expect([exit, stderr]).toEqual([0, "NATS is away; trying again\n"]);
    // Nothing is lost: the second object counts both intervals.
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { verdicts: { drop: { packets: number } } }).verdicts.drop.packets),
    ).toEqual([500, 1_000]);
    api.routes.set("GET /v1/stats", refuse(documents.problem("internal", 500, "no")));
    expect((await cli("status stats")).exit).toBe(1);
  });

  it("redraws on a terminal until Ctrl-C, which is no failure", async () => {
    const stop = new AbortController();
    const tick = seconds();
    const { exit, stdout } = await cli("status stats --interval 1s", {
      columns: 100,
      signal: stop.signal,
      onSleep: tick,
      onOutput: (text) => text.includes("PACKETS/S") && stop.abort(),
    });
    expect(exit).toBe(0);
    expect(stdout).toContain("\x1b[H");
  });

  it.each([
    ["--interval 10ms", "--interval: it is at least 1s"],
    ["--interval 5", "is not a duration"],
    ["--count 0", "--count: a count is at least 1"],
  ])("refuses %s", async (flags, message) => {
    const { exit, stderr } = await cli(`status stats ${flags}`);
    expect(exit).toBe(2);
    expect(stderr).toContain(message);
  });
});
