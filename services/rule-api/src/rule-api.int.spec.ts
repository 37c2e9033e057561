import {
  emptyPolicy, evolve, ProtectionChanged, RuleList, RulesImported, SetEntriesChanged, subjects, type Alert,
} from "@secuxflow/contracts";
import { connectNats, publishJson, rpcServe, type NatsLink } from "@secuxflow/nats";
import { NatsServer, waitFor } from "@secuxflow/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FakeAlerting } from "./testing/alerting.js";
import { announce, FakeAgent } from "./testing/fakes.js";
import { refusesToStart, RuleApi } from "./testing/service.js";

let nats: NatsServer;
let api: RuleApi;
let link: NatsLink;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  nats = await NatsServer.start();
  api = await RuleApi.start(nats.url);
  link = connectNats({ urls: nats.url, name: "test" });
  await waitFor(async () => (await api.ask("GET", "/v1/rules")).status === 200, { what: "the policy to be read" });
});
afterAll(async () => {
  await link.drain();
  await api.process.stop();
  await nats.stop();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const agent = async (id: string): Promise<FakeAgent> => {
  const made = new FakeAgent(nats.url, id);
  cleanups.push(() => made.crash());
  await waitFor(
    async () => (await api.status()).agents.some(({ agentId, live, behind }) => agentId === id && live && behind === 0),
    { what: `agent ${id} to be live` },
  );
  return made;
};
/** Agents of the test before may count as live for a while: what an agent has is seen by itself. */
const seenBy = async (a: FakeAgent, { enforcement }: { enforcement: { revision: number } }): Promise<unknown> =>
  waitFor(() => (a.seen.at(-1)?.revision ?? 0) >= enforcement.revision, { what: `revision ${enforcement.revision} at the agent` });
let next = 0;
const rule = () => ({ src: `10.${(next >> 8) & 255}.${next++ & 255}.7`, dst: "10.200.0.5", action: "drop" });

describe("rules and agents", () => {
  it("a rule is in force when adding it returns", async () => {
    const a = await agent("first");
    const added = await api.add(rule(), { waitMs: 10_000 });
    expect(added.enforcement).toMatchObject({ agents: 1, active: 1, pending: [] });
    expect(a.ruleIds).toContain(added.rule.id);
    const shown = (await api.rules()).items.find(({ id }) => id === added.rule.id);
    expect(shown).toMatchObject({ activeOn: 1, agents: 1 });
    const removed = await api.ask("DELETE", `/v1/rules/${added.rule.id}`);
    expect(removed.body).toMatchObject({ ids: [added.rule.id], enforcement: { agents: 1, active: 1 } });
  });

  it("an agent that is behind is named", async () => {
    const a = await agent("stuck");
    a.stuck = true;
    const added = await api.add(rule(), { waitMs: 100 });
    expect(added.enforcement.pending).toContain("stuck");
  });

  it("an agent that has died is waited for no more, and spoken of", async () => {
    const a = await agent("dead");
    await a.crash();
    await waitFor(async () => (await api.status()).agents.some(({ agentId, live }) => agentId === "dead" && !live), {
      what: "the agent to count as silent",
    });
    const { enforcement, warnings } = await api.add(rule(), { waitMs: 10_000 });
    expect(enforcement.pending).not.toContain("dead");
    expect(warnings.join()).toMatch(/not heard from/);
  });
});

describe("many clients", () => {
  it("get ids of their own, and none is lost", async () => {
    const before = (await api.rules()).items.length;
    const added = await Promise.all(Array.from({ length: 20 }, () => api.add(rule(), { waitMs: 0 })));
    expect(new Set(added.map(({ rule: { id } }) => id)).size).toBe(20);
    expect((await api.rules()).items.length).toBe(before + 20);
  });

  it("of two services get ids of their own too; both show the same, and expire it once", async () => {
    const second = await RuleApi.start(nats.url);
    cleanups.push(() => second.process.stop());
    await waitFor(async () => (await second.ask("GET", "/v1/rules")).status === 200, { what: "the second to read the policy" });
    const added = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? api : second).add({ ...rule(), ttlMs: 1_500 }, { waitMs: 0 })),
    );
    const ids = added.map(({ rule: { id } }) => id);
    expect(new Set(ids).size).toBe(20);
    const seen = new FakeAgent(nats.url, "witness");
    cleanups.push(() => seen.crash());
    const left = async (of: RuleApi) => (await of.rules()).items.filter(({ id }) => ids.includes(id)).length;
    await waitFor(async () => (await left(api)) + (await left(second)) === 0, { what: "the rules to expire" });
    expect((await api.rules()).revision).toBe((await second.rules()).revision);
    await waitFor(async () => seen.seen.at(-1)?.revision === (await api.rules()).revision, {
      what: "the witness to have seen all",
    });
    const expired = seen.seen
      .flatMap(({ message }) => message.events)
      .flatMap((event) => (event.type === "rule.expired" && ids.includes(event.data.id) ? [event.data.id] : []));
    expect(expired.sort((a, b) => a - b)).toEqual(ids.sort((a, b) => a - b));
  });

  it("retry with the same key across a crash of the service, and nothing is doubled or lost", async () => {
    let service = await RuleApi.start(nats.url);
    cleanups.push(() => service.process.stop());
    await waitFor(async () => (await service.ask("GET", "/v1/rules")).status === 200, { what: "the policy to be read" });
    const before = (await api.rules()).items.length;
    const wanted = Array.from({ length: 30 }, (_, n) => ({ key: `crash-${n}`, rule: rule() }));
    const attempts = wanted.map(({ key, rule: spec }) =>
      service.add(spec, { waitMs: 0 }, { "idempotency-key": key }).then(
        ({ rule: { id } }) => id,
        () => undefined,
      ),
    );
    await Promise.race(attempts);
    await service.process.kill();
    const accepted = await Promise.all(attempts);
    service = await RuleApi.start(nats.url);
    await waitFor(async () => (await service.ask("GET", "/v1/rules")).status === 200, { what: "the policy to be read" });
    const retried = await Promise.all(
      wanted.map(({ key, rule: spec }) =>
        service.add(spec, { waitMs: 0 }, { "idempotency-key": key }).then(({ rule: { id } }) => id),
      ),
    );
    for (const [n, id] of accepted.entries()) if (id !== undefined) expect(retried[n]).toBe(id);
    expect(new Set(retried).size).toBe(30);
    expect((await service.rules()).items.length).toBe(before + 30);
  });
});

describe("many rules at once", () => {
  const rules = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) => ({ src: `172.${16 + ((from + n) >> 16)}.${((from + n) >> 8) & 255}.${(from + n) & 255}`, action: "drop" }));
  const imported = async (body: object, headers: Record<string, string> = {}) => {
    const answer = await api.ask("POST", "/v1/rules/import", body, headers);
    expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ kind: "RulesImported" })]);
    return RulesImported.parse(answer.body);
  };

  it("are one message, larger than NATS takes, and in force on the agents", async () => {
    const a = await agent("bulk");
    const before = (await api.status()).rules;
    const answer = await imported({ mode: "add", rules: rules(12_000), options: { waitMs: 0 } });
    await seenBy(a, answer);
    const { added, firstId = 0 } = answer;
    expect(added).toBe(12_000);
    const event = a.seen.at(-1)?.message.events[0];
    if (event?.type !== "rules.added") throw new Error(`the agent saw ${event?.type ?? "nothing"}`);
    expect([event.data.rules.length, event.data.rules[0]?.id]).toEqual([12_000, firstId]);
    expect((await api.status()).rules).toBe(before + 12_000);

    // A service that starts afterwards reads it, too, and pages through it.
    const second = await RuleApi.start(nats.url);
    cleanups.push(() => second.process.stop());
    await waitFor(async () => (await second.ask("GET", "/v1/rules")).status === 200, { what: "the second to read the policy" });
    expect((await second.status()).rules).toBe(before + 12_000);
    const seen = new Set<number>();
    let after: number | undefined;
    do {
      const query = after === undefined ? "" : `&after=${after}`;
      const part = RuleList.parse((await second.ask("GET", `/v1/rules?limit=5000${query}`)).body);
      for (const { id } of part.items) seen.add(id);
      after = part.next;
    } while (after !== undefined);
    expect(seen.size).toBe(before + 12_000);
  });

  it("replace all others in one step, once for a retried key, or not at all when one is wrong", async () => {
    const body = { mode: "replace", rules: rules(50), options: { waitMs: 0, confirm: true } };
    const kept = await imported(body, { "idempotency-key": "replace-1" });
    expect([kept.added + (kept.removed > 0 ? 50 : 0) >= 50, (await api.status()).rules]).toEqual([true, 50]);
    const { revision } = await api.rules();
    await imported(body, { "idempotency-key": "replace-1" });
    expect((await api.rules()).revision).toBe(revision);
    const wrong = { mode: "replace", rules: [...rules(3), { src: "@nope", action: "drop" }], options: { confirm: true } };
    expect((await api.refused("POST", "/v1/rules/import", wrong)).code).toBe("unknown_set");
    expect((await api.rules()).revision).toBe(revision);
    // What is added meanwhile by others waits in line, and is not lost.
    const [many, one] = await Promise.all([
      imported({ mode: "add", rules: rules(3_000, 10_000), options: { waitMs: 0 } }),
      api.add(rule(), { waitMs: 0 }),
    ]);
    expect([many.added, (await api.status()).rules]).toEqual([3_000, 3_051]);
    expect(one.rule.id).toBeGreaterThan(0);
    await imported({ mode: "replace", rules: [], options: { waitMs: 0, confirm: true } });
    expect((await api.status()).rules).toBe(0);
  });
});

describe("sets, services and protection", () => {
  it("a set of many entries comes as lines, is named by a rule, and cannot be deleted then", async () => {
    const a = await agent("sets");
    const lines = Array.from({ length: 60_000 }, (_, n) => `100.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`).join("\n");
    const text = { "content-type": "text/plain" };
    const made = await api.ask("POST", "/v1/sets?name=bulk&waitMs=0", lines, text);
    expect([made.status, made.body]).toEqual([201, expect.objectContaining({ entries: 60_000 })]);
    const added = await api.add({ src: "@bulk", action: "drop" }, { waitMs: 0 });
    const change = { add: ["192.0.2.1"], remove: ["100.64.0.0"] };
    const changed = SetEntriesChanged.parse((await api.ask("POST", "/v1/sets/bulk/entries", { change, options: { waitMs: 0 } })).body);
    expect(changed).toMatchObject({ added: 1, removed: 1, entries: 60_000 });
    await seenBy(a, changed);
    const state = a.seen.flatMap(({ message }) => message.events).reduce(evolve, emptyPolicy);
    expect([state.sets.get("bulk")?.entries.size, state.sets.get("bulk")?.entries.has("192.0.2.1")]).toEqual([60_000, true]);
    expect((await api.refused("DELETE", "/v1/sets/bulk")).code).toBe("in_use");
    expect((await api.refused("POST", "/v1/sets/bulk/entries?waitMs=0", "127.0.0.1", text)).code).toBe("confirmation_required");
    await api.ask("DELETE", `/v1/rules/${added.rule.id}?waitMs=0`);
    expect((await api.ask("DELETE", "/v1/sets/bulk?waitMs=0")).status).toBe(200);
  });

  it("a service is redirected to, and protection changes, for everybody who follows", async () => {
    const a = await agent("services");
    const service = { name: "shop", address: "10.0.0.5", port: 80, proto: "tcp", backends: [{ address: "10.1.0.2", port: 8_080 }] };
    expect((await api.ask("POST", "/v1/services", { service, options: { waitMs: 0 } })).status).toBe(201);
    const { rule: redirect } = await api.add(
      { dst: "10.0.0.5", port: 80, proto: "tcp", action: "redirect", service: "shop" },
      { waitMs: 0 },
    );
    const asked = { change: { synCookies: "auto" }, options: { waitMs: 0 } };
    const protection = ProtectionChanged.parse((await api.ask("PATCH", "/v1/protection", asked)).body);
    expect(protection.protection.synCookies).toBe("auto");
    await seenBy(a, protection);
    const state = a.seen.flatMap(({ message }) => message.events).reduce(evolve, emptyPolicy);
    expect([state.services.get("shop")?.backends, state.protection.synCookies, state.rules.get(redirect.id)?.service]).toEqual([
      [{ address: "10.1.0.2", port: 8_080, weight: 1 }],
      "auto",
      "shop",
    ]);
    expect((await api.refused("DELETE", "/v1/services/shop")).code).toBe("in_use");
    await api.ask("DELETE", `/v1/rules/${redirect.id}?waitMs=0`);
    expect((await api.ask("DELETE", "/v1/services/shop?waitMs=0")).status).toBe(200);
  });
});

describe("bad input over the wire", () => {
  it("changes nothing", async () => {
    const before = (await api.rules()).revision;
    const refused = async (code: string, method: string, path: string, body?: unknown) =>
      expect((await api.refused(method, path, body)).code, `${method} ${path}`).toBe(code);
    await refused("invalid_input", "POST", "/v1/rules", { rule: { src: "192.168.1.1/24", action: "drop" } });
    await refused("invalid_input", "POST", "/v1/rules", { rule: { port: 65_536, proto: "tcp", action: "drop" } });
    await refused("invalid_input", "POST", "/v1/rules", { rule: { port: 80, proto: "icmp", action: "drop" } });
    await refused("invalid_input", "POST", "/v1/rules", '{"rule":');
    await refused("body_too_large", "POST", "/v1/rules", "x".repeat(2 * 1024 * 1024));
    await refused("unknown_module", "POST", "/v1/forwards", { forward: { module: "nope" } });
    await refused("not_found", "DELETE", "/v1/rules/999999");
    await refused("stale_revision", "DELETE", `/v1/rules?confirm=true&ifRevision=${before - 1}`);
    await refused("confirmation_required", "DELETE", "/v1/rules");
    await refused("confirmation_required", "POST", "/v1/rules", { rule: { src: "127.0.0.1", action: "drop" } });
    await refused("invalid_input", "DELETE", "/v1/rules/%zz");
    expect((await api.rules()).revision).toBe(before);
  });

  it("is not taken without the token, where one is set", async () => {
    const guarded = await RuleApi.start(nats.url, {
      SECUXFLOW_API_HOST: "0.0.0.0",
      SECUXFLOW_API_TOKEN: "a-token-of-some-length",
    });
    cleanups.push(() => guarded.process.stop());
    expect((await guarded.refused("GET", "/v1/status")).code).toBe("unauthorized");
    expect((await guarded.refused("GET", "/openapi.json")).code).toBe("unauthorized");
    expect((await guarded.ask("GET", "/v1/status", undefined, { authorization: "Bearer a-token-of-some-length" })).status).toBe(
      200,
    );
    expect(guarded.process.log).not.toContain("a-token-of-some-length");
  });

  it("as configuration ends it before it starts", async () => {
    const message = await refusesToStart({ SECUXFLOW_API_HOST: "0.0.0.0", SECUXFLOW_NATS_URLS: nats.url });
    expect(message).toContain("no token is set");
  });
});

describe("modules", () => {
  it("that an inspector announces can be forwarded to", async () => {
    const beat = setInterval(() => void announce(link, "insp", [{ name: "ips" }, { name: "waf" }]).catch(() => undefined), 300);
    cleanups.push(() => clearInterval(beat));
    await waitFor(async () => JSON.stringify((await api.ask("GET", "/v1/modules")).body).includes('"waf"'), {
      what: "the modules to be registered",
    });
    const added = await api.ask("POST", "/v1/forwards", {
      forward: { dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" },
      options: { waitMs: 0 },
    });
    expect(added.status).toBe(201);
    expect((await api.ask("GET", "/v1/modules")).body).toMatchObject({
      items: [
        { name: "ips", bit: 0, inspectors: 1, forwards: 1, state: "running" },
        { name: "waf", bit: 1 },
      ],
    });
  });
});

describe("alerts", () => {
  it("without the alerting service say so at once", async () => {
    expect((await api.refused("GET", "/v1/alerts")).code).toBe("alerting_unavailable");
    expect((await api.refused("POST", "/v1/alerts/1/approve", {})).code).toBe("alerting_unavailable");
  });

  it("are approved once by two who approve at the same time", async () => {
    const alerting = new FakeAlerting();
    const stops: (() => void)[] = [
      rpcServe(link, "suggest", ({ id }) => alerting.suggest(id)),
      rpcServe(link, "triage", (command) => alerting.triage(command)),
      rpcServe(link, "list", (query) => alerting.list(query)),
    ];
    cleanups.push(() => {
      for (const stop of stops) stop();
    });
    await waitFor(async () => (await api.ask("GET", "/v1/alerts")).status === 200, { what: "the alerting service" });
    const answers = await Promise.all([1, 2, 3].map(() => api.ask("POST", "/v1/alerts/5/approve", { options: { waitMs: 0 } })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const ids = new Set(answers.map(({ body }) => (body as { rule: { id: number } }).rule.id));
    expect(ids.size).toBe(1);
    expect((await api.rules()).items.filter(({ alertId }) => alertId === 5)).toHaveLength(1);
    expect(alerting.triaged.every(({ ruleId }) => ruleId !== undefined && ids.has(ruleId))).toBe(true);
    expect((await api.refused("POST", "/v1/alerts/77/approve", {})).code).toBe("not_found");
  });

  it("are watched as they are stored, until the service ends", async () => {
    const service = await RuleApi.start(nats.url, { SECUXFLOW_API_MAX_WATCHERS: "1" });
    cleanups.push(() => service.process.stop());
    const head = await fetch(`${service.url}/v1/alerts/watch`, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
    expect(head.status).toBe(200); // and it ends: no watcher is left
    const answer = await fetch(`${service.url}/v1/alerts/watch`);
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    expect((await service.refused("GET", "/v1/alerts/watch")).code).toBe("limit_reached");
    let text = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of answer.body ?? []) text += decoder.decode(chunk as Uint8Array);
    })();
    const alert: Alert = await new FakeAlerting().show(3).then((detail) => ({ ...detail.alert, summary: "<b>\n\u001b[31m" }));
    await waitFor(
      () => {
        publishJson(link, subjects.alertStored, alert);
        return text.includes("event: alert\nid: 3\n");
      },
      { what: "the alert to arrive" },
    );
    const data = /^data: (.*)$/m.exec(text)?.[1] ?? "";
    expect(JSON.parse(data)).toEqual(alert);

    expect(await service.process.stop()).toEqual({ code: 0, signal: null });
    await reading;
  });
});

describe("operations", () => {
  it("counts what it does", async () => {
    await api.add(rule(), { waitMs: 0 });
    const text = await api.metrics();
    for (const name of [
      "policy_commands_total",
      "policy_conflicts_total",
      "enforcement_wait_seconds_bucket",
      "policy_revision",
      "policy_rules",
      "policy_forwards",
      "agents_live",
    ]) {
      expect(text).toContain(`secuxflow_${name}`);
    }
    expect(text).toMatch(/secuxflow_policy_commands_total\{[^}]*command="add_rule"[^}]*result="ok"[^}]*\} [1-9]/);
    expect((await fetch(`${api.opsUrl}/health/ready`)).status).toBe(200);
  });
});
