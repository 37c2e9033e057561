#!/usr/bin/env node
// Makes package-lock.json anew from the package.json files and itself, complete for every platform.
//
// `npm install` beside an existing node_modules, or with a registry that lacks packages for other platforms, leaves those
// out, and `npm ci` then refuses the file. So this runs npm in an empty copy and adds what is still missing.
import "./lib/node-version.mjs";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { completeLock } from "./lib/lock-file.mjs";
import { parseOptions } from "./lib/options.mjs";
import { ROOT } from "./lib/paths.mjs";
import { workspaceFolders } from "./steps/npm.mjs";

parseOptions("Usage: node tools/relock.mjs\n\nRun `npm install --ignore-scripts` afterwards.", {});
const copy = mkdtempSync(join(tmpdir(), "secuxflow-relock-"));
try {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const files = [".npmrc", "package.json", "package-lock.json", ...workspaceFolders(workspaces).map((folder) => `${folder}/package.json`)];
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(join(ROOT, file), join(copy, file));
  }
  const npm = spawnSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], { cwd: copy, stdio: "inherit" });
  if (npm.status !== 0) throw new Error("npm could not make a lock file: see above; nothing was changed");
  const { lock, added, unknown } = completeLock(JSON.parse(readFileSync(join(copy, "package-lock.json"), "utf8")));
  if (unknown.length > 0) throw new Error(`the registry lacks ${unknown.join(", ")}, and what they are cannot be told from their names; nothing was changed`);
  writeFileSync(join(ROOT, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`);
  console.log(added.length === 0 ? "package-lock.json is complete" : `added, without integrity as the registry lacks them: ${added.join(", ")}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
