import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { captureHeader, captureRecord, LinkType } from "@secuxflow/inspect-offline";
import { tinyModule } from "@secuxflow/inspect-offline/testing";
import { Child, hasTool, repoRoot, runCommand, tempDir, waitFor, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as documents from "./testing/documents.js";
import { FakeApi } from "./testing/fake-api.js";

// The command as a user starts it: bin, bundle, signals and pipes of a real process.
const CLI = join(repoRoot(import.meta.url), "cli");
const BIN = join(CLI, "bin/secuxflow-cli.mjs");

let api: FakeApi;
let folder: TempDir;
beforeAll(async () => {
  await runCommand(process.execPath, [join(CLI, "build.mjs")]);
  api = await FakeApi.start();
  folder = await tempDir("cli");
  symlinkSync(BIN, join(folder.path, "secuxflow-cli"));
});
beforeEach(() => api.reset());
afterAll(async () => {
  await api.stop();
  await folder.remove();
});

const environment = (): NodeJS.ProcessEnv => ({
  ...documents.without(process.env, "NO_COLOR", "NODE_OPTIONS", "SECUXFLOW_API_TOKEN", "SECUXFLOW_API_TOKEN_FILE"),
  SECUXFLOW_API: api.url,
  USER: "alice",
  PATH: `${folder.path}:${process.env.PATH ?? ""}`,
  TERM: "xterm",
});
const cli = (...args: string[]) => runCommand(BIN, args, { env: environment(), check: false });
const start = async (args: string[], stdin = false) => {
  let stdout = "";
  const child = await Child.start({
    command: process.execPath,
    args: [BIN, ...args],
    env: environment(),
    stdin,
    onStdout: (chunk) => void (stdout += chunk.toString("utf8")),
  });
  return { child, stdout: () => stdout };
};

/** Ethernet, IPv4 and an empty TCP segment to port 80, as a record of a capture. */
function record(second: bigint): Uint8Array {
  const ends = "0a0000010a0000c8" + "30390050";
  const data = Buffer.from(`${"00".repeat(12)}0800450000280000400040060000${ends}000000000000000050020000${"00".repeat(4)}`, "hex");
  return captureRecord({ timeNs: second * 1_000_000_000n, wireLength: data.byteLength, data });
}

describe("the command as a process", () => {
  it("tells its version and help", async () => {
    expect(await cli("--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    expect((await cli("rule", "add", "--help")).stdout).toContain("Usage: secuxflow-cli rule add");
  });

  it("ends with the exit codes that are promised", async () => {
    expect((await cli("rule", "list")).code).toBe(0);
    expect((await cli("rule", "delete", "--id", "5")).code).toBe(1);
    expect((await cli("rule", "add", "--port", "70000")).code).toBe(2);
    expect((await cli("rule", "clear")).code).toBe(2);
    api.routes.set("POST /v1/rules", { ...documents.ruleAdded, enforcement: documents.pending });
    expect((await cli("rule", "add", "--src", "10.0.0.1", "--action", "drop")).code).toBe(4);
  });

  it("prints every format from the bundle", async () => {
    expect(JSON.parse((await cli("rule", "list", "-o", "json")).stdout)).toEqual(documents.ruleList);
    expect((await cli("rule", "list", "-o", "yaml")).stdout).toMatch(/^apiVersion: secuxflow\/v1\nkind: RuleList\n/);
  });

  it("ends with 0 on Ctrl-C while it shows something live", async () => {
    for (const args of [
      ["status", "stats", "--interval", "1s", "-o", "json"],
      ["rule", "list", "--watch", "-o", "json"],
    ]) {
      const { child, stdout } = await start(args);
      await waitFor(() => stdout().includes("\n"), {
        what: `the first line of ${args.join(" ")}`,
        giveUp: () => child.exitError(),
      });
      child.signal("SIGINT");
      expect(await child.exited).toEqual({ code: 0, signal: null });
    }
  });

  it("ends with 130 on Ctrl-C while something is to be done, and says what is unknown", async () => {
    api.routes.set("POST /v1/rules", () => undefined);
    const { child } = await start(["rule", "add", "--src", "10.0.0.1", "--action", "drop"]);
    await waitFor(() => api.seen.length > 0, { what: "the request", giveUp: () => child.exitError() });
    child.signal("SIGINT");
    expect(await child.exited).toEqual({ code: 130, signal: null });
    expect(child.log.toString()).toContain("whether the rule was added is unknown");
  });

  it("inspects a capture from stdin as it comes, by what the bundle loads when it is asked for", async () => {
    writeFileSync(join(folder.path, "small.wasm"), tinyModule({ app_proto: "http" }, {}));
    const begin = Buffer.concat([captureHeader(LinkType.ETHERNET), record(0n), record(10n)]);
    const args = ["inspect", "--pcap", "-", "--module", join(folder.path, "small.wasm"), "-o", "eve"];
    const { child, stdout } = await start(args, true);
    // Far apart, so that the first is a batch of its own as soon as the second is there; then there is nothing to read for a while.
    child.stdin?.write(begin);
    await waitFor(() => stdout().includes("\n"), { what: "the first event", giveUp: () => child.exitError() });
    child.stdin?.end(record(20n));
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const events = stdout().trim().split("\n").map((line) => JSON.parse(line) as { pcap_cnt?: number });
    expect(events.map((event) => event.pcap_cnt)).toEqual([1, 2, 3, undefined]);
  });

  it("writes the packets of an alert as bytes, and follows until Ctrl-C", async () => {
    const { stdout } = await runCommand("bash", ["-c", "secuxflow-cli alert pcap 17 2>/dev/null | head -c 4 | od -An -tx1"], { env: environment() });
    expect(stdout.trim()).toBe("4d 3c b2 a1");
    const { child } = await start(["alert", "export", "--follow"]);
    await waitFor(() => api.seen.filter(({ path }) => path.endsWith("/detections")).length > 2, { what: "a second look", giveUp: () => child.exitError() });
    child.signal("SIGINT");
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  it("is content when nobody reads on", async () => {
    const many = Array.from({ length: 4_000 }, (_, index) => ({ ...documents.ruleList.items[0], id: index + 1 }));
    api.routes.set("GET /v1/rules", { ...documents.ruleList, items: many });
    const { stdout, stderr } = await runCommand("bash", ["-c", 'secuxflow-cli rule list | head -n 1; echo "${PIPESTATUS[0]}"'], {
      env: environment(),
    });
    expect(stdout.split("\n").slice(0, 2)).toEqual([expect.stringMatching(/^ +ID/), "0"]);
    expect(stderr).toBe("");
  });

  it("prints all of a long list into a pipe", async () => {
    const many = Array.from({ length: 4_000 }, (_, index) => ({ ...documents.ruleList.items[0], id: index + 1 }));
    api.routes.set("GET /v1/rules", { ...documents.ruleList, items: many });
    expect((await cli("rule", "list")).stdout.split("\n")).toHaveLength(4_002);
  });

  it("says what to do when it is not built", async () => {
    const there = join(folder.path, "unbuilt/bin");
    cpSync(join(CLI, "bin"), there, { recursive: true });
    const { code, stderr } = await runCommand(process.execPath, [join(there, "secuxflow-cli.mjs"), "rule", "list"], {
      check: false,
    });
    expect([code, stderr]).toEqual([1, "secuxflow-cli: it is not built yet\nnext: npm run build (in the folder of SecuXFlow)\n"]);
  });

  it("completes words in bash", async () => {
    const complete = async (...words: string[]) => {
      const script =
        'source <(secuxflow-cli completion bash); COMP_WORDS=(secuxflow-cli "$@"); COMP_CWORD=$#; _secuxflow_cli; printf "%s\\n" "${COMPREPLY[@]}"';
      return (await runCommand("bash", ["-c", script, "bash", ...words], { env: environment() })).stdout.trimEnd().split("\n");
    };
    expect(await complete("rule", "")).toEqual(["add", "list", "show", "delete", "clear", "import", "export"]);
    expect(await complete("rule", "delete", "--id", "")).toEqual(["7", "9"]);
  });

  for (const shell of ["zsh", "fish"]) {
    it.skipIf(!hasTool(shell))(`prints a script that ${shell} can read (needs ${shell})`, async () => {
      const { stdout } = await cli("completion", shell);
      // A file and not stdin: fish does not check what it reads from there.
      const script = join(folder.path, `completion.${shell}`);
      writeFileSync(script, stdout);
      await runCommand(shell, ["-n", script]);
    });
  }
});

describe.skipIf(!hasTool("script"))("at a terminal (needs script of util-linux)", () => {
  /** Runs a command line in a pseudo-terminal, typing `input` when `prompt` is there. */
  const atTerminal = async (line: string, prompt: string, input: string) => {
    let output = "";
    const child = await Child.start({
      command: "script",
      // exec: a shell that stays (dash, where SHELL is unset) would die of the Ctrl-C itself, and its 130 hide ours.
      args: ["-qec", `exec ${process.execPath} ${BIN} ${line}`, "/dev/null"],
      env: environment(),
      stdin: true,
      onStdout: (chunk) => void (output += chunk.toString("utf8")),
    });
    await waitFor(() => output.includes(prompt), { what: `the question of ${line}`, giveUp: () => child.exitError() });
    child.stdin?.write(input);
    return { status: await child.exited, output: () => output };
  };

  it("asks before it clears, and does what is answered", async () => {
    const yes = await atTerminal("rule clear", "[y/N]", "y\r");
    expect(yes.status.code).toBe(0);
    expect(yes.output()).toContain("2 rules deleted on 1 of 1 agents");
    api.seen.length = 0;
    const no = await atTerminal("rule clear", "[y/N]", "\r");
    expect([no.status.code, api.seen.map(({ method }) => method)]).toEqual([1, ["GET"]]);
    expect(no.output()).toContain("nothing was changed");
  });

  it("takes Ctrl-C as no", async () => {
    const { status } = await atTerminal("rule clear", "[y/N]", "\x03");
    expect(status.code).toBe(1);
    expect(api.seen.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("redraws until Ctrl-C", async () => {
    const { status, output } = await atTerminal("rule list --watch", "Ctrl-C ends", "\x03");
    expect(status.code).toBe(0);
    expect(output()).toMatch(/\x1b\[31mdrop *\x1b\[0m/);
  });
});
