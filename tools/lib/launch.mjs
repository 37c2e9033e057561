// Makes sure that the checkout is set up, and then becomes the program: signals and arguments reach it directly.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./paths.mjs";
import { setUp } from "./set-up.mjs";

/**
 * @param {string} entry compiled program, from the root of the checkout; it reads `process.argv.slice(2)`
 * @param {readonly string[]} [first] arguments before those of the user
 */
export async function launch(entry, first = []) {
  if (!(await setUp({ quiet: true }))) process.exit(1);
  const program = join(ROOT, entry);
  process.argv.splice(1, 1, program, ...first);
  await import(pathToFileURL(program).href);
}
