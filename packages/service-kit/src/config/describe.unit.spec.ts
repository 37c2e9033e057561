import { describe, expect, it } from "vitest";
import { z } from "zod";
import { serviceSchema } from "../service/base-config.js";
import { describeConfig } from "./describe.js";
import { secret } from "./fields.js";
import { envName } from "./settings.js";

const schema = z.object({
  nats: z.object({ servers: z.array(z.url()).describe("where NATS answers"), token: secret().optional().describe("a | b") }),
  limits: z.object({ maxQueue: z.int().min(1).default(50), ratio: z.number().max(1).optional(), above: z.number().gt(0).default(1) }).prefault({}),
  kind: z.union([z.literal("auto"), z.int()]).default("auto"),
});

describe("describeConfig", () => {
  it("prints a row for every setting in markdown", () => {
    expect(describeConfig(schema, { format: "markdown" }).split("\n")).toEqual([
      "| Setting | Environment | Accepts | Default | Meaning |",
      "| --- | --- | --- | --- | --- |",
      "| nats.servers | SECUXFLOW_NATS_SERVERS | list of URL (separated by commas in the environment) | required | where NATS answers |",
      "| nats.token | SECUXFLOW_NATS_TOKEN or SECUXFLOW_NATS_TOKEN_FILE | text | none | a \\| b |",
      "| limits.maxQueue | SECUXFLOW_LIMITS_MAX_QUEUE | whole number, 1 or more | 50 |  |",
      "| limits.ratio | SECUXFLOW_LIMITS_RATIO | number, 1 or less | none |  |",
      "| limits.above | SECUXFLOW_LIMITS_ABOVE | number above 0 | 1 |  |",
      '| kind | SECUXFLOW_KIND | "auto" or whole number | auto |  |',
    ]);
  });

  it("names every base setting for --help", () => {
    const text = describeConfig(serviceSchema({}, { opsPort: 9101 }));
    for (const name of ["instance", "ops.host", "ops.port", "log.level", "log.format", "shutdown.deadline"]) expect(text).toContain(name);
    expect(text).toMatch(/ops\.port +SECUXFLOW_OPS_PORT +9101/);
  });

  it("never shows a secret's default", () => {
    expect(describeConfig(z.object({ key: secret().default("built-in-key") }))).not.toContain("built-in-key");
  });
});

describe("envName", () => {
  it("is upper snake case", () => expect(envName("P_", ["natsCluster", "maxQueue2", "a-b"])).toBe("P_NATS_CLUSTER_MAX_QUEUE2_A_B"));
});
