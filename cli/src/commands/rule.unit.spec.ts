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

describe("rule list, show, delete, clear", () => {
  it("lists rules with match, hits, expiry and where they are in force", async () => {
    const { exit, stdout, stderr } = await cli("rule list");
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      [
        "ID  PRIO  MATCH                              ACTION  PACKETS     BYTES  LAST HIT  EXPIRES  OWNER  COMMENT    ACTIVE",
        " 7  1000  tcp 192.168.1.0/24 -> 10.0.0.5:80  drop     12,345  1.50 MiB  3m ago    in 10m   alice  port scan     1/1",
        " 9  2000  2001:db8::1 -> any                 pass          0       0 B  never     never                         0/1",
        "",
      ].join("\n"),
    );
  });

  it("fits a terminal, with colours, and none with --no-color or NO_COLOR", async () => {
    const at = (options: RunOptions, more = "") => cli(`rule list${more}`, { columns: 60, ...options });
    const coloured = (await at({})).stdout;
    expect(coloured).toContain("\x1b[31mdrop");
    for (const { stdout } of [
      await at({}, " --no-color"),
      await at({ env: { NO_COLOR: "1" } }),
      await at({ env: { TERM: "dumb" } }),
    ]) {
      expect(stdout).not.toContain("\x1b");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
    }
  });

  it("prints the document as JSON and YAML, with times in ISO", async () => {
    const json = await cli("rule list -o json");
    expect(JSON.parse(json.stdout)).toEqual(documents.ruleList);
    expect(parse((await cli("-o yaml rule list")).stdout)).toEqual(documents.ruleList);
  });

  it("escapes what is in comments", async () => {
    api.routes.set("GET /v1/rules", {
      ...documents.ruleList,
      items: [{ ...documents.ruleList.items[0], comment: "\x1b[2Jevil\u202e\n" }],
    });
    expect((await cli("rule list")).stdout).toContain("\\x1b[2Jevil\\u202e\\n");
    expect((await cli("rule list -o json")).stdout).toContain("\\u001b[2Jevil\\u202e\\n");
  });

  it("shows a rule, and says when there is none", async () => {
    expect((await cli("rule show --id 7")).stdout).toContain("last hit  3m ago (2026-11-22T11:57:00.000Z)\n");
    expect(JSON.parse((await cli("rule show 7 -o json")).stdout)).toMatchObject({
      apiVersion: "secuxflow/v1",
      kind: "Rule",
      id: 7,
    });
    expect(await cli("rule show --id 8")).toMatchObject({
      exit: 1,
      stderr: "secuxflow-cli: there is no rule 8\nnext: secuxflow-cli rule list\n",
    });
  });

  it("deletes by id", async () => {
    const { exit, stdout } = await cli("rule delete --id 42");
    expect([exit, stdout]).toEqual([0, "rule 42 deleted on 1 of 1 agents (revision 12, 6 ms)\n"]);
    expect(api.seen[0]?.query.get("waitMs")).toBe("5000");
  });

  it.each([
    ["rule delete", "which one"],
    ["rule delete --id x", "an id is a whole number from 1 on"],
    ["rule delete --id 0", "an id is"],
    ["rule delete 4 --id 5", "given twice"],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(`--id: ${message}`);
  });

  it("clears only when confirmed", async () => {
    const refused = await cli("rule clear");
    expect([refused.exit, api.seen.length]).toEqual([2, 0]);
    expect(refused.stderr).toContain("--confirm");
    expect((await cli("rule clear", { answer: "n" })).exit).toBe(1);
    expect(api.seen.map(({ method }) => method)).toEqual(["GET"]);
    const yes = await cli("rule clear", { answer: "yes" });
    expect([yes.exit, yes.stdout, yes.asked]).toEqual([
      0,
      "2 rules deleted on 1 of 1 agents (revision 12, 6 ms)\n",
      ["Delete all rules (2 at the moment)? [y/N] "],
    ]);
    expect(api.seen.at(-1)?.query.get("confirm")).toBe("true");
  });

  it("says when there was nothing to clear", async () => {
    api.routes.set("DELETE /v1/rules", documents.removed("rule", [], { ...documents.inForce, agents: 0, active: 0 }));
    expect(await cli("rule clear --confirm")).toMatchObject({ exit: 0, stdout: "there were no rules\n" });
  });

  it("watches: block after block, JSON line after line, through an API that is away for a while", async () => {
    const stop = new AbortController();
    let looks = 0;
    const onSleep = () => {
      looks += 1;
      if (looks === 1) api.routes.set("GET /v1/rules", (_request, response) => void response.socket?.destroy());
      if (looks === 2) api.routes.set("GET /v1/rules", documents.ruleList);
      if (looks === 3) stop.abort();
    };
    const { exit, stdout, stderr } = await cli("rule list --watch 1s -o json", { signal: stop.signal, onSleep });
    expect(exit).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { kind: string }).kind),
    ).toEqual(["RuleList", "RuleList"]);
    expect(stderr).toContain("trying again");
  });

  it("redraws on a terminal", async () => {
    const stop = new AbortController();
    const { exit, stdout } = await cli("rule list --watch", { signal: stop.signal, columns: 120, onSleep: () => stop.abort() });
    expect(exit).toBe(0);
    expect(stdout).toContain("\x1b[H");
  });
});
