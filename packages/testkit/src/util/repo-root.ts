import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder of the repository: the nearest one above `from` (a file URL; by default this package) whose package.json
 * is named `secuxflow`.
 *
 * @throws Error when there is none above.
 */
export function repoRoot(from: string = import.meta.url): string {
  const start = dirname(fileURLToPath(from));
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "secuxflow") return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json named "secuxflow" in or above ${start}`);
  }
}
