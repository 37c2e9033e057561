import { describe, expect, it } from "vitest";
import { Metrics } from "./metrics.js";

describe("Metrics", () => {
  it("prints Node's metrics and the service's own, prefixed and labelled with the service", async () => {
    const metrics = new Metrics("test");
    metrics.counter({ name: "packets_total", help: "packets", labels: ["verdict"] }).inc({ verdict: "drop" }, 3);
    metrics.gauge({ name: "secuxflow_revision", help: "revision" }).set(42);
    metrics.histogram({ name: "apply_seconds", help: "apply", buckets: [0.1, 1] }).observe(0.5);
    const text = await metrics.text();
    expect(text).toContain('secuxflow_packets_total{verdict="drop",service="test"} 3');
    expect(text).toContain('secuxflow_revision{service="test"} 42');
    expect(text).toContain('secuxflow_apply_seconds_bucket{le="1",service="test"} 1');
    expect(text).toContain("process_cpu_seconds_total");
  });

  it("asks for values that live elsewhere at each scrape", async () => {
    const metrics = new Metrics("test");
    let depth = 1;
    metrics.gauge({ name: "queue", help: "queue" }, (gauge) => gauge.set(depth));
    metrics.counter({ name: "reads_total", help: "reads" }, (counter) => counter.inc());
    expect(await metrics.text()).toContain('secuxflow_queue{service="test"} 1');
    depth = 5;
    const text = await metrics.text();
    expect(text).toContain('secuxflow_queue{service="test"} 5');
    expect(text).toContain('secuxflow_reads_total{service="test"} 2');
  });

  it("keeps the registries of two services apart and refuses a name twice", async () => {
    const [one, two] = [new Metrics("one"), new Metrics("two")];
    one.counter({ name: "x_total", help: "x" });
    expect(() => one.counter({ name: "x_total", help: "x" })).toThrow(/already/);
    expect(await two.text()).not.toContain("secuxflow_x_total");
  });
});
