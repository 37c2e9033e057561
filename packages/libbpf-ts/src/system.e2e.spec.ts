import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { ArgumentError, BpfMap, features, isBpffs, kernelIds, mountBpffs, rcuGracePeriod } from "./index.js";
import { native } from "./native.js";
import { KERNEL, kernelReady } from "./testing/fixtures.js";

const addon = fileURLToPath(new URL("../build/Release/addon.node", import.meta.url));

describe.skipIf(!kernelReady)(`the machine (${KERNEL})`, () => {
  it("finds out what the kernel can", () => {
    expect(features.haveMapType("hash")).toBe(true);
    expect(features.haveMapType("ringbuf")).toBe(true);
    expect(features.haveProgType("xdp")).toBe(true);
    expect(features.haveHelper("xdp", "ringbuf_output")).toBe(true);
    expect(features.haveHelper("xdp", "bpf_redirect_map")).toBe(true);
    expect(features.haveHelper("xdp", "override_return")).toBe(false);
    expect(() => features.haveHelper("xdp", "no_such_helper")).toThrow(ArgumentError);
    expect(() => features.haveMapType("nothing" as "hash")).toThrow(ArgumentError);
  });

  it("mounts a bpf file system once", () => {
    const folder = mkdtempSync(join(tmpdir(), "libbpf-ts-fs-"));
    const path = join(folder, "bpf");
    try {
      expect(isBpffs(path)).toBe(false);
      expect(mountBpffs(path)).toBe(true);
      expect(mountBpffs(path)).toBe(false);
      expect(isBpffs(path)).toBe(true);
      const map = BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
      map.pin(join(path, "map"));
      const again = BpfMap.fromPin(join(path, "map"));
      expect(again.id).toBe(map.id);
      expect([...kernelIds("map")]).toContain(map.id);
      expect(() => { map.pin(join(path, "missing", "map")); }).toThrow(/ENOENT.*mkdir/);
      again.close();
      map.close();
    } finally {
      if (isBpffs(path)) execFileSync("umount", [path]);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("waits for an RCU grace period, also in a worker that ends meanwhile", async () => {
    await expect(rcuGracePeriod()).resolves.toBeUndefined();
    for (const ending of ["process.exit(0)", ""]) {
      const worker = new Worker(
        `const n = require(${JSON.stringify(addon)}); for (let i = 0; i < 4; i++) n.rcuGracePeriod();
        require("node:worker_threads").parentPort.postMessage(1); ${ending}`, { eval: true });
      const exited = once(worker, "exit");
      if (ending === "") {
        await once(worker, "message");
        await worker.terminate();
      }
      await exited;
    }
  });

  it("takes no handle for another, and no wrong argument, in the addon itself", () => {
    const map = BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
    const functions = native() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const junk: unknown[] = [undefined, null, 0, -1, 2 ** 40, NaN, "x", "", {}, [], new Uint8Array(0), Buffer.alloc(3), 10n, true,
      Symbol("x"), () => 1, map.handle, new SharedArrayBuffer(4), new Uint8Array(new SharedArrayBuffer(8)), new Uint32Array(1)];
    // Not called with junk: what changes the machine or a descriptor, or waits; the others must answer a code or throw.
    const left = ["mountBpffs", "enableStats", "rcuGracePeriod", "fdClose", "fdPin", "mapFreeze"];
    let calls = 0;
    let thrown = 0;
    for (const name of Object.keys(functions).filter((one) => !left.includes(one))) {
      for (const first of junk) {
        for (let size = 0; size < 8; size++) {
          const others = Array.from({ length: size }, (_, index) => junk[(index * 7 + size + calls) % junk.length]);
          calls++;
          try {
            functions[name]?.(first, ...others);
          } catch (error) {
            thrown++;
            expect(error).toBeInstanceOf(TypeError);
          }
        }
      }
    }
    native().setLogLevel(1);
    expect(thrown).toBeGreaterThan(calls / 2);
    expect(map.lookup(0)?.length).toBe(4);
    map.close();
  });

  it("closes descriptors of objects that were forgotten", async () => {
    const collect = (globalThis as { gc?: () => void }).gc ?? exposeGc();
    const ids = Array.from({ length: 50 }, () => BpfMap.create({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 }).id);
    const end = Date.now() + 20_000;
    let alive = ids.length;
    while (alive > 0 && Date.now() < end) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
      const now = new Set(kernelIds("map"));
      alive = ids.filter((id) => now.has(id)).length;
    }
    expect(alive).toBe(0);
  });
});

function exposeGc(): () => void {
  const v8 = process.getBuiltinModule("node:v8");
  const vm = process.getBuiltinModule("node:vm");
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}
