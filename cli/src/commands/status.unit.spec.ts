import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as documents from "../testing/documents.js";
import { FakeApi } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

/** Runs a command line as typed (words parted by blanks). */
const cli = (line: string, options: RunOptions = {}) =>
  runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url, ...options.env } });

describe("status, module, agent", () => {
  it("shows the system", async () => {
    const { stdout } = await cli("status show");
    for (const part of [
      "system degraded: policy default at revision 12, 2 rules, 1 forward",
      "alerting   down   no answer",
      "edge-1  ok            12       0  eth0 native",
      "edge-2  silent",
      "! edge-2: NATS is away",
      "insp-1     ok     63 (0-61, 63)",
      "ips     0.1.0    running        1  insp-1",
      "alerting ok (chdb): 1,234 detections stored, 0 pending, 99 flows known",
    ])
      expect(stdout).toContain(part);
    expect(parse((await cli("status show -o yaml")).stdout)).toEqual(documents.status);
  });

  it("says how many flows were encrypted, where a module counts them", async () => {
    const [inspector] = documents.status.inspectors;
    const modules = inspector?.modules.map((module) => ({ ...module, flows: { read: 1_200, encrypted: 34, other: 5 } })) ?? [];
    api.routes.set("GET /v1/status", { ...documents.status, inspectors: [{ ...inspector, modules }] });
    const { stdout } = await cli("status show");
    expect(stdout).toMatch(/^MODULE +VERSION +STATE +STRIKES +INSPECTOR +FLOWS READ +ENCRYPTED$/m);
    expect(stdout).toMatch(/^ips +0\.1\.0 +running +1 +insp-1 +1,200 +34$/m);
  });

  it("shows a system without anything", async () => {
    api.routes.set("GET /v1/status", {
      ...documents.without(documents.status, "alerting"),
      components: [],
      agents: [],
      inspectors: [],
    });
    const { stdout } = await cli("status show");
    for (const part of ["no agents: nothing is filtered", "no inspectors: nothing is inspected", "alerting away"])
      expect(stdout).toContain(part);
  });

  it("lists modules and agents", async () => {
    expect((await cli("module list")).stdout).toContain(
      "ips   0.1.0    running           1         1  sha256:abababababab  Intrusion prevention",
    );
    expect((await cli("agent list")).stdout).toContain("edge-2  silent         9       3");
  });
});
