import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The compiled XDP program of this checkout. */
export const BPF_OBJECT = fileURLToPath(new URL("../../../../bpf/build/secuxflow.bpf.o", import.meta.url));

/** Throws where the program was not built: a test must not pass by skipping it. */
export function requireBpfObject(): string {
  if (!existsSync(BPF_OBJECT)) throw new Error("bpf/build/secuxflow.bpf.o is missing; run: node bpf/build.mjs");
  return BPF_OBJECT;
}
