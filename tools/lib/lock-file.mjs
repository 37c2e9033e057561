// Checks package-lock.json.

/**
 * Dependencies that package-lock.json names and does not hold. `npm ci` refuses such a file. npm writes one when the
 * registry does not have a package for another platform, or (a known fault of npm) when node_modules is there already.
 * @param {{ packages: Record<string, any> }} lock
 * @returns {string[]} `package (wanted by path)`
 */
export function missingFromLock(lock) {
  return missing(lock).map(({ name, by }) => `${name} (wanted by ${by || "the root"})`);
}

function missing({ packages }) {
  return Object.entries(packages).flatMap(([by, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !candidates(by, name).some((path) => path in packages))
      .map((name) => ({ name, by })),
  );
}

/** Where Node looks for a package, from the inside out. */
function candidates(path, name) {
  const parts = path.split("/");
  return Array.from({ length: parts.length + 1 }, (_, depth) => parts.slice(0, parts.length - depth))
    .filter((above) => above.at(-1) !== "node_modules")
    .map((above) => [...above.filter((part) => part !== ""), "node_modules", name].join("/"));
}

const SYSTEMS = ["darwin", "linux", "win32", "freebsd", "android", "openharmony"];
const PROCESSORS = { x64: "x64", arm64: "arm64", arm: "arm", ia32: "ia32", ppc64: "ppc64", riscv64: "riscv64", s390x: "s390x" };

/**
 * The entry of a package for one platform, told from its name as npm packages spell it (`binding-linux-arm64-musl`).
 * It has no integrity, which only the registry knows: npm adds it on a platform that installs it.
 * @returns {Record<string, unknown> | undefined} undefined when the name tells no platform or the version is a range
 */
export function platformEntry(name, version) {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.map((word) => PROCESSORS[word]).find(Boolean);
  if (!os || !cpu || !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) return undefined;
  const last = words.at(-1);
  const libc = os !== "linux" ? undefined : last.startsWith("gnu") ? "glibc" : last.startsWith("musl") ? "musl" : undefined;
  return { version, cpu: [cpu], ...(libc && { libc: [libc] }), optional: true, os: [os] };
}

/**
 * Adds entries for the optional platform packages that the registry in use does not have.
 * @returns {{ lock: any, added: string[], unknown: string[] }} a new lock file, and what could not be added
 */
export function completeLock(lock) {
  const packages = { ...lock.packages };
  const added = [];
  const unknown = [];
  for (const { name, by } of missing(lock)) {
    const version = lock.packages[by].optionalDependencies?.[name];
    const entry = version === undefined ? undefined : platformEntry(name, version);
    const path = `node_modules/${name}`;
    if (entry === undefined || (packages[path] && packages[path].version !== version)) unknown.push(`${name} (wanted by ${by || "the root"})`);
    else {
      packages[path] = lock.packages[by].dev ? { dev: true, ...entry } : entry;
      added.push(name);
    }
  }
  const { "": root, ...others } = packages;
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, "en"));
  return { lock: { ...lock, packages: { "": root, ...Object.fromEntries(sorted) } }, added, unknown };
}
