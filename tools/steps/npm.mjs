// `npm ci`, when what is installed is not what package-lock.json says.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execLogged } from "../lib/exec.mjs";
import { ROOT } from "../lib/paths.mjs";

const SECTIONS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/**
 * Compares the lock file with npm's own record of what it installed. Nothing is remembered by us: an `npm install` by
 * hand is as good.
 * @param {{ packages: Record<string, any> }} lock package-lock.json
 * @param {{ packages: Record<string, any> } | undefined} installed node_modules/.package-lock.json
 * @param {(path: string) => boolean} exists whether an installed package's folder is there
 * @returns {string | undefined} the first difference
 */
export function installDifference(lock, installed, exists) {
  if (installed === undefined) return "nothing is installed";
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === "" || !path.includes("node_modules/")) continue;
    const have = installed.packages[path];
    if (have === undefined) {
      // made for another platform, or wanted by such a package alone
      if (wanted.optional || wanted.devOptional || wanted.peer) continue;
      return `${path} is missing`;
    }
    if (have.version !== wanted.version || have.integrity !== wanted.integrity) return `${path} is ${have.version}, not ${wanted.version}`;
    if (!exists(path)) return `${path} is gone`;
  }
  return undefined;
}

/**
 * Compares the lock file with the workspaces' package.json files, as `npm ci` would.
 * @param {{ packages: Record<string, any> }} lock
 * @param {Map<string, any>} manifests package.json by folder, "" for the root
 * @returns {string | undefined} the first difference
 */
export function lockDifference(lock, manifests) {
  for (const [folder, manifest] of manifests) {
    const locked = lock.packages[folder];
    if (locked === undefined) return `package-lock.json does not know ${folder}`;
    for (const section of SECTIONS) {
      if (canonical(manifest[section]) !== canonical(locked[section])) return `${section} of ${folder || "the root"} changed`;
    }
  }
  return undefined;
}

const canonical = (dependencies = {}) => JSON.stringify(Object.entries(dependencies).sort());

/** Folders of the workspaces: patterns are a folder, or a folder and `/*`. */
export function workspaceFolders(patterns) {
  return patterns
    .flatMap((pattern) => {
      if (!pattern.endsWith("/*")) return [pattern];
      const parent = pattern.slice(0, -2);
      return readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`);
    })
    .filter((folder) => existsSync(join(ROOT, folder, "package.json")))
    .sort();
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

export function npmStep() {
  return {
    name: "npm",
    title: "npm packages",
    isDone() {
      const root = readJson(join(ROOT, "package.json"));
      const folders = workspaceFolders(root.workspaces);
      const manifests = new Map([["", root], ...folders.map((folder) => [folder, readJson(join(ROOT, folder, "package.json"))])]);
      const lock = readJson(join(ROOT, "package-lock.json"));
      const installed = readJson(join(ROOT, "node_modules/.package-lock.json"));
      const difference = lockDifference(lock, manifests) ?? installDifference(lock, installed, (path) => existsSync(join(ROOT, path)));
      return difference === undefined;
    },
    async run({ log, line }) {
      // Install scripts of dependencies never run: nothing that we use needs one.
      await execLogged("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
        log,
        onLine: line,
        next: "if it says that package.json and package-lock.json differ, run `npm install --ignore-scripts`; if it is the network, try again",
      });
    },
  };
}
