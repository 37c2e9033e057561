// The steps that make things from sources: native addon, BPF, WASM, TypeScript, CLI bundle.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execLogged, StepError } from "../lib/exec.mjs";
import { ROOT } from "../lib/paths.mjs";
import { digestOf, filesBelow, readStamp, writeStamp } from "../lib/stamp.mjs";
import { installedVersions } from "./debian.mjs";
import { workspaceFolders } from "./npm.mjs";

const LIBBPF_TS = join(ROOT, "packages/libbpf-ts");
const ADDON = join(LIBBPF_TS, "build/Release/addon.node");
const SOURCE_BUG = "the log names the file and line; if you changed nothing, this is a bug of ours: please report it with the log";

/** A step that is done when its products are there and its sources are the ones they were made from. */
function stampedStep({ name, title, products, digest, run }) {
  return {
    name,
    title,
    isDone: () => readStamp(name) === digest() && products().every((path) => existsSync(path)),
    async run(tools) {
      const from = digest(); // taken before: what changes meanwhile is built the next time
      await run(tools);
      const absent = products().find((path) => !existsSync(path));
      if (absent) throw new StepError(`it did not make ${absent}`, SOURCE_BUG, tools.log);
      writeStamp(name, from);
    },
  };
}

/** A step that is a script which knows by itself what has changed, and says "up to date" or "unchanged" then. */
function scriptStep({ name, title, script, next = SOURCE_BUG }) {
  return {
    name,
    title,
    isDone: () => false,
    async run({ log, line }) {
      let last = "";
      await execLogged(process.execPath, [join(ROOT, script)], { log, onLine: (text) => line((last = text)), next });
      return /up to date|unchanged/.test(last) ? "up to date" : undefined;
    },
  };
}

/**
 * The folder below which `include/node/node.h` of this Node's major version lies: node-gyp then downloads nothing.
 * @param {string} execPath the running Node
 * @param {(path: string) => string | undefined} read a file's text
 * @throws {StepError} when the headers are not installed
 */
export function nodeHeaders(execPath, read = readText) {
  const major = process.versions.node.split(".")[0];
  const places = [dirname(dirname(execPath)), "/usr"];
  const found = places.find((prefix) => {
    const version = read(join(prefix, "include/node/node_version.h"));
    return version !== undefined && new RegExp(`^#define NODE_MAJOR_VERSION ${major}$`, "m").test(version);
  });
  if (found) return found;
  throw new StepError(
    `the headers of Node ${major} (include/node) are in none of ${places.join(", ")}`,
    "use a Node that comes with its headers: the archives and packages of nodejs.org and NodeSource do, Debian's has them in libnode-dev",
  );
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

export function nativeStep() {
  const sources = () => [...filesBelow(join(LIBBPF_TS, "native")), join(LIBBPF_TS, "binding.gyp")];
  return stampedStep({
    name: "native",
    title: "native part of libbpf-ts",
    products: () => [ADDON],
    digest() {
      const libraries = ["libbpf-dev", "libelf-dev", "zlib1g-dev"];
      const api = readText(join(ROOT, "node_modules/node-addon-api/package.json"));
      return digestOf(sources(), [process.version, process.arch, [...installedVersions(libraries)], api && JSON.parse(api).version]);
    },
    async run({ log, line }) {
      const gyp = join(ROOT, "node_modules/node-gyp/bin/node-gyp.js");
      await execLogged(process.execPath, [gyp, "rebuild", "-C", LIBBPF_TS, `--nodedir=${nodeHeaders(process.execPath)}`, "-j", "2"], {
        log,
        onLine: line,
        next: SOURCE_BUG,
      });
    },
  });
}

export const bpfStep = () => scriptStep({ name: "bpf", title: "XDP program", script: "bpf/build.mjs" });
export const wasmStep = () => scriptStep({ name: "wasm", title: "WASM modules", script: "wasm/build.mjs" });
export const cliStep = () => scriptStep({ name: "cli", title: "secuxflow-cli", script: "cli/build.mjs" });

export function typescriptStep() {
  const folders = () => workspaceFolders(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).workspaces);
  const isSource = (name) => /\.(ts|mts|json)$/.test(name);
  return stampedStep({
    name: "typescript",
    title: "TypeScript",
    products: () => folders().map((folder) => join(ROOT, folder, "dist/.tsbuildinfo")),
    digest() {
      const workspaces = folders().flatMap((folder) => [
        ...filesBelow(join(ROOT, folder, "src"), isSource),
        join(ROOT, folder, "package.json"),
        join(ROOT, folder, "tsconfig.json"),
      ]);
      const root = ["package-lock.json", "tsconfig.json", "tsconfig.base.json"].map((name) => join(ROOT, name));
      return digestOf([...root, ...workspaces]);
    },
    async run({ log, line }) {
      await execLogged(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-b", ROOT], { log, onLine: line, next: SOURCE_BUG });
    },
  });
}
