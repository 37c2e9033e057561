import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { BpfObject, mountBpffs, possibleCpus, removePin, type BpfProgram } from "libbpf-ts";

/** Addresses that xdp-filter's maps hold. */
export const XDP_FILTER_MOST = 10_000;

/** "ip": addresses alone, its cheapest program with them; "all": what `xdp-filter load` takes by default. */
export type XdpFilterFeatures = "ip" | "all";

/** Bits of a map value of xdp-filter (its common_kern_user.h): match as destination. */
const MATCH_DESTINATION = 1 << 1;

/** Where Debian's libxdp1 (of xdp-tools) has the compiled program, or undefined where it is not installed. */
export function xdpFilterObject(features: XdpFilterFeatures): string | undefined {
  const name = `xdpfilt_alw_${features}.o`; // alw: what matches nothing is allowed
  const folders = ["/usr/lib/bpf", "/usr/lib64/bpf", ...(existsSync("/usr/lib") ? readdirSync("/usr/lib").map((one) => join("/usr/lib", one, "bpf")) : [])];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** xdp-filter's own program with addresses in its maps, as `xdp-filter ip` would put them there: packets to them are dropped. */
export class XdpFilter implements Disposable {
  private constructor(private readonly object: BpfObject, readonly program: BpfProgram) {}

  /** @throws {RangeError} more addresses than its maps hold */
  static open(path: string, addresses: readonly number[]): XdpFilter {
    if (addresses.length > XDP_FILTER_MOST) throw new RangeError(`xdp-filter's maps hold ${XDP_FILTER_MOST} addresses`);
    const object = openUnpinned(path);
    const map = object.map("filter_ipv4");
    const value = Buffer.alloc(map.elementSize);
    for (let cpu = 0; cpu < possibleCpus(); cpu++) value.writeBigUInt64LE(BigInt(MATCH_DESTINATION), cpu * 8);
    const key = Buffer.alloc(4);
    for (const address of addresses) {
      key.writeUInt32BE(address >>> 0);
      map.update(key, value);
    }
    const [program] = object.programs.values();
    if (program === undefined) throw new Error(`${path} holds no program`);
    return new XdpFilter(object, program);
  }

  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Its maps ask to be pinned by their names, where the next run would find them full: they are unpinned at once. */
function openUnpinned(path: string): BpfObject {
  mountBpffs();
  const pinRoot = `/sys/fs/bpf/secuxflow-bench-${process.pid}-${randomBytes(4).toString("hex")}`;
  mkdirSync(pinRoot);
  try {
    return BpfObject.open(path, { pinRoot }).load();
  } finally {
    for (const name of readdirSync(pinRoot)) removePin(join(pinRoot, name));
    rmdirSync(pinRoot);
  }
}
