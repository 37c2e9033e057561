#!/usr/bin/env node
// Build contexts: for each service exactly the files that run in production, taken from the built checkout, so that
// `docker build` fetches nothing. Files are hard-linked where the file system allows it.
//
//   node deploy/docker/context.mjs [service]…     all by default; prints the folder of each
//
// A context holds Dockerfile, deps/ (packages from the registry, which change rarely and so get a layer of their own), app/
// (workspaces and links to them); both are laid out like the checkout; lib/ (shared libraries of native add-ons that a
// slim base image lacks); and, where a service runs programs of the system, bin/.
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync,
  rmSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { closure } from "./lib/closure.mjs";
import { isMain, report } from "./lib/main.mjs";
import { ROOT, STATE } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { SERVICES } from "./lib/services.mjs";

/** Parts of a workspace that may be needed while it runs; its own package.json is always taken. */
const RUNTIME_FOLDERS = ["dist", "bin", "build", "assets", "rules"];
/** In workspaces: compiler output nobody reads at run time, tests and what they use, intermediate objects. */
const NOT_IN_WORKSPACES = new RegExp([
  /(\.d\.[cm]?ts|\.map|\.tsbuildinfo|\.spec\.js|\.mk|\.gypi|\.d|Makefile)$/,
  /\/(obj\.target|\.deps|testing|fixture)\//,
].map(({ source }) => source).join("|"));
/** In packages: types, sources and prose. Licences stay. */
const NOT_IN_PACKAGES = /(\.[cm]?ts|\.tsx|\.map|\/(readme|changelog|history|agents|llms-full)(\.(md|txt|markdown))?)$/i;
/** Libraries every glibc Node image has. */
const IN_BASE = /^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|stdc\+\+|gcc_s)\.so\.\d+)$/;

/**
 * Makes the context of one service afresh.
 * @param {keyof typeof SERVICES} name
 * @returns {Promise<{ folder: string, stamp: string }>} stamp: a name for exactly these contents
 * @throws {Error} when the service or what it reads is not built, or a package it needs is not installed
 */
export async function makeContext(name) {
  const service = SERVICES[name];
  if (!existsSync(join(ROOT, service.entry))) throw new Error(`${service.entry} is not there; run npm run build first`);
  const folder = join(STATE, "context", name);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["deps", "lib"]) mkdirSync(join(folder, part), { recursive: true });
  const app = join(folder, "app");
  if (!service.bundled) {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
    const installed = (path) => existsSync(join(ROOT, path));
    for (const path of closure(packages, service.workspace, installed)) place(path, packages[path], folder);
  }
  for (const { folder: from, files } of service.reads) {
    const taken = existsSync(join(ROOT, from)) ? take(join(ROOT, from), join(app, from), (path) => files.test(path)) : 0;
    if (taken === 0) throw new Error(`${from} holds nothing that ${name} needs (${files.source}); run npm run build first`);
  }
  copyFileSync(join(ROOT, "deploy/docker/healthcheck.mjs"), join(app, "healthcheck.mjs"));
  await addTools(folder, service.tools ?? []);
  await addLibraries(folder);
  copyFileSync(join(ROOT, `deploy/docker/${name}.Dockerfile`), join(folder, "Dockerfile"));
  return { folder, stamp: stampOf(folder) };
}

/** Puts one entry of the closure in place. */
function place(path, entry, folder) {
  const app = join(folder, "app");
  const to = join(app, path);
  if (entry.link) {
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(relative(dirname(to), join(app, entry.resolved)), to);
  } else if (path.startsWith("node_modules/") || path.includes("/node_modules/")) {
    take(join(ROOT, path), join(folder, "deps", path), (file) => !NOT_IN_PACKAGES.test(`/${file}`));
  } else {
    mkdirSync(to, { recursive: true });
    hardLink(join(ROOT, path, "package.json"), join(to, "package.json"));
    for (const part of RUNTIME_FOLDERS) {
      const from = join(ROOT, path, part);
      if (existsSync(from)) take(from, join(to, part), (file) => !NOT_IN_WORKSPACES.test(`/${file}`));
    }
  }
}

/**
 * Hard-links those files of a tree whose path inside it is wanted, and answers how many. Nested node_modules are left out:
 * the closure names what is needed of them.
 */
function take(from, to, wanted, inside = "") {
  let taken = 0;
  for (const entry of readdirSync(join(from, inside), { withFileTypes: true })) {
    const path = join(inside, entry.name);
    const source = join(from, path);
    const target = join(to, path);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules") taken += take(from, to, wanted, path);
    } else if (wanted(path)) {
      mkdirSync(dirname(target), { recursive: true });
      if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
      else if (entry.isFile()) hardLink(source, target);
      else continue;
      taken += 1;
    }
  }
  return taken;
}

function hardLink(from, to) {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(error.code)) throw error;
    cpSync(from, to); // another file system
  }
}

/** Programs of this machine. @throws {Error} when one is not installed */
async function addTools(folder, tools) {
  for (const tool of tools) {
    const from = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map((place) => join(place, tool)).find((path) => existsSync(path));
    if (from === undefined) throw new Error(`${tool} is not on this machine; run npm run setup first`);
    mkdirSync(join(folder, "bin"), { recursive: true });
    cpSync(realpathSync(from), join(folder, "bin", tool));
  }
}

/** Shared libraries that programs and native add-ons need and a slim image lacks (libbpf, libelf, zlib), next to their soname. */
async function addLibraries(folder) {
  for (const addon of files(folder).filter((file) => file.endsWith(".node") || dirname(file) === join(folder, "bin"))) {
    const listing = await run("ldd", [addon]);
    const missing = /^\s*(\S+) => not found/m.exec(listing);
    if (missing) throw new Error(`${relative(folder, addon)} needs ${missing[1]}, which is not on this machine`);
    for (const [, name, path] of listing.matchAll(/^\s*(\S+) => (\/\S+) \(0x/gm)) {
      const own = realpathSync(path).startsWith(realpathSync(folder)); // found by its own run path
      if (!IN_BASE.test(basename(name)) && !own) copyFileSync(realpathSync(path), join(folder, "lib", basename(name)));
    }
  }
}

/** Every file below a folder, sorted; links to folders are not followed. */
function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

/** By contents; files above 1 MB by size and time, since reading half a gigabyte at every run would cost seconds. */
function stampOf(folder) {
  const hash = createHash("sha256");
  for (const file of files(folder)) {
    hash.update(`${relative(folder, file)}\0`);
    if (lstatSync(file).isSymbolicLink()) hash.update(readlinkSync(file));
    else {
      const { size, mtimeMs, mode } = statSync(file);
      hash.update(`${mode & 0o777} `).update(size > 1 << 20 ? `${size} ${mtimeMs}` : readFileSync(file));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** @throws {Error} for a name that is no service; answers all for no names */
export function serviceNames(given) {
  const unknown = given.find((name) => !(name in SERVICES));
  if (unknown !== undefined) throw new Error(`no service "${unknown}"; there are ${Object.keys(SERVICES).join(", ")}`);
  return given.length > 0 ? given : Object.keys(SERVICES);
}

if (isMain(import.meta.url)) {
  await report(async () => {
    for (const name of serviceNames(process.argv.slice(2))) process.stdout.write(`${(await makeContext(name)).folder}\n`);
  });
}
