import { ProblemError, type Detection } from "@secuxflow/contracts";
import { tempDir, type TempDir } from "@secuxflow/testkit";
import fc from "fast-check";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Alerts } from "../../alerts/application/alerts.js";
import { KnownGroups } from "../../alerts/application/known-groups.js";
import type { GroupRef } from "../../alerts/application/ports.js";
import { toDetection } from "../../alerts/domain/alert-row.js";
import { ClickHouseAlerts } from "../../alerts/adapters/clickhouse-alerts.js";
import { ingested } from "../../alerts/adapters/ingested.js";
import { readDetection, suppressedRow } from "../../ingest/domain/detection-row.js";
import { readFlowReport } from "../../ingest/domain/flow-row.js";
import { canonicalFlow, partiesOf } from "../../ingest/domain/grouping.js";
import { ClickHouseHistory } from "../../suggest/adapters/clickhouse-history.js";
import { totalsOf, type KnownFlow, type RuleMatch } from "../../suggest/domain/history.js";
import { detection, encode, sample } from "../../testing/arbitraries.js";
import type { Database } from "../domain/database.js";
import { SchemaTooNew, StorageRefused } from "../domain/errors.js";
import { parseMicros } from "../domain/timestamp.js";
import { openChdb, openServer } from "./clickhouse.js";
import { migrate, MIGRATIONS } from "./schema.js";

const WINDOW = 300_000;
const NOW = "2026-11-22T10:30:00Z";
const now = () => parseMicros(NOW) ?? 0;
const SERVER = process.env.SECUXFLOW_CLICKHOUSE_URL;

// The old ClickHouse of Debian (18.16) has neither DateTime64 nor TTL, so it cannot serve here.
const STORES: { title: string; skip: boolean; open: (dir: string) => Database }[] = [
  { title: "embedded ClickHouse (chdb)", skip: false, open: (dir) => openChdb({ dataDir: dir }) },
  {
    title: "a ClickHouse server (needs SECUXFLOW_CLICKHOUSE_URL, 23.8 or newer)",
    skip: SERVER === undefined,
    open: () =>
      openServer({
        url: SERVER ?? "",
        user: process.env.SECUXFLOW_CLICKHOUSE_USER ?? "default",
        password: process.env.SECUXFLOW_CLICKHOUSE_PASSWORD ?? "",
        requestTimeoutMs: 30_000,
      }),
  },
];

for (const store of STORES) {
  describe.skipIf(store.skip)(store.title, () => {
    let dir: TempDir;
    let database: Database;
    let created = 0;
    const used: string[] = [];

    beforeAll(async () => {
      dir = await tempDir("clickhouse");
      database = store.open(dir.path);
    });
    afterAll(async () => {
      for (const db of used) await database.command(`DROP DATABASE IF EXISTS ${db}`);
      await database.close();
      await dir.remove();
    });

    /** A database of its own for each test, in the one engine that a process can have. */
    const fresh = async (options: { detectionDays?: number; flowDays?: number; fsync?: boolean } = {}) => {
      const db = `sx_${process.pid}_${created++}`;
      used.push(db);
      const tables = { database: db, detectionDays: 3_650, flowDays: 3_650, fsync: false, ...options };
      await migrate(database, tables);
      const view: Database = {
        kind: database.kind,
        command: (sql) => database.command(sql),
        query: (sql, params) => database.query(sql, params),
        insert: (table, rows) => database.insert(table.includes(".") ? table : `${db}.${table}`, rows),
        close: () => Promise.resolve(),
      };
      const open = () => Promise.resolve(view);
      const repository = new ClickHouseAlerts(open, db);
      const alerts = new Alerts(repository, now);
      const put = (detections: readonly Detection[], from = 1) =>
        view.insert(
          "detections",
          detections.map((one, i) => readDetection(encode(one), from + i, WINDOW).row),
        );
      return { db, tables, view, open, repository, alerts, put };
    };

    it("migrates once, and again without change", async () => {
      const { tables, view, put, alerts } = await fresh();
      await put([sample()]);
      await expect(migrate(database, tables)).resolves.toBe(2);
      expect((await alerts.list({ limit: 50 })).total).toBe(1);
      expect(await view.query(`SELECT version FROM ${tables.database}.schema_migrations FINAL ORDER BY version`)).toEqual([{ version: 1 }, { version: 2 }]);
    });

    it("takes over detections that an older version stored", async () => {
      const db = `sx_${process.pid}_old`;
      used.push(db);
      const tables = { database: db, detectionDays: 3_650, flowDays: 3_650, fsync: false };
      await migrate(database, tables, MIGRATIONS.slice(0, 1));
      const { wire_length: _w, eve: _e, payload: _p, ...old } = readDetection(encode(sample()), 1, WINDOW).row;
      await database.insert(`${db}.detections`, [old]);
      await migrate(database, tables);
      const alerts = new Alerts(new ClickHouseAlerts(() => Promise.resolve(database), db), now);
      expect((await alerts.show(1)).detections).toEqual([sample()]);
    });

    it("gives back detections in the order they were stored, part by part, and those of one alert", async () => {
      const { alerts, put } = await fresh();
      const times = ["10:00:00", "09:00:00", "10:29:30", "10:29:31", "08:00:00"];
      const all = times.map((time, i) =>
        sample({ id: `e${i}`, time: `2026-11-22T${time}.000000Z`, eve: `{"tx_id":${i}}`, payload: "AAEC", wireLength: 60 + i }),
      );
      await put(all, 11);
      const ids = (part: { items: readonly Detection[] }) => part.items.map(({ id }) => id);
      const query = { after: 0, limit: 2 };
      const first = await alerts.detections(query);
      expect([ids(first), first.next, first.more]).toEqual([["e0", "e1"], 12, true]);
      expect(first.items[0]).toEqual(all[0]);
      const second = await alerts.detections({ ...query, after: first.next });
      const third = await alerts.detections({ ...query, after: second.next });
      expect([ids(second), ids(third), third.next, third.more]).toEqual([["e2", "e3"], ["e4"], 15, false]);
      expect(await alerts.detections({ ...query, after: third.next })).toEqual({ items: [], next: 15, more: false });
      expect(ids(await alerts.detections({ after: 0, limit: 100, sinceMs: 60_000 }))).toEqual(["e2", "e3"]);
      // Where the end is, for who wants only what comes.
      expect(await alerts.detections({ after: 0, limit: 0 })).toEqual({ items: [], next: 15, more: false });
      expect(ids(await alerts.detections({ after: 0, limit: 100, alertId: 14 }))).toEqual(["e2", "e3"]);
      await expect(alerts.detections({ after: 0, limit: 1, alertId: 99 })).rejects.toThrow(ProblemError);
    });

    it("never answers more than fits a message", async () => {
      const { alerts, put } = await fresh();
      const eve = JSON.stringify({ http: { url: "x".repeat(30_000) } });
      const large = Array.from({ length: 60 }, (_, i) => sample({ id: `l${i}`, eve, payload: "A".repeat(21_000) }));
      await put(large);
      let seen = 0;
      for (let after = 0, more = true; more; ) {
        const part = await alerts.detections({ after, limit: 1_000 });
        expect(JSON.stringify(part).length).toBeLessThan(1_000_000);
        seen += part.items.length;
        ({ next: after, more } = part);
      }
      expect(seen).toBe(60);
      const shown = await alerts.show(1);
      expect(shown.detections.length).toBeGreaterThan(0);
      expect(JSON.stringify(shown).length).toBeLessThan(1_000_000);
    });

    it("follows a changed retention, and refuses tables of a newer version", async () => {
      const { db, tables, view } = await fresh({ detectionDays: 30 });
      const engine = async () =>
        JSON.stringify(
          await view.query("SELECT engine_full FROM system.tables WHERE database = {db:String} AND name = 'detections'", { db }),
        );
      expect(await engine()).toContain("toIntervalDay(30)");
      await migrate(database, { ...tables, detectionDays: 12, fsync: true });
      expect(await engine()).toMatch(/toIntervalDay\(12\).*fsync_after_insert = 1/);
      await view.insert("schema_migrations", [{ version: 99, name: "future" }]);
      await expect(migrate(database, tables)).rejects.toThrow(SchemaTooNew);
    });

    it("gives back every detection as it was, hostile text and all (property)", async () => {
      const { alerts, repository, put } = await fresh();
      let seq = 1;
      await fc.assert(
        fc.asyncProperty(fc.array(detection, { minLength: 1, maxLength: 8 }), async (batch) => {
          const first = seq;
          // An event id that comes twice is one event: that is another test.
          await put(
            batch.map((one, i) => ({ ...one, id: `${seq + i} ${one.id}` })),
            first,
          );
          seq += batch.length;
          for (const [i, one] of batch.entries()) {
            const { ref } = await alerts.get(first + i);
            const stored = (await repository.detections(ref, 100))
              .map(toDetection)
              .find((candidate) => candidate.id.startsWith(`${first + i} `));
            const clean = JSON.parse(
              new TextDecoder("utf-8", { ignoreBOM: true }).decode(
                new TextEncoder().encode(JSON.stringify(one).replace(/\\ud[89a-f][0-9a-f]{2}/gi, "\ufffd")),
              ),
            ) as Detection;
            expect(stored).toEqual({ ...clean, id: `${first + i} ${clean.id}`, flow: canonicalFlow(one.flow) });
          }
        }),
        { numRuns: 25, endOnFailure: true },
      );
    });

    it("sees an event that was inserted again once, and keeps its smallest sequence", async () => {
      const { alerts, repository, put } = await fresh();
      const one = sample();
      await put([one, { ...one, id: "other", time: "2026-11-22T10:01:00Z" }], 10);
      await put([one], 10);
      await put([one], 30);
      expect((await alerts.list({ limit: 50 })).items).toMatchObject([{ id: 10, count: 2 }]);
      expect(await repository.counts()).toEqual({ detections: 2, flows: 0 });
      expect((await alerts.show(10)).detections.map((d) => d.id)).toEqual(["other", one.id]);
    });

    it("folds detections into a known group as its own grouping would (property)", async () => {
      const { db, view, open } = await fresh();
      const windowMs = 86_400_000;
      const today = () => Math.floor(clock / (windowMs * 1_000)) * windowMs * 1_000;
      const clock = now();
      const repository = new ClickHouseAlerts(open, db);
      const known = new KnownGroups({ windowMs, now: () => clock });
      const alerts = new Alerts(repository, now, known);
      expect(await repository.newest()).toBeUndefined();
      // What was stored before is known after a read only; the rest from its first detection on.
      const parts = fc.record({
        second: fc.nat({ max: 59 }),
        severity: fc.integer({ min: 1, max: 4 }),
        dst: fc.constantFrom("198.51.100.1", "198.51.100.2", "198.51.100.3"),
        direction: fc.constantFrom("to_server" as const, "unknown" as const),
        sport: fc.nat({ max: 65_535 }),
        dport: fc.constantFrom(80, 443),
        attributes: fc.constantFrom<Record<string, string>>({}, { message: "first" }, { "http.uri": "/x", "match.location": "uri" }),
        name: fc.constantFrom("one", "two"),
        full: fc.boolean(),
        repeats: fc.nat({ max: 9 }),
      });
      const facts = fc.sample(parts, { numRuns: 60, seed: 20_261_122 });
      let seq = 0;
      let folded = 0;
      const groups = new Map<string, GroupRef>();
      for (const [i, fact] of facts.entries()) {
        if (i === 10) known.startsAfter(await repository.newest());
        const one = sample({
          // Now and then an event is published twice.
          id: fact.repeats === 0 ? `e${i - 1}` : `e${i}`,
          time: `2026-11-22T10:00:${String(fact.second).padStart(2, "0")}Z`,
          severity: fact.severity,
          direction: fact.direction,
          rule: { ...sample().rule, name: fact.name },
          flow: { ...sample().flow, dst: fact.dst, sport: fact.sport, dport: fact.dport },
          attributes: fact.attributes,
        });
        const read = readDetection(encode(one), ++seq, windowMs);
        const row = fact.full ? read.row : suppressedRow(read.row);
        const group = { bucket: read.bucket, gkey: row.gkey };
        expect(group.bucket).toBe(today());
        groups.set(group.gkey, group);
        known.inserting([group]);
        await view.insert("detections", [row]);
        known.stored([{ group, row, time: read.time }].map(ingested));
        if (i === 30) await alerts.triage({ id: seq, state: "acknowledged", actor: "test" });
        for (const each of groups.values()) {
          const [fresh] = await alerts.read([each]);
          const alert = known.get(each);
          if (alert === undefined) expect(await alerts.learn([each])).toEqual([fresh]);
          else {
            folded++;
            expect(alert).toEqual(fresh);
          }
        }
      }
      expect(folded).toBeGreaterThan(100);
      expect(await repository.newest()).toBe(today());
    });

    it("groups as the obvious model does (property)", async () => {
      const { alerts, put } = await fresh();
      const small = fc.record({
        minute: fc.nat({ max: 14 }),
        rule: fc.constantFrom(1, 2),
        module: fc.constantFrom("ips", "waf"),
        direction: fc.constantFrom("to_server" as const, "to_client" as const),
        src: fc.constantFrom("203.0.113.1", "203.0.113.2"),
        dst: fc.constantFrom("198.51.100.1", "198.51.100.2"),
        severity: fc.integer({ min: 1, max: 4 }),
        policy: fc.constantFrom("default", "dmz"),
      });
      const facts = fc.sample(small, { numRuns: 300, seed: 20_261_122 });
      const batch = facts.map((fact, i) =>
        sample({
          id: `e${i}`,
          time: `2026-11-22T10:${String(fact.minute).padStart(2, "0")}:00.${String(i).padStart(6, "0")}Z`,
          policy: fact.policy,
          severity: fact.severity,
          direction: fact.direction,
          module: { ...sample().module, name: fact.module },
          rule: { ...sample().rule, id: fact.rule },
          flow: { ...sample().flow, src: fact.src, dst: fact.dst },
        }),
      );
      const wanted = new Map<string, { id: number; count: number; severity: number; last: string }>();
      for (const [i, one] of batch.entries()) {
        const { attacker, victim } = partiesOf(one.flow, one.direction);
        const key = [one.policy, one.module.name, one.rule.id, attacker, victim, Math.floor((facts[i]?.minute ?? 0) / 5)].join(
          " ",
        );
        const known = wanted.get(key);
        const last = [known?.last ?? "", one.time].sort().at(-1) ?? "";
        wanted.set(key, {
          id: known?.id ?? i + 1,
          count: (known?.count ?? 0) + 1,
          severity: Math.min(known?.severity ?? 9, one.severity),
          last,
        });
      }
      await put(batch);
      const { items, total } = await alerts.list({ limit: 1_000 });
      expect(total).toBe(wanted.size);
      const got = items.map(({ id, count, severity, lastSeen }) => ({ id, count, severity, last: lastSeen }));
      const byNewest = [...wanted.values()].sort((a, b) => (a.last < b.last ? 1 : -1));
      expect(got).toEqual(byNewest);
      // Every detection's sequence leads to its alert.
      for (const i of [0, 17, 150, 299]) {
        const shown = await alerts.show(i + 1);
        expect(wanted.size > 1 && shown.alert.id <= i + 1).toBe(true);
        expect(items).toContainEqual(shown.alert);
      }
      // Filters agree with filtering the whole list.
      const list = async (query: object) => (await alerts.list({ limit: 1_000, ...query })).items.map((item) => item.id);
      expect(await list({ module: "ips" })).toEqual(items.filter((item) => item.module === "ips").map((item) => item.id));
      expect(await list({ maxSeverity: 1 })).toEqual(items.filter((item) => item.severity <= 1).map((item) => item.id));
      expect(await list({ src: "203.0.113.1" })).toEqual(
        items.filter((item) => item.flow.src === "203.0.113.1").map((item) => item.id),
      );
      expect(await list({ src: "203.0.113.0/24" })).toEqual(
        items.filter((item) => item.flow.src.startsWith("203.0.113.")).map((item) => item.id),
      );
      expect(await list({ src: "2001:db8::/32" })).toEqual([]);
      expect(await list({ sinceMs: 20 * 60_000 })).toEqual(
        items.filter((item) => item.lastSeen >= "2026-11-22T10:10").map((item) => item.id),
      );
      const page = await alerts.list({ limit: 3 });
      expect([page.total, page.items]).toEqual([total, items.slice(0, 3)]);
    });

    it("keeps triage as history; the newest wins, also after an event with a smaller sequence came late", async () => {
      const { alerts, put } = await fresh();
      await put([sample()], 11);
      await alerts.triage({ id: 11, state: "acknowledged", actor: "ana", note: "looking; '\0\n" });
      expect(await alerts.triage({ id: 11, state: "approved", actor: "ben", ruleId: 42 })).toMatchObject({
        id: 11,
        state: "approved",
        ruleId: 42,
      });
      await put([sample({ id: "late", time: "2026-11-22T10:00:01Z" })], 5);
      const shown = await alerts.show(11);
      expect(shown.alert).toMatchObject({ id: 5, count: 2, state: "approved", ruleId: 42 });
      expect(shown.triage).toMatchObject([
        { actor: "ana", state: "acknowledged", note: "looking; '\0\n" },
        { actor: "ben", state: "approved", ruleId: 42 },
      ]);
      expect((await alerts.list({ limit: 9, state: "approved" })).total).toBe(1);
      expect((await alerts.list({ limit: 9, state: "new" })).total).toBe(0);
      await alerts.triage({ id: 5, state: "new", actor: "ana" });
      expect((await alerts.list({ limit: 9, state: "new" })).items).toMatchObject([{ id: 5, ruleId: 42 }]);
    });

    it("says not_found with the next command, and which field is wrong", async () => {
      const { alerts } = await fresh();
      const missing = await alerts.show(404).catch((error: unknown) => error);
      expect(missing).toBeInstanceOf(ProblemError);
      expect(missing).toMatchObject({
        code: "not_found",
        message: expect.stringContaining("secuxflow-cli alert list") as string,
      });
      await expect(alerts.list({ limit: 1, src: "10.0.0.1/8" })).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("10.0.0.0/8") as string,
      });
      await expect(alerts.list({ limit: 1, src: "') OR 1=1 --" })).rejects.toMatchObject({ code: "invalid_input" });
    });

    it("tells a refused row from a ClickHouse that is away", async () => {
      const { view } = await fresh();
      await expect(
        view.insert("detections", [{ ...readDetection(encode(sample()), 1, WINDOW).row, time: "soon" }]),
      ).rejects.toThrow(StorageRefused);
    });

    it("takes a batch that spans 150 days: a wrong clock stops nothing", async () => {
      const { alerts, put } = await fresh();
      await put(
        Array.from({ length: 150 }, (_, i) =>
          sample({ id: `d${i}`, time: new Date(Date.UTC(2026, 0, 1) + i * 86_400_000).toISOString() }),
        ),
      );
      expect((await alerts.list({ limit: 1 })).total).toBe(150);
    });

    it("sums up history as the obvious model does (property)", async () => {
      const { view, db, open, put } = await fresh();
      const hosts = ["203.0.113.1", "203.0.113.2", "198.51.100.1", "2001:db8::1"];
      const flow = fc.record({
        src: fc.constantFrom(...hosts),
        dst: fc.constantFrom(...hosts),
        sport: fc.constantFrom(80, 4_000),
        dport: fc.constantFrom(80, 443),
        proto: fc.constantFrom("tcp", "udp"),
      });
      const one = fc.record({
        flow,
        packets: fc.nat({ max: 1_000 }),
        bytes: fc.nat({ max: 100_000 }),
        detections: fc.constantFrom(0, 0, 1),
      });
      // One flow has one 5-tuple, so the id follows from it.
      const id = (key: Detection["flow"]) =>
        Buffer.from(
          `${hosts.indexOf(key.src)}${hosts.indexOf(key.dst)}${key.sport === 80 ? 0 : 1}${key.dport === 80 ? 0 : 1}${key.proto === "tcp" ? 0 : 1}`,
        )
          .toString("hex")
          .padStart(16, "0");
      const known: KnownFlow[] = fc.sample(one, { numRuns: 200, seed: 7 }).map((each) => ({ ...each, flowId: id(each.flow) }));
      const report = (index: number) =>
        readFlowReport(
          encode({
            id: `r${index}`,
            flows: [{ ...known[index], inspector: "i", first: "2026-11-22T09:00:00Z", last: "2026-11-22T09:00:01Z" }],
          }),
        );
      const rows = known.flatMap((_, index) => report(index));
      await view.insert("flows", rows);
      await view.insert("flows", rows.slice(0, 120)); // a crash between insert and acknowledgement
      // Too old to count.
      await view.insert(
        "flows",
        readFlowReport(
          encode({
            id: "old",
            flows: [{ ...known[0], inspector: "i", first: "2026-11-20T09:00:00Z", last: "2026-11-20T09:00:01Z" }],
          }),
        ),
      );
      const flaggedFlow = { src: "203.0.113.1", dst: "198.51.100.1", sport: 4_000, dport: 80, proto: "tcp" };
      await put([sample({ flow: flaggedFlow, flowId: id(flaggedFlow) })]);
      const history = new ClickHouseHistory(open, db, now);
      const rules: RuleMatch[] = [
        { src: "203.0.113.1", dst: "198.51.100.1", port: 80, proto: "tcp" },
        { src: "203.0.113.1", dst: "any", port: undefined, proto: "any" },
        { src: "2001:db8::1", dst: "203.0.113.2", port: 443, proto: "udp" },
        { src: "any", dst: "198.51.100.1", port: undefined, proto: "tcp" },
        { src: "192.0.2.1", dst: "any", port: undefined, proto: "any" },
      ];
      for (const rule of rules) {
        const got = await history.history(rule, "203.0.113.1", 86_400_000);
        expect(got.met).toEqual(totalsOf(rule, known, new Set([id(flaggedFlow)])));
        const own = known.filter((each) => each.flow.src === "203.0.113.1" || each.flow.dst === "203.0.113.1");
        const guilty = new Set([id(flaggedFlow), ...own.filter((each) => each.detections > 0).map((each) => each.flowId)]);
        expect(got.innocent.flows).toBe(new Set(own.map((each) => each.flowId).filter((each) => !guilty.has(each))).size);
        expect(got.knownSince).toBe("2026-11-22T09:00:00.000000Z");
      }
    });
  });
}

describe("a ClickHouse that cannot be opened", () => {
  it("says which folder, and what to do", async () => {
    const dir = await tempDir("clickhouse");
    try {
      await writeFile(join(dir.path, "file"), "");
      expect(() => openChdb({ dataDir: join(dir.path, "file", "below") })).toThrow(/file\/below.*clickhouse\.dataDir/);
    } finally {
      await dir.remove();
    }
  });
});
