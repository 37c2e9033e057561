import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wafAlert } from "../testing/documents.js";
import { FakeApi } from "../testing/fake-api.js";
import { runCli } from "../testing/run-cli.js";

describe("alert fp", () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await FakeApi.start()));
  afterAll(() => api.stop());
  const run = (...args: string[]) => {
    api.routes.set("GET /v1/alerts/18", (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(wafAlert));
    });
    return runCli(["alert", "fp", ...args], { env: { SECUXFLOW_API: api.url } });
  };

  it("adds exclusions to a file, each with an id of its own", async () => {
    const folder = await tempDir("exclusions");
    try {
      const file = join(folder.path, "exclusions.conf");
      const first = await run("18", "--file", file);
      expect(first.stdout).toContain(`module rules import ${file} RULES... --module waf`);
      expect((await run("18", "--file", file, "--ttl", "1h", "--path", "/x")).exit).toBe(0);
      const text = readFileSync(file, "utf8");
      expect([...text.matchAll(/id:(\d+)/g)].map(([, id]) => id)).toEqual(["9190000", "9190001"]);
      expect(text).toContain('"@rx ^/forum/post$"');
      expect(text).toContain('"@rx ^/x$"');
    } finally {
      await folder.remove();
    }
  });

  it("says all of it as a document", async () => {
    const { stdout } = await run("18", "--path", "/y", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({ kind: "Exclusion", alertId: 18, path: "/y", exclusions: [{ rule: 942_100, target: "ARGS:body" }] });
  });

  it("refuses alerts that suggest none, and paths that are none", async () => {
    const none = await run("17");
    expect([none.exit, none.stderr]).toEqual([1, expect.stringContaining("alert 17 suggests no exclusion")]);
    const wrong = await run("18", "--path", "x", "--file", "never.conf");
    expect([wrong.exit, wrong.stderr]).toEqual([2, expect.stringContaining("a path begins with /")]);
    expect(existsSync("never.conf")).toBe(false);
  });
});
