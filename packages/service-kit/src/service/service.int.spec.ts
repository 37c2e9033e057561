import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

// The fixture runs as compiled JavaScript, as the services do.
const FIXTURE = fileURLToPath(new URL("../../dist/fixture/fixture-service.js", import.meta.url));
const SECRET = "hunter2-hunter2";

type Line = Record<string, unknown>;

/** The fixture as a process, its output kept. */
class Fixture {
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly readyPipe: string[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(readonly child: ChildProcess) {
    const keep = (stream: NodeJS.ReadableStream | null, into: string[]) => {
      if (!stream) return;
      createInterface({ input: stream }).on("line", (line) => {
        into.push(line);
        this.#wake();
      });
    };
    keep(child.stdout, this.out);
    keep(child.stderr, this.err);
    keep((child.stdio[3] ?? null) as NodeJS.ReadableStream | null, this.readyPipe);
    this.exited = once(child, "close").then(([code, signal]) => {
      this.#ended = true;
      this.#wake();
      return { code: code as number | null, signal: signal as string | null };
    });
  }

  get all(): string {
    return [...this.out, ...this.err].join("\n");
  }

  /** The first line of stdout that is JSON with these values; fails when the process ends without it. */
  async line(wanted: Line): Promise<Line> {
    for (;;) {
      const found = this.out.map(parse).find((line) => Object.entries(wanted).every(([key, value]) => line[key] === value));
      if (found) return found;
      if (this.#ended) throw new Error(`ended without ${JSON.stringify(wanted)}:\n${this.all}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function parse(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return {};
  }
}

const running: Fixture[] = [];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "secuxflow-kit-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const fixture of running.splice(0)) {
    fixture.child.kill("SIGKILL");
    await fixture.exited;
  }
});

function launch(env: Record<string, string> = {}, args: string[] = []): Fixture {
  const child = spawn(process.execPath, [FIXTURE, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const fixture = new Fixture(child);
  running.push(fixture);
  return fixture;
}

async function started(env: Record<string, string> = {}, args: string[] = []) {
  const fixture = launch({ SERVERS: "nats://a:4222", ...env }, args);
  const ready = (await fixture.line({ event: "ready" })) as { ops: string; http: string };
  return { fixture, ops: ready.ops, http: ready.http, ready };
}

async function get(url: string): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(url);
  return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
}

describe("a running service", () => {
  it("says where it is ready, answers for health, metrics and its own API, and ends on SIGTERM", async () => {
    const { fixture, ops, http, ready } = await started({ SECUXFLOW_TOKEN: SECRET }, ["--ready-fd", "3"]);
    expect(ready).toMatchObject({ service: "fixture", version: "1.2.3", pid: fixture.child.pid, ops: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as unknown });

    const live = await get(`${ops}/health/live`);
    expect(live.status).toBe(200);
    expect(JSON.parse(live.text)).toMatchObject({ status: "ok", name: "fixture", instance: expect.stringMatching(/-\d+$/) as unknown });
    const readiness = await get(`${ops}/health/ready`);
    expect(readiness.status).toBe(200);
    expect(JSON.parse(readiness.text)).toMatchObject({ ready: true, phase: "ready", checks: { nats: { status: "ok", detail: "login with [redacted]" } } });
    const metrics = await get(`${ops}/metrics`);
    expect(metrics.type).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.text).toContain('secuxflow_fixture_total{service="fixture"} 7');
    expect(JSON.parse((await get(`${http}/hello`)).text)).toEqual({ servers: ["nats://a:4222"] });
    // Each is on its own server.
    expect((await get(`${http}/health/live`)).status).toBe(404);
    expect((await get(`${ops}/hello`)).status).toBe(404);

    fixture.child.kill("SIGTERM");
    expect(await fixture.exited).toEqual({ code: 0, signal: null });
    expect(fixture.readyPipe.map(parse)).toEqual([ready]);
    expect(fixture.all).not.toContain(SECRET);
    expect(fixture.all).toContain("uses [redacted]");
    expect(await fixture.line({ msg: "stopped" })).toMatchObject({ outcome: "done" });
  });

  it("is not ready while a critical check is down", async () => {
    const { ops } = await started({ SECUXFLOW_TROUBLE: "check" });
    const { status, text } = await get(`${ops}/health/ready`);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ status: "down", ready: false, phase: "ready" });
    expect((await get(`${ops}/health/live`)).status).toBe(200);
  });

  it("lets running requests finish and takes no new ones while it stops", async () => {
    const { fixture, http } = await started();
    const long = get(`${http}/long`);
    await fixture.line({ event: "long-request" });
    fixture.child.kill("SIGINT");
    expect(await long).toMatchObject({ status: 200, text: "finished" });
    expect((await fixture.exited).code).toBe(0);
    await expect(fetch(`${http}/hello`)).rejects.toThrow();
  });

  it("exits with 1 at the deadline, naming what did not stop", async () => {
    const { fixture } = await started({ SECUXFLOW_TROUBLE: "hang", SECUXFLOW_SHUTDOWN_DEADLINE: "50ms" });
    fixture.child.kill("SIGTERM");
    expect((await fixture.exited).code).toBe(1);
    expect(fixture.err.map(parse)).toContainEqual(expect.objectContaining({ msg: "parts did not stop in time", pending: ["close/stuck"] }));
  });

  it("exits at once on a second signal", async () => {
    const { fixture } = await started({ SECUXFLOW_TROUBLE: "hang", SECUXFLOW_SHUTDOWN_DEADLINE: "10m" });
    fixture.child.kill("SIGTERM");
    await fixture.line({ msg: "stopping" });
    fixture.child.kill("SIGINT");
    expect((await fixture.exited).code).toBe(130);
  });

  it.each(["throw", "reject"])("logs what nobody caught (%s) and exits with 1", async (path) => {
    const { fixture, http } = await started({ SECUXFLOW_TOKEN: SECRET });
    await get(`${http}/${path}`).catch(() => undefined); // the answer may be cut off by the exit
    expect((await fixture.exited).code).toBe(1);
    expect(fixture.err.map(parse)).toContainEqual(expect.objectContaining({ level: 60, msg: expect.stringMatching(/^(uncaught|unhandled)/) as unknown }));
    expect(fixture.all).not.toContain(SECRET);
  });
});

describe("a service that does not start", () => {
  it("tells every configuration error at once, exits with 2 and prints no secret", async () => {
    const file = join(folder, "wrong.yaml");
    writeFileSync(file, `ops:\n  prot: 1\ntrouble: everything\ntoken: ${SECRET}\n`);
    const fixture = launch({ SECUXFLOW_OPS_PORT: "99999", SECUXFLOW_TOKEN_FILE: join(folder, "none") }, ["--config", file]);
    expect((await fixture.exited).code).toBe(2);
    expect(fixture.err[0]).toMatch(/^fixture: configuration is not valid \(5 errors\):$/);
    for (const part of [`ops.prot [${file}:2]`, `trouble [${file}:3]`, "ops.port [SECUXFLOW_OPS_PORT]", "servers [not set]", "token [SECUXFLOW_TOKEN_FILE"]) {
      expect(fixture.all).toContain(part);
    }
    expect(fixture.all).not.toContain(SECRET);
    expect(fixture.out).toEqual([]);
  });

  it("says what failed, closes what it opened and exits with 1", async () => {
    const fixture = launch({ SERVERS: "nats://a:1", SECUXFLOW_TROUBLE: "start" });
    expect((await fixture.exited).code).toBe(1);
    expect(fixture.err.map(parse)).toContainEqual(
      expect.objectContaining({ msg: "did not start", err: expect.objectContaining({ message: "the database is away" }) as unknown }),
    );
  });

  it("names the setting when its port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const fixture = launch({ SERVERS: "nats://a:1", SECUXFLOW_OPS_PORT: String(port) });
    expect((await fixture.exited).code).toBe(1);
    server.close();
    expect(fixture.err.join("\n")).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} is in use by another process: .* ops\\.port`));
  });

  it("answers for its health while it starts, and can be stopped then", async () => {
    const fixture = launch({ SERVERS: "nats://a:1", SECUXFLOW_TROUBLE: "slow-start", LOG_LEVEL: "debug" });
    const { opsUrl } = (await fixture.line({ msg: "operations endpoints listen" })) as { opsUrl: string };
    const { status, text } = await get(`${opsUrl}/health/ready`);
    expect([status, (JSON.parse(text) as Line).phase]).toEqual([503, "starting"]);
    fixture.child.kill("SIGTERM");
    expect((await fixture.exited).code).toBe(0);
  });

  it("refuses arguments it does not know", async () => {
    const fixture = launch({}, ["--colour"]);
    expect((await fixture.exited).code).toBe(2);
    expect(fixture.err.join("\n")).toMatch(/Unknown option '--colour'.*--help/);
  });
});

describe("a service that is asked about itself", () => {
  it("shows its settings in force with --check-config, secrets hidden", async () => {
    const fixture = launch({ SERVERS: "nats://user:pass-word@a:1", SECUXFLOW_TOKEN: SECRET, SECUXFLOW_OPS_PROT: "1" }, ["--check-config"]);
    expect((await fixture.exited).code).toBe(0);
    expect(fixture.out).toContain('token: "[secret]"');
    expect(fixture.out).toContain("  deadline: 10000");
    expect(fixture.err.join("\n")).toMatch(/did you mean SECUXFLOW_OPS_PORT/);
    expect(fixture.all).not.toMatch(/hunter2|pass-word/);
  });

  it("refuses a wrong configuration with --check-config", async () => {
    const fixture = launch({}, ["--check-config"]);
    expect((await fixture.exited).code).toBe(2);
  });

  it("prints help and version", async () => {
    const help = launch({}, ["--help"]);
    const version = launch({}, ["--version"]);
    expect([(await help.exited).code, (await version.exited).code]).toEqual([0, 0]);
    expect(help.out.join("\n")).toMatch(/servers +SECUXFLOW_SERVERS or SERVERS +required/);
    expect(version.out).toEqual(["fixture 1.2.3"]);
  });
});
