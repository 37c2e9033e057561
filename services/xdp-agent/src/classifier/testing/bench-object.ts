import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BpfObject, possibleCpus } from "libbpf-ts";

const PATH = fileURLToPath(new URL("../../../../../bpf/build/bench_classifier.bpf.o", import.meta.url));

/** The compiled test bench of the classifier (bpf/src/bench_classifier.bpf.c). */
export function benchObjectPath(): string {
  if (!existsSync(PATH)) throw new Error("bpf/build/bench_classifier.bpf.o is missing; run: node bpf/build.mjs");
  return PATH;
}

/** The bench in the kernel, with images and set images of so many bytes (a power of two). */
export function loadBench(bytes: number): BpfObject {
  const object = BpfObject.open(benchObjectPath());
  for (const name of ["image", "sets"]) {
    for (let i = 0; i < 3; i++) object.setMapValueSize(`${name}_${i}`, bytes);
    object.setMapValueSize(name === "image" ? "images" : "sets", bytes);
    object.setGlobal(`${name}_mask`, bytes - 1);
  }
  object.setMapMaxEntries("flow_cache", possibleCpus());
  return object.load();
}
