// Compiles bpf/src/*.bpf.c to bpf/build/*.bpf.o with Debian's clang; skips what has not changed (by content).
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const out = join(here, "build");
const multiarch = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch];
const clang = process.env.SECUXFLOW_CLANG ?? "clang-19";
if (!multiarch) throw new Error(`no BPF build for processor ${process.arch}; supported are x64 and arm64`);

const flags = ["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-target", "bpf", "-mcpu=v3",
  "-I", join(here, "include"), "-I", join(here, "../wasm/abi"), "-I", `/usr/include/${multiarch}`];

const sources = (folder, ending) => readdirSync(join(here, folder)).filter((name) => name.endsWith(ending)).sort().map((name) => join(here, folder, name));

const digest = createHash("sha256").update(JSON.stringify(flags.filter((flag) => !flag.startsWith("/"))));
digest.update(execFileSync(clang, ["--version"]));
for (const file of [...sources("src", ".c"), ...sources("include", ".h"), join(here, "../wasm/abi/secuxflow_abi.h")]) digest.update(file.split("/").at(-1)).update(readFileSync(file));
const stamp = digest.digest("hex");
const stampFile = join(out, ".stamp");

const objects = sources("src", ".bpf.c").map((source) => ({ source, object: join(out, source.split("/").at(-1).replace(/\.c$/, ".o")) }));
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp && objects.every(({ object }) => existsSync(object))) {
  console.log("bpf: up to date");
} else {
  mkdirSync(out, { recursive: true });
  for (const { source, object } of objects) {
    execFileSync(clang, [...flags, "-c", source, "-o", `${object}.new`], { stdio: "inherit" });
    renameSync(`${object}.new`, object);
  }
  writeFileSync(stampFile, stamp);
  console.log(`bpf: built ${objects.length} object(s) with ${clang}`);
}
