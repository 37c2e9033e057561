import type { Metrics } from "@secuxflow/service-kit";
import type { IngestMeter } from "../application/ports.js";

/** The Prometheus metrics of ingestion; one meter for each queue. */
export function ingestMeters(metrics: Metrics): (queue: "detections" | "flows") => IngestMeter {
  const labels = ["queue"] as const;
  const counter = (name: string, help: string) => metrics.counter({ name: `alerting_${name}_total`, help, labels });
  const received = counter("ingested", "Messages taken from the stream");
  const inserted = counter("inserted", "Rows stored");
  const retries = counter("insert_retries", "Inserts that failed and were tried again");
  const suppressed = counter("suppressed", "Detections of a flood stored without packet and attributes");
  const malformed = counter("malformed", "Messages that held nothing to store and were skipped");
  const refused = counter("refused", "Rows that ClickHouse refused for what is in them");
  const seconds = metrics.histogram({ name: "alerting_insert_seconds", help: "Time of one insert that succeeded", labels });
  return (queue) => {
    for (const each of [received, inserted, retries, suppressed, malformed, refused]) each.inc({ queue }, 0);
    return {
      received: (messages) => received.inc({ queue }, messages),
      inserted: (rows, took) => {
        inserted.inc({ queue }, rows);
        seconds.observe({ queue }, took);
      },
      retried: () => retries.inc({ queue }),
      suppressed: (rows) => suppressed.inc({ queue }, rows),
      malformed: (messages) => malformed.inc({ queue }, messages),
      refused: (rows) => refused.inc({ queue }, rows),
    };
  };
}
