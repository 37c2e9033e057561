import type { Command } from "commander";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SCRIPTS } from "./completion/scripts.js";
import { buildProgram } from "./program.js";
import type { Env } from "./env.js";
import { FakeApi } from "./testing/fake-api.js";
import { runCli } from "./testing/run-cli.js";

const silent = { write: () => undefined, isTTY: false, columns: undefined, rows: undefined };
const program = buildProgram({
  env: { stdout: silent, stderr: silent, getenv: () => undefined, version: "1.2.3" } as unknown as Env,
  exit: 0,
  path: "",
});

/** Every command by its full name. */
const commands = (command: Command, path: string[] = []): [string, Command][] =>
  command.commands
    .filter((one) => !one.name().startsWith("__"))
    .flatMap((one) => {
      const name = [...path, one.name()];
      return [[name.join(" "), one] as [string, Command], ...commands(one, name)];
    });

describe("the command line", () => {
  it("has every command that was promised", () => {
    const names = commands(program).map(([name]) => name);
    for (const name of [
      "rule add",
      "rule list",
      "rule show",
      "rule delete",
      "rule clear",
      "forward add",
      "forward list",
      "forward delete",
      "forward clear",
      "rule import",
      "rule export",
      "set create",
      "set list",
      "set show",
      "set add",
      "set remove",
      "set import",
      "set delete",
      "service add",
      "service list",
      "service show",
      "service delete",
      "protection show",
      "protection set",
      "status show",
      "status stats",
      "status top",
      "alert list",
      "alert show",
      "alert watch",
      "alert export",
      "alert pcap",
      "alert suggest",
      "alert approve",
      "alert ack",
      "alert dismiss",
      "module list",
      "module show",
      "module push",
      "module keygen",
      "module configure",
      "module enable",
      "module disable",
      "module canary",
      "module promote",
      "module rollback",
      "module quarantine",
      "module release",
      "module rules import",
      "module rules show",
      "agent list",
      "inspect",
      "completion bash",
      "completion zsh",
      "completion fish",
    ])
      expect(names).toContain(name);
  });

  it.each(commands(program).map(([name]) => name))("%s has a help with examples", async (name) => {
    const { exit, stdout, stderr } = await runCli([...name.split(" "), "--help"]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: secuxflow-cli ${name}`);
    expect(stdout).toMatch(/^Examples:\n {2}# .+\n {2}(source <\()?secuxflow-cli /m);
    if (!name.startsWith("completion")) expect(stdout).toContain("--output <format>");
  });

  it("knows every command and option that its examples show", async () => {
    const helps = await Promise.all(
      [[""], ...commands(program)].map(([name]) => runCli([...(name ?? "").split(" ").filter(Boolean), "--help"])),
    );
    const lines = helps
      .flatMap(({ stdout }) => [...stdout.matchAll(/^ {2}secuxflow-cli (.+)$/gm)].map(([, line]) => line ?? ""))
      .filter((line) => !line.includes("|"));
    expect(lines.length).toBeGreaterThan(30);
    const all = new Map(commands(program));
    for (const line of lines) {
      const words = line.replaceAll(/'[^']*'/g, "x").split(" ");
      const command = all.get(words.slice(0, 3).join(" ")) ?? all.get(words.slice(0, 2).join(" ")) ?? all.get(words[0] ?? "");
      expect([line, command !== undefined]).toEqual([line, true]);
      const known = [...(command?.options ?? []), ...program.options].flatMap(({ long, short }) => [long, short]);
      for (const word of words.filter((one) => /^-./.test(one))) expect([line, known.includes(word)]).toEqual([line, true]);
    }
  });

  it("tells its version, on stdout", async () => {
    expect(await runCli(["--version"])).toMatchObject({ exit: 0, stdout: "1.2.3\n" });
  });

  it.each([
    [["nonsense"], "unknown command 'nonsense'"],
    [["rule", "lst"], "unknown command 'lst'"],
    [["rule", "list", "--foo"], "unknown option '--foo'"],
    [["rule", "list", "x"], "too many arguments"],
    [["rule", "add", "--port"], "argument missing"],
    [["rule"], "Usage: secuxflow-cli rule"],
    [[], "Usage: secuxflow-cli"],
  ])("takes %j as wrong usage", async (argv, message) => {
    const { exit, stdout, stderr } = await runCli(argv);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  it("suggests what may be meant, and where to read", async () => {
    expect((await runCli(["rule", "lst"])).stderr).toContain("(Did you mean list?)");
    expect((await runCli(["rule", "list", "--wacth"])).stderr).toContain("next: secuxflow-cli rule list --help");
  });
});

describe("settings", () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await FakeApi.start()));
  beforeEach(() => api.reset());
  afterAll(() => api.stop());
  const list = (args: string[], env: Record<string, string> = {}, files = {}) =>
    runCli(["rule", "list", ...args], { env, files });
  const sent = () => api.seen.at(-1)?.headers.authorization;

  it("takes the token from a file or the environment, the flag first, and never shows it", async () => {
    const files = { "/t": "from-flag\n", "/e": "from-env-file" };
    await list(
      ["--api", api.url, "--token-file", "/t"],
      { SECUXFLOW_API_TOKEN: "direct", SECUXFLOW_API_TOKEN_FILE: "/e" },
      files,
    );
    expect(sent()).toBe("Bearer from-flag");
    await list(["--api", api.url], { SECUXFLOW_API_TOKEN: "direct" });
    expect(sent()).toBe("Bearer direct");
    await list([], { SECUXFLOW_API: api.url, SECUXFLOW_API_TOKEN_FILE: "/e" }, files);
    expect(sent()).toBe("Bearer from-env-file");
    const wrong = await list(["--api", api.url], { SECUXFLOW_API_TOKEN: "secret\nsecret" });
    expect(wrong.exit).toBe(2);
    expect(wrong.stderr).toContain("SECUXFLOW_API_TOKEN: a token is one line");
    expect(wrong.stderr).not.toContain("secret");
  });

  it("names everything that is wrong at once", async () => {
    const { exit, stderr } = await list(["--token-file", "/none", "--timeout", "0", "-o", "xml", "--api", "ftp://x"]);
    expect(exit).toBe(2);
    expect([...stderr.matchAll(/^ {2}(--[\w-]+): /gm)].map(([, flag]) => flag)).toEqual([
      "--api",
      "--timeout",
      "--token-file",
      "--output",
    ]);
    expect(stderr).toContain("/none cannot be read (ENOENT)");
  });

  it.each([
    ["localhost:7400", "is neither http:// nor https://"],
    ["nonsense", "is not a URL"],
    ["http://a:b@host:1", "holds no secrets"],
    ["http://host:1/v1", "leave out what follows the port; write http://host:1"],
  ])("refuses the address %s", async (url, message) => {
    const { exit, stderr } = await list([], { SECUXFLOW_API: url });
    expect(exit).toBe(2);
    expect(stderr).toContain("SECUXFLOW_API: ");
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("a:b");
  });
});

describe("completion", () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await FakeApi.start()));
  beforeEach(() => api.reset());
  afterAll(() => api.stop());
  const complete = async (...words: string[]) => {
    const { stdout } = await runCli(["__complete", "--", ...words], { env: { SECUXFLOW_API: api.url } });
    return stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split("\t")[0]);
  };

  it.each([
    [[""], ["rule", "forward", "set", "service", "protection", "alert", "status", "module", "agent", "inspect", "completion"]],
    [["st"], ["status"]],
    [
      ["rule", ""],
      ["add", "list", "show", "delete", "clear", "import", "export"],
    ],
    [["set", "show", "b"], ["blocklist"]],
    [["rule", "add", "--src", "@"], ["@blocklist"]],
    [["rule", "add", "--service", ""], ["shop"]],
    [["service", "delete", ""], ["shop"]],
    [["rule", "add", "--act"], ["--action"]],
    [
      ["rule", "add", "--action", ""],
      ["drop", "pass", "limit", "reject", "redirect"],
    ],
    [["rule", "add", "--src", "10.0.0.1", "--proto", "t"], ["tcp"]],
    [
      ["rule", "list", "-o", ""],
      ["table", "json", "yaml"],
    ],
    [["--output", "js"], ["json"]],
    [
      ["inspect", "-o", ""],
      ["table", "json", "yaml", "eve"],
    ],
    [["inspect", "--pc"], ["--pcap"]],
    [["inspect", "--module", "w"], ["waf"]],
    [
      ["rule", "delete", "--id", ""],
      ["7", "9"],
    ],
    [["forward", "add", "--module", "i"], ["ips"]],
    [["forward", "delete", "--id", ""], ["3"]],
    [
      ["alert", "show", "1"],
      ["17", "16"],
    ],
    [["alert", "show", "17", "--api", ""], []],
    [["nonsense", "x", "y"], []],
  ])("of %j is %j", async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  it("is silent when the API is away", async () => {
    expect(
      await runCli(["__complete", "--", "rule", "delete", "--id", ""], { env: { SECUXFLOW_API: "http://127.0.0.1:1" } }),
    ).toMatchObject({ exit: 0, stdout: "", stderr: "" });
  });

  it("prints the scripts as they are", async () => {
    for (const shell of ["bash", "zsh", "fish"] as const)
      expect((await runCli(["completion", shell])).stdout).toBe(SCRIPTS[shell]);
  });
});
