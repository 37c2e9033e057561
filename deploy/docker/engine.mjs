#!/usr/bin/env node
// A Docker engine for building and testing: the one that answers, or one of our own beside it.
//
//   node deploy/docker/engine.mjs up        prints DOCKER_HOST=… of an engine that answers, after starting one if needed
//   node deploy/docker/engine.mjs up --own  the same, but never another engine than our own
//   node deploy/docker/engine.mjs down      stops the engine this checkout started, and removes all it left
//   node deploy/docker/engine.mjs down --purge    its images and volumes too
//   node deploy/docker/engine.mjs status    says which engine is used; exit 0 when one answers, 1 when none does
//
// Our own engine is Debian's dockerd with a data folder below .secuxflow and a socket of its own. It changes nothing
// in the host's network but its bridges: no iptables rules and no IP forwarding, so containers reach each other and
// the host, the host reaches containers and published ports (docker-proxy), and containers reach nothing further.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ENGINE, STATE } from "./lib/paths.mjs";
import { SHARED_FOLDERS, remains, sweep } from "./lib/leftovers.mjs";
import { answers, findEngine } from "./lib/probe.mjs";
import { run, until } from "./lib/run.mjs";
import { isMain, report } from "./lib/main.mjs";

const HOST = `unix://${ENGINE.socket}`;
const PACKAGES = "docker.io";

const say = (text) => process.stderr.write(`${text}\n`);
const alive = (pid) => {
  try { process.kill(pid, 0); return true; } catch (error) { return error.code === "EPERM"; }
};

/** What was there before our engine first started; without a record, nothing is assumed to be foreign but docker0. */
function before() {
  try { return JSON.parse(readFileSync(ENGINE.state, "utf8")).before; } catch { return { hadDocker0: true, absent: [] }; }
}

/** Runs work while no other process of this checkout starts or stops the engine. */
async function locked(work) {
  mkdirSync(STATE, { recursive: true });
  const take = () => {
    try {
      const file = openSync(ENGINE.lock, "wx");
      writeFileSync(file, String(process.pid));
      closeSync(file);
      return true;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const owner = Number(readFileSync(ENGINE.lock, "utf8").trim() || process.pid);
      if (owner === process.pid || alive(owner)) return false;
      rmSync(ENGINE.lock, { force: true }); // its owner died
      return false;
    }
  };
  await until(`another process that starts or stops the engine (${ENGINE.lock})`, 60_000, take);
  try { return await work(); } finally { rmSync(ENGINE.lock, { force: true }); }
}

/**
 * Answers an engine, starting our own when none is there.
 * @param {{ own?: boolean }} [options] own: do not take another engine, even when one answers
 * @returns {Promise<{ host: string, own: boolean, started: boolean }>}
 * @throws {Error} when none answers and ours cannot start (not root, not installed, its log's last lines)
 */
export async function up(options = {}) {
  const found = options.own ? undefined : await findEngine();
  if (found) return { ...found, started: false };
  if (process.getuid?.() !== 0) throw new Error("no Docker engine answers, and starting one needs root");
  return locked(async () => {
    if (await answers(HOST)) return { host: HOST, own: true, started: false };
    await run("dockerd", ["--version"]).catch((cause) => {
      throw new Error(`no Docker engine answers and dockerd is not installed; install the Debian package ${PACKAGES}`, { cause });
    });
    if (existsSync(ENGINE.state)) await sweep(before()); // left by an engine that was killed
    const seen = {
      hadDocker0: existsSync("/sys/class/net/docker0"),
      absent: SHARED_FOLDERS.filter((folder) => !existsSync(folder)),
    };
    mkdirSync(ENGINE.data, { recursive: true });
    mkdirSync(ENGINE.run, { recursive: true, mode: 0o700 });
    writeFileSync(ENGINE.state, JSON.stringify({ host: HOST, before: seen }));
    await start();
    return { host: HOST, own: true, started: true };
  });
}

/** Starts dockerd apart from us and waits until it answers. */
async function start() {
  const log = openSync(ENGINE.log, "w");
  const child = spawn("dockerd", [
    "--host", HOST, "--group", "root",
    "--data-root", ENGINE.data, "--exec-root", ENGINE.exec, "--pidfile", ENGINE.pid,
    "--cgroup-parent", `/${ENGINE.cgroup}`,
    "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
    "--ip", "127.0.0.1", // where ports of the default network are published; other networks say so themselves
    "--log-level", "warn", "--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=2",
    "--shutdown-timeout", "5",
  ], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let ended;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `it ended with ${signal ?? `status ${code}`}`));
  try {
    await until("dockerd to answer", 60_000, async () => {
      if (ended) throw new Error(ended);
      return answers(HOST);
    });
  } catch (cause) {
    const tail = readFileSync(ENGINE.log, "utf8").trimEnd().split("\n").slice(-20).join("\n  ");
    if (!ended) child.kill("SIGTERM");
    await sweep(before());
    throw new Error(`dockerd did not start: ${cause.message}. Its last words:\n  ${tail}`, { cause });
  }
  child.unref();
  await removeContainers(); // an engine that was killed remembers its containers
}

/** Removes every container and network of our own engine; images and volumes stay. */
async function removeContainers() {
  const env = { ...process.env, DOCKER_HOST: HOST };
  const ids = (await run("docker", ["ps", "--all", "--quiet"], { env })).split("\n").filter(Boolean);
  if (ids.length > 0) await run("docker", ["rm", "--force", "--volumes", ...ids], { env });
  await run("docker", ["network", "prune", "--force"], { env });
}

/**
 * Stops our own engine and removes everything it left in the system. Other engines are never touched.
 * @param {{ purge?: boolean }} [options] purge: remove its images and volumes as well
 */
export async function down(options = {}) {
  if (!existsSync(ENGINE.state)) return;
  await locked(async () => {
    if (await answers(HOST)) await removeContainers();
    const pid = existsSync(ENGINE.pid) ? Number(readFileSync(ENGINE.pid, "utf8")) : 0;
    if (pid > 0 && isOurs(pid)) {
      process.kill(pid, "SIGTERM");
      await until("dockerd to end", 20_000, () => !isOurs(pid)).catch(() => undefined); // sweep ends it then
    }
    await sweep(before());
    rmSync(ENGINE.state, { force: true });
    rmSync(ENGINE.log, { force: true });
    if (options.purge) rmSync(ENGINE.data, { recursive: true, force: true });
  });
}

/** A process id may have been given to another program since: its arguments must name our data folder. */
function isOurs(pid) {
  try { return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(ENGINE.data); } catch { return false; }
}

/** @returns {Promise<{ host?: string, own?: boolean, remains: ReturnType<typeof remains> }>} */
export async function status() {
  return { ...(await findEngine()), remains: remains(before()) };
}

if (isMain(import.meta.url)) {
  await report(async () => {
    const [command, ...flags] = process.argv.slice(2);
    const known = { up: ["--own"], down: ["--purge"], status: ["--json"] };
    if (!(command in known) || flags.some((flag) => !known[command].includes(flag))) {
      say("usage: engine.mjs up [--own] | down [--purge] | status [--json]");
      return 2;
    }
    if (command === "up") {
      const engine = await up({ own: flags.includes("--own") });
      say(engine.started ? "started a Docker engine of our own" : "using the Docker engine that answers");
      process.stdout.write(`DOCKER_HOST=${engine.host}\n`);
    } else if (command === "down") {
      await down({ purge: flags.includes("--purge") });
    } else {
      const now = await status();
      if (flags.includes("--json")) process.stdout.write(`${JSON.stringify(now)}\n`);
      else process.stdout.write(now.host ? `${now.host}${now.own ? " (our own)" : ""}\n` : "no Docker engine answers\n");
      return now.host ? 0 : 1;
    }
    return 0;
  });
}
