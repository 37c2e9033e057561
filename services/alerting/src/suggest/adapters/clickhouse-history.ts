import { z } from "zod";
import type { Database } from "../../storage/domain/database.js";
import { formatMicros, type Micros } from "../../storage/domain/timestamp.js";
import { MAX_WINDOW_SECONDS } from "../../alerts/adapters/clickhouse-alerts.js";
import type { HistoryStore } from "../application/suggestions.js";
import type { History, RuleMatch } from "../domain/history.js";

const Int = z.coerce.number().int();
const Answer = z.tuple([
  z.object({
    flow_count: Int,
    packet_count: Int,
    byte_count: Int,
    guilty_count: Int,
    source_count: Int,
    known_us: Int,
    innocent_count: Int,
    other_count: Int,
  }),
]);

const FORWARD = `({src:String} = 'any' OR src = {src:String}) AND ({dst:String} = 'any' OR dst = {dst:String}) AND ({port:Int32} < 0 OR dport = {port:Int32})`;
const ANSWERS = `({src:String} = 'any' OR dst = {src:String}) AND ({dst:String} = 'any' OR src = {dst:String}) AND ({port:Int32} < 0 OR sport = {port:Int32})`;
const MEETS = `({proto:String} = 'any' OR proto = {proto:String}) AND ((${FORWARD}) OR (${ANSWERS}))`;

/**
 * Asks the tables `flows` and `detections` what `totalsOf` (domain/history.ts) says of them. Suggested rules have single
 * addresses or "any", so addresses are compared as text (both are canonical).
 */
export class ClickHouseHistory implements HistoryStore {
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly db: string,
    private readonly now: () => Micros,
  ) {}

  async history(rule: RuleMatch, source: string, windowMs: number): Promise<History> {
    const since = Math.max(0, this.now() - windowMs * 1_000);
    const database = await this.database();
    const rows = await database.query(
      `WITH
         fromUnixTimestamp64Micro({since:Int64}, 'UTC') AS start,
         flagged AS (
           SELECT DISTINCT flow_id FROM ${this.db}.detections
           WHERE bucket >= toDateTime(start) - ${MAX_WINDOW_SECONDS} AND time >= start AND (src = {source:String} OR dst = {source:String} OR ${MEETS})
         ),
         known AS (
           SELECT flow_id, src, dst, packets, bytes, first,
             ${MEETS} AS met, (${FORWARD}) AS forward, (src = {source:String} OR dst = {source:String}) AS own,
             if(src = {source:String}, dst, src) AS other,
             (detections > 0 OR flow_id IN (SELECT flow_id FROM flagged)) AS guilty
           FROM ${this.db}.flows FINAL
           WHERE toStartOfHour(last) >= toStartOfHour(start) AND last >= start
         )
       SELECT
         uniqExactIf(k.flow_id, k.met) AS flow_count, sumIf(k.packets, k.met) AS packet_count, sumIf(k.bytes, k.met) AS byte_count,
         uniqExactIf(k.flow_id, k.met AND k.guilty) AS guilty_count,
         uniqExactIf(if(k.forward, k.src, k.dst), k.met) AS source_count,
         toUnixTimestamp64Micro(min(k.first)) AS known_us,
         uniqExactIf(k.flow_id, k.own) - uniqExactIf(k.flow_id, k.own AND k.guilty) AS innocent_count,
         uniqExactIf(k.other, k.own AND NOT k.guilty) AS other_count
       FROM known AS k`,
      { since, source, src: rule.src, dst: rule.dst, port: rule.port ?? -1, proto: rule.proto },
    );
    const [answer] = Answer.parse(rows);
    return {
      windowMs,
      knownSince: answer.known_us > 0 ? formatMicros(answer.known_us) : undefined,
      met: {
        flows: answer.flow_count,
        packets: answer.packet_count,
        bytes: answer.byte_count,
        flowsWithDetections: answer.guilty_count,
        sources: answer.source_count,
      },
      innocent: { flows: answer.innocent_count, destinations: answer.other_count },
    };
  }
}
