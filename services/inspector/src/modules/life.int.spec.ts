import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { httpRequest } from "../testing/frames.js";
import type { RuleApiProcess } from "../testing/rule-api.js";
import { testKey, type TestKey } from "../testing/rule-api.js";
import { InspectorStage } from "../testing/stage.js";
import { watModule, watRules, type Behaviour } from "../testing/wat-modules.js";

const BIT = 1 << 0;
const REQUEST = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

let stage: InspectorStage;
let api: RuleApiProcess;
let key: TestKey;
afterEach(async () => stage.close());

const request = (port: number): Buffer[] => httpRequest(REQUEST, [20], { port });
const found = (port: number) => stage.detections.filter(({ flow }) => flow.sport === port);

/** An empty folder, a rule-api, and an inspector that trusts `key`. */
async function open(options: { modules?: Record<string, Uint8Array>; trusting?: boolean; env?: Record<string, string> } = {}): Promise<void> {
  stage = await InspectorStage.open(options.modules ?? {});
  key = testKey();
  await writeFile(join(stage.modules.path, "trusted.pem"), key.publicPem);
  api = await stage.ruleApi();
  await stage.inspector({ id: "one", env: {
    ...(options.trusting !== false && { SECUXFLOW_MODULES_TRUSTED_KEYS: stage.modules.path }),
    SECUXFLOW_LIMITS_CALL_TIME: "200ms", SECUXFLOW_LIMITS_LOAD_TIME: "5s", ...options.env,
  } });
  await stage.until("one", "partitions", ({ partitions }) => partitions.length === 64);
}

const pushed = async (behaviour: Behaviour, version = "1.0.0", by: TestKey | undefined = key) =>
  api.push(watModule("sensor", behaviour, version), "sensor", version, by);
const enable = async () => api.command("sensor", "enable");
const running = async (what = "sensor runs", condition: (module: { version: string; rules?: { digest: string } | undefined }) => boolean = () => true) =>
  stage.until("one", what, ({ modules }) => modules.some((module) => module.name === "sensor" && module.state === "running" && condition(module)));

/** Sends the packets of a new flow until they are detected. @returns rule and version that detected them */
async function detects(port: number): Promise<{ rule: number; version: string }> {
  let sent = 0;
  await waitFor(async () => {
    if (sent++ % 20 === 0) await stage.send(request(port), BIT);
    return found(port).length > 0;
  }, { what: `a detection for port ${port}`, intervalMs: 20, deadlineMs: 20_000 });
  const [first] = found(port);
  return { rule: first?.rule.id ?? 0, version: first?.module.version ?? "" };
}

needs(describe, "nats")("the life of a pushed module", () => {
  it("is pushed, enabled, tried as a canary, promoted, rolled back, disabled", async () => {
    await open();
    expect((await pushed("finds")).module).toMatchObject({ state: "published", enabled: false });
    expect((await stage.statusOf("one"))?.modules).toEqual([]);
    const enabled = await enable();
    expect(enabled.enforcement).toMatchObject({ inspectors: 1, active: 1, pending: [] });
    await running();
    expect(await detects(50_001)).toEqual({ rule: 1, version: "1.0.0" });

    await pushed("finds", "2.0.0");
    await api.command("sensor", "canary", { share: 5_000 });
    await stage.until("one", "the canary runs", ({ modules }) => modules[0]?.canary?.state === "running");
    for (let port = 50_100; port < 50_140; port++) await stage.send(request(port), BIT);
    const versionsOf = () => new Set(stage.detections.filter(({ flow }) => flow.sport >= 50_100 && flow.sport < 50_140).map(({ module }) => module.version));
    await waitFor(() => versionsOf().size === 2, { what: "both versions to find something" });
    await waitFor(() => (stage.stats.get("one")?.modules[0]?.canaryPackets ?? 0) > 0, { what: "the canary's packets to be counted" });

    await api.command("sensor", "promote");
    await running("version 2", ({ version }) => version === "2.0.0");
    expect((await detects(50_200)).version).toBe("2.0.0");
    expect((await api.show("sensor")).version).toBe("2.0.0");

    await api.command("sensor", "rollback");
    await running("version 1", ({ version }) => version === "1.0.0");
    expect((await detects(50_201)).version).toBe("1.0.0");
    await api.command("sensor", "disable");
    await stage.until("one", "disabled", ({ modules }) => modules[0]?.state === "disabled");
  });

  it("is refused without the signature of a trusted key, and for a binary that is none", async () => {
    await open();
    const other = testKey();
    for (const [by, why] of [[other, "is not trusted here"], [{ ...other, id: key.id }, "is wrong"], [undefined, "not signed"]] as const) {
      const version = `1.0.${why.length}`;
      await api.push(watModule("sensor", "finds", version), "sensor", version, by);
      await api.command("sensor", "enable", { version });
      const { problems } = await stage.until("one", why, (status) => status.problems.join().includes(why));
      expect(problems.join()).toContain("untrusted");
    }
    expect((await stage.statusOf("one"))?.modules).toMatchObject([{ state: "refused" }]);
    const problem = await api.refused("POST", "/v1/modules", { wasm: Buffer.from("\0asm nonsense").toString("base64") });
    expect([problem.code, problem.detail.includes("no WebAssembly module")]).toEqual(["invalid_input", true]);
  });

  it("takes no pushed module where no key is trusted, and rules of anyone for its own", async () => {
    await open({ trusting: false, modules: { "sensor.wasm": watModule("sensor", "takes-rules") } });
    await running();
    expect(await detects(50_300)).toEqual({ rule: 2001, version: "1.0.0" });
    await api.pushRules("sensor", watRules(42));
    await running("rules", ({ rules }) => rules?.digest !== undefined);
    await waitFor(() => (stage.stats.get("one")?.modules[0]?.swaps ?? 0) === 1, { what: "the swap" });
    expect((await detects(50_301)).rule).toBe(42);
    await api.push(watModule("sensor", "takes-rules", "3.0.0"), "sensor", "3.0.0", key);
    await api.command("sensor", "enable", { version: "3.0.0" });
    await stage.until("one", "refusal", ({ problems }) => problems.join().includes("no key is trusted here"));
    expect((await detects(50_302)).version).toBe("1.0.0");
  });

  it("rolls back by itself what does not start, traps in load, or is a damaged image", async () => {
    await open();
    await pushed("takes-rules");
    await enable();
    await running();
    const damaged = watRules(42);
    damaged[damaged.length - 9] = 0xff;
    for (const [image, why] of [[damaged, "damaged"], [watRules(666), "trapped in load"], [watRules(667), "bad-rules"]] as const) {
      await api.pushRules("sensor", image, key);
      await waitFor(async () => (await api.show("sensor")).rolledBack?.reason.includes(why), { what: `the rollback: ${why}`, deadlineMs: 20_000 });
    }
    await pushed("fails-self-test", "2.0.0");
    await api.command("sensor", "canary", { share: 1_000, version: "2.0.0" });
    await waitFor(async () => (await api.show("sensor")).rolledBack?.reason.includes("self-test"), { what: "the canary's rollback", deadlineMs: 20_000 });
    await pushed("traps", "3.0.0");
    await api.command("sensor", "canary", { share: 9_900, version: "3.0.0" });
    await waitFor(async () => {
      await stage.send(request(51_000 + Math.floor(Math.random() * 1_000)), BIT);
      return (await api.show("sensor")).rolledBack?.reason.includes("trapped in inspect");
    }, { what: "the rollback of a canary that traps", intervalMs: 50, deadlineMs: 20_000 });
    const { active, canary, quarantine } = await api.show("sensor");
    expect([active.rules, canary, quarantine]).toEqual([undefined, undefined, undefined]);
    expect(await detects(50_400)).toEqual({ rule: 2001, version: "1.0.0" });
  });

  it("goes on by its rules where others make it hang", async () => {
    await open({ env: { SECUXFLOW_LIMITS_LOAD_TIME: "1s" } });
    await pushed("loops-in-load");
    await enable();
    await running();
    await api.pushRules("sensor", watRules(42), key);
    await waitFor(async () => (await api.show("sensor")).rolledBack?.reason.includes("did not start within"), { what: "the rollback", deadlineMs: 20_000 });
    expect(await detects(50_450)).toEqual({ rule: 2001, version: "1.0.0" });
  });

  it("is quarantined in the whole pool when one inspector cuts it off, and released", async () => {
    await open();
    await stage.inspector({ id: "two", env: { SECUXFLOW_MODULES_TRUSTED_KEYS: stage.modules.path } });
    await pushed("traps");
    await enable();
    await stage.until("two", "sensor runs", ({ modules, partitions }) => modules[0]?.state === "running" && partitions.length > 0);
    await waitFor(async () => {
      await stage.send(request(52_000 + Math.floor(Math.random() * 4)), BIT);
      return (await api.show("sensor")).quarantine !== undefined;
    }, { what: "quarantine", intervalMs: 50, deadlineMs: 30_000 });
    for (const id of ["one", "two"]) await stage.until(id, "quarantined", ({ modules }) => modules[0]?.state === "quarantined");
    expect((await api.show("sensor")).quarantine).toMatchObject({ strikes: 3, reason: "it failed 3 times" });
    await api.command("sensor", "release");
    for (const id of ["one", "two"]) await stage.until(id, "running again", ({ modules }) => modules[0]?.state === "running" && modules[0].strikes === 0);
    expect((await api.show("sensor")).quarantine).toBeUndefined();
  });

  it("swaps rules under traffic without losing a packet", async () => {
    await open();
    await pushed("takes-rules");
    await enable();
    await running();
    await detects(50_500);
    const before = stage.stats.get("one")?.packets ?? 0;
    let sent = 0;
    let stop = false;
    const traffic = (async () => {
      for (let port = 53_000; !stop && port < 60_000; port++) {
        await stage.send(request(port), BIT);
        sent += request(port).length;
        if (port % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    for (const id of [11, 12, 13, 14]) {
      await api.pushRules("sensor", watRules(id), key);
      await waitFor(() => stage.detections.some(({ rule }) => rule.id === id), { what: `rule ${id} to find something`, deadlineMs: 20_000 });
    }
    stop = true;
    await traffic;
    const stats = await waitFor(() => {
      const now = stage.stats.get("one");
      return now !== undefined && now.packets - before >= sent ? now : undefined;
    }, { what: "every packet to be inspected", deadlineMs: 20_000 });
    expect(stats).toMatchObject({ lostInTransit: 0, lostInQueue: 0, malformed: 0 });
    expect(stats.modules[0]).toMatchObject({ name: "sensor", swaps: 4 });
    expect(stats.modules[0]?.swapMs).toBeLessThan(5_000);
    const named = stage.detections.find(({ rule }) => rule.id === 14);
    expect(named?.rule).toEqual({ id: 14, name: "rule 14 of the image", category: "test rules" });
  });

  it("is given its settings", async () => {
    await open();
    await pushed("finds");
    await enable();
    await running();
    // This one takes no configuration, so that settings are refused and what runs goes on.
    const { module } = await api.configure("sensor", { "scan.ports": "7" }, "closed");
    expect(module).toMatchObject({ settings: { "scan.ports": "7" }, failMode: "closed" });
    await stage.until("one", "refusal", ({ problems }) => problems.join().includes("takes no configuration"));
    await api.configure("sensor", { "scan.ports": null });
    await stage.until("one", "no problem", ({ problems }) => problems.length === 0);
    expect((await detects(50_600)).version).toBe("1.0.0");
  });
});
