import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generateShapes, SCHEMAS } from "../generator/shapes.js";
import * as documents from "../testing/documents.js";
import { FakeApi, refuse } from "../testing/fake-api.js";
import { runCli } from "../testing/run-cli.js";
import { shapeFault, type Shape } from "./shape.js";
import { SHAPES } from "./shapes.generated.js";
import { sseEvents, type SseEvent } from "./sse.js";

describe("shapes", () => {
  it("are those of the contracts: run `npm run generate` when this fails", () => {
    const file = new URL("../../src/http/shapes.generated.ts", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(generateShapes());
  });

  const cases: [keyof typeof SCHEMAS, object][] = [
    ["RuleList", documents.ruleList],
    ["RuleAdded", documents.ruleAdded],
    ["ForwardList", documents.forwardList],
    ["ForwardAdded", documents.forwardAdded],
    ["Removed", documents.removed("rule", [1])],
    ["ModuleList", documents.moduleList],
    ["AgentList", documents.agentList],
    ["Status", documents.status],
    ["Stats", documents.stats(3)],
    ["AlertList", documents.alertList],
    ["Alert", documents.alertShown],
    ["Suggestion", documents.suggestion],
    ["AlertApproved", documents.approved],
    ["AlertEvent", documents.alert],
    ["Problem", documents.problem("internal", 500, "x")],
  ];

  it.each(cases)("take a %s that the contracts take", (kind, document) => {
    expect(SCHEMAS[kind].safeParse(document).error).toBeUndefined();
    expect(shapeFault(SHAPES[kind], document)).toBeUndefined();
  });

  it.each(cases)("refuse a %s without one of its fields, as the contracts do", (kind, document) => {
    for (const field of Object.keys(document)) {
      const less = Object.fromEntries(Object.entries(document).filter(([name]) => name !== field));
      expect([field, shapeFault(SHAPES[kind], less) === undefined]).toEqual([field, SCHEMAS[kind].safeParse(less).success]);
    }
  });

  it("take any JSON without an error, and name the place of a fault", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const [kind] of cases) expect(shapeFault(SHAPES[kind], value)).toBeDefined();
      }),
    );
    const shape: Shape = { object: { items: { list: { object: { "id?": "number", name: "string" } } } } };
    expect(shapeFault(shape, { items: [{ name: "a" }, { name: 1 }] })).toEqual({ path: "items.1.name", expected: "a string" });
    expect(shapeFault(shape, { items: [{ name: "a", id: Number.NaN }] })?.path).toBe("items.0.id");
  });
});

describe("server-sent events", () => {
  const collect = async (pieces: readonly string[]): Promise<SseEvent[]> => {
    const events: SseEvent[] = [];
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there already
    const stream = async function* () {
      yield* pieces;
    };
    for await (const event of sseEvents(stream())) events.push(event);
    return events;
  };

  it("reads events, data of several lines, comments and all line ends", async () => {
    expect(
      await collect([
        ': watching\n\nevent: alert\nid: 1\ndata: {"a":1}\n\ndata: x\r\ndata:y\r\n\r\nevent: none\n\ndata\r\rdata: cut off',
      ]),
    ).toEqual([
      { type: "alert", data: '{"a":1}' },
      { type: "message", data: "x\ny" },
      { type: "message", data: "" },
    ]);
  });

  it("reads the same, wherever the pieces are cut", async () => {
    const line = fc.oneof(
      fc.constantFrom("", "event: alert", "data: x", "data:", ": comment", "nonsense", "data: a: b", "id: 7"),
      fc.string().filter((text) => !/[\r\n]/.test(text)),
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 12 })
      .map((lines) => lines.flat().join(""));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(80), { maxLength: 8 }), async (whole, cuts) => {
        const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length])].sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
        expect(await collect(pieces)).toEqual(await collect([whole]));
      }),
    );
  });

  it("takes no endless line", async () => {
    await expect(collect(Array.from({ length: 20 }, () => "x".repeat(100_000)))).rejects.toThrow(/longer than/);
  });
});

describe("an API that is not as it should be", () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await FakeApi.start()));
  beforeEach(() => api.reset());
  afterAll(() => api.stop());
  const list = (...args: string[]) => runCli(["rule", "list", "--api", api.url, ...args]);

  it("says that nothing listens, what to check, and exits with 1", async () => {
    const gone = await FakeApi.start();
    const { url } = gone;
    await gone.stop();
    const { exit, stdout, stderr } = await runCli(["rule", "list", "--api", url]);
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`the rule API at ${url} cannot be reached: nothing listens there`);
    expect(stderr).toMatch(/^next: .*--api.*SECUXFLOW_API/m);
  });

  it("gives up on one that takes the connection and says nothing", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exit, stderr } = await runCli([
      "rule",
      "add",
      "--src",
      "10.0.0.1",
      "--action",
      "drop",
      "--wait",
      "1ms",
      "--api",
      url,
      "--timeout",
      "100ms",
    ]);
    server.close();
    expect(exit).toBe(1);
    expect(stderr).toContain("no answer within 0.101 s; whether the rule was added is unknown");
    expect(stderr).toContain("next: secuxflow-cli rule list tells");
  });

  it("gives up on one that begins to answer and does not end", async () => {
    api.routes.set(
      "GET /v1/rules",
      (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"),
    );
    expect((await list("--timeout", "100ms")).stderr).toContain("no answer within 0.1 s");
  });

  it("tries once more when the connection breaks before an answer, with the same key", async () => {
    let times = 0;
    api.routes.set("POST /v1/rules", (_request, response) => {
      if (times++ === 0) response.socket?.resetAndDestroy();
      else response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(documents.ruleAdded));
    });
    const { exit } = await runCli(["rule", "add", "--src", "10.0.0.1", "--action", "drop", "--api", api.url]);
    expect(exit).toBe(0);
    const keys = api.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it("sends nothing twice that has no key", async () => {
    api.routes.set("DELETE /v1/rules/42", (_request, response) => void response.socket?.resetAndDestroy());
    const { exit, stderr } = await runCli(["rule", "delete", "--id", "42", "--api", api.url]);
    expect([exit, api.seen.length]).toEqual([1, 1]);
    expect(stderr).toContain("whether rule 42 was deleted is unknown");
  });

  it.each([
    ["HTML", 200, "text/html", "<h1>hello</h1>", "which is not JSON"],
    ["broken JSON", 200, "application/json", '{"apiVersion":', "which is not JSON"],
    ["an error of a proxy", 502, "text/html", "<h1>Bad Gateway</h1>", "HTTP 502, text/html"],
    ["a redirect", 302, "text/plain", "", "HTTP 302"],
    ["a malformed problem", 500, "application/problem+json", '{"code":1}', "malformed problem document"],
    ["no document", 200, "application/json", "[]", "what it sent is not an object"],
    ["another kind", 200, "application/json", JSON.stringify(documents.agentList), "kind is not"],
    [
      "missing fields",
      200,
      "application/json",
      JSON.stringify({ ...documents.ruleList, items: [{ id: 1 }] }),
      "items.0.src is not a string",
    ],
  ])("says so when it answers %s", async (_what, status, type, body, reason) => {
    api.routes.set("GET /v1/rules", (_request, response) => void response.writeHead(status, { "content-type": type }).end(body));
    const { exit, stdout, stderr } = await list();
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(reason);
    expect(stderr).toMatch(/^next: check --api/m);
  });

  it("says which versions do not go together", async () => {
    api.routes.set("GET /v1/rules", { ...documents.ruleList, apiVersion: "secuxflow/v2" });
    expect((await list()).stderr).toContain("speaks secuxflow/v2, and this secuxflow-cli 1.2.3 speaks secuxflow/v1");
  });

  it("passes on fields that it does not know", async () => {
    api.routes.set("GET /v1/rules", { ...documents.ruleList, news: true });
    expect(JSON.parse((await list("-o", "json")).stdout)).toMatchObject({ news: true });
  });

  it.each([
    ["not_found", 404, 1],
    ["nats_unavailable", 503, 1],
    ["conflict", 409, 1],
    ["unauthorized", 401, 1],
    ["invalid_input", 400, 2],
    ["a_new_code", 418, 1],
  ])("tells the problem %s (HTTP %d) with exit code %d", async (code, status, exit) => {
    api.routes.set("GET /v1/rules", refuse(documents.problem(code, status, "the detail \x1b[31m")));
    const result = await list();
    expect(result.exit).toBe(exit);
    expect(result.stderr).toContain("secuxflow-cli: the detail \\x1b[31m\n");
  });

  it("shows no control character of a hostile API", async () => {
    const hostile = "\x1b[2J\x07\u202e\x9b";
    api.routes.set(
      "GET /v1/rules",
      refuse(
        documents.problem("invalid_input", 400, hostile, {
          next: hostile,
          errors: [
            { field: hostile, message: hostile },
            { field: "b", message: hostile },
          ],
        }),
      ),
    );
    expect((await list()).stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });
});
