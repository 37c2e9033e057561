import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";

const MULTIARCH: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** Compiles a BPF program of bench/native and returns the object's path. */
export function compileBpf(name: string): string {
  const out = join(repoRoot(), "bench/build");
  mkdirSync(out, { recursive: true });
  const object = join(out, `${name}.bpf.o`);
  execFileSync(process.env.SECUXFLOW_CLANG ?? "clang-19", [
    "-O2", "-g", "-Wall", "-Wno-unused-function", "-target", "bpf", "-mcpu=v3", "-I", join(repoRoot(), "bpf/include"), "-I", join(repoRoot(), "wasm/abi"), "-I", `/usr/include/${MULTIARCH[process.arch] ?? process.arch}`,
    "-c", join(repoRoot(), "bench/native", `${name}.bpf.c`), "-o", `${object}.${process.pid}`,
  ]);
  renameSync(`${object}.${process.pid}`, object); // another run may be reading the old one
  return object;
}
