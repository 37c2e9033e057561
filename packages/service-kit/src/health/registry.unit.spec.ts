import { describe, expect, it } from "vitest";
import { createRedactor } from "../logging/redact.js";
import { HealthRegistry } from "./registry.js";

function ready(): HealthRegistry {
  const health = new HealthRegistry(createRedactor(["pa55word"]));
  health.phase = "ready";
  return health;
}

describe("HealthRegistry", () => {
  it("is ready when it is said to be and nothing critical is down", async () => {
    const health = new HealthRegistry();
    expect(await health.report()).toMatchObject({ status: "ok", ready: false, phase: "starting" });
    health.phase = "ready";
    expect(await health.report()).toMatchObject({ status: "ok", ready: true });
    health.phase = "stopping";
    expect(await health.report()).toMatchObject({ ready: false, phase: "stopping" });
  });

  it("takes the worst of its checks; one that is not critical degrades at most", async () => {
    const health = ready();
    health.register("a", () => ({ status: "ok" }));
    health.register("b", () => ({ status: "down", detail: "away" }), { critical: false });
    expect(await health.report()).toMatchObject({ status: "degraded", ready: true, checks: { b: { status: "down", detail: "away", critical: false } } });
    const remove = health.register("c", () => Promise.resolve({ status: "down" as const }));
    expect(await health.report()).toMatchObject({ status: "down", ready: false });
    remove();
    expect(await health.report()).toMatchObject({ status: "degraded" });
  });

  it("takes a check that throws, rejects or does not answer as down, and tells no secret", async () => {
    const health = ready();
    health.register("throws", () => {
      throw new Error("login pa55word refused");
    });
    health.register("rejects", () => Promise.reject(new Error("nats://u:p@host away")));
    health.register("hangs", () => new Promise(() => undefined), { timeoutMs: 5 });
    const { checks } = await health.report();
    expect(checks.throws).toEqual({ status: "down", detail: "login [redacted] refused", critical: true });
    expect(checks.rejects?.detail).toBe("nats://[redacted]@host away");
    expect(checks.hangs?.detail).toBe("no answer within 5 ms");
  });

  it("asks each check once for all that read at the same time", async () => {
    const health = ready();
    let asked = 0;
    health.register("slow", async () => {
      asked++;
      await Promise.resolve();
      return { status: "ok" };
    });
    await Promise.all(Array.from({ length: 10 }, () => health.report()));
    expect(asked).toBe(1);
    await health.report();
    expect(asked).toBe(2);
  });

  it("lets a part report by itself, down until it has", async () => {
    const health = ready();
    const nats = health.reporter("nats");
    const seen = async () => (await health.report()).checks.nats;
    expect(await seen()).toMatchObject({ status: "down", detail: "starting" });
    nats.ok();
    expect(await seen()).toEqual({ status: "ok", critical: true });
    nats.degraded("reconnecting");
    expect(await seen()).toMatchObject({ status: "degraded", detail: "reconnecting" });
    nats.down("closed");
    expect(await seen()).toMatchObject({ status: "down", detail: "closed" });
  });

  it("refuses a name twice and more than 64 checks", () => {
    const health = ready();
    for (let index = 0; index < 64; index++) health.register(`check-${index}`, () => ({ status: "ok" }));
    expect(() => health.register("one-more", () => ({ status: "ok" }))).toThrow(/one too many/);
    expect(() => health.register("check-1", () => ({ status: "ok" }))).toThrow(/registered already/);
  });
});
