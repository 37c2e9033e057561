import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import {
  AlertList, Problem, ProtectionShown, RuleAdded, RuleList, ServiceAdded, ServiceList, SetAdded, SetList, SetShown, SystemStatus, TopTalkers,
  type InspectorStatus,
} from "@secuxflow/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AlertFeed } from "../alerts/application/alert-feed.js";
import { ApproveAlert } from "../alerts/application/approve.js";
import { RuleApiModule } from "../app.module.js";
import { PolicyQueries } from "../policy/application/queries.js";
import { System } from "../status/application/status.js";
import { LiveRegistry } from "../telemetry/application/live-registry.js";
import { Stats } from "../telemetry/application/stats.js";
import { FakeAlerting } from "../testing/alerting.js";
import { agentStatus, AT_ONCE, context, inspectorStatus, silent, spec, World } from "../testing/world.js";
import { serveDocs } from "./docs.js";
import { BODY_LIMIT_BYTES } from "./limits.js";
import { openApi } from "./openapi.js";
import { OPERATIONS } from "./routes.js";
import { setupHttp } from "./setup.js";

const logged: object[] = [];
let world: World;
let alerting: FakeAlerting;
let inspectors: LiveRegistry<InspectorStatus>;
let app: NestFastifyApplication;
const served: string[] = [];

beforeAll(async () => {
  world = await new World().ready();
  alerting = new FakeAlerting();
  inspectors = new LiveRegistry(world.clock);
  const stats = new Stats(world.clock);
  const parts = {
    service: world.service,
    things: world.things,
    modules: world.modules,
    queries: new PolicyQueries(world.service, stats, world.enforcement),
    stats,
    alerting,
    approval: new ApproveAlert(alerting, world.service),
    feed: new AlertFeed(),
    system: new System({
      policy: "default",
      reader: world.reader,
      service: world.service,
      agents: world.agents,
      inspectors,
      registrar: { problems: [] },
      alerting,
      clock: world.clock,
      nats: () => ({ connected: world.connection.connected, detail: "nats" }),
      provisioning: () => undefined,
    }),
  };
  app = await NestFactory.create<NestFastifyApplication>(
    RuleApiModule.of(parts),
    new FastifyAdapter({ bodyLimit: BODY_LIMIT_BYTES }),
    { logger: false },
  );
  app
    .getHttpAdapter()
    .getInstance()
    .addHook("onRoute", ({ method, path }) => {
      for (const each of [method].flat()) served.push(`${each} ${path}`);
    });
  setupHttp(app, { host: "127.0.0.1", allowedHosts: [] }, { ...silent, error: (fields) => void logged.push(fields) });
  serveDocs(app, "0.1.0");
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});

afterAll(async () => {
  await app.close();
  await world.close();
});

interface Answer {
  status: number;
  type: string;
  headers: Record<string, unknown>;
  body: unknown;
}

const ask = async (method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
  const answer = await app.inject({
    method: method as "GET",
    url,
    headers: { host: "127.0.0.1:7400", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const type = String(answer.headers["content-type"]);
  return { status: answer.statusCode, type, headers: answer.headers, body: type.includes("json") ? answer.json() : answer.body };
};

const refused = async (...args: Parameters<typeof ask>): Promise<Problem> => {
  const before = (await world.messages()).length;
  const { status, type, body } = await ask(...args);
  expect(type).toContain("application/problem+json");
  const problem = Problem.parse(body);
  expect(problem.status).toBe(status);
  expect((await world.messages()).length, "nothing may have changed").toBe(before);
  return problem;
};
const fields = (problem: Problem) => problem.errors?.map(({ field }) => field);

const RULE = { src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp", action: "drop" };
const NOW = { waitMs: 0 };

beforeEach(async () => {
  await world.service.remove({ type: "clear_rules", confirm: true }, context(), { waitMs: 0 });
});

describe("rules", () => {
  it("are added, listed with their effect, and deleted", async () => {
    const added = await ask("POST", "/v1/rules", { rule: RULE, options: NOW }, { "x-secuxflow-actor": "alice@ops" });
    expect(added.status).toBe(201);
    const { rule } = RuleAdded.parse(added.body);
    expect((await world.messages()).at(-1)?.actor).toBe("alice@ops");
    world.agents.put("a", agentStatus("a", 1_000));
    const list = RuleList.parse((await ask("GET", "/v1/rules")).body);
    expect(list.items).toMatchObject([{ id: rule.id, packets: 0, bytes: 0, activeOn: 1, agents: 1 }]);
    world.agents.delete("a");
    const gone = await ask("DELETE", `/v1/rules/${rule.id}?waitMs=0`);
    expect([gone.status, gone.body]).toEqual([200, expect.objectContaining({ kind: "Removed", what: "rule", ids: [rule.id] })]);
  });

  it("are the same for a retry with the same key, whose actor by default is admin", async () => {
    const answers = await Promise.all(
      [1, 2].map(() => ask("POST", "/v1/rules", { rule: RULE, options: NOW }, { "idempotency-key": "k-1" })),
    );
    expect(new Set(answers.map(({ body }) => RuleAdded.parse(body).rule.id)).size).toBe(1);
    expect((await world.messages()).at(-1)?.actor).toBe("admin");
  });

  it("are cleared when confirmed", async () => {
    await world.service.addRule(spec({ src: "10.5.5.5", action: "drop" }), context(), AT_ONCE);
    const problem = await refused("DELETE", "/v1/rules");
    expect([problem.status, problem.code, problem.next?.includes("--confirm")]).toEqual([428, "confirmation_required", true]);
    expect((await ask("DELETE", "/v1/rules?confirm=true&waitMs=0")).status).toBe(200);
    expect(world.state.rules.size).toBe(0);
  });
});

describe("bad input changes nothing and is named", () => {
  it.each<[string, unknown, string[], string?]>([
    ["host bits", { ...RULE, src: "192.168.1.1/24" }, ["rule.src"], "did you mean 192.168.1.0/24"],
    ["a port above 65535", { ...RULE, port: 65_536 }, ["rule.port"], "at most 65535"],
    ["a port with icmp", { ...RULE, proto: "icmp" }, ["rule.port"], "icmp has no ports"],
    ["a port without protocol", { dst: "10.0.0.5", port: 80, action: "drop" }, ["rule.port"], "add proto tcp or udp"],
    ["mixed families", { ...RULE, dst: "2001:db8::1" }, ["rule.dst"], "different IP families"],
    ["no action", { src: "10.0.0.1" }, ["rule.action"], "drop or pass"],
    ["an unknown action", { ...RULE, action: "block" }, ["rule.action"]],
    ["an unknown protocol", { src: "10.0.0.1", proto: "tpc", action: "drop" }, ["rule.proto"]],
    ["a protocol of another type", { src: "10.0.0.1", proto: true, action: "drop" }, ["rule.proto"], "expected string"],
    ["a short ttl", { ...RULE, ttlMs: 5 }, ["rule.ttlMs"], "at least 1s"],
    ["a long comment", { ...RULE, comment: "x".repeat(257) }, ["rule.comment"]],
    ["an unknown field", { ...RULE, prot: "tcp" }, ["rule.prot"], "unknown field"],
    [
      "several at once",
      { src: "10.0.0.1/8", dst: "nowhere", port: -1, proto: "tcp", action: "drop", tags: ["\u0007"] },
      ["rule.src", "rule.dst", "rule.port", "rule.tags.0"],
    ],
    ["no rule", undefined, ["rule"]],
    ["a rule that is a list", [], ["rule"]],
  ])("%s", async (_, rule, wanted, words = "") => {
    const problem = await refused("POST", "/v1/rules", { rule });
    expect([problem.status, problem.code, fields(problem)]).toEqual([400, "invalid_input", wanted]);
    expect(problem.detail).toContain(words);
  });

  it("malformed JSON, with its place", async () => {
    const problem = await refused("POST", "/v1/rules", '{\n  "rule": {\n    "src" "any"\n  }\n}');
    expect([problem.code, problem.detail]).toEqual([
      "invalid_input",
      'the body is not JSON: line 3, column 11: found "\\"" where a colon is expected',
    ]);
  });

  it("an empty body, and one that is no object", async () => {
    expect(fields(await refused("POST", "/v1/rules", ""))).toEqual(["rule"]);
    expect(fields(await refused("POST", "/v1/rules", "[]"))).toEqual(["(body)"]);
    expect(fields(await refused("POST", "/v1/rules", "null"))).toEqual(["rule"]);
  });

  it("an oversized body", async () => {
    const problem = await refused(
      "POST",
      "/v1/rules",
      JSON.stringify({ rule: { ...RULE, comment: "x".repeat(BODY_LIMIT_BYTES) } }),
    );
    expect([problem.status, problem.code]).toEqual([413, "body_too_large"]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"])(
    "a body of type %s",
    async (type) => {
      expect((await refused("POST", "/v1/rules", "rule=x", { "content-type": type })).code).toBe("unsupported_media_type");
    },
  );

  it.each(["0", "-1", "x", "1.5", "1e3", "9007199254740993"])("the id %s", async (id) => {
    expect(fields(await refused("DELETE", `/v1/rules/${id}`))).toEqual(["id"]);
    expect(fields(await refused("GET", `/v1/alerts/${id}`))).toEqual(["id"]);
  });

  it("an id that is not there, with the next step", async () => {
    const problem = await refused("DELETE", "/v1/rules/4242");
    expect([problem.status, problem.code, problem.next]).toEqual([404, "not_found", "secuxflow-cli rule list"]);
    expect((await refused("DELETE", "/v1/forwards/4242")).next).toBe("secuxflow-cli forward list");
    expect((await refused("GET", "/v1/alerts/4242")).code).toBe("not_found");
  });

  it("query parameters that are wrong or unknown", async () => {
    expect(fields(await refused("DELETE", "/v1/rules/1?waitMs=soon&foo=1"))).toEqual(["waitMs", "foo"]);
    expect(fields(await refused("DELETE", "/v1/rules?confirm=yes&waitMs=60001"))).toEqual(["waitMs", "confirm"]);
    expect(fields(await refused("GET", "/v1/alerts?limit=0&state=odd&x=1"))).toEqual(["limit", "state", "x"]);
  });

  it("a stale revision", async () => {
    await world.service.addRule(spec({ src: "10.5.5.5", action: "drop" }), context(), AT_ONCE);
    const { revision } = world.service.view();
    const problem = await refused("POST", "/v1/rules", { rule: RULE, options: { ifRevision: revision - 1 } });
    expect([problem.status, problem.code]).toEqual([409, "stale_revision"]);
    expect((await refused("DELETE", `/v1/rules?confirm=true&ifRevision=${revision - 1}`)).code).toBe("stale_revision");
  });

  it("an unknown module", async () => {
    const problem = await refused("POST", "/v1/forwards", {
      forward: { dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "nope" },
    });
    expect([problem.status, problem.code, fields(problem)]).toEqual([400, "unknown_module", ["forward.module"]]);
    expect(fields(await refused("POST", "/v1/forwards", { forward: { module: "a b" } }))).toEqual(["forward.module"]);
  });

  it.each([
    ["X-SecuXFlow-Actor", "system:rule-api"],
    ["X-SecuXFlow-Actor", "a b"],
    ["X-SecuXFlow-Actor", "x".repeat(65)],
    ["Idempotency-Key", "x".repeat(129)],
    ["Idempotency-Key", "a b"],
  ])("the header %s: %s", async (name, value) => {
    expect(fields(await refused("POST", "/v1/rules", { rule: RULE }, { [name.toLowerCase()]: value }))).toEqual([name]);
  });

  it("a rule that would cut the administrator off", async () => {
    const problem = await refused("POST", "/v1/rules", { rule: { src: "127.0.0.0/8", action: "drop" } });
    expect([problem.status, problem.code]).toEqual([428, "confirmation_required"]);
    expect(
      (await ask("POST", "/v1/rules", { rule: { src: "127.0.0.0/8", action: "drop" }, options: { confirm: true, waitMs: 0 } }))
        .status,
    ).toBe(201);
  });

  it("nonsense as a prototype", async () => {
    expect((await refused("POST", "/v1/rules", '{"rule":{"action":"drop","__proto__":{"x":1}}}')).code).toBe("invalid_input");
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe("a long list of rules", () => {
  it("is told in parts, in the order rules are tried, also when rules come and go meanwhile", async () => {
    const rules = Array.from({ length: 25 }, (_, n) => ({ src: `10.8.0.${n}`, action: "drop", priority: 1_000 - (n % 5) }));
    expect((await ask("POST", "/v1/rules/import", { mode: "add", rules, options: NOW })).status).toBe(201);
    const all = RuleList.parse((await ask("GET", "/v1/rules")).body);
    expect([all.items.length, all.total, all.next]).toEqual([25, undefined, undefined]);
    const ids = all.items.map(({ id }) => id);
    const seen: number[] = [];
    let after = "";
    for (;;) {
      const part = RuleList.parse((await ask("GET", `/v1/rules?limit=10${after}`)).body);
      seen.push(...part.items.map(({ id }) => id));
      if (part.next === undefined) break;
      expect(part.total).toBeGreaterThan(20);
      after = `&after=${part.next}`;
      const last = part.items.at(-1)?.id ?? 0;
      expect((await ask("DELETE", `/v1/rules/${last}?waitMs=0`)).status).toBe(200); // the mark itself goes
    }
    expect(seen).toEqual(ids);
    expect(fields(await refused("GET", "/v1/rules?limit=10001&after=x"))).toEqual(["after", "limit"]);
  });
});

describe("an import", () => {
  it("is checked rule by rule, with every fault by its place", async () => {
    const problem = await refused("POST", "/v1/rules/import", {
      mode: "add",
      rules: [RULE, { ...RULE, src: "10.0.0.1/8", port: 70_000 }, 7, { ...RULE, action: "limit" }],
    });
    expect(fields(problem)).toEqual(["rules.1.src", "rules.1.port", "rules.2", "rules.3.limit"]);
    expect(fields(await refused("POST", "/v1/rules/import", { mode: "both" }))).toEqual(["mode", "rules"]);
    expect(fields(await refused("POST", "/v1/rules/import", { mode: "add", rules: [] }))).toEqual(["rules"]);
    expect((await refused("POST", "/v1/rules/import", { mode: "add", rules: [RULE, RULE] })).code).toBe("conflict");
  });

  it("may be longer than another body", async () => {
    const rules = Array.from({ length: 9_000 }, (_, n) => ({ ...RULE, src: `10.7.${n >> 8}.${n & 255}`, comment: "x".repeat(100) }));
    const { status, body } = await ask("POST", "/v1/rules/import", { mode: "add", rules, options: NOW });
    expect([status, body]).toEqual([201, expect.objectContaining({ kind: "RulesImported", added: 9_000, removed: 0 })]);
    const problem = await refused("POST", "/v1/rules", JSON.stringify({ rule: RULE, more: "x".repeat(2_000_000) }));
    expect(problem.code).toBe("body_too_large");
  });

  it("replaces all when confirmed, and keeps what stays", async () => {
    const add = (src: string) => ask("POST", "/v1/rules", { rule: { src, action: "drop" }, options: NOW });
    const kept = RuleAdded.parse((await add("10.6.0.1")).body).rule.id;
    await add("10.6.0.2");
    const replace = (confirm: boolean) => ({
      mode: "replace",
      rules: [{ src: "10.6.0.3", action: "drop" }, { src: "10.6.0.1", action: "drop" }],
      options: { waitMs: 0, confirm },
    });
    expect((await refused("POST", "/v1/rules/import", replace(false))).code).toBe("confirmation_required");
    const { body } = await ask("POST", "/v1/rules/import", replace(true), { "idempotency-key": "import-1" });
    expect(body).toMatchObject({ added: 1, removed: 1, firstId: kept + 2 });
    expect([...world.state.rules.keys()]).toEqual([kept, kept + 2]);
    const before = (await world.messages()).length;
    expect((await ask("POST", "/v1/rules/import", replace(true), { "idempotency-key": "import-1" })).status).toBe(201);
    expect((await world.messages()).length).toBe(before);
  });
});

describe("sets", () => {
  const text = (method: string, url: string, lines: string) => ask(method, url, lines, { "content-type": "text/plain" });

  it("are made, changed, shown in parts and deleted", async () => {
    const made = await ask("POST", "/v1/sets", { set: { name: "bad", entries: ["10.0.0.1/32", "10.0.0.1"], comment: "x" }, options: NOW });
    expect([made.status, SetAdded.parse(made.body).entries]).toEqual([201, 1]);
    const changed = await ask("POST", "/v1/sets/bad/entries", {
      change: { add: ["10.0.0.1", "192.0.2.0/24"], remove: ["10.9.9.9"] },
      options: NOW,
    });
    expect(changed.body).toMatchObject({ kind: "SetEntriesChanged", added: 1, removed: 0, entries: 2 });
    const replaced = await text("PUT", "/v1/sets/bad/entries?waitMs=0", "10.0.0.5\n10.0.0.1\n10.0.0.3 ; x\n");
    expect(replaced.body).toMatchObject({ added: 2, removed: 1, entries: 3 });
    expect((await text("POST", "/v1/sets/bad/entries?waitMs=0", "10.0.0.4\n")).body).toMatchObject({ added: 1, entries: 4 });
    await ask("POST", "/v1/rules", { rule: { src: "@bad", action: "drop" }, options: NOW });
    const [rule] = [...world.state.rules.keys()];
    const list = SetList.parse((await ask("GET", "/v1/sets")).body);
    expect(list.items).toMatchObject([{ name: "bad", comment: "x", entries: 4, usedByRules: [rule], usedByForwards: [] }]);
    const first = SetShown.parse((await ask("GET", "/v1/sets/bad?limit=3")).body);
    expect([first.entries, first.next]).toEqual([["10.0.0.1", "10.0.0.3", "10.0.0.4"], "10.0.0.4"]);
    const rest = SetShown.parse((await ask("GET", `/v1/sets/bad?limit=3&after=${first.next ?? ""}`)).body);
    expect([rest.entries, rest.next]).toEqual([["10.0.0.5"], undefined]);
    expect((await refused("DELETE", "/v1/sets/bad")).code).toBe("in_use");
    await ask("DELETE", "/v1/rules?confirm=true&waitMs=0");
    expect((await ask("DELETE", "/v1/sets/bad?waitMs=0")).body).toMatchObject({ kind: "Deleted", what: "set", name: "bad" });
    expect(world.state.sets.size).toBe(0);
  });

  it("come as lines too", async () => {
    const made = await text("POST", "/v1/sets?name=lines&comment=from%20a%20file&waitMs=0", "10.0.0.1\n# x\n2001:db8::/32");
    expect([made.status, made.body]).toEqual([201, expect.objectContaining({ name: "lines", entries: 2 })]);
    expect(world.state.sets.get("lines")?.comment).toBe("from a file");
    const faulty = await refused("PUT", "/v1/sets/lines/entries", "10.0.0.1\nnonsense\n10.0.0.1/8", { "content-type": "text/plain" });
    expect([faulty.code, fields(faulty)]).toEqual(["invalid_input", ["line 2", "line 3"]]);
    expect(fields(await refused("POST", "/v1/sets", "10.0.0.1", { "content-type": "text/plain" }))).toEqual(["name"]);
    await ask("DELETE", "/v1/sets/lines?waitMs=0");
  });

  it("may be a megabyte and more as lines", async () => {
    const many = Array.from({ length: 150_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}\n`).join("");
    const made = await text("POST", "/v1/sets?name=large&waitMs=0", many);
    expect(made.body).toMatchObject({ entries: 150_000 });
    const problem = await refused("PUT", "/v1/sets/large/entries", { contents: { entries: many.trim().split("\n") } });
    expect([problem.code, problem.next]).toEqual(["body_too_large", "send text/plain, one entry a line: that may be longer"]);
    await ask("DELETE", "/v1/sets/large?waitMs=0");
  });

  it("are refused where they are wrong", async () => {
    expect((await refused("POST", "/v1/rules", { rule: { src: "@nope", action: "drop" } })).code).toBe("unknown_set");
    expect(fields(await refused("POST", "/v1/sets", { set: { name: "a b", entries: ["x"] } }))).toEqual(["set.name", "set.entries.0"]);
    expect(fields(await refused("POST", "/v1/sets/a%20b/entries", { change: { add: ["10.0.0.1"] } }))).toEqual(["name"]);
    expect((await refused("GET", "/v1/sets/nope")).code).toBe("not_found");
    expect((await refused("PUT", "/v1/sets/nope/entries", { contents: { entries: [] } })).code).toBe("not_found");
    expect((await refused("POST", "/v1/sets", "<x/>", { "content-type": "application/xml" })).code).toBe("unsupported_media_type");
  });
});

describe("services and protection", () => {
  const SHOP = { name: "shop", address: "10.0.0.5", port: 80, proto: "tcp" };

  it("are named, shown as agents see them, and deleted when no rule redirects there", async () => {
    const added = await ask("POST", "/v1/services", { service: SHOP, options: NOW });
    expect([added.status, ServiceAdded.parse(added.body).service.backends]).toEqual([201, [{ address: "10.0.0.5", weight: 1 }]]);
    expect((await refused("POST", "/v1/services", { service: SHOP })).code).toBe("already_exists");
    expect((await refused("POST", "/v1/services", { service: { ...SHOP, name: "x", inspect: ["nope"] } })).code).toBe("unknown_module");
    const redirect = { dst: "10.0.0.5", port: 80, proto: "tcp", action: "redirect", service: "shop" };
    expect((await ask("POST", "/v1/rules", { rule: redirect, options: NOW })).status).toBe(201);
    expect((await refused("POST", "/v1/rules", { rule: { ...redirect, service: "nope" } })).code).toBe("unknown_service");
    expect((await refused("DELETE", "/v1/services/shop")).code).toBe("in_use");
    const counted = { packets: 7, bytes: 700 };
    const status = {
      name: "shop", state: "ok" as const, redirected: counted, stack: counted, returned: counted, flows: 1,
      backends: [{ address: "10.0.0.5", healthy: true, path: "redirect" as const }],
    };
    world.agents.put("a", agentStatus("a", 1_000, { services: [status, { ...status, name: "other" }] }));
    const list = ServiceList.parse((await ask("GET", "/v1/services")).body);
    expect(list.items).toMatchObject([
      { name: "shop", usedByRules: [[...world.state.rules.keys()][0]], on: [{ agentId: "a", redirected: counted }], activeOn: 1 },
    ]);
    expect(list.items[0]?.on).toHaveLength(1);
    world.agents.delete("a");
    await ask("DELETE", "/v1/rules?confirm=true&waitMs=0");
    expect((await ask("DELETE", "/v1/services/shop?waitMs=0")).body).toMatchObject({ what: "service", name: "shop" });
  });

  it("protection changes by what is named", async () => {
    const change = (asked: object, more: object = {}) => ({ change: asked, options: { waitMs: 0, ...more } });
    const changed = await ask("PATCH", "/v1/protection", change({ synCookies: "auto", synRate: 500 }));
    expect([changed.status, changed.body]).toEqual([
      200,
      expect.objectContaining({ kind: "ProtectionChanged", protection: { synCookies: "auto", synRate: 500, establishedPass: false } }),
    ]);
    expect((await refused("PATCH", "/v1/protection", change({ perSource: { rate: 2, burst: 2 } }))).code).toBe("confirmation_required");
    expect(fields(await refused("PATCH", "/v1/protection", change({})))).toEqual(["change"]);
    const shown = ProtectionShown.parse((await ask("GET", "/v1/protection")).body);
    expect([shown.protection.synRate, shown.on]).toEqual([500, []]);
  });

  it("shows who sends most, over all live agents", async () => {
    const top = (sources: [string, number][]) => ({
      windowMs: 10_000,
      sources: sources.map(([address, bytes]) => ({ address, bytes, packets: bytes / 100 })),
    });
    world.agents.put("a", agentStatus("a", 0, { top: top([["10.0.0.1", 300], ["10.0.0.2", 200]]) }));
    world.agents.put("b", agentStatus("b", 0, { top: top([["10.0.0.2", 200], ["10.0.0.3", 100]]) }));
    world.agents.put("c", agentStatus("c", 0));
    const talkers = TopTalkers.parse((await ask("GET", "/v1/status/top?limit=2")).body);
    expect([talkers.agents, talkers.windowMs]).toEqual([2, 10_000]);
    expect(talkers.items).toEqual([
      { address: "10.0.0.2", bytes: 400, packets: 4, agents: ["a", "b"] },
      { address: "10.0.0.1", bytes: 300, packets: 3, agents: ["a"] },
    ]);
    expect(fields(await refused("GET", "/v1/status/top?limit=0"))).toEqual(["limit"]);
    for (const id of ["a", "b", "c"]) world.agents.delete(id);
  });
});

describe("paths and methods", () => {
  it("that are not there", async () => {
    expect((await refused("GET", "/v1/nothing")).status).toBe(404);
    expect((await refused("GET", "/")).code).toBe("not_found");
  });

  it("that do not go together", async () => {
    const answer = await ask("PUT", "/v1/rules", {});
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, POST, DELETE"]);
    expect(answer.body).toMatchObject({ code: "method_not_allowed" });
    expect((await refused("GET", "/v1/sets/x/entries")).next).toBe("use POST or PUT");
    expect((await refused("PATCH", "/v1/rules/1")).next).toBe("use DELETE");
    expect((await refused("DELETE", "/v1/alerts/watch")).status).toBe(405);
  });

  it("are called from this machine alone", async () => {
    expect((await refused("GET", "/v1/rules", undefined, { host: "evil.example" })).code).toBe("forbidden");
    expect((await refused("POST", "/v1/rules", { rule: RULE }, { origin: "http://evil.example" })).status).toBe(403);
  });
});

describe("alerts", () => {
  it("are listed by query parameters", async () => {
    const list = await ask("GET", "/v1/alerts?limit=7&maxSeverity=2&src=10.0.0.1&state=new");
    expect(AlertList.parse(list.body).items).toHaveLength(1);
    expect(alerting.queries.at(-1)).toEqual({ limit: 7, maxSeverity: 2, src: "10.0.0.1", state: "new" });
  });

  it("are shown, suggested for, approved and triaged", async () => {
    expect((await ask("GET", "/v1/alerts/3")).body).toMatchObject({ kind: "Alert", alert: { id: 3 } });
    const part = await ask("GET", "/v1/alerts/detections?after=7&sinceMs=1000&alertId=3");
    expect(part).toMatchObject({ status: 200, body: { kind: "DetectionList", items: [], next: 7, more: false } });
    expect(alerting.parts.at(-1)).toEqual({ after: 7, sinceMs: 1_000, alertId: 3, limit: 500 });
    expect(fields(await refused("GET", "/v1/alerts/detections?limit=1001&after=-1"))).toEqual(["after", "limit"]);
    expect((await refused("GET", "/v1/alerts/detections?alertId=99")).code).toBe("not_found");
    expect((await ask("GET", "/v1/alerts/3/suggestion")).body).toMatchObject({ kind: "Suggestion", rule: { src: "10.66.0.3" } });
    const approved = await ask("POST", "/v1/alerts/3/approve", { options: NOW });
    expect([approved.status, approved.body]).toEqual([201, expect.objectContaining({ kind: "AlertApproved", alertId: 3 })]);
    expect((await ask("POST", "/v1/alerts/4/approve", undefined, {})).status).toBe(201);
    const triaged = await ask(
      "POST",
      "/v1/alerts/5/triage",
      { state: "dismissed", note: "scanner of ours" },
      { "x-secuxflow-actor": "bob" },
    );
    expect([triaged.status, triaged.body]).toEqual([
      200,
      expect.objectContaining({ alert: expect.objectContaining({ state: "dismissed" }) as unknown }),
    ]);
    expect(alerting.triaged.at(-1)).toEqual({ id: 5, state: "dismissed", actor: "bob", note: "scanner of ours" });
    expect(fields(await refused("POST", "/v1/alerts/5/triage", { state: "approved" }))).toEqual(["state"]);
    expect(fields(await refused("POST", "/v1/alerts/5/approve", { ttl: 1 }))).toEqual(["ttl"]);
  });
});

describe("the system", () => {
  it("is shown at a glance, with NATS away too", async () => {
    world.agents.put("a", agentStatus("a", world.service.view().revision, { state: "degraded", problems: ["map full"] }));
    inspectors.put("i", inspectorStatus("i", [{ name: "ips" }]));
    const status = SystemStatus.parse((await ask("GET", "/v1/status")).body);
    expect(status.components.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "nats ok",
      "policy ok",
      "agents degraded",
      "inspectors ok",
      "alerting ok",
    ]);
    expect(status.components[2]?.detail).toContain("a: map full");
    world.connection.connected = false;
    const away = SystemStatus.parse((await ask("GET", "/v1/status")).body);
    expect([away.state, away.components[0]?.state]).toEqual(["down", "down"]);
    expect((await refused("POST", "/v1/rules", { rule: RULE })).code).toBe("nats_unavailable");
    expect((await ask("GET", "/v1/rules")).status).toBe(200);
    world.connection.connected = true;
    world.agents.delete("a");
  });

  it("shows agents, modules and counters", async () => {
    world.agents.put("b", agentStatus("b", 0));
    expect((await ask("GET", "/v1/agents")).body).toMatchObject({
      kind: "AgentList",
      items: [{ agentId: "b", live: true, behind: world.service.view().revision }],
    });
    await world.service.execute(
      { type: "register_module", module: { name: "ips", version: "1", digest: `sha256:${"a".repeat(64)}`, title: "IPS" } },
      context(),
    );
    await world.reader.reached((await world.messages()).length, 1_000);
    expect((await ask("GET", "/v1/modules")).body).toMatchObject({
      kind: "ModuleList",
      items: [{ name: "ips", bit: 0, inspectors: 1, forwards: 0, state: "running" }],
    });
    expect((await ask("GET", "/v1/stats")).body).toMatchObject({ kind: "Stats", agents: [], inspectors: [] });
    const forward = await ask("POST", "/v1/forwards", {
      forward: { dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" },
      options: NOW,
    });
    expect(forward.status).toBe(201);
    expect((await ask("GET", "/v1/forwards")).body).toMatchObject({ items: [{ id: 1, module: "ips", packets: 0 }] });
    expect((await ask("DELETE", "/v1/forwards/1?waitMs=0")).body).toMatchObject({ what: "forward", ids: [1] });
    expect((await ask("DELETE", "/v1/forwards?confirm=true&waitMs=0")).body).toMatchObject({ ids: [] });
    world.agents.delete("b");
  });
});

describe("documentation", () => {
  it("describes exactly the routes that are served", () => {
    const documented = OPERATIONS.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`).sort();
    const real = served
      .filter((route) => route.includes("/v1/") && !route.startsWith("HEAD") && !route.startsWith("OPTIONS"))
      .sort();
    expect(real).toEqual(documented);
  });

  it("is an OpenAPI document whose references all resolve", async () => {
    const { body } = await ask("GET", "/openapi.json");
    expect(body).toEqual(openApi("0.1.0"));
    const text = JSON.stringify(body);
    const { components } = body as { components: { schemas: Record<string, unknown> } };
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(components.schemas, name).toHaveProperty(name);
    const ids = Object.values((body as { paths: Record<string, Record<string, { operationId: string }>> }).paths).flatMap(
      (path) => Object.values(path).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(OPERATIONS.length);
  });

  it("has a page with all its files", async () => {
    const page = await ask("GET", "/docs");
    expect(page.status).toBe(200);
    expect(String(page.body)).not.toMatch(/(?:src|href)="https?:/);
    expect((await ask("GET", "/docs/swagger-ui-bundle.js")).status).toBe(200);
    expect((await ask("GET", "/docs/swagger-ui.css")).status).toBe(200);
  });
});

it("a failure that nobody thought of tells nothing of its inside, but is logged", async () => {
  const show = alerting.show.bind(alerting);
  alerting.show = () => Promise.reject(new Error("secret inside"));
  const problem = await refused("GET", "/v1/alerts/3");
  alerting.show = show;
  expect([problem.status, problem.code]).toEqual([500, "internal"]);
  expect(JSON.stringify(problem)).not.toContain("secret inside");
  expect(logged).toHaveLength(1);
});
