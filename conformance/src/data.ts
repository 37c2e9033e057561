import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** The suite's data is not there. */
export class DataMissing extends Error {
  override readonly name = "DataMissing";
}

/** The checkout: this file is conformance/dist/data.js or conformance/src/data.ts. */
const ROOT = resolve(import.meta.dirname, "../..");

/**
 * The folder of a suite.
 * @param name its folder's name, or several that it may have
 * @param data what the user gave: that folder, or one that holds it. Default: `SECUXFLOW_CONFORMANCE`, or shared/conformance
 *   beside the checkout
 * @throws DataMissing says where it was looked for
 */
export function dataFolder(name: string, data?: string): string {
  const base = resolve(data ?? process.env.SECUXFLOW_CONFORMANCE ?? join(ROOT, "../shared/conformance"));
  const inside = join(base, name);
  if (existsSync(inside)) return inside;
  // Given by hand, the folder may be the suite's own.
  if (data !== undefined && existsSync(base) && statSync(base).isDirectory()) return base;
  throw new DataMissing(`the data of ${name} is neither at ${inside}${data === undefined ? "" : ` nor at ${base}`}: give --data DIR`);
}

/** Files below a folder whose name ends so, in order. */
export function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => join(folder, file));
}

/** A path as a report names it: from the data folder on. */
export const nameIn = (folder: string, path: string): string => relative(folder, path) || ".";
