import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as documents from "../testing/documents.js";
import { FakeApi, refuse } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

const cli = (line: string, options: RunOptions = {}) =>
  runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url, ...options.env } });
const LINES = '{"src":"203.0.113.7","action":"drop"}\n\n{"src":"198.51.100.0/24","action":"reject"}\n';

describe("rule import", () => {
  it("sends all rules at once", async () => {
    const { exit, stdout } = await cli("rule import f", { files: { f: LINES } });
    expect([exit, stdout]).toEqual([0, "2 rules added, in force on 1 of 1 agents (revision 12, 6 ms)\n"]);
    expect(api.seen).toHaveLength(1);
    expect(api.seen[0]).toMatchObject({
      path: "/v1/rules/import",
      body: { mode: "add", rules: [{ src: "203.0.113.7" }, { src: "198.51.100.0/24", action: "reject" }], options: { confirm: false } },
    });
    expect(api.seen[0]?.headers["idempotency-key"]).toBeDefined();
  });

  it("takes what rule list and rule export print, from stdin too", async () => {
    for (const line of ["rule list -o json", "rule list -o yaml", "rule export", "rule export -o yaml", "rule export -o json"]) {
      const { stdout } = await cli(line);
      api.seen.length = 0;
      expect((await cli("rule import -", { files: { "-": stdout } })).exit).toBe(0);
      const { rules } = api.seen[0]?.body as { rules: object[] };
      expect(rules).toEqual([
        {
          src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp", action: "drop", priority: 1_000, ttlMs: 600_000,
          comment: "port scan", owner: "alice", tags: ["incident-42"],
        },
        { src: "2001:db8::1", dst: "any", proto: "any", action: "pass", priority: 2_000, tags: [] },
      ]);
    }
  });

  it("replaces, and says what stayed", async () => {
    api.routes.set("POST /v1/rules/import", { ...documents.rulesImported, added: 1, removed: 5 });
    const { stdout } = await cli("rule import f --replace --confirm", { files: { f: LINES } });
    expect(stdout).toContain("policy replaced (1 added, 5 deleted, 1 unchanged), in force on");
    expect(api.seen[0]?.body).toMatchObject({ mode: "replace", options: { confirm: true } });
  });

  it("names every fault by its line, and sends nothing", async () => {
    const { exit, stderr } = await cli("rule import f", { files: { f: `${LINES}{"src":"x","action":"block"}\nnonsense\n` } });
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect([...stderr.matchAll(/^ {2}(line .+?): /gm)].map(([, at]) => at)).toEqual(["line 4, src", "line 4, action", "line 5"]);
    const many = await cli("rule import f", { files: { f: '{"action":"block"}\n'.repeat(80) } });
    expect(many.stderr).toContain("and 30 more");
  });

  it("names what the API refuses by line", async () => {
    const errors = [{ field: "rules.1.service", message: "no such service" }, { field: "rules.0", message: "rule 3 already does this" }];
    api.routes.set("POST /v1/rules/import", refuse(documents.problem("invalid_input", 400, "no", { errors })));
    const { exit, stderr } = await cli("rule import f", { files: { f: LINES } });
    expect(exit).toBe(2);
    expect(stderr).toContain("line 3, service: no such service");
    expect(stderr).toContain("line 1: rule 3 already does this");
  });

  it.each([
    ["rule import", "FILE: which file?"],
    ["rule import nope", "nope cannot be read (ENOENT)"],
    ["rule import empty", "FILE: there are no rules in it"],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line, { files: { empty: "[]" } });
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });
});

describe("a long list of rules", () => {
  beforeEach(() => {
    const [first] = documents.ruleList.items;
    const all = Array.from({ length: 12 }, (_, n) => ({ ...first, id: n + 1 }));
    api.routes.set("GET /v1/rules", ({ query }, response) => {
      const after = Number(query.get("after") ?? 0);
      const limit = Math.min(5, Number(query.get("limit") ?? 5));
      const items = all.slice(after, after + limit);
      const next = after + limit < all.length ? after + limit : undefined;
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ ...documents.ruleList, items, total: all.length, next }));
    });
  });

  it("is put together", async () => {
    const list = JSON.parse((await cli("rule list -o json")).stdout) as { items: { id: number }[]; next?: number };
    expect([list.items.map(({ id }) => id), list.next]).toEqual([Array.from({ length: 12 }, (_, n) => n + 1), undefined]);
    expect((await cli("rule list")).stdout.split("\n")).toHaveLength(14);
    expect((await cli("rule show 12")).exit).toBe(0);
    expect((await cli("rule export")).stdout.trimEnd().split("\n")).toHaveLength(12);
    expect((parse((await cli("rule list -o yaml")).stdout) as { items: object[] }).items).toHaveLength(12);
  });

  it("is counted without being fetched", async () => {
    const { asked } = await cli("rule clear", { answer: "no" });
    expect([asked, api.seen.length]).toEqual([["Delete all rules (12 at the moment)? [y/N] "], 1]);
  });
});
