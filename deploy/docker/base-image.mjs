#!/usr/bin/env node
// Base images made from this machine, for where no image registry can be reached. Each is a small root: BusyBox as
// shell and tools, the program (node, nats-server) and the shared libraries it needs, at the same paths as here.
// With a registry nobody needs this: pass NODE_IMAGE and NATS_IMAGE as build arguments instead.
//
//   node deploy/docker/base-image.mjs [node|nats]…     builds those that are missing or out of date; prints their names
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync,
  symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { imageStamp, STAMP_LABEL } from "./lib/images.mjs";
import { isMain, report } from "./lib/main.mjs";
import { run } from "./lib/run.mjs";

/** What each base image holds, beside BusyBox. */
export const BASES = {
  node: {
    image: "secuxflow/base-node:local",
    programs: [{ from: () => realpathSync(process.execPath), to: "/usr/local/bin/node" }],
    // Native add-ons load these even where node itself is linked without them.
    libraries: ["libstdc++.so.6", "libgcc_s.so.1", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2",
      "libutil.so.1"],
    changes: ['CMD ["node"]'],
  },
  nats: {
    image: "secuxflow/base-nats:local",
    programs: [{ from: () => onPath("nats-server"), to: "/usr/local/bin/nats-server" }],
    libraries: [],
    changes: ['ENTRYPOINT ["nats-server"]', 'CMD ["--config", "/etc/nats/nats.conf"]'],
  },
};

const USERS = `root:x:0:0:root:/:/bin/sh
secuxflow:x:65532:65532:secuxflow:/:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUPS = "root:x:0:\nsecuxflow:x:65532:\nnogroup:x:65534:\n";

/** @throws {Error} naming the Debian package that has the program */
function onPath(program) {
  const packages = { busybox: "busybox-static", "nats-server": "nats-server" };
  for (const folder of [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    const file = join(folder, program);
    if (folder !== "" && existsSync(file)) return realpathSync(file);
  }
  throw new Error(`${program} is not installed; install the Debian package ${packages[program]}`);
}

/** Shared libraries a program needs, as [path under which it is looked for]; none for a static program. */
async function neededLibraries(file) {
  const listing = await run("ldd", [file]).catch((error) => {
    if (/not a dynamic executable|statically linked/.test(error.message)) return "";
    throw error;
  });
  const missing = /^\s*(\S+) => not found/m.exec(listing);
  if (missing) throw new Error(`${file} needs ${missing[1]}, which is not on this machine`);
  return [...listing.matchAll(/(?:=>\s*)?(\/\S+)\s+\(0x/g)].map((found) => found[1]);
}

/** Where the system's linker finds a library by its name; undefined when it does not. */
async function linkerFinds(name) {
  const cache = await run("/sbin/ldconfig", ["-p"]);
  return cache.split("\n").filter((l) => l.includes("x86-64") || l.includes("AArch64")).map((l) => l.trim())
    .find((l) => l.startsWith(`${name} `))?.split(" => ")[1];
}

/** All files of the image: path inside → path here. */
async function contents(base) {
  const files = new Map();
  const add = async (to, from) => {
    files.set(to, from);
    for (const library of await neededLibraries(from)) files.set(library.replace(/^\/usr\/lib/, "/lib"), realpathSync(library));
  };
  for (const program of base.programs) await add(program.to, program.from());
  for (const name of base.libraries) {
    const found = await linkerFinds(name);
    if (found) files.set(found.replace(/^\/usr\/lib/, "/lib"), realpathSync(found));
  }
  files.set("/bin/busybox", onPath("busybox"));
  if ((await neededLibraries(onPath("busybox"))).length > 0) {
    throw new Error("busybox here needs shared libraries; install the Debian package busybox-static");
  }
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  if (existsSync(certificates)) files.set(certificates, certificates);
  return files;
}

/** A name for exactly these contents, by path, size and time: reading 100 MB at every run would cost a second. */
function stampOf(base, files) {
  const hash = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url))).update(JSON.stringify(base.changes));
  for (const [to, from] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { size, mtimeMs } = statSync(from);
    hash.update(`${to}\0${from}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Lays the root out in a folder. Debian's merged layout: /bin, /lib and /lib64 point into /usr. */
async function layOut(root, files) {
  const folders = ["usr/bin", "usr/lib", "usr/lib64", "usr/local/bin", "etc", "tmp", "var/lib", "run", "proc", "sys", "dev"];
  for (const folder of folders) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const [link, target] of [["bin", "usr/bin"], ["sbin", "usr/bin"], ["lib", "usr/lib"], ["lib64", "usr/lib64"]]) {
    symlinkSync(target, join(root, link));
  }
  chmodSync(join(root, "tmp"), 0o1777);
  for (const [to, from] of files) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(from, join(root, to));
    chmodSync(join(root, to), statSync(from).mode & 0o111 ? 0o755 : 0o644);
  }
  const there = new Set(readdirSync(join(root, "usr/bin")));
  for (const applet of (await run(join(root, "bin/busybox"), ["--list"])).split("\n").map((line) => basename(line))) {
    if (applet !== "" && !there.has(applet)) symlinkSync("busybox", join(root, "usr/bin", applet));
  }
  writeFileSync(join(root, "etc/passwd"), USERS);
  writeFileSync(join(root, "etc/group"), GROUPS);
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/**
 * Builds a base image unless it is there and up to date.
 * @param {"node" | "nats"} name
 * @param {{ say?: (line: string) => void }} [options]
 * @returns {Promise<string>} the image's name
 */
export async function buildBase(name, options = {}) {
  const base = BASES[name];
  const files = await contents(base);
  const stamp = stampOf(base, files);
  if ((await imageStamp(base.image)) === stamp) return base.image;
  options.say?.(`building ${base.image} from this machine's programs`);
  const root = mkdtempSync(join(tmpdir(), "secuxflow-base-"));
  try {
    await layOut(root, files);
    const changes = [`LABEL ${STAMP_LABEL}=${stamp}`, "ENV PATH=/usr/local/bin:/usr/bin", ...base.changes];
    await importTree(root, base.image, changes);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return base.image;
}

/** tar of a folder, owned by root, straight into `docker import`. */
function importTree(root, image, changes) {
  return new Promise((done, fail) => {
    const pack = ["-C", root, "--owner=0", "--group=0", "--numeric-owner", "-c", "."];
    const tar = spawn("tar", pack, { stdio: ["ignore", "pipe", "pipe"] });
    const load = spawn("docker", ["import", ...changes.flatMap((change) => ["--change", change]), "-", image],
      { stdio: [tar.stdout, "ignore", "pipe"] });
    tar.stdout.destroy(); // docker has it; were it open here too, tar would never see docker end
    const words = [];
    const codes = [];
    for (const child of [tar, load]) {
      child.stderr.on("data", (part) => words.push(part));
      child.on("error", fail);
      child.on("exit", (code) => { // not "close": tar's output belongs to docker and never closes here
        codes.push(code);
        if (codes.length < 2) return;
        if (codes.every((each) => each === 0)) done();
        else fail(new Error(`cannot import ${image}: ${Buffer.concat(words).toString().trim()}`));
      });
    }
  });
}

if (isMain(import.meta.url)) {
  await report(async () => {
    const names = process.argv.slice(2);
    const unknown = names.find((name) => !(name in BASES));
    if (unknown !== undefined) {
      process.stderr.write(`no base image "${unknown}"; there are ${Object.keys(BASES).join(", ")}\n`);
      return 2;
    }
    for (const name of names.length > 0 ? names : Object.keys(BASES)) {
      process.stdout.write(`${await buildBase(name, { say: (line) => process.stderr.write(`${line}\n`) })}\n`);
    }
    return 0;
  });
}
