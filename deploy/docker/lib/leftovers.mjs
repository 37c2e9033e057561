// What an engine leaves in the system when it ends, and more so when it is killed: processes, mounts, cgroups, bridges.
// Each is recognised by something only this checkout's engine has, never by a broad name.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { ENGINE } from "./paths.mjs";
import { run, until } from "./run.mjs";

const SHIM_SOCKETS = "/run/containerd/s";

/** Folders that every engine on a machine makes at the same place; removed when empty and not there before us. */
export const SHARED_FOLDERS = [SHIM_SOCKETS, "/run/containerd", "/run/docker/plugins", "/run/docker"];

const lines = (file) => readFileSync(file, "utf8").split("\n").filter(Boolean);

/** Mount points below our folders, deepest first. Octal escapes of mountinfo (a blank is \040) are undone. */
function mounts() {
  return lines("/proc/self/mountinfo")
    .map((line) => line.split(" ")[4].replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))))
    .filter((path) => [ENGINE.data, ENGINE.run].some((own) => path === own || path.startsWith(`${own}/`)))
    .sort((a, b) => b.length - a.length);
}

/** The folders of our cgroup, one in each mounted hierarchy. */
function cgroups() {
  return lines("/proc/self/mountinfo")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => join(line.split(" ")[4], ENGINE.cgroup))
    .filter((path) => existsSync(path));
}

const foldersBelow = (path) => [
  ...readdirSync(path, { withFileTypes: true }).filter((e) => e.isDirectory()).flatMap((e) => foldersBelow(join(path, e.name))),
  path,
];

/** Processes of our containers (members of our cgroup) and our engine's helpers (our paths in their arguments). */
function processes() {
  const found = new Set();
  for (const folder of cgroups().flatMap(foldersBelow)) {
    try {
      for (const pid of lines(join(folder, "cgroup.procs"))) found.add(Number(pid));
    } catch { /* the group went away while we looked */ }
  }
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      const [program, ...args] = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      const engine = /(^|\/)(dockerd|containerd|containerd-shim[\w-]*|runc|docker-proxy)$/.test(program);
      if (engine && args.some((arg) => arg.includes(`${ENGINE.run}/`))) found.add(Number(entry));
    } catch { /* it ended while we looked */ }
  }
  return [...found].filter((pid) => pid > 1);
}

/**
 * Sockets of our containers' shims, which a killed shim leaves in a folder that all engines share. containerd names them
 * by the SHA-256 of its own socket's path, its namespace (Docker's is "moby") and the container's id.
 */
function shimSockets() {
  const containers = join(ENGINE.data, "containers");
  return (existsSync(containers) ? readdirSync(containers) : [])
    .map((id) => createHash("sha256").update(join(ENGINE.exec, "containerd/containerd.sock", "moby", id)).digest("hex"))
    .map((name) => join(SHIM_SOCKETS, name))
    .filter((path) => existsSync(path));
}

/** Is this a Docker bridge of ours? Its name holds the network's id, and our network database holds that id. */
function ownBridges(hadDocker0) {
  const database = join(ENGINE.data, "network", "files", "local-kv.db");
  const known = existsSync(database) ? readFileSync(database) : Buffer.alloc(0);
  return readdirSync("/sys/class/net").filter((name) => {
    const id = /^br-([0-9a-f]{12})$/.exec(name)?.[1];
    return id ? known.includes(id) : name === "docker0" && !hadDocker0;
  });
}

/**
 * Removes what an ended engine left. Does nothing where there is nothing.
 * @param {{ hadDocker0: boolean, absent: string[] }} before what was on the machine before our engine started: its
 *   default bridge, and which of SHARED_FOLDERS were not there
 */
export async function sweep(before) {
  await until("processes of the engine to end", 10_000, () => {
    const left = processes();
    for (const pid of left) {
      try { process.kill(pid, "SIGKILL"); } catch { /* it ended by itself */ }
    }
    return left.length === 0;
  });
  for (const path of mounts()) await run("umount", ["--lazy", path]).catch(() => undefined);
  for (const bridge of ownBridges(before.hadDocker0)) await run("ip", ["link", "delete", bridge]).catch(() => undefined);
  for (const folder of cgroups().flatMap(foldersBelow)) {
    await until(`cgroup ${folder} to be empty`, 5000, () => {
      try { rmdirSync(folder); return true; } catch (error) { return error.code === "ENOENT"; }
    });
  }
  for (const socket of shimSockets()) rmSync(socket, { force: true });
  rmSync(ENGINE.run, { recursive: true, force: true });
  for (const folder of before.absent) {
    try { rmdirSync(folder); } catch { /* not there, or another engine uses it */ }
  }
}

/** What of our engine is still in the system, for `status` and for the test that `down` leaves nothing. */
export function remains(before) {
  return {
    processes: processes(),
    mounts: mounts(),
    bridges: ownBridges(before.hadDocker0),
    cgroups: cgroups(),
    files: [...[ENGINE.run].filter((path) => existsSync(path)), ...shimSockets()],
  };
}
