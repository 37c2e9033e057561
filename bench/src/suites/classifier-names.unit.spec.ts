import { expect, it } from "vitest";
import { metric } from "../statistics.js";
import { withoutShape } from "./classifier-names.js";

it("the worse of acl and fw gives the metric without a shape", () => {
  const all = withoutShape([
    metric("ratio.secuxflow.acl.100.hit", "1", [2]), metric("ratio.secuxflow.fw.100.hit", "1", [3, 4, 5]), metric("ratio.secuxflow.ipc.100.hit", "1", [9]),
    metric("ratio.secuxflow.cached.acl.100", "1", [1.5]), metric("ratio.xdp-filter.100.hit", "1", [7]), metric("memory_mb.fw.100", "MB", [8]),
    metric("ratio.secuxflow.flood.acl.1", "1", [1.1]), metric("ratio.secuxflow.flood.fw.100", "1", [1.2]), metric("ratio.secuxflow.flood.ipc.100", "1", [1.4]),
  ]);
  expect(all.map(({ name, median, n }) => [name, median, n])).toEqual([
    ["ratio.secuxflow.100.hit", 4, 3], ["ratio.secuxflow.cached.100", 1.5, 1], ["memory_mb.100", 8, 1], ["ratio.secuxflow.flood", 1.2, 1],
  ]);
});
