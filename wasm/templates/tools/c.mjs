// Compiles module.c with clang (its own, or the one that CC names) and wasm-ld; Debian: clang-19 and lld-19.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, readManifest } from "./pack.mjs";

const PAGE = 65536;

function clang() {
  for (const name of process.env.CC === undefined ? ["clang-19", "clang"] : [process.env.CC]) {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore" });
      return name;
    } catch {
      // The next one.
    }
  }
  throw new Error("there is no clang: install clang-19 and lld-19, or set CC");
}

/** Headers are in include/, or where a checkout of SecuXFlow has them. */
export async function build(folder) {
  const out = mkdtempSync(join(tmpdir(), "secuxflow-c-"));
  const include = [join(folder, "include"), join(folder, "../../sdk/c"), join(folder, "../../abi")].filter((path) => existsSync(path));
  try {
    execFileSync(
      clang(),
      [
        "--target=wasm32", "-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-mbulk-memory", ...include.map((path) => `-I${path}`),
        "-Wl,--no-entry", "-Wl,--stack-first", "-Wl,-z,stack-size=65536", `-Wl,--max-memory=${readManifest(folder).memoryPagesMax * PAGE}`,
        "-o", join(out, "module.wasm"), join(folder, "module.c"),
      ],
      { stdio: "inherit" },
    );
    return pack(folder, readFileSync(join(out, "module.wasm")));
  } finally {
    rmSync(out, { recursive: true });
  }
}
