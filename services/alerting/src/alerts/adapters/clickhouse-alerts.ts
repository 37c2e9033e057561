import { z } from "zod";
import type { Database } from "../../storage/domain/database.js";
import { clickHouseSeconds, clickHouseTime } from "../../storage/domain/timestamp.js";
import type { AlertFilter, AlertStore, DetectionFilter, GroupRef, StoredPart } from "../application/ports.js";
import type { AlertRow, StoredDetection, TriageRow } from "../domain/alert-row.js";
import { shownAttributes, type KnownGroup } from "../domain/known-group.js";
import { AlertRows, Int, KnownRows, StoredDetections, TriageRows } from "./rows.js";

const Found = z.array(z.object({ bucket_us: Int, gkey: z.string() }));
const Listed = z.array(z.object({ bucket_us: Int, gkey: z.string(), total: Int }));
const Newest = z.array(z.object({ n: Int, newest: Int }));
const Counts = z.array(z.object({ detections: Int, flows: Int }));

const Places = z.array(z.object({ n: Int, end: Int, oldest: Int, newest: Int }));
const Sequences = z.array(z.object({ seq: Int }));

/** Columns of a detection as it is read back. */
const DETECTION = `id, toUnixTimestamp64Micro(time) AS time_us, policy, inspector, module, module_version, module_digest,
         rule_id, rule_name, category, severity, confidence, verdict_hint, flow_id, src, dst, sport, dport, proto, direction,
         ifindex, vlan, forward_id, attributes, packet, wire_length, eve, payload, seq`;

/** Longest aggregation window that may be configured: a group seen at t lies in a bucket that starts at most so long before. */
export const MAX_WINDOW_SECONDS = 86_400;

/** No alias is named as a column: ClickHouse would put the alias in the column's place. */
const bucketOf = (table: string) => `toUnixTimestamp(${table}.bucket) * 1000000 AS bucket_us`;

/** Alerts as groups of the table `detections`. Reads use FINAL: what was inserted twice is seen once, merged or not. */
export class ClickHouseAlerts implements AlertStore {
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly db: string,
  ) {}

  async list(filter: AlertFilter): Promise<{ groups: GroupRef[]; total: number }> {
    const since = filter.since ?? 0;
    const rows = await this.#query(
      `SELECT ${bucketOf("g")}, g.gkey AS gkey, count() OVER () AS total
       FROM (
         SELECT bucket, gkey, max(time) AS last, min(seq) AS first_seq, min(severity) AS worst
         FROM ${this.db}.detections FINAL
         WHERE bucket >= toDateTime({since:UInt32}, 'UTC') - ${MAX_WINDOW_SECONDS}
           AND ({module:String} = '' OR module = {module:String})
           AND ({src:String} = '' OR if(isIPv4String(attacker) OR isIPv6String(attacker), isIPAddressInRange(attacker, {src_range:String}), 0))
         GROUP BY bucket, gkey
         HAVING last >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') AND worst <= {severity:UInt8}
       ) AS g
       LEFT JOIN (
         SELECT bucket, gkey, argMax(state, at) AS state FROM ${this.db}.triage FINAL GROUP BY bucket, gkey
       ) AS t ON g.bucket = t.bucket AND g.gkey = t.gkey
       WHERE {state:String} = '' OR if(t.state = '', 'new', t.state) = {state:String}
       ORDER BY g.last DESC, g.first_seq DESC
       LIMIT {limit:UInt32}`,
      {
        // The difference to a bucket before 1970 would wrap around.
        since: Math.max(Math.floor(since / 1_000_000), MAX_WINDOW_SECONDS),
        since_us: since,
        module: filter.module ?? "",
        src: filter.src ?? "",
        src_range: asRange(filter.src),
        severity: filter.maxSeverity ?? 255,
        state: filter.state ?? "",
        limit: filter.limit,
      },
    );
    const listed = Listed.parse(rows);
    return { groups: listed.map(toRef), total: listed[0]?.total ?? 0 };
  }

  async find(sequence: number): Promise<GroupRef | undefined> {
    // Of a stream that was made anew sequences start again; the newest is then the one that is meant.
    const rows = await this.#query(
      `SELECT ${bucketOf("d")}, d.gkey AS gkey FROM ${this.db}.detections AS d WHERE d.seq = {seq:UInt64} ORDER BY d.stored DESC LIMIT 1`,
      { seq: sequence },
    );
    return Found.parse(rows).map(toRef)[0];
  }

  async read(groups: readonly GroupRef[]): Promise<AlertRow[]> {
    return groups.length === 0 ? [] : AlertRows.parse(await this.#groups(groups, ""));
  }

  async readKnown(
    groups: readonly GroupRef[],
    maxIds: number,
  ): Promise<{ row: AlertRow; known: Omit<KnownGroup, "triage"> | undefined }[]> {
    if (groups.length === 0) return [];
    const rows = await this.#groups(
      groups,
      `, tupleElement(max((d.time, d.seq)), 2) AS newest_seq,
         max((d.suppressed = 0, d.time, d.seq)) AS attrs_key, tupleElement(attrs_key, 1) AS attrs_full,
         toUnixTimestamp64Micro(tupleElement(attrs_key, 2)) AS attrs_us, tupleElement(attrs_key, 3) AS attrs_seq,
         groupArray(${Math.trunc(maxIds)})(d.id) AS ids`,
    );
    return KnownRows.parse(rows).map(({ newest_seq, attrs_full, attrs_us, attrs_seq, ids, ...row }) => ({
      row,
      known:
        ids.length < row.n
          ? undefined
          : {
              facts: { ...row, attrs: shownAttributes(row.attrs) },
              newestSeq: newest_seq,
              attrsOf: { full: attrs_full === 1, time_us: attrs_us, seq: attrs_seq },
              ids: new Set(ids),
            },
    }));
  }

  async newest(): Promise<number | undefined> {
    const rows = await this.#query(`SELECT count() AS n, toUnixTimestamp(max(bucket)) * 1000000 AS newest FROM ${this.db}.detections`, {});
    const found = Newest.parse(rows)[0];
    return found === undefined || found.n === 0 ? undefined : found.newest;
  }

  #groups(groups: readonly GroupRef[], more: string): Promise<unknown[]> {
    return this.#query(
      `SELECT min(d.seq) AS id, ${bucketOf("d")}, d.gkey AS gkey,
         toUnixTimestamp64Micro(min(d.time)) AS first_us, toUnixTimestamp64Micro(max(d.time)) AS last_us, count() AS n,
         min(d.severity) AS worst, any(d.module) AS module_name, any(d.rule_id) AS rule,
         argMax(d.rule_name, (d.time, d.seq)) AS name, argMax(d.category, (d.time, d.seq)) AS class,
         any(d.attacker) AS src_address, any(d.victim) AS dst_address,
         argMax(if(d.direction = 'to_client', d.dport, d.sport), (d.time, d.seq)) AS src_port,
         argMax(d.victim_port, (d.time, d.seq)) AS dst_port, uniqExact(d.victim_port) AS dst_ports,
         argMax(d.proto, (d.time, d.seq)) AS protocol, argMax(d.direction, (d.time, d.seq)) AS way,
         argMax(d.attributes, (d.suppressed = 0, d.time, d.seq)) AS attrs ${more}
       FROM ${this.db}.detections AS d FINAL
       WHERE ${inGroups("d")}
       GROUP BY d.bucket, d.gkey`,
      groupParams(groups),
    );
  }

  async triage(groups: readonly GroupRef[]): Promise<TriageRow[]> {
    if (groups.length === 0) return [];
    const rows = await this.#query(
      `SELECT ${bucketOf("t")}, t.gkey AS gkey, toUnixTimestamp64Micro(t.at) AS at_us,
         t.actor AS actor, t.state AS state, t.note AS note, t.rule_id AS rule_id
       FROM ${this.db}.triage AS t FINAL WHERE ${inGroups("t")} ORDER BY t.at`,
      groupParams(groups),
    );
    return TriageRows.parse(rows);
  }

  async detections(group: GroupRef, limit: number): Promise<StoredDetection[]> {
    const rows = await this.#query(
      `SELECT ${DETECTION} FROM ${this.db}.detections AS d FINAL
       WHERE ${inGroups("d")} ORDER BY time DESC, seq DESC LIMIT {limit:UInt32}`,
      { ...groupParams([group]), limit },
    );
    return StoredDetections.parse(rows);
  }

  async stored({ after, since = 0, group, limit }: DetectionFilter): Promise<StoredPart> {
    // First the place in the stream and the windows that hold it, by two narrow columns: FINAL is dear, and then reads little.
    const where = `d.seq > {after:UInt64} AND d.bucket >= toDateTime({since:UInt32}, 'UTC') - ${MAX_WINDOW_SECONDS}
         AND d.time >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') ${group === undefined ? "" : `AND ${inGroups("d")}`}`;
    const params = {
      after,
      since: Math.max(Math.floor(since / 1_000_000), MAX_WINDOW_SECONDS),
      since_us: since,
      limit,
      ...(group === undefined ? {} : groupParams([group])),
    };
    const [place] = Places.parse(
      await this.#query(
        `SELECT count() AS n, max(seq) AS end, toUnixTimestamp(min(bucket)) AS oldest, toUnixTimestamp(max(bucket)) AS newest
         FROM (SELECT d.seq AS seq, d.bucket AS bucket FROM ${this.db}.detections AS d WHERE ${where} ORDER BY seq LIMIT {limit:UInt32})`,
        params,
      ),
    );
    if (place === undefined || place.n === 0) return { rows: [], end: after, full: false };
    const { end, oldest, newest } = place;
    const rows = await this.#query(
      `SELECT ${DETECTION} FROM ${this.db}.detections AS d FINAL
       WHERE d.bucket >= toDateTime({oldest:UInt32}, 'UTC') AND d.bucket <= toDateTime({newest:UInt32}, 'UTC')
         AND d.seq <= {end:UInt64} AND ${where} ORDER BY d.seq LIMIT {limit:UInt32}`,
      { ...params, end, oldest, newest },
    );
    return { rows: StoredDetections.parse(rows), end, full: place.n >= limit };
  }

  async lastSequence(): Promise<number> {
    return Sequences.parse(await this.#query(`SELECT max(seq) AS seq FROM ${this.db}.detections`, {}))[0]?.seq ?? 0;
  }

  async append(group: GroupRef, entry: Parameters<AlertStore["append"]>[1]): Promise<void> {
    await (
      await this.database()
    ).insert(`${this.db}.triage`, [
      {
        bucket: clickHouseSeconds(group.bucket),
        gkey: group.gkey,
        alert_id: entry.alertId,
        at: clickHouseTime(entry.at),
        actor: entry.actor,
        state: entry.state,
        note: entry.note,
        rule_id: entry.ruleId,
      },
    ]);
  }

  async counts(): Promise<{ detections: number; flows: number }> {
    const rows = await this.#query(
      `SELECT (SELECT count() FROM ${this.db}.detections FINAL) AS detections, (SELECT uniqExact(flow_id) FROM ${this.db}.flows) AS flows`,
      {},
    );
    return Counts.parse(rows)[0] ?? { detections: 0, flows: 0 };
  }

  async #query(sql: string, params: Parameters<Database["query"]>[1]): Promise<unknown[]> {
    return (await this.database()).query(sql, params);
  }
}

const toRef = (row: { bucket_us: number; gkey: string }): GroupRef => ({ bucket: row.bucket_us, gkey: row.gkey });

/** The first two conditions let ClickHouse skip by partition and primary key; the pairs decide. */
const inGroups = (
  table: string,
) => `${table}.bucket >= toDateTime({first:UInt32}, 'UTC') AND ${table}.bucket <= toDateTime({last:UInt32}, 'UTC')
  AND ${table}.gkey IN {keys:Array(String)}
  AND has(arrayZip({buckets:Array(UInt32)}, {keys:Array(String)}), (toUnixTimestamp(${table}.bucket), ${table}.gkey))`;

function groupParams(groups: readonly GroupRef[]) {
  const buckets = groups.map((group) => Math.round(group.bucket / 1_000_000));
  return { first: Math.min(...buckets), last: Math.max(...buckets), buckets, keys: groups.map((group) => group.gkey) };
}

/** A prefix that isIPAddressInRange understands; one that matches nothing useful where none is asked for. */
function asRange(src: string | undefined): string {
  if (src === undefined || src === "") return "0.0.0.0/32";
  return src.includes("/") ? src : `${src}/${src.includes(":") ? 128 : 32}`;
}
