// Which installed packages a workspace needs to run, from package-lock.json.

/** @typedef {{ resolved?: string, link?: boolean, dependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   peerDependenciesMeta?: Record<string, { optional?: boolean }> }} LockEntry */

/**
 * The production closure of one workspace: what it depends on, and so on, found as Node finds it (the nearest
 * node_modules folder up from the one that asks). Optional peers count only where somebody depends on them for real.
 * @param {Record<string, LockEntry>} packages the `packages` of a lock file, version 2 or 3
 * @param {string} workspace its folder, such as services/rule-api
 * @param {(path: string) => boolean} installed is there a package at this path? (optional ones for other platforms are not)
 * @returns {string[]} lock file paths, sorted: node_modules/… of packages and of links, and folders of workspaces
 * @throws {Error} when the workspace is not in the lock file, or a needed package is not installed
 */
export function closure(packages, workspace, installed = () => true) {
  if (!packages[workspace]) throw new Error(`${workspace} is not a workspace of this repository`);
  const seen = new Set();
  const todo = [workspace];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const entry = packages[at];
    if (entry.link) {
      todo.push(entry.resolved);
      continue;
    }
    const optional = entry.optionalDependencies ?? {};
    for (const name of Object.keys({ ...entry.dependencies, ...optional, ...requiredPeers(entry) })) {
      const found = resolve(packages, at, name, installed);
      if (found) todo.push(found);
      else if (!(name in optional)) throw new Error(`${at} needs ${name}, which is not installed; run npm ci`);
    }
  }
  return [...seen].sort();
}

function requiredPeers(entry) {
  const meta = entry.peerDependenciesMeta ?? {};
  return Object.fromEntries(Object.entries(entry.peerDependencies ?? {}).filter(([name]) => !meta[name]?.optional));
}

/** The lock file path that `name` means for the package at `from`. */
function resolve(packages, from, name, installed) {
  for (let folder = from; ; folder = parent(folder)) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[path] && installed(path)) return path;
    if (folder === "") return undefined;
  }
}

/** The next folder up; from inside a node_modules folder, the folder that holds it. */
const parent = (folder) => folder.slice(0, Math.max(0, folder.lastIndexOf("/"))).replace(/(^|\/)node_modules(\/@[^/]+)?$/, "");
