// Compiles assembly/index.ts with AssemblyScript. The compiler is installed by npm when it is not there.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pack, readManifest } from "./pack.mjs";

async function compiler(folder) {
  try {
    return (await import("assemblyscript/asc")).default;
  } catch {
    execFileSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit" });
    return (await import("assemblyscript/asc")).default;
  }
}

/** Runtime `stub`: tables are reserved at the start, nothing is allocated per packet. */
export async function build(folder) {
  const asc = await compiler(folder);
  let wasm;
  const { error } = await asc.main(
    ["index.ts", "--outFile", "out.wasm", "--runtime", "stub", "-O3", "--enable", "simd", "--disableWarning", "201", "--maximumMemory", String(readManifest(folder).memoryPagesMax), "--baseDir", join(folder, "assembly")],
    { stdout: process.stdout, stderr: process.stderr, writeFile: (name, contents) => void (name === "out.wasm" && (wasm = contents)) },
  );
  if (error !== null || wasm === undefined) throw new Error(`assembly/index.ts does not compile${error === null ? "" : `: ${error.message}`}`);
  return pack(folder, wasm);
}
