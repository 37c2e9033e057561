// Remembers what a step was made from, by content: a fresh clone, a branch switch or `touch` change times and nothing else.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT, STAMPS } from "./paths.mjs";

const SKIPPED = new Set(["node_modules", "dist", "build", ".git", ".secuxflow"]);

/**
 * All files below a folder whose name fits, sorted; build products and dependencies are not looked into.
 * @param {string} folder absolute path; a folder that is not there has no files
 * @param {(name: string) => boolean} [fits]
 * @returns {string[]} absolute paths
 */
export function filesBelow(folder, fits = () => true) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
  const found = entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(path, fits);
    return entry.isFile() && fits(entry.name) ? [path] : [];
  });
  return found.sort();
}

/**
 * One digest of files (their paths within the checkout and their contents) and of facts such as versions.
 * @param {string[]} files absolute paths
 * @param {unknown[]} [facts]
 */
export function digestOf(files, facts = []) {
  const hash = createHash("sha256").update(JSON.stringify(facts));
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`\0${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** The digest a step was last done with, or undefined. */
export function readStamp(step) {
  try {
    return readFileSync(join(STAMPS, step), "utf8");
  } catch {
    return undefined;
  }
}

/** Remembers that a step was done with this digest; whole or not at all. */
export function writeStamp(step, digest) {
  mkdirSync(STAMPS, { recursive: true });
  const path = join(STAMPS, step);
  writeFileSync(`${path}.new`, digest);
  renameSync(`${path}.new`, path);
}
