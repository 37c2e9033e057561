import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError } from "./errors.js";
import { durationMs, secret } from "./fields.js";
import { loadConfig, type LoadOptions } from "./load.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "secuxflow-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `config-${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}

const schema = z.object({
  nats: z.object({
    servers: z.array(z.url()).min(1).describe("where NATS answers"),
    token: secret().optional(),
    maxQueue: z.int().min(1).max(1_000).default(100),
    timeout: durationMs().prefault("5s"),
  }),
  ops: z.object({ port: z.int().min(0).max(65_535).default(0) }).prefault({}),
  mode: z.enum(["fast", "safe"]).default("safe"),
  debug: z.boolean().default(false),
  labels: z.record(z.string(), z.string()).default({}),
  webhooks: z.array(z.object({ url: z.url(), retries: z.int().default(3) })).default([]),
  tls: z.object({ cert: z.string(), key: secret() }).optional(),
});
type Config = z.output<typeof schema>;

const load = (options: Partial<LoadOptions<Config>>) => loadConfig<Config>({ schema, env: {}, ...options });

function problemsOf(options: Partial<LoadOptions<Config>>): string[] {
  try {
    load(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n").slice(1).map((line) => line.trim());
  }
  throw new Error("the configuration was accepted");
}

describe("loadConfig", () => {
  it("takes defaults, then the file, then the environment", () => {
    const path = file("nats:\n  servers: [nats://a:4222]\n  maxQueue: 7\nmode: fast\n");
    const loaded = load({ file: path, env: { SECUXFLOW_NATS_MAX_QUEUE: "9", SECUXFLOW_DEBUG: "yes" } });
    expect(loaded.value).toMatchObject({
      nats: { servers: ["nats://a:4222"], maxQueue: 9, timeout: 5_000 },
      mode: "fast",
      debug: true,
      ops: { port: 0 },
      labels: {},
    });
    expect(loaded.value.tls).toBeUndefined();
    expect(loaded.file).toBe(path);
    expect(loaded.sources.get("nats.maxQueue")).toEqual({ kind: "env", name: "SECUXFLOW_NATS_MAX_QUEUE" });
    expect(loaded.sources.get("mode")).toEqual({ kind: "file", path, line: 4 });
  });

  it("reads lists, maps and lists of maps from the environment", () => {
    const { value } = load({
      env: {
        SECUXFLOW_NATS_SERVERS: "nats://a:4222, nats://b:4222",
        SECUXFLOW_LABELS: '{"site":"north"}',
        SECUXFLOW_WEBHOOKS: '[{"url":"https://example.org/x"}]',
        SECUXFLOW_NATS_TIMEOUT: "250ms",
        SECUXFLOW_TLS_CERT: "cert.pem",
        SECUXFLOW_TLS_KEY: "key-material",
      },
    });
    expect(value.nats.servers).toEqual(["nats://a:4222", "nats://b:4222"]);
    expect(value.nats.timeout).toBe(250);
    expect(value.labels).toEqual({ site: "north" });
    expect(value.webhooks).toEqual([{ url: "https://example.org/x", retries: 3 }]);
    expect(value.tls).toEqual({ cert: "cert.pem", key: "key-material" });
  });

  it("finds its file through SECUXFLOW_CONFIG, and an argument wins over that", () => {
    const one = file("nats: {servers: ['nats://one:1']}");
    const two = file("nats: {servers: ['nats://two:2']}");
    expect(load({ env: { SECUXFLOW_CONFIG: one } }).value.nats.servers).toEqual(["nats://one:1"]);
    expect(load({ env: { SECUXFLOW_CONFIG: one }, file: two }).value.nats.servers).toEqual(["nats://two:2"]);
  });

  it("reads other names through envMap, the first that is set", () => {
    const envMap = { "nats.servers": ["SECUXFLOW_NATS_SERVERS", "NATS_URL"] };
    expect(load({ envMap, env: { NATS_URL: "nats://x:1" } }).value.nats.servers).toEqual(["nats://x:1"]);
    expect(load({ envMap, env: { NATS_URL: "nats://x:1", SECUXFLOW_NATS_SERVERS: "nats://y:1" } }).value.nats.servers).toEqual(["nats://y:1"]);
  });

  it("takes an empty variable as not set", () => {
    const env = { SECUXFLOW_NATS_SERVERS: "nats://a:1", SECUXFLOW_MODE: "", SECUXFLOW_CONFIG: "" };
    expect(load({ env }).value.mode).toBe("safe");
  });

  it("takes a section that holds only comments as left out", () => {
    const path = file("nats:\n  servers: [nats://a:1]\nops:\n  # port: 1\n");
    expect(load({ file: path }).value.ops.port).toBe(0);
  });

  it("tells all errors at once: where each value came from and what would be right", () => {
    const path = file("nats:\n  maxQueue: 0\n  sevrers: [nats://a:1]\nmode: quick\nwebhooks:\n  - url: https://a.example\n    retires: 2\n");
    const problems = problemsOf({ file: path, env: { SECUXFLOW_OPS_PORT: "70000", SECUXFLOW_DEBUG: "perhaps", SECUXFLOW_NATS_TIMEOUT: "soon" } });
    const find = (start: string) => problems.find((line) => line.startsWith(start)) ?? `no line for ${start}`;
    expect(find("nats.servers")).toMatch(/\[not set\]: is missing; expected list of URL.*SECUXFLOW_NATS_SERVERS/);
    expect(find("nats.maxQueue")).toMatch(/config-\d+\.yaml:2\]: 0 is not accepted: .*>=1; expected whole number from 1 to 1000/);
    expect(find("nats.sevrers")).toMatch(/yaml:3\]: unknown setting; expected `servers`, perhaps/);
    expect(find("mode")).toMatch(/yaml:4\]: "quick" is not accepted.*expected one of fast, safe/);
    expect(find("webhooks.0.retires")).toMatch(/yaml:7\]: unknown setting; expected `retries`, perhaps/);
    expect(find("ops.port")).toMatch(/\[SECUXFLOW_OPS_PORT\]: 70000 is not accepted.*expected whole number from 0 to 65535/);
    expect(find("debug")).toMatch(/\[SECUXFLOW_DEBUG\]: "perhaps" is not accepted.*expected true or false/);
    expect(find("nats.timeout")).toMatch(/\[SECUXFLOW_NATS_TIMEOUT\]: "soon" is not accepted.*expected duration/);
    expect(problems).toHaveLength(8);
  });

  it("names the line of a value inside a list of the file", () => {
    const path = file("nats:\n  servers:\n    - nats://a:1\n    - not a url\n");
    expect(problemsOf({ file: path })).toEqual([expect.stringMatching(/^nats\.servers\.1 \[.*yaml:4\]/)]);
  });

  it.each([
    ["no such file", () => join(folder, "missing.yaml"), /\(file\) \[.*missing\.yaml\]: cannot be read \(ENOENT\)/],
    ["a list", () => file("- a\n- b\n"), /holds no map/],
    ["a syntax error", () => file("nats:\n  servers: [a\nmode: fast\n"), /yaml:\d+\]: .*expected valid YAML/],
    ["a key twice", () => file("mode: fast\nmode: safe\n"), /yaml:2\]: Map keys must be unique/],
    ["too large a file", () => file(`# ${"x".repeat(1024 * 1024)}\n`), /too large/],
    ["aliases that multiply", () => file(`a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [${"*b,".repeat(30)}]\n`), /alias/],
  ])("refuses %s", (_what, path, message) => {
    const problems = problemsOf({ file: path() });
    expect(problems.join("\n")).toMatch(message);
    expect(problems.join("\n")).not.toContain("is missing"); // says nothing of what the file may have held
  });

  it("still judges the environment when the file cannot be read", () => {
    const problems = problemsOf({ file: join(folder, "missing.yaml"), env: { SECUXFLOW_MODE: "quick" } });
    expect(problems).toHaveLength(2);
    expect(problems[1]).toMatch(/^mode \[SECUXFLOW_MODE\]/);
  });

  it("refuses keys that look like a prototype", () => {
    const path = file("nats: {servers: ['nats://a:1']}\n__proto__: {polluted: 1}\nconstructor: 1\n");
    expect(problemsOf({ file: path })).toHaveLength(2);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("warns of a mistyped environment variable and leaves other services' alone", () => {
    const env = { SECUXFLOW_NATS_SERVERS: "nats://a:1", SECUXFLOW_OPS_PROT: "1", SECUXFLOW_REQUIRE: "kernel", OTHER: "x" };
    expect(load({ env }).warnings).toEqual(["environment variable SECUXFLOW_OPS_PROT is not a setting; did you mean SECUXFLOW_OPS_PORT?"]);
  });

  it("does not allow two settings to share a variable", () => {
    const clash = z.object({ key: secret(), keyFile: z.string() });
    expect(() => loadConfig({ schema: clash, env: {} })).toThrow(/both read from SECUXFLOW_KEY_FILE/);
    expect(() => load({ envMap: { "nats.nothing": "X" } })).toThrow(/schema does not have/);
  });
});

describe("secrets", () => {
  const env = { SECUXFLOW_NATS_SERVERS: "nats://a:1" };

  it("are read from the file that <NAME>_FILE names, without its last line break", () => {
    const loaded = load({ env: { ...env, SECUXFLOW_NATS_TOKEN_FILE: file("s3cret-token\n") } });
    expect(loaded.value.nats.token).toBe("s3cret-token");
    expect(loaded.secrets).toEqual(["s3cret-token"]);
  });

  it("are given once only, and their file must be readable", () => {
    const both = problemsOf({ env: { ...env, SECUXFLOW_NATS_TOKEN: "s3cret-token", SECUXFLOW_NATS_TOKEN_FILE: file("other") } });
    expect(both).toEqual([expect.stringMatching(/both SECUXFLOW_NATS_TOKEN and SECUXFLOW_NATS_TOKEN_FILE are set/)]);
    const missing = problemsOf({ env: { ...env, SECUXFLOW_NATS_TOKEN_FILE: join(folder, "none") } });
    expect(missing).toEqual([expect.stringMatching(/cannot be read \(ENOENT\)/)]);
  });

  it("are not in errors, wherever they come from", () => {
    const checked = z.object({ token: secret().refine(() => false, { error: (issue) => `bad token ${String(issue.input)}` }), list: z.array(z.url()) });
    const attempt = () => loadConfig({ schema: checked, env: { SECUXFLOW_TOKEN: "hunter2-hunter2", SECUXFLOW_LIST: "x nats://me:pass-word@host hunter2-hunter2" } });
    expect(attempt).toThrow(ConfigError);
    try {
      attempt();
    } catch (error) {
      expect(String((error as Error).stack)).not.toMatch(/hunter2|pass-word/);
      expect((error as ConfigError).problems).toHaveLength(2);
    }
  });
});
