import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as documents from "../testing/documents.js";
import { FakeApi, refuse } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

/** Runs a command line as typed (words parted by blanks). */
const cli = (line: string, options: RunOptions = {}) =>
  runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url, ...options.env } });
const ADD = "rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop";

describe("rule add", () => {
  it("sends the rule and says on how many agents it is in force", async () => {
    const { exit, stdout, stderr } = await cli(
      `${ADD} --ttl 10m --priority 5 --owner alice --tag a --tag b --alert 17 --wait 2s`,
    );
    expect([exit, stdout, stderr]).toEqual([0, "rule 7 in force on 1 of 1 agents (revision 12, 6 ms)\n", ""]);
    expect(api.seen[0]).toMatchObject({
      method: "POST",
      path: "/v1/rules",
      headers: { "x-secuxflow-actor": "alice", "content-type": "application/json" },
      body: {
        rule: {
          src: "192.168.1.0/24",
          dst: "10.0.0.5",
          port: 80,
          proto: "tcp",
          action: "drop",
          ttlMs: 600_000,
          priority: 5,
          owner: "alice",
          tags: ["a", "b"],
          alertId: 17,
        },
        options: { confirm: false, waitMs: 2_000 },
      },
    });
  });

  it("names the pending agents and exits with 4", async () => {
    api.routes.set("POST /v1/rules", { ...documents.ruleAdded, enforcement: documents.pending, warnings: ["it hides rule 9"] });
    const { exit, stdout, stderr } = await cli(ADD);
    expect([exit, stdout]).toEqual([4, "rule 7 in force on 1 of 2 agents (revision 12, 5.0 s)\n"]);
    expect(stderr).toBe(
      "warning: it hides rule 9\nwarning: it is stored, but not yet in force on 1 agent: edge-2\nnext: secuxflow-cli agent list\n",
    );
  });

  it("exits with 4 where no agent is live", async () => {
    api.routes.set("POST /v1/rules", {
      ...documents.ruleAdded,
      enforcement: { revision: 12, agents: 0, active: 0, pending: [], waitedMs: 0 },
    });
    const { exit, stdout, stderr } = await cli(ADD);
    expect([exit, stdout]).toEqual([4, "rule 7 in force on no agent (revision 12): none is live\n"]);
    expect(stderr).toContain("comes into force when one starts");
  });

  it("names every value at fault at once, by its flag, and asks nobody", async () => {
    const { exit, stdout, stderr } = await cli(
      "rule add --src 10.0.0.1/8 --dst 10.0.0.300 --sport x --port 65536 --proto tpc --action block --priority -1 --ttl 5 --owner a;b --wait 2h",
    );
    expect([exit, stdout, api.seen.length]).toEqual([2, "", 0]);
    const flags = [...stderr.matchAll(/^ {2}(--\w+): /gm)].map(([, flag]) => flag);
    expect(flags.sort()).toEqual([
      "--action",
      "--dst",
      "--owner",
      "--port",
      "--priority",
      "--proto",
      "--sport",
      "--src",
      "--ttl",
      "--wait",
    ]);
    expect(stderr).toContain('--src: "10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8, or the single address 10.0.0.1?');
    expect(stderr).toMatch(/^next: secuxflow-cli rule add --help$/m);
  });

  it.each([
    [`rule add --port 80 --action drop`, "--port: a port needs a protocol that has ports: add proto tcp or udp"],
    [`rule add --proto icmp --port 80 --action drop`, "--port: icmp has no ports"],
    [
      `rule add --src 10.0.0.1 --dst 2001:db8::1 --action drop`,
      "--dst: src 10.0.0.1 and dst 2001:db8::1 are of different IP families",
    ],
    [`rule add --src 10.0.0.1`, "--action: an action is drop or pass"],
    [`rule add --src 10.0.0.1 --action drop --port 65536 --proto tcp`, "--port: a port is at most 65535"],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });

  it("names two values that do not go together beside others at fault", async () => {
    const { stderr } = await cli("rule add --src 10.0.0.1 --dst 2001:db8::1 --action block");
    expect(stderr).toMatch(/--action: [^]*--dst: /);
  });

  it("puts flags for fields that the API refuses", async () => {
    api.routes.set(
      "POST /v1/rules",
      refuse(
        documents.problem("invalid_input", 400, "the rule is not valid", {
          errors: [
            { field: "rule.tags.0", message: "use letters" },
            { field: "rule.ttlMs", message: "too long" },
            { field: "options.waitMs", message: "no" },
          ],
        }),
      ),
    );
    const { exit, stderr } = await cli(ADD);
    expect(exit).toBe(2);
    expect(stderr).toBe(
      "secuxflow-cli: 3 values are not valid\n  --tag: use letters\n  --ttl: too long\n  --wait: no\nnext: secuxflow-cli rule add --help\n",
    );
  });

  describe("of a dangerous rule", () => {
    beforeEach(() => {
      api.routes.set("POST /v1/rules", (request, response) => {
        const { options } = request.body as { options: { confirm: boolean } };
        const danger = documents.problem("confirmation_required", 428, "drop any -> any may cut you off", {
          next: "add --confirm",
        });
        const [status, type, body] = options.confirm
          ? ([201, "application/json", documents.ruleAdded] as const)
          : ([428, "application/problem+json", danger] as const);
        response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
      });
    });

    it("needs --confirm where nobody can be asked", async () => {
      const { exit, stderr } = await cli("rule add --action drop");
      expect([exit, api.seen.length]).toEqual([2, 1]);
      expect(stderr).toContain("drop any -> any may cut you off: this needs --confirm");
    });
    it("asks at a terminal, and does it after a yes", async () => {
      const { exit, asked } = await cli("rule add --action drop", { answer: "y" });
      expect([exit, asked]).toEqual([0, ["drop any -> any may cut you off. Do it all the same? [y/N] "]]);
    });
    it("does nothing after anything else", async () => {
      const { exit, stderr } = await cli("rule add --action drop", { answer: "" });
      expect([exit, api.seen.length, stderr]).toEqual([1, 1, "secuxflow-cli: not confirmed: nothing was changed\n"]);
    });
    it("does it with --confirm", async () => {
      expect((await cli("rule add --action drop --confirm")).exit).toBe(0);
    });
  });
});
