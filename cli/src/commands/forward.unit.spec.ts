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

describe("forward", () => {
  it("adds, lists, deletes and clears", async () => {
    expect(await cli("forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips")).toMatchObject({
      exit: 0,
      stdout: "forward 3 to ips in force on 1 of 1 agents (revision 12, 6 ms)\n",
    });
    expect(api.seen[0]?.body).toEqual({
      forward: { src: "any", dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" },
      options: { waitMs: 5_000 },
    });
    expect((await cli("forward list")).stdout).toContain(" 3  tcp any -> 10.0.0.0/24:443  ips");
    expect((await cli("forward delete --id 3")).stdout).toContain("forward 3 deleted on 1 of 1 agents");
    expect((await cli("forward clear")).exit).toBe(2);
    expect((await cli("forward clear --confirm")).stdout).toContain("1 forward deleted");
  });

  it("says which modules there are when one is unknown", async () => {
    api.routes.set(
      "POST /v1/forwards",
      refuse(
        documents.problem("unknown_module", 400, "no inspector has announced module x; known modules: ips", {
          next: "secuxflow-cli module list",
          errors: [{ field: "forward.module", message: "use one of ips" }],
        }),
      ),
    );
    expect(await cli("forward add --module x")).toMatchObject({
      exit: 2,
      stderr:
        "secuxflow-cli: no inspector has announced module x; known modules: ips\n  --module: use one of ips\nnext: secuxflow-cli module list\n",
    });
  });

  it("names every value at fault", async () => {
    const { exit, stderr } = await cli("forward add --snaplen 1 --src x");
    expect(exit).toBe(2);
    for (const flag of ["--module", "--snaplen", "--src"]) expect(stderr).toContain(`  ${flag}: `);
  });
});
