import { subjects } from "@secuxflow/contracts";
import { connectNats } from "@secuxflow/nats";
import { freePort, NatsServer, waitFor } from "@secuxflow/testkit";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { FakeAgent } from "./testing/fakes.js";
import { RuleApi } from "./testing/service.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const start = async (): Promise<{ nats: NatsServer; api: RuleApi }> => {
  const nats = await NatsServer.start();
  cleanups.push(() => nats.stop());
  const api = await startApi(nats.url);
  await readable(api);
  return { nats, api };
};
const startApi = async (url: string): Promise<RuleApi> => {
  const api = await RuleApi.start(url);
  cleanups.push(() => api.process.stop());
  return api;
};
const readable = (api: RuleApi) =>
  waitFor(async () => (await api.ask("GET", "/v1/rules")).status === 200, { what: "the policy to be read" });
const writable = (api: RuleApi, src: string) =>
  waitFor(
    async () => (await api.ask("POST", "/v1/rules", { rule: { src, action: "drop" }, options: { waitMs: 0 } })).status === 201,
    { what: "rules to be taken again", deadlineMs: 20_000 },
  );
/** Whether every thread of a process is stopped (proc(5): the state follows the name, which is in brackets). */
const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return stat.charAt(stat.lastIndexOf(")") + 2) === "T";
  });
const rule = (n: number) => ({ src: `10.1.${n >> 8}.${n & 255}`, action: "drop" });

it("NATS killed: commands say so, reads go on, and what was accepted is there when it is back", async () => {
  const { nats, api } = await start();
  const agent = new FakeAgent(nats.url, "a");
  cleanups.push(() => agent.crash());
  await waitFor(async () => (await api.status()).agents.length === 1, { what: "the agent" });
  for (let n = 0; n < 10; n++) await api.add(rule(n), { waitMs: 5_000 });

  await nats.kill();
  const problem = await api.refused("POST", "/v1/rules", { rule: rule(100) });
  expect([problem.status, problem.code]).toEqual([503, "nats_unavailable"]);
  expect(problem.next).toBeDefined();
  expect((await api.rules()).items).toHaveLength(10);
  const away = await api.status();
  expect(away.components.find(({ name }) => name === "nats")?.state).toBe("down");
  expect((await fetch(`${api.opsUrl}/health/ready`)).status).toBe(200); // it still answers reads

  await nats.restart();
  await writable(api, "10.9.9.9");
  expect((await api.rules()).items.map(({ src }) => src)).toEqual([
    ...Array.from({ length: 10 }, (_, n) => rule(n).src),
    "10.9.9.9",
  ]);
  await waitFor(() => agent.ruleIds.length === 11, { what: "the agent to follow again" });
  const added = await api.add(rule(50), { waitMs: 10_000 });
  expect(added.enforcement).toMatchObject({ agents: 1, active: 1, pending: [] });
});

it("NATS killed in the middle of many commands: each accepted rule is there, a retry doubles none", async () => {
  const { nats, api } = await start();
  const wanted = Array.from({ length: 60 }, (_, n) => ({ rule: rule(n), key: `k-${n}` }));
  const ask = ({ rule: spec, key }: (typeof wanted)[number]) =>
    api.add(spec, { waitMs: 0 }, { "idempotency-key": key }).then(
      ({ rule: { id } }) => id,
      () => undefined,
    );
  const first = wanted.map(ask);
  await Promise.race(first);
  await nats.kill();
  const accepted = await Promise.all(first);
  await nats.restart();
  await writable(api, "10.9.9.9");
  const retried = await Promise.all(wanted.map(ask));
  for (const [n, id] of accepted.entries()) if (id !== undefined) expect(retried[n], `rule ${n} was accepted as ${id}`).toBe(id);
  expect(retried).not.toContain(undefined);
  expect((await api.rules()).items).toHaveLength(61);
});

it("NATS that hangs: commands say so instead of waiting", async () => {
  const { nats, api } = await start();
  await api.add(rule(1), { waitMs: 0 });
  const { pid } = nats;
  if (pid === undefined) throw new Error("nats-server does not run");
  process.kill(pid, "SIGSTOP");
  cleanups.push(() => process.kill(pid, "SIGCONT"));
  // kill() returns before the signal is acted on: a busy machine lets the server run on for a while, and answer.
  await waitFor(() => isStopped(pid), { what: "every thread of nats-server to be stopped" });
  const problems = await Promise.all([2, 3, 4].map((n) => api.refused("POST", "/v1/rules", { rule: rule(n) })));
  expect(problems.map(({ code }) => code)).toEqual(["nats_unavailable", "nats_unavailable", "nats_unavailable"]);
  expect((await api.rules()).items).toHaveLength(1);
  process.kill(pid, "SIGCONT");
  cleanups.pop();
  await writable(api, "10.9.9.9");
  // What was refused as "unknown" may have been stored when the server woke up; what was accepted must be.
  const stored = (await api.rules()).items.map(({ src }) => src);
  expect(stored).toEqual(expect.arrayContaining([rule(1).src, "10.9.9.9"]));
  expect(new Set(stored).size).toBe(stored.length);
});

it("started while NATS is away: says so, and works when it comes", async () => {
  const port = await freePort();
  const api = await startApi(`nats://127.0.0.1:${port}`);
  expect((await api.refused("GET", "/v1/rules")).code).toBe("nats_unavailable");
  expect((await api.refused("POST", "/v1/rules", { rule: rule(1) })).code).toBe("nats_unavailable");
  expect((await api.status()).state).toBe("down");
  expect((await fetch(`${api.opsUrl}/health/ready`)).status).toBe(503);
  const nats = await NatsServer.start({ port });
  cleanups.push(() => nats.stop());
  await readable(api);
  await writable(api, "10.9.9.9");
});

it("restarted: the same policy, the next id, and rules that are due expire", async () => {
  const { nats, api } = await start();
  await api.add({ ...rule(1), ttlMs: 1_000 }, { waitMs: 0 });
  const { rule: kept } = await api.add(rule(2), { waitMs: 0 });
  await api.process.kill();
  const again = await startApi(nats.url);
  await readable(again);
  await waitFor(async () => (await again.rules()).items.length === 1, { what: "the due rule to expire" });
  expect((await again.rules()).items[0]).toMatchObject({ ...kept, packets: 0 });
  expect((await again.add(rule(3), { waitMs: 0 })).rule.id).toBe(3);
});

it("an event that this build does not know: the last good policy is shown, nothing is changed, and it says why", async () => {
  const { nats, api } = await start();
  await api.add(rule(1), { waitMs: 0 });
  const link = connectNats({ urls: nats.url, name: "future" });
  cleanups.push(() => link.drain());
  await link.connected({ timeoutMs: 5_000 });
  const body = JSON.stringify({
    actor: "future",
    at: new Date().toISOString(),
    events: [{ type: "rule.added", version: 99, data: {} }],
  });
  await link.request("publishing a future event", subjects.policyEvents("default"), body);
  await waitFor(
    async () => (await api.status()).components.some(({ name, state }) => name === "policy" && state === "degraded"),
    { what: "the alarm" },
  );
  const problem = await api.refused("POST", "/v1/rules", { rule: rule(2) });
  expect([problem.code, problem.next?.includes("upgrade")]).toEqual(["storage_unavailable", true]);
  expect((await api.rules()).items).toHaveLength(1);
  expect(await api.metrics()).toMatch(/secuxflow_policy_unreadable\{[^}]*\} 1/);
});
