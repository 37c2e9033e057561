import { natsSettings } from "@secuxflow/nats";
import { durationMs, secret, serviceSchema } from "@secuxflow/service-kit";
import { z } from "zod";
import { MAX_WINDOW_SECONDS } from "./alerts/adapters/clickhouse-alerts.js";
import { DATABASE_NAME } from "./storage/adapters/schema.js";

const DAY_MS = 86_400_000;
/** Retention is kept in whole days. */
const days = (least: number) => z.int().min(least).max(3_650);

/** Everything that can be configured. `--help` and README list it. */
export const AlertingConfig = serviceSchema({
  nats: natsSettings.prefault({}),
  clickhouse: z
    .object({
      url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe("a ClickHouse server (23.8 or newer); without it the embedded one is used")
        .meta({ expects: "http(s) URL" }),
      user: z.string().min(1).default("default").describe("user of the server"),
      password: secret().optional().describe("password of the server"),
      database: z
        .string()
        .regex(DATABASE_NAME, "Expected a-z, 0-9 and _, a letter first")
        .default("secuxflow")
        .describe("database of our tables"),
      dataDir: z
        .string()
        .min(1)
        .default(".secuxflow/clickhouse")
        .describe("folder of the embedded ClickHouse; one process owns it"),
      requestTimeout: durationMs({ min: 100, max: 600_000 }).prefault("30s").describe("longest wait for the server"),
      fsync: z.boolean().default(true).describe("acknowledge what is stored only when it is on disk"),
    })
    .prefault({}),
  retention: z
    .object({
      detections: days(1).default(90).describe("days that alerts are kept"),
      flows: days(2).default(7).describe("days that flow history is kept; a blast radius looks one day back"),
    })
    .prefault({}),
  alerts: z
    .object({
      aggregationWindow: durationMs({ min: 1_000, max: MAX_WINDOW_SECONDS * 1_000 })
        .prefault("5m")
        .refine(
          (ms) => ms % 1_000 === 0 && DAY_MS % ms === 0,
          "Expected whole seconds that a day can be divided by, such as 30s, 5m or 1h",
        )
        .describe("detections within so long are one alert"),
      floodPerMinute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(1_000)
        .describe("detections a minute of one alert that keep packet and attributes"),
    })
    .prefault({}),
  ingest: z
    .object({
      batch: z.int().min(1).max(10_000).default(1_000).describe("most messages in one insert"),
      spacing: durationMs({ min: 0, max: 1_000 })
        .prefault("20ms")
        .describe("pause after an insert under load"),
      ackWait: durationMs({ min: 1_000, max: 3_600_000 })
        .prefault("30s")
        .describe("time after which NATS sends again what is not acknowledged"),
    })
    .prefault({}),
});
export type AlertingConfig = z.output<typeof AlertingConfig>;
