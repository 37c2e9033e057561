import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runExample } from "./testing/examples.js";
import { FakeApi } from "./testing/fake-api.js";

const readme = readFileSync(join(repoRoot(import.meta.url), "cli/README.md"), "utf8");
const examples = [...readme.matchAll(/```console\n\$ (secuxflow-cli .+)\n([^]*?)```/g)].map(([, line = "", output = ""]) => [line, output] as const);

describe("the README", () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await FakeApi.start()));
  afterAll(() => api.stop());

  it("has an example of every command", () => {
    const shown = examples.map(([line]) => line.split(" ").slice(1, 3).join(" "));
    for (const name of [
      "rule add", "rule list", "rule show", "rule delete", "rule clear", "forward add", "forward list", "forward delete", "forward clear",
      "status show", "status stats", "alert list", "alert show", "alert watch", "alert export", "alert pcap", "alert fp", "alert suggest", "alert approve", "alert ack", "alert dismiss",
      "module list", "module show", "module push", "module configure", "module enable", "module disable", "module canary", "module promote",
      "module rollback", "module quarantine", "module release", "module rules", "agent list", "rule import", "rule export", "set create", "set list", "set show", "set add", "set remove", "set import",
      "set delete", "service add", "service list", "service show", "service delete", "protection show", "protection set", "status top",
    ]) {
      expect(shown).toContain(name);
    }
    expect(shown.some((name) => name.startsWith("inspect "))).toBe(true);
  });

  it.each(examples)("shows what %s prints", async (line, output) => {
    expect((await runExample(api, line)).output).toBe(output);
  });
});
