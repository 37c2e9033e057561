import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { delimiter } from "node:path";
import type { Env } from "../env.js";
import { CliError } from "../errors.js";
import { EXIT } from "../exit.js";

/** Folders where modules may lie: those of SECUXFLOW_MODULES, then `wasm/dist` of the checkout that this program is in. */
function foldersOf(env: Env): string[] {
  const configured = (env.getenv("SECUXFLOW_MODULES") ?? "").split(delimiter).filter((folder) => folder !== "");
  const above: string[] = [];
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    above.push(join(at, "wasm/dist"));
    if (dirname(at) === at) break;
  }
  return [...configured, ...above];
}

/**
 * A module's binary: by name (`ips`), or by the path of its file.
 * @throws CliError when there is none
 */
export function findModule(env: Env, nameOrPath: string): { readonly path: string; readonly bytes: Uint8Array } {
  const named = /^[a-z][a-z0-9-]{0,62}$/.test(nameOrPath);
  const found = named ? foldersOf(env).map((folder) => join(folder, `${nameOrPath}.wasm`)).find((path) => existsSync(path)) : nameOrPath;
  if (found === undefined)
    throw new CliError(`there is no module ${nameOrPath} here`, {
      exit: EXIT.usage,
      next: "npm run build in a checkout, or set SECUXFLOW_MODULES to the folder of its .wasm file, or give the file",
    });
  try {
    return { path: found, bytes: readFileSync(found) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new CliError(`${found} cannot be read (${code})`, { exit: EXIT.usage, next: "ips, waf, or the path of a .wasm file" });
  }
}
