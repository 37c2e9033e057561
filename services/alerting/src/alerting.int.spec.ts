import { Alert, subjects, type Detection } from "@secuxflow/contracts";
import { rpcCall, subscribeJson } from "@secuxflow/nats";
import { waitFor, type Service } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sample } from "./testing/arbitraries.js";
import { Harness } from "./testing/harness.js";

let harness: Harness;
let service: Service | undefined;

beforeEach(async () => {
  harness = await Harness.start();
});
afterEach(async () => {
  await service?.kill();
  service = undefined;
  await harness.stop();
});

/** Detections of `groups` attackers, all within one window; ids are unique. */
const many = (count: number, groups: number): Detection[] =>
  Array.from({ length: count }, (_, i) =>
    sample({
      id: `event-${i}`,
      time: `2026-11-22T10:00:0${i % 10}.${String(i).padStart(6, "0")}Z`,
      severity: i === count - 1 ? 1 : 3,
      flow: { ...sample().flow, src: `203.0.113.${1 + (i % groups)}` },
    }),
  );

const total = async () => (await rpcCall(harness.link, "list", { limit: 1_000 })).items;
const ops = () => /"ops":"([^"]+)"/.exec(service?.log ?? "")?.[1] ?? "";
const metrics = async () => (await fetch(`${ops()}/metrics`)).text();
const metric = async (name: string) => {
  const line = (await metrics())
    .split("\n")
    .find((each) => each.startsWith(`secuxflow_alerting_${name}{`) && each.includes('queue="detections"'));
  return Number(line?.split(" ").at(-1));
};

describe("the alerting service (real nats-server, real embedded ClickHouse)", () => {
  it("answers list, show, suggest, triage and status for detections that were published", async () => {
    service = await harness.spawn();
    const told: Alert[] = [];
    const watch = subscribeJson(harness.link, subjects.alertStored, Alert, (alert) => told.push(alert));
    const at = new Date().toISOString();
    const flow = { ...sample().flow, src: "203.0.113.77" };
    const eve = '{"app_proto":"http","alert":{"rev":3}}';
    const extras = { eve, payload: Buffer.from("GET / HTTP/1.1").toString("base64"), wireLength: 1_500 };
    await harness.publish([sample({ id: "a", time: at, flow }), sample({ id: "b", time: at, flow, severity: 1, ...extras })]);
    await harness.report({
      id: "r1",
      flows: [
        { flowId: sample().flowId, inspector: "i", flow, first: at, last: at, packets: 6, bytes: 900, detections: 2 },
        {
          flowId: "f".repeat(16),
          inspector: "i",
          flow: { ...flow, sport: 40_001 },
          first: at,
          last: at,
          packets: 4,
          bytes: 300,
          detections: 0,
        },
      ],
    });
    await waitFor(() => told.some((alert) => alert.count === 2), { what: "the watcher to be told" });
    watch.stop();
    await waitFor(async () => (await harness.status()).flows === 2, { what: "the flows to be stored" });
    const list = await rpcCall(harness.link, "list", { src: "203.0.113.77" });
    expect(list).toMatchObject({
      total: 1,
      items: [{ id: 1, count: 2, severity: 1, state: "new", flow: { src: "203.0.113.77", dport: 80 } }],
    });
    const shown = await rpcCall(harness.link, "show", { id: 2 });
    expect([shown.alert.id, shown.detections.map((each) => each.id).sort()]).toEqual([1, ["a", "b"]]);
    expect(shown.detections[0]?.packet).toBe(sample().packet);
    expect(shown.detections.find(({ id }) => id === "b")).toMatchObject(extras);
    const part = await rpcCall(harness.link, "detections", { alertId: 1, limit: 1 });
    expect([part.items.map(({ id }) => id), part.next, part.more]).toEqual([["a"], 1, true]);
    const rest = await rpcCall(harness.link, "detections", { after: part.next, sinceMs: 3_600_000 });
    expect([rest.items.map(({ id }) => id), rest.next, rest.more]).toEqual([["b"], 2, false]);
    expect(rest.items[0]).toMatchObject(extras);
    await expect(rpcCall(harness.link, "detections", { alertId: 99 })).rejects.toMatchObject({ code: "not_found" });
    expect(await rpcCall(harness.link, "suggest", { id: 1 })).toMatchObject({
      alertId: 1,
      rule: { src: "203.0.113.77", dst: "198.51.100.7", port: 80, proto: "tcp", action: "drop", ttlMs: 3_600_000, alertId: 1 },
      blastRadius: { flows: 2, packets: 10, bytes: 1_200, flowsWithDetections: 1, flowsWithout: 1, sources: 1 },
    });
    expect(await rpcCall(harness.link, "triage", { id: 1, state: "approved", actor: "ana", ruleId: 7 })).toMatchObject({
      state: "approved",
      ruleId: 7,
    });
    expect((await rpcCall(harness.link, "show", { id: 1 })).triage).toMatchObject([
      { actor: "ana", state: "approved", ruleId: 7 },
    ]);
    expect(await harness.status()).toEqual({
      storage: "chdb",
      storageOk: true,
      detections: 2,
      pending: 0,
      flows: 2,
      problems: [],
    });
    await expect(rpcCall(harness.link, "show", { id: 99 })).rejects.toMatchObject({ code: "not_found" });
    await expect(rpcCall(harness.link, "list", { src: "nowhere" })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  it("tells watchers what storage holds, after each detection, also across a restart and a triage", async () => {
    service = await harness.spawn({ SECUXFLOW_ALERTS_AGGREGATION_WINDOW: "24h" });
    const told: Alert[] = [];
    const watch = subscribeJson(harness.link, subjects.alertStored, Alert, (alert) => told.push(alert));
    const at = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    for (let i = 1; i <= 12; i++) {
      if (i === 6) {
        await service.stop();
        service = await harness.spawn({ SECUXFLOW_ALERTS_AGGREGATION_WINDOW: "24h" });
      }
      if (i === 9) await rpcCall(harness.link, "triage", { id: 1, state: "acknowledged", actor: "test" });
      const flow = { ...sample().flow, sport: 1_000 + i };
      await harness.publish([sample({ id: `e${i}`, time: new Date(at + i).toISOString(), flow, severity: i === 4 ? 1 : 3 })]);
      await waitFor(() => told.length >= i, { what: `alert.stored ${i}` });
      expect(told).toHaveLength(i);
      expect([told.at(-1)]).toEqual(await total());
    }
    expect(told.map((alert) => alert.count)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(told.at(-1)).toMatchObject({ state: "acknowledged", severity: 1, flow: { sport: 1_012 } });
    watch.stop();
  });

  it("skips what is malformed, counts it, and goes on", async () => {
    service = await harness.spawn();
    await harness.publishRaw(new TextEncoder().encode("no detection"));
    await harness.publish([sample({ id: "after" })]);
    await harness.settled(1);
    expect([await metric("malformed_total"), await metric("inserted_total")]).toEqual([1, 1]);
  });

  it("loses none and shows none twice when it is killed again and again in the midst of 5,000 detections", async () => {
    // Small batches without a pause: a kill is likely to hit an insert, or the gap between insert and acknowledgement.
    const env = { SECUXFLOW_INGEST_BATCH: "50", SECUXFLOW_INGEST_SPACING: "0" };
    service = await harness.spawn(env);
    const published = harness.publish(many(5_000, 10));
    for (const stored of [200, 1_000, 2_000]) {
      const seen = await waitFor(
        async () => {
          const status = await harness.status();
          return status.detections >= stored ? status : undefined;
        },
        { what: `${stored} detections to be stored`, deadlineMs: 30_000, intervalMs: 1 },
      );
      await service.kill();
      expect(seen.detections).toBeLessThan(5_000);
      service = await harness.spawn(env);
    }
    await published;
    expect((await harness.settled(5_000)).detections).toBe(5_000);
    const items = await total();
    expect(items.map((item) => item.count)).toEqual(Array(10).fill(500));
    // The one critical detection of the flood, the very last, is seen.
    expect(items.filter((item) => item.severity === 1).length).toBe(1);
    await service.stop();
  });

  it("counts a flood exactly, and stores the payload of its first detections only", async () => {
    service = await harness.spawn({ SECUXFLOW_ALERTS_FLOOD_PER_MINUTE: "50" });
    await harness.publish(many(600, 1));
    await harness.settled(600);
    const [item] = await total();
    expect(item).toMatchObject({ count: 600, severity: 1 });
    // 50, and the critical one at the end.
    expect(await metric("suppressed_total")).toBe(600 - 51);
    expect((await rpcCall(harness.link, "show", { id: item?.id ?? 0 })).alert.summary).toContain("OR");
  });

  it("goes on after nats-server was away, and starts while it is away", async () => {
    service = await harness.spawn();
    await harness.publish([sample({ id: "before" })]);
    await harness.settled(1);
    await harness.server.kill();
    await service.stop();
    service = await harness.spawn();
    await harness.server.restart();
    await harness.link.connected({ timeoutMs: 10_000 });
    await harness.publish([sample({ id: "after" })]);
    await harness.settled(2);
    await harness.server.kill();
    await harness.server.restart();
    await harness.link.connected({ timeoutMs: 10_000 });
    await harness.publish([sample({ id: "again" })]);
    expect((await harness.settled(3)).detections).toBe(3);
  });
});
