import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireTool } from "./process/tools.js";

/** This package's folder; `src` and `dist` lie side by side in it. */
const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

let built: string | undefined;

/**
 * The path of the C helper (`native/frames.c`: raw sockets and the XDP probe), compiled on first use into `build/` with a
 * digest of its source in the name. Processes that build it at the same time do not disturb each other.
 *
 * @throws {ToolMissingError} without a C compiler; Error with the compiler's words when it fails.
 */
export function nativeHelper(): string {
  if (built !== undefined) return built;
  const source = join(PACKAGE, "native", "frames.c");
  const digest = createHash("sha256").update(readFileSync(source)).update(process.arch).digest("hex").slice(0, 16);
  const folder = join(PACKAGE, "build", "native");
  const target = join(folder, `frames-${digest}`);
  if (!existsSync(target)) {
    const cc = requireTool("cc");
    mkdirSync(folder, { recursive: true });
    const aside = `${target}.${process.pid}.tmp`;
    try {
      execFileSync(cc, ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", aside, source], { stdio: "pipe" });
      renameSync(aside, target);
    } finally {
      rmSync(aside, { force: true });
    }
  }
  return (built = target);
}
